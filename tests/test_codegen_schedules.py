"""Exports of layers that run planned or activation_sorted: forced, by operating point, and what is shared."""

from __future__ import annotations

import ctypes
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from core_library import FLAGS, build
from engine_graphs import GraphBuilder, network, prune_all, samples
from generated_c import COUNTERS, CXX_FLAGS, INCLUDE, GeneratedModel, compile_c

from tflm_unit import UnitError
from tflm_unit.converter.codegen import Export, export
from tflm_unit.converter.graph import Activation, ConvParams, Graph, Requantization
from tflm_unit.converter.pruning import (
    MAX_THRESHOLD,
    NEVER_SKIP,
    OperatingPoint,
    PruningConfig,
    Schedule,
)

GRAPH = network()
CONVOLUTIONS = {layer.name for layer in GRAPH.prunable if layer.op != "FULLY_CONNECTED"}


def point_of(schedule: Schedule, threshold: int = 3000, graph: Graph = GRAPH) -> OperatingPoint:
    """One schedule for all layers that can run it."""
    layers = {
        graph.weights(layer).index: replace(
            prune_all(graph, threshold).layers[graph.weights(layer).index],
            schedule=Schedule.COMPARE
            if schedule is Schedule.ACTIVATION_SORTED and layer.op == "FULLY_CONNECTED"
            else schedule,
        )
        for layer in graph.prunable
    }
    return OperatingPoint(schedule.name.lower(), layers)


PLANNED, SORTED, COMPARE = (
    point_of(schedule) for schedule in (Schedule.PLANNED, Schedule.ACTIVATION_SORTED, Schedule.COMPARE)
)
DENSE = OperatingPoint("dense")


def schedules(exported: Export, graph: Graph = GRAPH) -> dict[str, tuple[str, ...]]:
    pairs = zip(exported.layers, exported.schedules, strict=True)
    return {graph.layers[i].name: names for i, names in pairs if names}


def written(folder: Path, points: list[OperatingPoint], **options: Any) -> tuple[Export, str, str]:
    """The export, and the text of its two C files."""
    done = export(GRAPH, PruningConfig(tuple(points)), folder, **options)
    return done, (folder / "model.c").read_text(), (folder / "model_data.c").read_text()


@pytest.mark.parametrize("flags", [FLAGS, CXX_FLAGS], ids=["C", "C++"])
def test_every_schedule_at_some_point(counting: ctypes.CDLL, tmp_path: Path, flags: list[str]) -> None:
    points = [SORTED, PLANNED, DENSE, COMPARE, point_of(Schedule.PLANNED, 150)]
    model = GeneratedModel(tmp_path, counting, GRAPH, points, flags=flags)
    for name, names in schedules(model.exported).items():
        first = "activation_sorted" if name in CONVOLUTIONS else "compare"
        assert names == (first, "planned", "dense", "compare", "planned")
    model.check(samples(4))


def test_a_core_compiled_for_size(tmp_path: Path) -> None:
    """Its convolutions store otherwise."""
    core = build(tmp_path, "small", COUNTERS, "-Os")
    GeneratedModel(tmp_path, core, GRAPH, [SORTED, PLANNED, DENSE, COMPARE]).check(samples(4))


@pytest.mark.parametrize("forced", ["compare", "planned", "activation_sorted"])
def test_forced_schedules(counting: ctypes.CDLL, tmp_path: Path, forced: str) -> None:
    """Layers that cannot run it run compare, and those without thresholds dense."""
    layers = dict(SORTED.layers)
    first, second, *_ = layers
    never = np.array([NEVER_SKIP], np.int16)
    layers[first] = replace(layers[first], thresholds=never)
    del layers[second]
    model = GeneratedModel(tmp_path, counting, GRAPH, [replace(SORTED, layers=layers), PLANNED], forced)
    for layer in GRAPH.prunable:
        index, found = GRAPH.weights(layer).index, schedules(model.exported)[layer.name]
        can = {"compare": True, "planned": True, "activation_sorted": layer.name in CONVOLUTIONS}[forced]
        wanted = forced if can else "compare"
        unplanned = "compare" if forced == "planned" and index == first else wanted
        assert found == ("dense" if index == second else unplanned, wanted)
    model.check(samples(4))


def single_convolution(size: int) -> Graph:
    b = GraphBuilder()
    x = b.tensor((1, size, size, 1))
    requantization = Requantization(np.array([2**30], np.int32), np.array([-6], np.int32))
    params = ConvParams(128, -128, (1, 1), (0, 0), (1, 1), Activation(fused_relu=True), requantization)
    w = np.arange(-4, 5, dtype=np.int8).reshape(1, 3, 3, 1) * 10
    y = b.weighted("CONV_2D", x, (1, size - 2, size - 2, 1), params, w, None)
    return b.graph((x,), (y,))


