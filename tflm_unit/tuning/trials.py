"""Finished trials, as Optuna stores them."""

from __future__ import annotations

from dataclasses import dataclass, field

import optuna
from optuna.trial import TrialState

from .bench import Measured
from .space import Parameters

FIGURES = "tflm_unit:figures"  # attribute of a trial: what its values, cost and loss, do not tell


@dataclass(frozen=True)
class Trial:
    """number: of the finished ones before it. parameters: see `Space`."""

    number: int
    parameters: Parameters = field(repr=False)
    measured: Measured


def finished_trials(study: optuna.Study) -> list[Trial]:
    """Of every worker, in order."""
    found = []
    for number, trial in enumerate(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))):
        cost, loss = trial.values
        measured = Measured(cost=cost, loss=loss, **trial.user_attrs[FIGURES])
        found.append(Trial(number, dict(trial.params), measured))
    return found


def trials_before(study: optuna.Study, number: int) -> int:
    """How many trials before this one are finished or running; those that were interrupted do not count, so that a
    study goes on as if it had not been."""
    states = (TrialState.COMPLETE, TrialState.RUNNING)
    return sum(t.number < number for t in study.get_trials(deepcopy=False, states=states))
