"""What the planner decided, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LayerChoice:
    """How a layer runs at one operating point.

    predicted: cost of every candidate by name; `planned 2` has two kernel columns in a list. cost: of the chosen
    one. dense: what the dense kernel takes, also where it is no candidate because of FATReLU. extra_flash_bytes: of
    the layer's plans at all points beyond its dense weights, in generated C. limited: what keeps the cheapest
    candidate from being chosen, 'flash', 'RAM' or 'gain' (it saves too little for its flash); None: it is chosen.
    """

    name: str
    op: str
    schedule: str
    taps: int
    predicted: Mapping[str, float]
    cost: float
    dense: float
    extra_flash_bytes: int
    scratch_bytes: int
    limited: str | None
    reason: str


@dataclass(frozen=True)
class PlanReport:
    """unit: of all costs. error: mean relative error of the cost model on layers that it was not fitted on.

    extra_flash_bytes: of all plans. arena_bytes: RAM of activations and scratch. points: a choice per layer.
    """

    target: str
    unit: str
    error: float
    extra_flash_bytes: int
    extra_flash_limit: int
    arena_bytes: int
    points: tuple[tuple[LayerChoice, ...], ...]

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def reason(chosen: str, predicted: Mapping[str, float], limited: str | None, dense_cost: float) -> str:
    """Why `chosen`, by predicted costs. dense_cost: of the whole model."""
    if len(predicted) == 1:
        return "no thresholds" if chosen == "dense" else "no other schedule can run it"
    if limited is None:
        second = min((name for name in predicted if name != chosen), key=lambda name: predicted[name])
        return f"cheapest; {second} takes {predicted[second] / predicted[chosen]:.2f}x"
    best = min(predicted, key=lambda name: predicted[name])
    would = f"{best} would take {predicted[best] / predicted[chosen]:.2f} of its time, but "
    if limited == "gain":
        return (
            would
            + f"saves {(predicted[chosen] - predicted[best]) / dense_cost:.1%} of all, too little for its flash"
        )
    return would + ("exceeds the flash for plans" if limited == "flash" else "its scratch exceeds the RAM")
