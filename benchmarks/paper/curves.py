"""Accuracy drop against remaining MACs: points of methods, curves through them, what one curve has over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Figures:
    """kept: share of the network's MACs. drop: of accuracy, from the dense network on the same samples; low, high:
    its 95 % interval."""

    kept: float
    drop: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """One network of a method. settings: its strengths. Chosen by `validation`; what is reported is `test`."""

    settings: Mapping[str, float]
    validation: Figures
    test: Figures

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Point:
        return cls(stored["settings"], Figures(**stored["validation"]), Figures(**stored["test"]))


class Curve:
    """Test figures of those points that no other of the method beats on the validation data, joined by lines.

    start: the least pruned point of all methods, zero-skip, which every curve begins with.
    """

    def __init__(self, points: Sequence[Point], start: Point) -> None:
        self._all = points
        self.points = sorted(best(points), key=lambda p: -p.test.kept)
        if start not in self.points:
            self.points = [start, *(p for p in self.points if p.test.kept < start.test.kept)]
        self.start = start

    def allowed(self, drop: float) -> Point:
        """The point that was made for `drop`, as tune makes them; else that with fewest MACs whose drop on the
        validation data is at most `drop`, and the start if there is none."""
        made = [p for p in self._all if p.settings.get("limit") == drop]
        if made:
            return made[0]
        fits = [p for p in self.points if p.validation.drop <= drop]
        return min(fits or [self.start], key=lambda p: p.validation.kept)

    def kept_at(self, drop: float) -> float:
        """The least share of MACs at which the line's drop on the test data is at most `drop`."""
        rows = [(p.test.kept, p.test.drop) for p in self.points]
        if not any(d <= drop for _, d in rows):
            return rows[0][0]
        last = max(i for i, (_, d) in enumerate(rows) if d <= drop)
        (kept, found), following = rows[last], rows[last + 1 :][:1]
        for next_kept, next_drop in following:
            return kept + (next_kept - kept) * (drop - found) / (next_drop - found)
        return kept

    def at(self, kept: float) -> Figures | None:
        """Drop on the test data with so many MACs; None beyond the last point. Nothing is lost with more MACs than
        zero-skip's."""
        if kept >= self.points[0].test.kept:
            return Figures(kept, 0.0, 0.0, 0.0)
        if kept < self.points[-1].test.kept:
            return None
        rows = self.points[::-1]
        found = [
            float(np.interp(kept, [p.test.kept for p in rows], [getattr(p.test, name) for p in rows]))
            for name in ("drop", "low", "high")
        ]
        return Figures(kept, *found)


def best(points: Sequence[Point]) -> list[Point]:
    """Points that no other beats in both MACs and drop on the validation data, the most expensive first."""
    found: list[Point] = []
    for point in sorted(points, key=lambda p: (p.validation.kept, p.validation.drop)):
        if not found or point.validation.drop < found[-1].validation.drop:
            found.append(point)
    return found[::-1]


@dataclass(frozen=True)
class AtRate:
    """Both curves at one skip rate. resolved: whether the drop of the other curve is beyond doubt above 0."""

    skipped: float
    drop: float
    other: float
    resolved: bool

    @property
    def ratio(self) -> float | None:
        return self.drop / self.other if self.resolved else None


def at_rates(ours: Curve, other: Curve, rates: Sequence[float]) -> list[AtRate]:
    """Where both curves reach and `other` skips more than zero products."""
    found = []
    for rate in rates:
        a, b = ours.at(1 - rate), other.at(1 - rate)
        if a is not None and b is not None and 1 - rate < other.start.test.kept:
            found.append(AtRate(rate, a.drop, b.drop, b.low > 0))
    return found
