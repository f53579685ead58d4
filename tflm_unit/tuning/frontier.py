"""What trials say about each other: the frontier, the gain over the sweep, the drop that a loss stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from .bench import Measured
from .trials import Trial

LEAST_LOSS = 1e-5
LEAST_COST = 1e-6  # no MAC at all, as for samples that are all black
T = TypeVar("T")


def frontier(measured: Iterable[tuple[Measured, T]]) -> list[tuple[Measured, T]]:
    """Those that no other beats in both cost and loss, the most expensive first."""
    found: list[tuple[Measured, T]] = []
    for pair in sorted(measured, key=lambda pair: (pair[0].cost, pair[0].loss)):
        if not found or pair[0].loss < found[-1][0].loss:
            found.append(pair)
    return found[::-1]


class Line:
    """Loss of the single knob at every cost: what the other parameters are measured by."""

    def __init__(self, sweep: Sequence[Trial]) -> None:
        self._points = frontier((t.measured, None) for t in sweep)[::-1]

    def gain(self, measured: Measured) -> float:
        """log of the loss relative to the line's at the same cost; below 0: better."""
        costs = [log(m.cost, LEAST_COST) for m, _ in self._points]
        losses = [log(m.loss, LEAST_LOSS) for m, _ in self._points]
        here = float(np.interp(log(measured.cost, LEAST_COST), costs, losses))
        return log(measured.loss, LEAST_LOSS) - here


class ExpectedDrop:
    """The drop that a loss stands for: isotonic regression (Barlow et al. 1972) over trials.

    Of many trials some are lucky on the validation samples. Picking by their own drops would pick those; the loss,
    which is smooth, tells what a drop is worth.
    """

    def __init__(self, trials: Iterable[Trial]) -> None:
        pairs = sorted((t.measured.loss, t.measured.drop) for t in trials)
        self._losses = np.array([loss for loss, _ in pairs])
        self._drops = _isotonic([drop for _, drop in pairs])

    def __call__(self, loss: float) -> float:
        return float(np.interp(loss, self._losses, self._drops))


def _isotonic(values: Sequence[float]) -> np.ndarray:
    """The nondecreasing sequence nearest to `values`, by pooling adjacent violators."""
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


def log(value: float, least: float) -> float:
    """Natural logarithm of the value, or of the least that counts."""
    return float(np.log(max(value, least)))
