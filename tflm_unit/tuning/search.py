"""Proposes trials: first a sweep of the single knob, then what Optuna's TPE learns, near what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, create_trial

from .frontier import ExpectedDrop, Line
from .space import Parameters, Space
from .trials import Trial, finished_trials, trials_before
from .wishes import Wishes

SWEEP = 16
# Trials lie where the sweep loses between these multiples of the allowed drops, or costs these of the budgets: refit
# and the search lower both by a third to a half.
DROPS, COSTS = (0.5, 3.0), (1.2, 0.9)
NARROWEST = 0.1  # log2 of the kept share


class SweepThenTpe(BaseSampler):
    """Trials are the same for the same finished trials, seed and number of trials before them.

    Each but those of the sweep draws its share of kept MACs near what is wanted. All other parameters come from the
    multivariate tree-structured Parzen estimator (Bergstra et al. 2011), which minimizes the loss relative to that of
    the sweep at the same cost: so every trial tells about all others, whatever it costs.
    """

    def __init__(self, space: Space, wishes: Wishes, seed: int) -> None:
        self._space, self._wishes, self._seed = space, wishes, seed
        self._sweep = space.sweep(SWEEP)
        self._others = {n: d for n, d in space.distributions.items() if n != "kept"}

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._space.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        index = trials_before(study, trial.number)
        if index < len(self._sweep):
            return dict(self._sweep[index])
        return dict(self._propose(index, finished_trials(study)))

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        raise AssertionError(f"{param_name} is sampled with all others")

    def _propose(self, index: int, finished: Sequence[Trial]) -> Parameters:
        seeds = np.random.SeedSequence([self._seed, index]).generate_state(2)
        sweep = swept(finished)
        kept = np.random.default_rng(seeds[0]).uniform(*self._region(sweep))
        return {"kept": kept, **self._learnt(finished, Line(sweep), int(seeds[1]))}

    def _region(self, sweep: Sequence[Trial]) -> tuple[float, float]:
        """log2 of the kept shares in which trials are of interest."""
        sweep = sorted(sweep, key=lambda t: t.parameters["kept"])
        kept = [t.parameters["kept"] for t in sweep]
        limits = self._wishes.limits.values()
        if self._wishes.by_cost:
            costs = np.maximum.accumulate([t.measured.cost for t in sweep])
            ends = [np.interp(x, costs, kept) for x in (min(limits) * COSTS[1], max(limits) * COSTS[0])]
        else:
            expected = ExpectedDrop(sweep)
            drops = np.maximum.accumulate([expected(t.measured.loss) for t in reversed(sweep)])
            ends = [np.interp(x, drops, kept[::-1]) for x in (max(limits) * DROPS[1], min(limits) * DROPS[0])]
        low, high = (self._space.clipped(float(end)) for end in ends)
        return self._space.clipped(min(low, high - NARROWEST)), high

    def _learnt(self, finished: Sequence[Trial], line: Line, seed: int) -> Parameters:
        study = optuna.create_study(sampler=TPESampler(multivariate=True, n_startup_trials=0, seed=seed))
        for trial in finished:
            parameters = {name: trial.parameters[name] for name in self._others}
            gain = line.gain(trial.measured)
            study.add_trial(create_trial(params=parameters, distributions=self._others, value=gain))
        return dict(study.ask(self._others).params)


def swept(trials: Sequence[Trial]) -> list[Trial]:
    """The trials of the sweep; all when, with several workers, none of them has finished yet."""
    return [t for t in trials if not any(x for n, x in t.parameters.items() if n != "kept")] or list(trials)
