"""The planner's choices and its limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from classifier import classifier
from planning import FREE, GRAPH, SOURCE, X, chosen, model_of, points_at, schedules

import tflm_unit
from tflm_unit import SkipRate, UnitError
from tflm_unit.converter import plan_limits, planner
from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.cost_features import LayerCounts
from tflm_unit.converter.cost_model import CostModel
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.plan_options import LayerTable
from tflm_unit.converter.plans import make_plans
from tflm_unit.converter.prune import PruneOptions, prune
from tflm_unit.converter.pruning import Divider, OperatingPoint, Schedule
from tflm_unit.converter.targets import load_target

POINTS = points_at(0.7, 0.9)


def test_the_cheapest_wins_at_each_point(monkeypatch: pytest.MonkeyPatch) -> None:
    activity = [SOURCE.activity(GRAPH.prunable, point) for point in POINTS]
    kept = [
        LayerCounts(GRAPH, x, activity[p][x.index]).of("compare", POINTS[p].layers[GRAPH.weights(x).index])[
            "kept"
        ]
        for x in GRAPH.prunable[:1]
        for p in range(2)
    ]
    assert kept[1] < kept[0]
    between = {
        "calls": (kept[0] + kept[1]) / 2
    }  # dense is cheaper at the first point and dearer at the second
    model = model_of(dense=between, compare={"kept": 1.0})
    result, report = chosen(monkeypatch, model, POINTS)
    assert (schedules(report)[0], schedules(report, 1)[0]) == ("dense", "compare")
    conv = GRAPH.weights(GRAPH.prunable[0]).index
    assert conv not in result[0].layers
    assert result[1].layers[conv] == POINTS[1].layers[conv]


def test_zero_skip_has_thresholds_of_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    result, report = chosen(monkeypatch, model_of(zero_skip=FREE), POINTS)
    assert schedules(report) == ["zero_skip"] * 3
    assert all((entry.thresholds == 0).all() for entry in result[0].layers.values())
    assert all(entry.compensation is None for entry in result[0].layers.values())


def test_plans_stay_within_the_flash_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What saves most per byte goes first; what is reported is what the plans take."""
    model = model_of(planned={"kept": 1.0}, dense={"calls": 1e5})
    weights = sum(GRAPH.weights(x).size for x in GRAPH.prunable)
    used = {}
    for limit in (0.0, 1.5, 10.0):
        result, report = chosen(monkeypatch, model, POINTS, extra_flash=limit)
        assert report.extra_flash_bytes <= report.extra_flash_limit == int(limit * weights)
        planned = [x for x in GRAPH.prunable if schedule_of(result[0], x.name) is Schedule.PLANNED]
        used[limit] = len(planned)
        total = 0
        for layer in planned:
            entries = [point.layers[GRAPH.weights(layer).index] for point in result]
            plans = make_plans(GRAPH, layer, entries)
            assert plans is not None
            arrays = {
                id(a): a.nbytes
                for p in plans
                for a in (p.weight, p.at, p.critical, p.count, p.first, p.class_of)
                if a is not None
            }
            total += sum(arrays.values()) - GRAPH.weights(layer).size
        assert total == report.extra_flash_bytes
    assert used[0.0] == 0 < used[1.5] <= used[10.0] == 3


def schedule_of(point: OperatingPoint, name: str) -> Schedule | None:
    (layer,) = (x for x in GRAPH.prunable if x.name == name)
    entry = point.layers.get(GRAPH.weights(layer).index)
    return entry.schedule if entry else None


