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
    one. extra_flash_bytes: of the layer's plans at all points beyond its dense weights, in generated C.
    """

    name: str
    op: str
    schedule: str
    taps: int
    predicted: Mapping[str, float]
    cost: float
    extra_flash_bytes: int
    scratch_bytes: int
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


def reason(chosen: str, predicted: Mapping[str, float]) -> str:
    """Why `chosen`, by predicted costs."""
    if len(predicted) == 1:
        return "no thresholds"
    best = min(predicted, key=lambda name: predicted[name])
    if chosen != best:
        share = predicted[best] / predicted[chosen]
        return f"{best} would take {share:.2f} of its time, but exceeds extra_flash or RAM"
    second = min((name for name in predicted if name != chosen), key=lambda name: predicted[name])
    return f"cheapest; {second} takes {predicted[second] / predicted[chosen]:.2f}x"
