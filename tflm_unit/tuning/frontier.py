"""The frontier of cost against loss, and the points that are picked off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .bench import Measured


@dataclass(frozen=True)
class Trial:
    """One finished trial. number: as the study counts them. parameters: see `Space`."""

    number: int
    parameters: Mapping[str, float] = field(repr=False)
    measured: Measured


def frontier(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that no other beats in both cost and loss, the most expensive first."""
    found: list[Trial] = []
    for trial in sorted(trials, key=lambda t: (t.measured.cost, t.measured.loss, t.number)):
        if not found or trial.measured.loss < found[-1].measured.loss:
            found.append(trial)
    return found[::-1]


class ExpectedDrop:
    """The drop that a loss stands for, from all trials: isotonic regression (pool adjacent violators; Barlow et al.
    1972).

    Of many trials some are lucky on the validation samples. Picking by their own drops would pick those; the loss,
    which is smooth, tells what a drop is worth.
    """

    def __init__(self, trials: Sequence[Trial]) -> None:
        pairs = sorted((t.measured.loss, t.measured.drop) for t in trials)
        self._losses = np.array([loss for loss, _ in pairs])
        self._drops = _isotonic([drop for _, drop in pairs])

    def __call__(self, loss: float) -> float:
        return float(np.interp(loss, self._losses, self._drops))


def best(trials: Sequence[Trial], budget: float) -> Trial:
    """The trial of least loss that costs at most `budget`; the cheapest of all when none does."""
    fits = [t for t in trials if t.measured.cost <= budget]
    if not fits:
        return min(trials, key=lambda t: (t.measured.cost, t.number))
    return min(fits, key=lambda t: (t.measured.loss, t.measured.cost, t.number))


def _isotonic(values: Sequence[float]) -> np.ndarray:
    """The nondecreasing sequence nearest to `values`."""
    means: list[float] = []
    counts: list[int] = []
    for value in values:
        mean, count = float(value), 1
        while means and means[-1] >= mean:
            count += counts[-1]
            mean += (means.pop() - mean) * counts.pop() / count
        means.append(mean)
        counts.append(count)
    return np.repeat(means, counts)