def test_schedules_that_a_layer_cannot_run(tmp_path: Path) -> None:
    never = prune_all(GRAPH, NEVER_SKIP).layers
    planned = {index: replace(entry, schedule=Schedule.PLANNED) for index, entry in never.items()}
    large = single_convolution(129)
    for graph, layers, schedule in (
        (GRAPH, planned, "planned"),
        (large, point_of(Schedule.ACTIVATION_SORTED, 500, large).layers, "activation_sorted"),
    ):
        config = PruningConfig((OperatingPoint("dense"), OperatingPoint("wrong", layers)))
        message = f"layer '{graph.prunable[0].name}' .* cannot run schedule {schedule}, as operating point 1"
        with pytest.raises(UnitError, match=message):
            export(graph, config, tmp_path / "out")
        assert not (tmp_path / "out").exists()
        done = export(graph, config, tmp_path / schedule, schedule="compare")
        assert all(names in ((), ("dense", "compare")) for names in done.schedules)


def test_images_too_large_to_be_sorted(tmp_path: Path) -> None:
    """Positions of activation_sorted are bytes in 16 bits: 4 * (127 * 128 + 127) fit."""
    for size, wanted in ((128, "activation_sorted"), (129, "compare")):
        graph = single_convolution(size)
        config = PruningConfig((prune_all(graph, 500),))
        done = export(graph, config, tmp_path, schedule="activation_sorted")
        assert done.schedules == ((wanted,),)


def test_weights_that_only_counting_builds_have(tmp_path: Path) -> None:
    alone, source, data = written(tmp_path / "planned", [PLANNED])
    assert len(re.findall(r"#ifdef UNIT_ENABLE_COUNTERS\n/\* .* to count zero products \*/", data)) == 4
    assert "unit_depthwise_conv_planned_s8" in source
    bytes_of = {name: int(size) for name, size in re.findall(r"const int8_t (\w+_weights)\[(\d+)\]", data)}
    both, _, data = written(tmp_path / "both", [PLANNED, DENSE])
    assert "#ifdef" not in data
    assert both.constant_bytes == alone.constant_bytes + sum(bytes_of.values())
    sources = [path for path in alone.files if path.suffix == ".c"]
    for flags in (FLAGS, CXX_FLAGS):
        for path in sources:
            compile_c([*flags, INCLUDE, "-c", path, "-o", tmp_path / "out.o"])


def test_points_that_scale_thresholds_share_a_plan(counting: ctypes.CDLL, tmp_path: Path) -> None:
    """Under bit_shift, T and 2 T sort weights the same way: counts and classes differ, the weights do not."""
    points = [point_of(Schedule.PLANNED, threshold) for threshold in (1023, 2047)]
    alone, _, _ = written(tmp_path / "one", points[:1])
    model = GeneratedModel(tmp_path / "two", counting, GRAPH, points)
    data = (tmp_path / "two" / "model_data.c").read_text()
    assert len(re.findall(r"const int8_t \w+_plan_weight_0\[", data)) == len(GRAPH.prunable)
    assert "_plan_weight_1[" not in data
    assert alone.constant_bytes < model.exported.constant_bytes < 1.5 * alone.constant_bytes
    model.check(samples(4))


def test_layers_share_the_table_of_classes(tmp_path: Path) -> None:
    _, _, data = written(tmp_path, [PLANNED])
    tables = re.findall(r"const uint8_t \w+_plan_class_of\[256\]", data)
    assert 1 <= len(tables) < len(GRAPH.prunable)


def test_no_weight_matters(counting: ctypes.CDLL, tmp_path: Path) -> None:
    """Plans without a single entry; C has no empty arrays."""
    GeneratedModel(tmp_path, counting, GRAPH, [point_of(Schedule.PLANNED, MAX_THRESHOLD)]).check(samples(2))


def test_comments_tell_schedules_and_sizes(tmp_path: Path) -> None:
    _, source, _ = written(tmp_path, [PLANNED, SORTED, DENSE])
    text = " ".join(line.strip(" *") for line in source.splitlines())
    assert re.search(
        r"point 0 \(planned\): planned, 1 threshold 3000, divider bit_shift, compensated; "
        r"plan: [\d,]+ of [\d,]+ weights in [\d,]+ lists of \d+ classes, [\d,]+ bytes",
        text,
    )
    assert "point 1 (activation_sorted): activation_sorted, 1 threshold 3000" in text
    assert "point 2 (dense): dense" in text
