"""Plans in the planned schedule of the C core against the oracle, with and without counters."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import numpy as np
import oracle
import pytest
from core_library import ARG_ERROR, SUCCESS, Counters, address
from hypothesis import assume, given
from hypothesis import strategies as st
from planned_calls import Call
from planned_layers import graph_of, plannable, plans_of
from random_layers import quotient_rows, random_thresholds, random_tree
from strategies import CASES, CONV, DEPTHWISE, LayerCase, layer_cases

from tflm_unit.converter.graph import ConvParams
from tflm_unit.converter.plan_lists import scratch_bytes
from tflm_unit.converter.plans import WeightPlan
from tflm_unit.converter.pruning import MAX_THRESHOLD, Divider, LayerPruning


def check(case: LayerCase, plan: WeightPlan, counting: ctypes.CDLL, plain: ctypes.CDLL) -> None:
    """Outputs and counters in both builds."""
    run = oracle.PRUNABLE[case.op]
    want = run(case.input, case.weights, case.bias, case.params, case.output_shape, case.pruning, "compare")
    sums = np.zeros(case.output_shape[-1], dtype=np.int64)
    counters = Counters(0, 0, 0, address(sums))
    status, output = Call(case, plan).run(counting, counters)
    assert status == SUCCESS
    np.testing.assert_array_equal(output, want.output)
    counted = (counters.macs_total, counters.macs_zero, counters.macs_skipped)
    assert counted == (want.macs_total, want.macs_zero, want.macs_skipped)
    np.testing.assert_array_equal(sums, want.skipped_sum)

    untouched = Counters(1, 2, 3, address(sums))
    status, output = Call(case, plan, without="filter").run(plain, untouched)
    assert status == SUCCESS
    np.testing.assert_array_equal(output, want.output)
    assert (untouched.macs_total, untouched.macs_zero, untouched.macs_skipped) == (1, 2, 3)


@pytest.mark.parametrize("op", CASES)
@given(data=st.data())
def test_outputs_and_counters_equal_the_oracle(
    counting: ctypes.CDLL, plain: ctypes.CDLL, op: str, data: st.DataObject
) -> None:
    case = data.draw(CASES[op]())
    case = replace(case, pruning=plannable(case.pruning, data.draw(st.integers(0, 5))))
    (plan,) = plans_of(case, [case.pruning])
    graph = graph_of(case)
    size = scratch_bytes(graph, graph.layers[0], plan.taps, plan.outputs)
    assert Call(case, plan).buffer_size(plain) == size
    check(case, plan, counting, plain)


@pytest.mark.parametrize("op", [CONV, DEPTHWISE])
@given(data=st.data(), rows=st.integers(0, 4), columns=st.integers(0, 4))
def test_outputs_that_see_only_padding(
    counting: ctypes.CDLL, plain: ctypes.CDLL, op: str, data: st.DataObject, rows: int, columns: int
) -> None:
    """So many more rows of outputs above and columns left of the others."""
    case = data.draw(CASES[op]())
    params = case.params
    assert isinstance(params, ConvParams)
    n, height, width, channels = case.output_shape
    top = params.padding[0] + rows * params.stride[0]
    left = params.padding[1] + columns * params.stride[1]
    case = replace(
        case,
        params=replace(params, padding=(top, left)),
        output_shape=(n, height + rows, width + columns, channels),
        pruning=plannable(case.pruning),
    )
    check(case, plans_of(case, [case.pruning])[0], counting, plain)


@given(case=layer_cases(), seed=st.integers(0, 2**32 - 1), is_scaled=st.booleans())
def test_points(
    counting: ctypes.CDLL, plain: ctypes.CDLL, case: LayerCase, seed: int, is_scaled: bool
) -> None:
    """Several operating points, which share lists or not; scaled thresholds under one divider often do."""
    rng = np.random.default_rng(seed)
    first = plannable(case.pruning)
    centred = case.input.astype(np.int64) + case.params.input_offset
    points = [first]
    for scale in (2, 8):
        thresholds = np.minimum(first.thresholds.astype(np.int64) * scale, MAX_THRESHOLD)
        if not is_scaled:
            thresholds = np.maximum(
                random_thresholds(rng, len(first.thresholds), centred, case.weights), 0
            ).astype(np.int64)
        points.append(with_divider(first, Divider(rng.integers(5)), thresholds.astype(np.int16), rng))
    for point, plan in zip(points, plans_of(case, points), strict=True):
        check(replace(case, pruning=point), plan, counting, plain)


def with_divider(
    pruning: LayerPruning, divider: Divider, thresholds: np.ndarray, rng: np.random.Generator
) -> LayerPruning:
    table = table_row = None
    if divider is Divider.TABLE:
        distinct, rows = np.unique(thresholds, return_inverse=True)
        table, table_row = quotient_rows(distinct.astype(np.int64)), rows.astype(np.uint16)
    tree = random_tree(rng) if divider is Divider.BINARY_TREE else None
    return replace(
        pruning, thresholds=thresholds, divider=divider, tree=tree, table=table, table_row=table_row
    )


@given(case=layer_cases(), threshold=st.sampled_from([0, 255 * 127 - 1, MAX_THRESHOLD]))
def test_largest_magnitudes(
    counting: ctypes.CDLL, plain: ctypes.CDLL, case: LayerCase, threshold: int
) -> None:
    """|x| = 255 and |w| = 128 or 127 everywhere."""
    case = replace(
        case,
        input=np.full_like(case.input, 127),
        weights=np.resize(np.array([-128, 127], dtype=np.int8), case.weights.shape),
        params=replace(case.params, input_offset=128),
        pruning=LayerPruning(np.array([threshold], dtype=np.int16), case.output_shape[-1]),
    )
    check(case, plans_of(case, [case.pruning])[0], counting, plain)


@given(case=layer_cases())
def test_incomplete_calls_are_refused_and_write_nothing(
    counting: ctypes.CDLL, plain: ctypes.CDLL, case: LayerCase
) -> None:
    case = replace(case, pruning=plannable(case.pruning))
    (plan,) = plans_of(case, [case.pruning])
    size = Call(case, plan).buffer_size(plain)
    nothing = replace(plan, outputs=0)
    too_many = replace(plan, count=np.zeros((1, 17), np.uint8))
    missing = ["weight", "at", "count", "class_of"]
    refused = [
        Call(case, plan, scratch=0),
        Call(case, plan, scratch=size - 1),
        Call(case, nothing, scratch=1 << 20),
        Call(case, too_many, scratch=1 << 20),
        *(Call(case, plan, 1 << 20, name) for name in missing),
    ]
    if plan.first is not None:
        refused += [
            Call(case, plan, 1 << 20, "first"),
            Call(case, replace(plan, taps=0), 1 << 20),
        ]
    for call in refused:
        status, output = call.run(plain)
        assert status == ARG_ERROR
        assert (output == 0x55).all()
    assert Call(case, plan, without="filter").run(counting, Counters(0, 0, 0, None))[0] == ARG_ERROR
    assert Call(case, plan, without="filter").run(counting)[0] == SUCCESS


@given(case=layer_cases())
def test_channels_that_do_not_match_are_refused(plain: ctypes.CDLL, case: LayerCase) -> None:
    assume(case.weights.shape[-1] > 1 and case.input.shape[-1] > 1)
    case = replace(case, pruning=plannable(case.pruning))
    (plan,) = plans_of(case, [case.pruning])
    shape = (*case.output_shape[:-1], case.output_shape[-1] + 1)
    assume(case.op == DEPTHWISE or shape[-1] % (case.input.shape[-1] // case.weights.shape[-1]))
    wide = replace(case, output_shape=shape)
    assert Call(wide, plan, scratch=1 << 20).run(plain)[0] == ARG_ERROR
