"""Properties of plans: every weight that can matter stands in its list, in order, and points share what they can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planned_layers import graph_of, plannable, plans_of
from strategies import CONV, DEPTHWISE, FULLY_CONNECTED, LayerCase, conv_cases, layer_cases

from tflm_unit.converter.engine import cutoffs
from tflm_unit.converter.graph import ConvParams
from tflm_unit.converter.plan_lists import MAX_WINDOW
from tflm_unit.converter.plans import MAX_CLASSES, NEVER, WeightPlan, make_plans
from tflm_unit.converter.pruning import NEVER_SKIP, Divider, LayerPruning

FEWER = max(20, settings().max_examples // 3)  # of examples that are checked entry by entry
Place = tuple[int, tuple[int, ...]]  # accumulator of a list, and the index of its weight


def magnitudes(case: LayerCase, entry: LayerPruning) -> tuple[np.ndarray, np.ndarray]:
    """|x| by the activation's byte, and the smallest |x| for which each weight counts."""
    x = np.abs(np.arange(256).astype(np.int8).astype(np.int64) + case.params.input_offset)
    m = cutoffs(case.op, case.weights, entry.per_channel(case.output_shape[-1]), entry.divider) + 1
    return x, np.where(m > x.max(), NEVER, m)


def lists_by_definition(case: LayerCase, plan: WeightPlan) -> Iterator[list[Place]]:
    """The lists of a plan in their order, as docs/planned.md defines them, with all weights."""
    if not isinstance(case.params, ConvParams):
        outputs, inputs = case.weights.shape
        for first in range(0, outputs, plan.outputs):
            for i in range(inputs):
                yield [(o - first, (o, i)) for o in range(first, min(first + plan.outputs, outputs))]
        return
    _, kernel_h, kernel_w, depth = case.weights.shape
    if case.op == DEPTHWISE:
        depth = 1
    (sh, sw), (dh, dw) = case.params.stride, case.params.dilation
    segments = []
    for phase in range(sw):
        columns = [k for k in range(kernel_w) if k * dw % sw == phase]
        segments += [columns[i : i + plan.taps] for i in range(0, len(columns), plan.taps)]
    for block in blocks(case, depth, plan.outputs):
        for segment in segments:
            for phase in range(sh):
                rows = [k for k in range(kernel_h) if k * dh % sh == phase]
                for c in range(depth):
                    for ky in rows:
                        yield [
                            (
                                (segment[-1] - kx) * dw // sw * plan.outputs + o - block[0],
                                (0, ky, kx, o) if case.op == DEPTHWISE else (o, ky, kx, c),
                            )
                            for kx in segment
                            for o in block
                        ]


def blocks(case: LayerCase, depth: int, outputs: int) -> Iterator[range]:
    """Output channels of each block; blocks stay inside a group."""
    channels = case.output_shape[-1]
    per_group = channels // (case.input.shape[-1] // depth)
    for group in range(0, channels, per_group):
        for first in range(group, group + per_group, outputs):
            yield range(first, min(first + outputs, group + per_group))


def counting(plan: WeightPlan, index: int, first: int, x: np.ndarray) -> np.ndarray:
    """How many entries of a list count, by the activation's byte, as kernels find out."""
    count, classes = plan.count[index], plan.count.shape[1]
    result = np.zeros(256, np.int64)
    for byte, kind in enumerate(plan.class_of):
        if kind == 0:
            continue
        n = int(count[kind - 1])
        if plan.critical is not None and kind < classes:
            while n < count[kind] and x[byte] >= plan.critical[first + n]:
                n += 1
        result[byte] = n
    return result


def check(case: LayerCase, entry: LayerPruning, plan: WeightPlan) -> None:
    x, m = magnitudes(case, entry)
    lengths = plan.count[:, -1].astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    lists = list(lists_by_definition(case, plan))
    assert len(lists) == len(plan.count)
    assert len(plan.weight) == len(plan.at) == max(starts[-1], 1)
    for index, places in enumerate(lists):
        entries = slice(starts[index], starts[index + 1])
        at = plan.at[entries] // 4
        assert len(set(at)) == len(at) <= MAX_WINDOW
        place = dict(places)
        assert [case.weights[place[a]] for a in at] == list(plan.weight[entries])
        critical = np.array([m[place[a]] for a in at], np.int64)
        assert (np.diff(critical) >= 0).all()
        missing = set(place) - set(at)
        assert all(m[place[a]] == NEVER for a in missing)
        want = (critical[:, None] <= x).sum(axis=0)
        np.testing.assert_array_equal(counting(plan, index, starts[index], x), want)


