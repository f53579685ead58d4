"""The trade-off that the page draws: drop against MACs computed or cost, of a search or of the points alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .variants import SHARES, Quality, Variant


@dataclass(frozen=True)
class Entry:
    """kept: share of all MACs. cost: relative to dense. point: the operating point made from it, if any."""

    kept: float
    cost: float | None
    judge: float
    drop: float
    point: str | None = None
    trial: int | None = None


@dataclass(frozen=True)
class Marked:
    """One way to run the model. kept, cost: as of an Entry."""

    name: str
    kind: str
    kept: float
    cost: float | None
    drop: Quality


@dataclass(frozen=True)
class Frontier:
    """searched: what a search found, on its validation data, by MACs kept; chosen: the points that it made of that,
    refitted, on the same data; both empty without a search. marked: dense, zero-skip and the points on other data:
    the page's or the search's test data.

    judge: what `drop` is a loss of. cost: what costs are: macs, cycles or instructions. validation: samples.
    """

    judge: str
    cost: str
    max_drop: float | None
    validation: int | None
    searched: tuple[Entry, ...]
    chosen: tuple[Marked, ...]
    marked: tuple[Marked, ...]

    @property
    def is_share(self) -> bool:
        """Whether drops are shares of samples, which are shown in points."""
        return self.judge in SHARES

    @property
    def has_cost(self) -> bool:
        """Whether costs are something else than MACs."""
        points = [m.cost for m in (*self.chosen, *self.marked) if m.kind == "point"]
        known = [*(e.cost for e in self.searched), *points]
        return self.cost != "macs" and any(cost is not None for cost in known)


def frontier(
    tuning: Mapping[str, Any] | None,
    variants: Sequence[Variant],
    judge: str | None,
    unit: str | None,
    *,
    measured: bool,
) -> Frontier | None:
    """tuning: `report["tuning"]` of the model. judge: of the variants. unit: of predicted costs. measured: whether
    the variants' figures are of other data than the search's. None where no drop is known."""
    marked = _marked(variants)
    if not tuning:
        known = any(m.kind == "point" for m in marked)
        return Frontier(judge or "", unit or "macs", None, None, (), (), marked) if known else None
    settings = tuning.get("settings") or {}
    entries = [
        Entry(e["kept"], e.get("cost"), e["judge"], e["drop"], e.get("point"), e.get("trial"))
        for e in tuning["frontier"]
    ]
    comparable = measured and judge == tuning["judge"]
    return Frontier(
        judge=tuning["judge"],
        cost=tuning["cost"],
        max_drop=settings.get("max_drop"),
        validation=settings.get("validation_samples"),
        searched=tuple(sorted(entries, key=lambda e: (e.kept, e.drop))),
        chosen=_chosen(tuning),
        marked=marked if comparable else tuple(m for m in marked if m.kind != "point"),
    )


def _chosen(tuning: Mapping[str, Any]) -> tuple[Marked, ...]:
    return tuple(
        Marked(
            p["name"],
            "point",
            p["kept"],
            p.get("cost"),
            Quality(p["drop"], p.get("drop_low"), p.get("drop_high")),
        )
        for p in tuning.get("points") or ()
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
