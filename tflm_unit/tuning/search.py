"""Proposes trials: first a sweep of the single knob, then Optuna's multi-objective TPE near what is wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial

from .bench import Measured
from .space import Space
from .study import trials_before
from .wishes import Wishes

SWEEP = 16
# Trials that lose this many times the allowed drop, or cost this many times the budget, are of no interest.
FAR = 2.0
NOISE = 0.005  # of a drop that a validation set can tell


class SweepThenTpe(BaseSampler):
    """Trials are the same for the same finished trials, seed and number of trials before them.

    TPE: Ozaki et al., "Multiobjective tree-structured Parzen estimator", JAIR 73, 2022.
    """

    def __init__(self, space: Space, wishes: Wishes, seed: int) -> None:
        self._distributions = space.distributions
        self._sweep, self._wishes, self._seed = space.sweep(SWEEP), wishes, seed

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        index = trials_before(study, trial.number)
        if index < len(self._sweep):
            return dict(self._sweep[index])
        return self._tpe(index).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        raise AssertionError(f"{param_name} is sampled with all others")

    def _tpe(self, index: int) -> TPESampler:
        seed = int(np.random.SeedSequence([self._seed, index]).generate_state(1)[0])
        return TPESampler(multivariate=True, n_startup_trials=0, constant_liar=True, seed=seed)


def too_far(wishes: Wishes, measured: Measured) -> float:
    """Above 0 for trials that are of no interest."""
    if wishes.by_cost:
        return measured.cost / (FAR * wishes.farthest) - 1
    return measured.drop - FAR * wishes.farthest - NOISE
