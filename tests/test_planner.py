"""Counts of the cost model, the planner's choices, and that they change time alone."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import classifier, images
from engine_graphs import network, prune_all, samples
from generated_c import GeneratedModel
from hypothesis import given
from models import build, weights_index
from strategies import LayerCase, layer_cases

import tflm_unit
from tflm_unit import SkipRate, UnitError
from tflm_unit.converter import planner
from tflm_unit.converter.activity import Activity
from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.cost_features import LayerCounts
from tflm_unit.converter.cost_model import CostModel, cost_model
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.planner import choose, force
from tflm_unit.converter.plans import make_plans
from tflm_unit.converter.prune import PruneOptions, prune, zero_skip_entry
from tflm_unit.converter.pruning import Divider, LayerPruning, OperatingPoint, Schedule
from tflm_unit.converter.reader import read_graph
from tflm_unit.converter.targets import Target, load_target, target_names

X = images(48)
FREE = {"calls": 1.0}  # costs the same whatever the layer does


@given(case=layer_cases())
def test_counts_are_those_of_the_engine(case: LayerCase) -> None:
    """Survivors of compare are the engine's; lists of one column meet no others, and no list fewer."""
    graph = read_graph(build([case], input_shapes={0: (1, *case.input.shape[1:])}))
    (layer,) = graph.prunable
    pruning = replace(case.pruning, compensation=None)
    point = OperatingPoint("p", {weights_index(0): pruning})
    result = Engine(graph, point).run(case.input, keep=[layer.outputs[0]])
    counted = result.counters[layer.index]
    counts = LayerCounts(graph, layer, Activity(case.input, result.kept[layer.outputs[0]]))
    survivors = (counted.macs_total - counted.macs_skipped) / len(case.input)
    entry = replace(
        pruning,
        divider={Divider.BINARY_TREE: Divider.BIT_SHIFT, Divider.TABLE: Divider.EXACT}.get(
            pruning.divider, pruning.divider
        ),
    )
    assert counts.of("compare", entry)["kept"] == pytest.approx(survivors)
    assert counts.of("zero_skip")["macs_nonzero"] <= counted.macs_total / len(case.input)
    if layer.op != "FULLY_CONNECTED":
        walked = counts.of("activation_sorted", entry)
        assert walked["kept"] + walked["kept_few"] >= survivors - 1e-6
    for taps in (1, 3):
        plans = make_plans(graph, layer, (replace(entry, taps=taps),))
        if plans is None:
            assert (entry.thresholds < 0).any()
        else:
            walked = counts.of("planned", entry, plans[0])
            assert walked["kept"] >= survivors - 1e-6
            if plans[0].taps == 1:
                assert walked["kept"] == pytest.approx(survivors)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return read_graph(classifier())


@pytest.fixture(scope="module")
def source(graph: Graph) -> Calibrator:
    return Calibrator(graph, Dataset(X, graph))


@pytest.fixture(scope="module")
def points(graph: Graph, source: Calibrator) -> tuple[OperatingPoint, ...]:
    return tuple(
        prune(
            graph, source, PruneOptions(SkipRate(rate), divider=Divider.BIT_SHIFT, power_of_two=True), name
        )[0]
        for name, rate in (("full", 0.7), ("saver", 0.9))
    )


def model_of(**schedules: dict[str, float]) -> CostModel:
    """Costs by schedule; schedules that are not given cost a million."""
    names = ("dense", "zero_skip", "compare", "activation_sorted", "planned")
    constants = {name: schedules.get(name, {"calls": 1e6}) for name in names}
    operators = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    return CostModel("cortex_m0_sim", "instructions", dict.fromkeys(operators, constants), 0.05)


def chosen(
    monkeypatch: pytest.MonkeyPatch,
    model: CostModel,
    graph: Graph,
    points: tuple[OperatingPoint, ...],
    source: Calibrator,
    target: Target | None = None,
    **options: Any,
) -> Any:
    monkeypatch.setattr(planner, "cost_model", lambda target: model)
    activity = [source.activity(graph.prunable, point) for point in points]
    return choose(graph, points, target or load_target("cortex_m0_sim"), activity, **options)


def schedules(report: Any, point: int = 0) -> list[str]:
    return [choice.schedule for choice in report.points[point]]