def test_sorted_planes_stay_within_the_ram(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(activation_sorted=FREE, dense={"calls": 100})
    target = load_target("cortex_m0_sim")
    _, report = chosen(monkeypatch, model, POINTS, target)
    assert schedules(report) == ["activation_sorted", "activation_sorted", "dense"]
    small = replace(target, ram_bytes=plan_limits.OTHER_RAM_BYTES + report.arena_bytes - 1)
    _, tight = chosen(monkeypatch, model, POINTS, small)
    assert schedules(tight).count("activation_sorted") == 1
    assert tight.arena_bytes < report.arena_bytes
    refused = next(c for c in tight.points[0] if c.op == "CONV_2D" and c.schedule == "dense")
    assert (refused.limited, refused.extra_flash_bytes) == ("RAM", 0)
    assert refused.reason.endswith("its scratch exceeds the RAM")


def test_tiny_gains_take_no_flash_unless_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    small = model_of(planned={"calls": 1e5 - 10}, dense={"calls": 1e5})
    _, given = chosen(monkeypatch, small, POINTS[:1], extra_flash=10)
    assert schedules(given) == ["planned"] * 3
    _, default = chosen(monkeypatch, small, POINTS[:1])
    assert schedules(default) == ["dense"] * 3
    assert [choice.limited for choice in default.points[0]] == ["gain", "flash", "gain"]
    assert "saves 0.0% of all, too little for its flash" in default.points[0][0].reason
    large = model_of(planned={"calls": 1e5 / 2}, dense={"calls": 1e5})
    _, default = chosen(monkeypatch, large, POINTS[:1])
    assert "planned" in schedules(default)
    assert {choice.limited for choice in default.points[0]} <= {None, "flash"}


def test_plans_that_do_not_share_go_to_the_points_that_gain_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three points sort the weights differently; flash is there for one plan of the first layer."""
    points = points_at(0.5, 0.7, 0.9, power_of_two=False)
    model = model_of(planned={"kept": 1.0}, dense={"calls": 1e5})
    activity = [SOURCE.activity(GRAPH.prunable, point) for point in points]
    table = LayerTable(GRAPH, GRAPH.prunable[0], points, activity, model, {})
    sizes = sorted({o.flash for o in table.options() if o.flash > 0})
    assert len(sizes) >= 3
    weights = sum(GRAPH.weights(x).size for x in GRAPH.prunable)
    planned = []
    for limit in (sizes[0] - 1, *sizes, 1_000_000):
        result, report = chosen(monkeypatch, model, points, extra_flash=min((limit + 0.5) / weights, 100))
        assert report.extra_flash_bytes <= limit
        planned.append([schedules(report, p)[0] == "planned" for p in range(3)])
        for p, is_planned in enumerate(planned[-1]):
            choice = report.points[p][0]
            assert is_planned or (choice.schedule, choice.limited) == ("dense", "flash")
            assert is_planned or choice.reason.endswith("exceeds the flash for plans")
            assert is_planned is (GRAPH.weights(GRAPH.prunable[0]).index in result[p].layers)
    assert planned[-1] == [True] * 3
    assert [False, False, True] in planned  # the point that skips most gains most


def test_fatrelu_keeps_its_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    options = PruneOptions(SkipRate(0.7), divider=Divider.BIT_SHIFT, fatrelu={"conv": 0.3})
    point, _ = prune(GRAPH, SOURCE, options, "p")
    result, report = chosen(monkeypatch, model_of(dense=FREE, zero_skip={"calls": 2.0}), (point,))
    assert schedules(report) == ["zero_skip", "dense", "dense"]
    assert [(c.cost, c.dense) for c in report.points[0]] == [(2.0, 1.0), (1.0, 1.0), (1.0, 1.0)]
    assert "dense" not in report.points[0][0].predicted
    (entry,) = result[0].layers.values()
    assert entry.fatrelu_min == point.layers[GRAPH.weights(GRAPH.prunable[0]).index].fatrelu_min != -128


def test_layers_behind_a_dense_one_are_calibrated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first convolution runs dense; the others get the thresholds they get when it has none."""
    real = model_of(compare={"kept": 1.0}, planned={"kept": 2.0}, dense={"macs": 1.0})

    class OneDense(CostModel):
        def predict(self, op: str, schedule: str, counts: Any) -> float:
            if schedule == "dense" and counts["outputs"] == 6 * 6 * 6:
                return 1.0
            return super().predict(op, schedule, counts)

    model = OneDense(real.target, real.unit, real.constants, real.error)
    monkeypatch.setattr(planner, "cost_model", lambda target: model)
    result = tflm_unit.convert(classifier(), X, skip=0.8, target="cortex_m0_sim", extra_flash=9)
    graph = result.model.graph
    conv = graph.prunable[0]
    expected, _ = prune(
        graph,
        Calibrator(graph, Dataset(X, graph)),
        PruneOptions(SkipRate(0.8), divider=Divider.BIT_SHIFT, power_of_two=True),
        "p",
        baselines={conv.index: "dense"},
    )
    (point,) = result.points
    assert (
        point.layers.keys() == expected.layers.keys() == {graph.weights(x).index for x in graph.prunable[1:]}
    )
    for index, entry in expected.layers.items():
        np.testing.assert_array_equal(point.layers[index].thresholds, entry.thresholds)
        np.testing.assert_array_equal(point.layers[index].compensation, entry.compensation)
    assert point.skip_rate == pytest.approx(result.evaluate(X).skip_rate, abs=1e-6)
    assert "conv" in str(result)
    assert result.model.report is not None
    plan = result.model.report["plan"]
    assert [row["schedule"] for row in plan["points"][0]] == ["dense", "compare", "planned"]
    assert plan["points"][0][0]["reason"].startswith("cheapest")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "dense"}, "schedule is 'dense'; it takes one of compare, planned, activation_sorted"),
        ({"extra_flash": -1}, "extra_flash is -1"),
        ({"extra_flash": float("nan")}, "extra_flash is nan"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnitError, match=message):
        tflm_unit.convert(classifier(), X, **options)