@settings(max_examples=FEWER)
@given(case=layer_cases(), taps=st.integers(0, 4))
def test_lists(case: LayerCase, taps: int) -> None:
    entry = plannable(case.pruning, taps)
    (plan,) = plans_of(case, [entry])
    check(case, entry, plan)
    assert 1 <= plan.count.shape[1] <= MAX_CLASSES
    assert 1 <= plan.taps <= (taps or 4)
    arrays = [plan.weight, plan.at, plan.critical, plan.count, plan.first, plan.class_of]
    assert plan.bytes == sum(a.nbytes for a in arrays if a is not None)
    _, m = magnitudes(case, entry)
    assert len(plan.weight) == max(np.count_nonzero(m < NEVER), 1)  # no weight that never matters


@given(case=conv_cases(), taps=st.integers(0, 4))
def test_first_entries(case: LayerCase, taps: int) -> None:
    """One per block, segment, row phase and input channel: those of its lists, which follow each other."""
    (plan,) = plans_of(case, [plannable(case.pruning, taps)])
    assert plan.first is not None
    assert isinstance(case.params, ConvParams)
    kernel_h, depth = case.weights.shape[1], case.weights.shape[3]
    stride, dilation = case.params.stride[0], case.params.dilation[0]
    rows = np.bincount(np.arange(kernel_h) * dilation % stride)
    lists = np.repeat(rows[rows > 0], depth)
    parts = len(plan.count) // (kernel_h * depth)
    starts = np.concatenate([[0], np.cumsum(plan.count[:, -1], dtype=np.int64)])
    first_lists = np.cumsum(np.tile(lists, parts)) - np.tile(lists, parts)
    np.testing.assert_array_equal(plan.first, starts[first_lists])


@settings(max_examples=FEWER)
@given(case=layer_cases(), seed=st.integers(0, 2**32 - 1))
def test_powers_of_two_share_their_lists(case: LayerCase, seed: int) -> None:
    """Under BIT_SHIFT, thresholds of 2^k - 1: more of them keep the order, and classes tell everything."""
    k = np.random.default_rng(seed).integers(0, 8, len(case.pruning.thresholds))
    points = [
        LayerPruning((2 ** (k + more) - 1).astype(np.int16), case.pruning.group_size, Divider.BIT_SHIFT)
        for more in (0, 1, 3)
    ]
    plans = plans_of(case, points)
    for point, plan in zip(points, plans, strict=True):
        check(case, point, plan)
        assert plan.critical is None
        assert plan.count.shape[1] <= 9
        assert plan.weight is plans[0].weight
        assert plan.at is plans[0].at
        assert plan.first is plans[0].first


@settings(max_examples=FEWER)
@given(case=layer_cases(), thresholds=st.lists(st.integers(0, 4000), min_size=2, max_size=3))
def test_points(case: LayerCase, thresholds: list[int]) -> None:
    """Points that share their lists or not."""
    channels = case.output_shape[-1]
    points = [
        LayerPruning((t * (1 + np.arange(channels) % (i + 1))).astype(np.int16), 1, Divider.EXACT)
        for i, t in enumerate(thresholds)
    ]
    for point, plan in zip(points, plans_of(case, points), strict=True):
        check(case, point, plan)


@pytest.mark.parametrize("op", [CONV, DEPTHWISE, FULLY_CONNECTED])
@given(data=st.data())
def test_never_skipping_is_refused(op: str, data: st.DataObject) -> None:
    case = data.draw(layer_cases().filter(lambda c: c.op == op))
    graph = graph_of(case)
    thresholds = np.full(len(case.pruning.thresholds), 3, np.int16)
    thresholds[-1] = NEVER_SKIP
    entry = replace(case.pruning, thresholds=thresholds, divider=Divider.EXACT)
    assert make_plans(graph, graph.layers[0], [entry]) is None


@given(case=conv_cases())
def test_too_many_accumulators_are_refused(case: LayerCase) -> None:
    batch, height, _, channels = case.output_shape
    assume(min(height, case.weights.shape[1]) > 1)
    wide = replace(case, output_shape=(batch, height, 2**15, channels))
    graph = graph_of(wide)
    assert make_plans(graph, graph.layers[0], [plannable(case.pruning)]) is None