def test_the_cheapest_wins_at_each_point(
    monkeypatch: pytest.MonkeyPatch, graph: Graph, points: tuple[OperatingPoint, ...], source: Calibrator
) -> None:
    activity = [source.activity(graph.prunable, point) for point in points]
    kept = [
        LayerCounts(graph, x, activity[p][x.index]).of("compare", points[p].layers[graph.weights(x).index])[
            "kept"
        ]
        for x in graph.prunable[:1]
        for p in range(2)
    ]
    assert kept[1] < kept[0]
    between = {
        "calls": (kept[0] + kept[1]) / 2
    }  # dense is cheaper at the first point and dearer at the second
    model = model_of(dense=between, compare={"kept": 1.0})
    result, report = chosen(monkeypatch, model, graph, points, source)
    assert (schedules(report)[0], schedules(report, 1)[0]) == ("dense", "compare")
    conv = graph.weights(graph.prunable[0]).index
    assert conv not in result[0].layers
    assert result[1].layers[conv] == points[1].layers[conv]


def test_zero_skip_has_thresholds_of_zero(
    monkeypatch: pytest.MonkeyPatch, graph: Graph, points: tuple[OperatingPoint, ...], source: Calibrator
) -> None:
    result, report = chosen(monkeypatch, model_of(zero_skip=FREE), graph, points, source)
    assert schedules(report) == ["zero_skip"] * 3
    assert all((entry.thresholds == 0).all() for entry in result[0].layers.values())
    assert all(entry.compensation is None for entry in result[0].layers.values())


def test_plans_stay_within_the_flash_allowed(
    monkeypatch: pytest.MonkeyPatch, graph: Graph, points: tuple[OperatingPoint, ...], source: Calibrator
) -> None:
    """What saves most per byte goes first; what is reported is what the plans take."""
    model = model_of(planned={"kept": 1.0}, dense={"calls": 1e5})
    weights = sum(graph.weights(x).size for x in graph.prunable)
    used = {}
    for limit in (0.0, 1.5, 10.0):
        result, report = chosen(monkeypatch, model, graph, points, source, extra_flash=limit)
        assert report.extra_flash_bytes <= report.extra_flash_limit == int(limit * weights)
        planned = [x for x in graph.prunable if schedule_of(graph, result[0], x.name) is Schedule.PLANNED]
        used[limit] = len(planned)
        total = 0
        for layer in planned:
            entries = [point.layers[graph.weights(layer).index] for point in result]
            plans = make_plans(graph, layer, entries)
            assert plans is not None
            arrays = {
                id(a): a.nbytes
                for p in plans
                for a in (p.weight, p.at, p.critical, p.count, p.first, p.class_of)
                if a is not None
            }
            total += sum(arrays.values()) - graph.weights(layer).size
        assert total == report.extra_flash_bytes
    assert used[0.0] == 0 < used[1.5] <= used[10.0] == 3


def schedule_of(graph: Graph, point: OperatingPoint, name: str) -> Schedule | None:
    (layer,) = (x for x in graph.prunable if x.name == name)
    entry = point.layers.get(graph.weights(layer).index)
    return entry.schedule if entry else None


def test_sorted_planes_stay_within_the_ram(
    monkeypatch: pytest.MonkeyPatch, graph: Graph, points: tuple[OperatingPoint, ...], source: Calibrator
) -> None:
    model = model_of(activation_sorted=FREE, dense={"calls": 100})
    target = load_target("cortex_m0_sim")
    _, report = chosen(monkeypatch, model, graph, points, source, target)
    assert schedules(report) == ["activation_sorted", "activation_sorted", "dense"]
    small = replace(target, ram_bytes=planner.OTHER_RAM_BYTES + report.arena_bytes - 1)
    _, tight = chosen(monkeypatch, model, graph, points, source, small)
    assert schedules(tight).count("activation_sorted") == 1
    assert tight.arena_bytes < report.arena_bytes
    refused = next(c for c in tight.points[0] if c.op == "CONV_2D" and c.schedule == "dense")
    assert "exceeds" in refused.reason


