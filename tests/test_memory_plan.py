"""The memory plan of exports: buffers, activations of graphs, scratch."""

from __future__ import annotations

import ctypes
from itertools import combinations

import numpy as np
import pytest
from core_library import SUCCESS, Call, Dims, Tile
from engine_graphs import GraphBuilder, network, single_layer
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import random_graph
from strategies import LayerCase, layer_cases, window
from test_core_operators import Pool, c_range, call, int8

from tflm_unit.converter.codegen.arena import PlanRow, overwritable, plan_arena
from tflm_unit.converter.codegen.memory_plan import ALIGNMENT, Buffer, Tenant, most_live, peak, place
from tflm_unit.converter.codegen.scratch import scratch_bytes
from tflm_unit.converter.graph import Activation, Graph, PoolParams

SCHEDULES = ("dense", "zero_skip", "compare")


@st.composite
def buffers(draw: st.DrawFn) -> list[Buffer]:
    result = []
    for number in range(draw(st.integers(0, 12))):
        first, tenants = draw(st.integers(0, 8)), []
        for _ in range(draw(st.integers(1, 3))):
            size, last = draw(st.integers(1, 50)), first + draw(st.integers(0, 3))
            tenants.append(Tenant(f"{number}", size, first, last))
            first = last  # the next one is computed in place, at the last step of this one
        result.append(Buffer(tuple(tenants)))
    return result


