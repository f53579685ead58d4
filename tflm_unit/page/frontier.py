"""The trade-off that the page draws: drop against MACs kept or cost, of a search or of the operating points alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .variants import Quality, Variant


@dataclass(frozen=True)
class Entry:
    """kept: share of all MACs. cost: relative to dense. judge, drop: 0..1. point: its operating point, if any."""

    kept: float
    cost: float | None
    judge: float
    drop: float
    point: str | None = None
    trial: int | None = None


@dataclass(frozen=True)
class Marked:
    """A way to run the model, where the page's data put it."""

    name: str
    kind: str
    kept: float
    cost: float | None
    drop: Quality


@dataclass(frozen=True)
class Frontier:
    """searched: what a search found, on its validation data, by MACs kept; empty without a search. marked: dense,
    zero-skip and the points on the page's data, where their drop is known.

    judge: of `searched`. cost: what costs are: macs, cycles or instructions.
    """

    judge: str
    cost: str
    max_drop: float | None
    searched: tuple[Entry, ...]
    marked: tuple[Marked, ...]

    @property
    def has_cost(self) -> bool:
        """Whether costs are something else than MACs."""
        known = [*(e.cost for e in self.searched), *(m.cost for m in self.marked if m.kind == "point")]
        return self.cost != "macs" and any(cost is not None for cost in known)


def frontier(
    tuning: Mapping[str, Any] | None, variants: Sequence[Variant], judge: str | None, unit: str | None
) -> Frontier | None:
    """tuning: `report["tuning"]` of the model. unit: of predicted costs. None where no drop is known."""
    marked = _marked(variants)
    if not tuning:
        if not any(m.kind == "point" for m in marked):
            return None
        return Frontier(judge or "", unit or "macs", None, (), marked)
    entries = [
        Entry(e["kept"], e.get("cost"), e["judge"], e["drop"], e.get("point"), e.get("trial"))
        for e in tuning["frontier"]
    ]
    return Frontier(
        judge=tuning["judge"],
        cost=tuning["cost"],
        max_drop=(tuning.get("settings") or {}).get("max_drop"),
        searched=tuple(sorted(entries, key=lambda e: (e.kept, e.drop))),
        marked=marked,
    )


def _marked(variants: Sequence[Variant]) -> tuple[Marked, ...]:
    """Points whose drop is known; dense and zero-skip, which have none, beside them."""
    dense = next(v for v in variants if v.kind == "dense")
    result = []
    for v in variants:
        drop = Quality(0.0, 0.0, 0.0) if v.kind != "point" else v.drop
        if drop is None or v.kept is None:
            continue
        cost = v.cost / dense.cost if v.cost is not None and dense.cost else None
        result.append(Marked(v.name, v.kind, v.kept, cost, drop))
    return tuple(result)
