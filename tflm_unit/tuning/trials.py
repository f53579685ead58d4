"""Finished trials, as Optuna stores them."""

from __future__ import annotations

from dataclasses import dataclass, field

import optuna
from optuna.trial import TrialState

from .bench import Measured
from .space import Parameters

FIGURES = ("kept", "judge", "drop")  # attributes of a trial; its values are cost and loss


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
        kept, judge, drop = (float(trial.user_attrs[name]) for name in FIGURES)
        found.append(Trial(number, dict(trial.params), Measured(kept, cost, judge, drop, loss)))
    return found


def trials_before(study: optuna.Study, number: int) -> int:
    """How many trials before this one are finished or running; those that were interrupted do not count, so that a
    study goes on as if it had not been."""
    states = (TrialState.COMPLETE, TrialState.RUNNING)
    return sum(t.number < number for t in study.get_trials(deepcopy=False, states=states))
