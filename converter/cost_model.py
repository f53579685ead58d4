"""Predicted time of a layer: counts of cost_features.py times constants of a board, fitted in its simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import UnitError
from .targets import Target, load_target


@dataclass(frozen=True)
class CostModel:
    """target: the simulated machine that it was fitted on. unit: what it predicts, 'cycles' or 'instructions'.

    constants: by operator, schedule and count. error: of layers that it was not fitted on, mean |predicted /
    simulated - 1|.
    """

    target: str
    unit: str
    constants: Mapping[str, Mapping[str, Mapping[str, float]]]
    error: float

    def predict(self, op: str, schedule: str, counts: Mapping[str, float]) -> float:
        """Of one inference of a layer. counts: LayerCounts.of(schedule, ...)."""
        constants = self.constants[op][schedule]
        return sum(constant * counts.get(name, 0.0) for name, constant in constants.items())


def cost_model(target: Target) -> CostModel:
    """Of the machine that simulates `target`. Raises UnitError when its board file has none."""
    machine = load_target(target.simulated_by)
    model: Mapping[str, Any] | None = machine.board["tflm_unit"]["cost"].get("model")
    if model is None:
        raise UnitError(
            f"boards/{machine.name}.json has no cost model: run benchmarks/fit_cost_model.py {machine.name}, or "
            "convert with schedule='compare'"
        )
    return CostModel(machine.name, machine.unit, model["constants"], model["error"])
