"""What is held against the allowed drop, the smooth loss that the search minimizes, and their intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..converter.errors import UnitError
from ..converter.output_loss import OutputLoss

Metric = Callable[[np.ndarray | None, np.ndarray], float]

Z = 1.959964  # of a 95 % interval
RESAMPLES = 400


@dataclass(frozen=True)
class Answers:
    """What a network says, (N, classes) each.

    outputs: float32, in real units. compared: float64, what `OutputLoss` is of: probabilities, not rounded to int8
    as a SOFTMAX's output is, or real outputs.
    """

    outputs: np.ndarray
    compared: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Index of the largest output, int64 (N,); the first of equal ones."""
        return self.outputs.argmax(axis=1)


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Judge:
    """Compares a network's answers with labels or, without labels, with those of the dense network.

    labels: int64 (N,), checked; None: agreement with the dense network. metric: called with (labels, as they are,
    outputs float32 (N, classes)), higher is better; it then judges instead.
    """

    def __init__(
        self,
        dense: Answers,
        labels: np.ndarray | None,
        loss: OutputLoss,
        *,
        metric: Metric | None = None,
        seed: int = 0,
    ) -> None:
        self._given, self._metric, self._seed, self._loss = labels, metric, seed, loss
        self._labels = dense.classes if labels is None else labels
        self.dense = dense
        self.dense_value = self.value(dense)

    @property
    def name(self) -> str:
        """'accuracy', 'agreement' or the metric's name, which is neither of these."""
        if self._metric is not None:
            name = str(getattr(self._metric, "__name__", type(self._metric).__name__))
            return f"{name} (metric)" if name in ("accuracy", "agreement") else name
        return "agreement" if self._given is None else "accuracy"

    def value(self, answers: Answers) -> float:
        """The judge's figure, higher is better; UnitError when a metric returns no finite number."""
        if self._metric is None:
            return float(np.mean(answers.classes == self._labels))
        return _number(self._metric(self._given, answers.outputs), self.name)

    def drop(self, answers: Answers) -> float:
        return self.dense_value - self.value(answers)

    def loss(self, answers: Answers) -> float:
        """Distance from the dense network's answers (`OutputLoss.loss`), with labels as well: it tells the accuracy
        on other samples better than the cross-entropy with these labels, in which chance has a part."""
        return self._loss.loss(answers.compared, self.dense.compared)

    def estimate(self, answers: Answers) -> Estimate:
        """The judge's figure: Wilson's interval for shares, the percentile bootstrap for a metric."""
        if self._metric is None:
            return wilson(int(np.sum(answers.classes == self._labels)), len(self._labels))
        return self._bootstrap(answers, None)

    def drop_estimate(self, answers: Answers) -> Estimate:
        """The drop from the dense network on the same samples: Newcombe's interval, or the paired bootstrap."""
        if self._metric is None:
            return paired(self.dense.classes == self._labels, answers.classes == self._labels)
        return self._bootstrap(self.dense, answers)

    def drop_error(self, answers: Answers) -> float:
        """Standard error of the drop: of a difference of paired shares (McNemar 1947), or by the bootstrap."""
        if self._metric is not None:
            interval = self.drop_estimate(answers)
            return (interval.high - interval.low) / (2 * Z)
        before, after = self.dense.classes == self._labels, answers.classes == self._labels
        changed, net = int(np.sum(before != after)), int(before.sum()) - int(after.sum())
        return float(np.sqrt(changed - net * net / len(before)) / len(before))

    def _bootstrap(self, first: Answers, second: Answers | None) -> Estimate:
        """Of the metric of `first`, less that of `second`, over resampled samples (Efron 1979).

        Resamples without a figure, as where a class is missing, do not count.
        """

        def figure(rows: np.ndarray | slice) -> float:
            assert self._metric is not None
            labels = None if self._given is None else self._given[rows]
            value = float(self._metric(labels, first.outputs[rows]))
            return value if second is None else value - float(self._metric(labels, second.outputs[rows]))

        def resampled() -> float:
            try:
                return figure(random.integers(0, count, count))
            except (ValueError, ZeroDivisionError):
                return float("nan")

        random = np.random.default_rng(self._seed)
        count = len(first.outputs)
        value, drawn = figure(slice(None)), [resampled() for _ in range(RESAMPLES)]
        low, high = np.quantile([x for x in drawn if np.isfinite(x)] or [value], [0.025, 0.975])
        return Estimate(value, float(low), float(high))


def wilson(hits: int, count: int) -> Estimate:
    """A share with its 95 % score interval (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    share, z2 = hits / count, Z * Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z * np.sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    # At 0 and 1 the limits are exact, and rounding must not take them past the share.
    return Estimate(share, float(np.clip(middle - half, 0, share)), float(np.clip(middle + half, share, 1)))


def paired(before: np.ndarray, after: np.ndarray) -> Estimate:
    """share(before) - share(after) of the same samples, bool (N,) each, with its 95 % interval.

    Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired data",
    Statistics in Medicine 17, 1998, method 10: Wilson's limits, joined with the correlation of the pairs.
    """
    count = len(before)
    first, second = wilson(int(before.sum()), count), wilson(int(after.sum()), count)
    both, lost = int(np.sum(before & after)), int(np.sum(before & ~after))
    won, neither = int(np.sum(~before & after)), int(np.sum(~before & ~after))
    margins = float(both + lost) * (won + neither) * (both + won) * (lost + neither)
    excess = float(both * neither - lost * won)
    excess = max(excess - count / 2, 0.0) if excess > 0 else excess
    phi = excess / np.sqrt(margins) if margins else 0.0
    difference = first.value - second.value

    def side(a: float, b: float) -> float:
        return float(np.sqrt(max(a * a - 2 * phi * a * b + b * b, 0.0)))

    low = difference - side(first.value - first.low, second.high - second.value)
    high = difference + side(first.high - first.value, second.value - second.low)
    return Estimate(difference, max(low, -1.0), min(high, 1.0))


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise UnitError(
            f"the metric {name!r} returned {value!r}; it takes a number, higher is better"
        ) from error
    if not np.isfinite(number):
        raise UnitError(f"the metric {name!r} returned {number}; it takes a finite number, higher is better")
    return number