def test_fatrelu_keeps_its_entry(monkeypatch: pytest.MonkeyPatch, graph: Graph, source: Calibrator) -> None:
    options = PruneOptions(SkipRate(0.7), divider=Divider.BIT_SHIFT, fatrelu={"conv": 0.3})
    point, _ = prune(graph, source, options, "p")
    result, report = chosen(
        monkeypatch, model_of(dense=FREE, zero_skip={"calls": 2.0}), graph, (point,), source
    )
    assert schedules(report) == ["zero_skip", "dense", "dense"]
    (entry,) = result[0].layers.values()
    assert entry.fatrelu_min == point.layers[graph.weights(graph.prunable[0]).index].fatrelu_min != -128


def test_layers_behind_a_dense_one_are_calibrated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first convolution runs dense; the others get the thresholds they get when it has none."""
    real = model_of(compare={"kept": 1.0}, dense={"macs": 1.0})

    class OneDense(CostModel):
        def predict(self, op: str, schedule: str, counts: Any) -> float:
            if schedule == "dense" and counts["outputs"] == 6 * 6 * 6:
                return 1.0
            return super().predict(op, schedule, counts)

    model = OneDense(real.target, real.unit, real.constants, real.error)
    monkeypatch.setattr(planner, "cost_model", lambda target: model)
    result = tflm_unit.convert(classifier(), X, skip=0.8, target="cortex_m0_sim")
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
    assert [row["schedule"] for row in plan["points"][0]] == ["dense", "compare", "compare"]
    assert plan["points"][0][0]["reason"].startswith("cheapest")


def test_a_forced_schedule_changes_no_result() -> None:
    results = {
        name: tflm_unit.convert(classifier(), X, skip=0.8, divider="bit_shift", schedule=name)
        for name in ("compare", "planned", "activation_sorted")
    }
    graph = results["compare"].model.graph
    runs: dict[str, list[str]] = {}
    for name, result in results.items():
        entries = [result.points[0].layers[graph.weights(x).index] for x in graph.prunable]
        runs[name] = [entry.schedule.name.lower() for entry in entries]
        for entry, other in zip(entries, results["compare"].points[0].layers.values(), strict=True):
            np.testing.assert_array_equal(entry.thresholds, other.thresholds)
    assert runs["planned"] == ["planned"] * 3
    assert runs["activation_sorted"] == ["activation_sorted", "activation_sorted", "compare"]


def test_thresholds_that_never_skip_cannot_be_planned(graph: Graph) -> None:
    conv = graph.weights(graph.prunable[0]).index
    point = OperatingPoint("p", {conv: LayerPruning(np.array([-1], np.int16), 6)})
    assert force(graph, point, "planned").layers[conv].schedule is Schedule.COMPARE


@pytest.mark.parametrize("name", [n for n in target_names() if load_target(n).simulated_by == n])
def test_every_simulated_machine_has_a_cost_model(name: str) -> None:
    model = cost_model(load_target(name))
    assert set(model.constants) == {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    for op, constants in model.constants.items():
        expected = {"dense", "zero_skip", "compare", "planned"}
        assert set(constants) == expected | ({"activation_sorted"} if op != "FULLY_CONNECTED" else set())
        assert all(v > 0 for some in constants.values() for v in some.values())
    assert 0 < model.error < 0.15


def test_real_boards_use_the_model_of_their_simulator() -> None:
    assert cost_model(load_target("nucleo_f103rb_m3")).target == "cortex_m3_sim"
    without = replace(load_target("nucleo_f103rb_m3"), simulated_by="nucleo_f103rb_m3")
    with pytest.raises(UnitError, match=r"nucleo_f103rb_m3.json has no cost model"):
        cost_model(without)


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


def test_thresholds_of_zero_run_zero_skip(counting: ctypes.CDLL, tmp_path: Path) -> None:
    """In generated C; a point with other thresholds runs compare beside it."""
    graph = network()
    pruned = prune_all(graph)
    zero = OperatingPoint(
        "zero",
        {w: zero_skip_entry(graph, graph.by_weights[w], e.fatrelu_min) for w, e in pruned.layers.items()},
    )
    model = GeneratedModel(tmp_path, counting, graph, [zero, pruned])
    assert {names for names in model.exported.schedules if names} == {("zero_skip", "compare")}
    model.check(samples(3))