@given(placed=buffers())
def test_no_two_live_buffers_overlap(placed: list[Buffer]) -> None:
    offsets = place(placed)
    assert all(offset >= 0 and offset % ALIGNMENT == 0 for offset in offsets)
    rows = [(t, o, i) for i, (b, o) in enumerate(zip(placed, offsets, strict=True)) for t in b.tenants]
    for (a, a_offset, a_buffer), (b, b_offset, b_buffer) in combinations(rows, 2):
        together = a.first <= b.last and b.first <= a.last
        if together and a_buffer != b_buffer:
            assert a_offset + a.size <= b_offset or b_offset + b.size <= a_offset
    needed = peak(placed, offsets)
    assert most_live(placed) <= needed <= sum(-(-b.size // ALIGNMENT) * ALIGNMENT for b in placed)
    assert needed >= max((o + t.size for t, o, _ in rows), default=0)


def test_the_best_order_is_found_where_size_alone_wastes_memory() -> None:
    """The largest at 0 leaves no room below for the two that follow each other next to it."""
    sizes = [(28, 0, 1), (20, 1, 2), (20, 2, 3), (40, 3, 4)]
    placed = [Buffer((Tenant("", *size),)) for size in sizes]
    assert peak(placed, place(placed)) == most_live(placed) == 60


def rows_of(graph: Graph, schedule: str) -> tuple[tuple[PlanRow, ...], int]:
    scratch = {layer.index: scratch_bytes(layer, graph, schedule) or 0 for layer in graph.mac_layers}
    arena = plan_arena(graph, scratch)
    return arena.rows, arena.bytes


@given(seed=st.integers(0, 2**32 - 1), layers=st.integers(1, 25), schedule=st.sampled_from(SCHEDULES))
def test_activations_of_graphs(seed: int, layers: int, schedule: str) -> None:
    """Rows overlap only where an output is computed over an operand that dies at that layer."""
    graph = random_graph(seed, layers)
    rows, total = rows_of(graph, schedule)
    assert all(row.offset % ALIGNMENT == 0 and row.offset + row.bytes <= total for row in rows)
    for a, b in combinations(rows, 2):
        if a.first <= b.last and b.first <= a.last:
            disjoint = a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
            in_place = b.in_place and a.last == b.first and a.offset == b.offset and a.bytes >= b.bytes
            assert disjoint or in_place, (a, b)
    assert total <= sum(-(-row.bytes // ALIGNMENT) * ALIGNMENT for row in rows)


@given(seed=st.integers(0, 2**32 - 1))
def test_lifetimes(seed: int) -> None:
    """Every operand is live when it is read, whatever its name, and every output at the end."""
    graph = random_graph(seed, 12)
    arena = plan_arena(graph, {})
    steps = [layer for layer in graph.layers if layer.op != "RESHAPE"]

    def live(tensor: int, step: int) -> bool:
        size = graph.tensors[tensor].size * graph.tensors[tensor].dtype.itemsize
        return any(
            row.offset == arena.offsets[tensor] and row.bytes == size and row.first <= step <= row.last
            for row in arena.rows
        )

    for step, layer in enumerate(steps):
        for t in (*layer.inputs, *layer.outputs):
            assert t not in arena.offsets or live(t, step)
    assert all(live(t, -1) for t in graph.inputs)
    assert all(live(t, len(steps)) for t in graph.outputs)


def test_in_place_where_the_operand_dies() -> None:
    """The first ADD operand dies, the input of MEAN lives on; SOFTMAX's input is an output of the model."""
    graph = network()
    rows, _ = rows_of(graph, "dense")
    in_place = {row.name for row in rows if row.in_place}
    ops = [layer.op for layer in graph.layers if layer.name in in_place]
    assert ops == ["QUANTIZE", "ADD", "MAX_POOL_2D", "AVERAGE_POOL_2D", "RELU"]


@given(case=layer_cases())
def test_scratch_is_what_the_kernels_ask_for(counting: ctypes.CDLL, case: LayerCase) -> None:
    graph = single_layer(case)
    for schedule in ("dense", "zero_skip", "compare", "activation_sorted"):
        wanted = Call(case, schedule).buffer_size(counting)
        if schedule == "activation_sorted" and case.op == "FULLY_CONNECTED":
            assert scratch_bytes(graph.layers[0], graph, schedule) is None
            continue
        assert scratch_bytes(graph.layers[0], graph, schedule) == wanted
        arena = plan_arena(graph, {0: wanted})
        assert [size for _, size in arena.scratch.values()] == ([wanted] if wanted else [])
        assert all(offset % ALIGNMENT == 0 for offset, _ in arena.scratch.values())


@pytest.mark.parametrize("op", ["MAX_POOL_2D", "AVERAGE_POOL_2D"])
@given(data=st.data())
def test_pools_in_place(plain: ctypes.CDLL, op: str, data: st.DataObject) -> None:
    """Where the plan lets a pool overwrite its input, the kernel gives the same result."""
    limits = ((3, 9), (1, 3), (1, 3))
    sizes, kernel, stride = (data.draw(st.tuples(*[st.integers(*pair)] * 2)) for pair in limits)
    kind, channels = data.draw(st.sampled_from(["SAME", "VALID"])), data.draw(st.integers(1, 4))
    (height, top), (width, left) = (window(kind, sizes[i], kernel[i], stride[i], 1) for i in range(2))
    b = GraphBuilder()
    pool = PoolParams(kernel, stride, (top, left), Activation())
    x_index = b.tensor((1, *sizes, channels))
    graph = b.graph((x_index,), (b.layer(op, (x_index,), (1, height, width, channels), pool),))
    if kind == "VALID":
        assert overwritable(graph.layers[0], graph)
    if not overwritable(graph.layers[0], graph):
        return
    x = int8(data.draw(st.integers(0, 1000)), 1, *sizes, channels)
    results = []
    for in_place in (False, True):
        source = x.copy()
        target = source if in_place else np.zeros(x.shape, np.int8)
        params = Pool(Tile(*stride), Tile(top, left), c_range(Activation()))
        dims = Dims(*x.shape), Dims(1, *kernel, 1), Dims(1, height, width, channels)
        name = "unit_max_pool_s8" if op == "MAX_POOL_2D" else "unit_avg_pool_s8"
        assert call(plain, name, params, dims[0], source, dims[1], dims[2], target) == SUCCESS
        results.append(target.ravel()[: height * width * channels].copy())
    np.testing.assert_array_equal(results[1], results[0])
