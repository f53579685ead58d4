"""Points of the small classifier, made-up cost models, and the planner with them."""

from __future__ import annotations

from typing import Any

import pytest
from classifier import classifier, images

from tflm_unit import SkipRate
from tflm_unit.converter import planner
from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.cost_model import CostModel
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.planner import choose
from tflm_unit.converter.prune import PruneOptions, prune
from tflm_unit.converter.pruning import Divider, OperatingPoint
from tflm_unit.converter.reader import read_graph
from tflm_unit.converter.targets import Target, load_target

X = images(48)
FREE = {"calls": 1.0}  # costs the same whatever the layer does
GRAPH = read_graph(classifier())
SOURCE = Calibrator(GRAPH, Dataset(X, GRAPH))


def points_at(*rates: float, power_of_two: bool = True) -> tuple[OperatingPoint, ...]:
    """Of the classifier, one per share of the MACs to skip."""
    options = [
        PruneOptions(SkipRate(rate), divider=Divider.BIT_SHIFT, power_of_two=power_of_two) for rate in rates
    ]
    return tuple(prune(GRAPH, SOURCE, o, f"p{i}")[0] for i, o in enumerate(options))


def model_of(**schedules: dict[str, float]) -> CostModel:
    """Costs by schedule; schedules that are not given cost a million."""
    names = ("dense", "zero_skip", "compare", "activation_sorted", "planned")
    constants = {name: schedules.get(name, {"calls": 1e6}) for name in names}
    operators = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    return CostModel("cortex_m0_sim", "instructions", dict.fromkeys(operators, constants), 0.05)


def chosen(
    monkeypatch: pytest.MonkeyPatch,
    model: CostModel,
    points: tuple[OperatingPoint, ...],
    target: Target | None = None,
    **options: Any,
) -> Any:
    """What `choose` returns for the classifier with this cost model."""
    monkeypatch.setattr(planner, "cost_model", lambda target: model)
    activity = [SOURCE.activity(GRAPH.prunable, point) for point in points]
    return choose(GRAPH, points, target or load_target("cortex_m0_sim"), activity, **options)


def schedules(report: Any, point: int = 0) -> list[str]:
    return [choice.schedule for choice in report.points[point]]
