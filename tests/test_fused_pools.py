"""Max pooling within the convolution before it, in generated C: when, what it saves, and that no bit changes."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_graphs import HALF, GraphBuilder
from generated_c import GeneratedModel
from random_layers import random_weights

from tflm_unit.converter.activity import Activity
from tflm_unit.converter.codegen.fused_pools import fuse_pools
from tflm_unit.converter.cost_features import LayerCounts
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.graph import (
    Activation,
    ConvParams,
    CopyParams,
    Graph,
    PoolParams,
    Requantization,
    Tensor,
)
from tflm_unit.converter.pruning import Divider, LayerPruning, OperatingPoint, Schedule
from tflm_unit.converter.weighted import layer_accumulator_bound

RELU = Activation(-128, 127, fused_relu=True)
POOL = PoolParams((2, 3), (2, 3), (0, 0), Activation())
OFFSETS = (100, -128)  # of the input and the output


def convolution(channels: int = 5, shift: int = -9, activation: Activation = RELU) -> ConvParams:
    requantization = Requantization(np.full(channels, HALF, np.int32), np.full(channels, shift, np.int32))
    return ConvParams(*OFFSETS, (1, 1), (1, 1), (1, 1), activation, requantization)


def graph_of(
    params: ConvParams | None = None, pool: PoolParams = POOL, width: int = 9, bias: int = 500
) -> Graph:
    """8 x `width` x 2, a convolution 3 x 3 with five outputs, pooled."""
    b, rng = GraphBuilder(), np.random.default_rng(3)
    x = b.tensor((1, 8, width, 2))
    weights, biases = random_weights(rng, (5, 3, 3, 2)), rng.integers(-bias, bias, 5).astype(np.int32)
    y = b.weighted("CONV_2D", x, (1, 8, width, 5), params or convolution(), weights, biases)
    sizes = [
        (n + 2 * pad - size) // step + 1
        for n, size, step, pad in zip((8, width), pool.filter, pool.stride, pool.padding, strict=True)
    ]
    z = b.layer("MAX_POOL_2D", (y,), (1, *sizes, 5), pool)
    return b.graph((x,), (z,))


def is_fused(graph: Graph, entries: dict[int, LayerPruning] | None = None) -> bool:
    return graph.layers[0].params != fuse_pools(graph, [entries or {}]).layers[0].params


def pruning(schedule: Schedule = Schedule.COMPARE, fatrelu_min: int = -128) -> LayerPruning:
    """Two groups of channels."""
    thresholds, added = np.array([900, 40], np.int16), np.array([30, -20, 5, 0, 900], np.int32)
    return LayerPruning(thresholds, 3, Divider.BIT_SHIFT, added, fatrelu_min, schedule=schedule)


def samples(graph: Graph) -> list[np.ndarray]:
    shape = (4, *graph.tensors[graph.inputs[0]].shape[1:])
    return [np.random.default_rng(4).integers(-128, 128, shape).astype(np.int8)]


def test_the_convolution_writes_what_the_pooling_wrote() -> None:
    graph = graph_of()
    fused = fuse_pools(graph, [])
    conv, pool = fused.layers
    assert conv.params == replace(graph.layers[0].params, pool=(2, 3))
    assert conv.outputs == pool.inputs == pool.outputs == graph.outputs
    assert isinstance(pool.params, CopyParams)
    assert fused.positions(conv) == (8, 9)
    assert fused.macs(conv) == graph.macs(graph.layers[0])


@pytest.mark.parametrize("schedule", ["dense", "zero_skip", "compare", "planned", "activation_sorted"])
def test_generated_c(counting: ctypes.CDLL, tmp_path: Path, schedule: str) -> None:
    """Every schedule, with and without rows and columns that windows share with nothing."""
    graph = graph_of()
    points = () if schedule in ("dense", "zero_skip") else (point_of(graph, schedule),)
    model = GeneratedModel(tmp_path, counting, graph, points, schedule)
    assert model.exported.layers == (0,)
    assert model.exported.schedules == ((schedule,),)
    # Nothing has the 8 * 9 * 5 bytes of the convolution's outputs.
    names = {row.name for row in model.exported.plan}
    assert {graph.layers[0].name, *(n for n in names if n.startswith("scratch"))} == names - {"t0"}
    model.check(samples(graph))


def point_of(graph: Graph, schedule: str, fatrelu_min: int = -128) -> OperatingPoint:
    layer = graph.layers[0]
    return OperatingPoint(
        schedule, {graph.weights(layer).index: pruning(Schedule[schedule.upper()], fatrelu_min)}
    )


def test_fatrelu_and_points_with_schedules_of_their_own(counting: ctypes.CDLL, tmp_path: Path) -> None:
    graph = graph_of()
    points = [
        point_of(graph, s, level)
        for s, level in (("planned", -100), ("compare", 5), ("activation_sorted", 0))
    ]
    points.append(OperatingPoint("dense"))
    model = GeneratedModel(tmp_path, counting, graph, points)
    assert model.exported.layers == (0,)
    model.check(samples(graph))


UNFUSED = {
    "windows overlap": graph_of(pool=replace(POOL, stride=(1, 3))),
    "columns are left over": graph_of(pool=replace(POOL, filter=(2, 2), stride=(2, 2))),
    "padded": graph_of(pool=PoolParams((2, 3), (2, 3), (0, 1), Activation()), width=7),
    "the pooling clamps": graph_of(pool=replace(POOL, activation=Activation(-128, 100))),
    "a large sum may wrap when it is shifted": graph_of(convolution(shift=16)),
}


@pytest.mark.parametrize("why", UNFUSED)
def test_what_stays_apart(why: str) -> None:
    assert is_fused(graph_of())
    assert not is_fused(UNFUSED[why])


@pytest.mark.parametrize(("room", "expected"), [(128, True), (127, False)])
def test_sums_leave_room_for_the_offset(room: int, expected: bool) -> None:
    graph = graph_of(convolution(shift=0))
    layer = graph.layers[0]
    old = graph.bias(layer)
    assert old is not None
    without = replace(old, data=np.zeros(5, np.int32))
    bound = layer_accumulator_bound(_with_bias(graph, without), layer)
    bias = replace(old, data=(2**31 - 1 - room - bound).astype(np.int32))
    assert is_fused(_with_bias(graph, bias)) == expected


def _with_bias(graph: Graph, bias: Tensor) -> Graph:
    return replace(graph, tensors=tuple(bias if t.index == bias.index else t for t in graph.tensors))


def test_somebody_else_reads_the_convolution() -> None:
    graph = graph_of()
    conv = graph.layers[0].outputs[0]
    assert not is_fused(replace(graph, outputs=(*graph.outputs, conv)))
    twice = replace(graph.layers[1], index=2, name="again", outputs=graph.layers[1].outputs)
    assert not is_fused(replace(graph, layers=(*graph.layers, twice)))


def test_fatrelu_that_changes_the_order() -> None:
    """An output below the limit becomes the real zero: with this zero point, more than an output above the limit."""
    params = replace(convolution(activation=Activation()), output_offset=20)
    assert is_fused(graph_of(params), {0: pruning(fatrelu_min=20)})
    assert not is_fused(graph_of(params), {0: pruning(fatrelu_min=19)})


def test_a_zero_that_the_pooling_would_clamp() -> None:
    """FATReLU writes the real zero, which may lie below the range of the activation."""
    activation = Activation(-20, 127)
    params = replace(convolution(activation=activation), output_offset=-84)
    graph = graph_of(params, pool=replace(POOL, activation=activation))
    assert is_fused(graph, {0: pruning()})
    assert not is_fused(graph, {0: pruning(fatrelu_min=40)})


def test_more_rows_than_a_plan_may_keep() -> None:
    b = GraphBuilder()
    x = b.tensor((1, 60, 90, 1))
    y = b.weighted(
        "CONV_2D",
        x,
        (1, 60, 90, 64),
        convolution(64),
        random_weights(np.random.default_rng(0), (64, 3, 3, 1)),
        None,
    )
    z = b.layer("MAX_POOL_2D", (y,), (1, 10, 45, 64), PoolParams((6, 2), (6, 2), (0, 0), Activation()))
    assert not is_fused(b.graph((x,), (z,)))


def test_counts_of_the_cost_model() -> None:
    """MACs as before, fewer outputs."""
    graph, entry = graph_of(), pruning()
    (x,) = samples(graph)
    outputs = Engine(graph, None).run(x, keep=[graph.layers[0].outputs[0]]).kept[graph.layers[0].outputs[0]]
    largest = outputs.reshape(4, 4, 2, 3, 3, 5).max(axis=(2, 4))
    alone, fused = (
        LayerCounts(g, g.layers[0], Activity(x, outputs)) for g in (graph, fuse_pools(graph, [{0: entry}]))
    )
    for schedule, cost in (("dense", "macs"), ("compare", "kept"), ("activation_sorted", "kept")):
        before, after = (counts.of(schedule, entry) for counts in (alone, fused))
        assert before[cost] == after[cost] > 0
        assert (before["outputs"], before["pooled"]) == (8 * 9 * 5, 0)
        assert (after["outputs"], after["pooled"]) == (4 * 3 * 5, (8 * 9 - 4 * 3) * 5)
        assert after["multiplied"] == np.count_nonzero(largest > -128) / 4
