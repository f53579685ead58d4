"""What is wanted: names of operating points and how much each may lose, or cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..converter.errors import UnitError
from ..options import check_point_name

DEFAULT_DROP = 0.01


@dataclass(frozen=True)
class Wishes:
    """limits: by point name, in the order that the model carries them. by_cost: the limits are costs relative to the
    dense network, at which the drop is to be least; else drops, at which the cost is to be least."""

    limits: Mapping[str, float]
    by_cost: bool

    @property
    def farthest(self) -> float:
        """The limit of the point that prunes most."""
        return min(self.limits.values()) if self.by_cost else max(self.limits.values())


def wishes(
    points: Sequence[str] | Mapping[str, float], max_drop: float | None, budget: float | None
) -> Wishes:
    """points: names, of which the last gets the whole drop (or saving) and the others an even share of it, in order;
    or limits by name, the farthest of which max_drop or budget must then be. max_drop: default 0.01.

    Raises UnitError naming what is wrong."""
    if max_drop is not None and budget is not None:
        raise UnitError("max_drop and budget exclude each other: give one")
    by_cost = budget is not None
    if isinstance(points, str) or not isinstance(points, (Mapping, Sequence)) or not points:
        raise UnitError(f"points is {points!r}; it takes names, or limits by name")
    for name in points:
        check_point_name(name)
    if isinstance(points, Mapping):
        limits = dict(points)
    else:
        if len(set(points)) < len(points):
            raise UnitError(f"points has {max(points, key=list(points).count)!r} twice")
        most = _drop("max_drop", DEFAULT_DROP if max_drop is None else max_drop)
        least = _budget("budget", 1.0 if budget is None else budget)
        shares = [(i + 1) / len(points) for i in range(len(points))]
        limits = {
            name: 1 - (1 - least) * share if by_cost else most * share
            for name, share in zip(points, shares, strict=True)
        }
    check = _budget if by_cost else _drop
    found = Wishes({n: check(f"the limit of point {n!r}", x) for n, x in limits.items()}, by_cost)
    what, given = ("budget", budget) if by_cost else ("max_drop", max_drop)
    if given is not None and isinstance(points, Mapping) and given != found.farthest:
        raise UnitError(
            f"{what} is {given!r}, but the limits of points go to {found.farthest!r}: make them the same"
        )
    return found


def _drop(what: str, value: object) -> float:
    return _number(what, value, 0.0, "a drop >= 0 as a fraction (0.01: one point)")


def _budget(what: str, value: object) -> float:
    number = _number(what, value, 0.0, "a share of the dense cost, above 0 and up to 1")
    if not 0 < number <= 1:
        raise UnitError(f"{what} is {value!r}; it takes a share of the dense cost, above 0 and up to 1")
    return number


def _number(what: str, value: object, least: float, takes: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < float("inf"):
        raise UnitError(f"{what} is {value!r}; it takes {takes}")
    return float(value)
