"""Max pooling within CONV_2D: every schedule of the C core against the maxima of the oracle's outputs."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace

import numpy as np
import oracle
import pytest
from core_library import ARG_ERROR, SUCCESS, Call, Counters, address, build
from hypothesis import assume, given
from hypothesis import strategies as st
from planned_calls import Call as PlannedCall
from planned_layers import graph_of, plannable, plans_of
from strategies import LayerCase, conv_cases

from tflm_unit.converter.graph import ConvParams
from tflm_unit.converter.plan_lists import scratch_bytes

WALKS = ("dense", "zero_skip", "compare")
SORTED = "activation_sorted"
LARGEST_PRODUCT = 255 * 128


@dataclass(frozen=True)
class PooledCase:
    """A convolution with pooling, and what it is without."""

    case: LayerCase
    positions: tuple[int, int, int, int]  # output shape before pooling

    def expected(self, schedule: str) -> oracle.Result:
        case = self.case
        result = oracle.conv_2d(
            case.input, case.weights, case.bias, case.params, self.positions, case.pruning, schedule
        )
        n, rows, columns, channels = case.output_shape
        height, width = case.params.pool
        windows = result.output.reshape(n, rows, height, columns, width, channels)
        return replace(result, output=windows.max(axis=(2, 4)))


@st.composite
def pooled_cases(draw: st.DrawFn) -> PooledCase:
    """Windows of up to 4x4 over the outputs that a random layer has; those left over have no window."""
    case = draw(conv_cases())
    assert isinstance(case.params, ConvParams)
    added = [
        np.abs(x.astype(np.int64)).max() for x in (case.bias, case.pruning.compensation) if x is not None
    ]
    largest = LARGEST_PRODUCT * case.weights[0].size + int(sum(added))
    assume(largest << max(0, int(case.params.requantization.shift.max())) < 2**31)
    n, rows, columns, channels = case.output_shape
    size = st.integers(1, 4)
    pool = draw(st.one_of(st.just((2, 2)), st.tuples(size, size)))
    outputs = -(-rows // pool[0]), -(-columns // pool[1])  # the last ones may see padding only
    return PooledCase(
        replace(case, params=replace(case.params, pool=pool), output_shape=(n, *outputs, channels)),
        (n, outputs[0] * pool[0], outputs[1] * pool[1], channels),
    )


def check(call: Call | PlannedCall, want: oracle.Result, counting: ctypes.CDLL, *others: ctypes.CDLL) -> None:
    """Outputs in all builds, and counters."""
    sums = np.zeros(want.output.shape[-1], dtype=np.int64)
    counters = Counters(0, 0, 0, address(sums))
    status, output = call.run(counting, counters)
    assert status == SUCCESS
    np.testing.assert_array_equal(output, want.output)
    counted = (counters.macs_total, counters.macs_zero, counters.macs_skipped)
    assert counted == (want.macs_total, want.macs_zero, want.macs_skipped)
    np.testing.assert_array_equal(sums, want.skipped_sum)
    for library in others:
        status, output = call.run(library)
        assert status == SUCCESS
        np.testing.assert_array_equal(output, want.output)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The core compiled for size, which stores outputs one by one."""
    return build(tmp_path_factory.mktemp("core"), "small", "-Os")


@pytest.mark.parametrize("schedule", [*WALKS, SORTED])
@given(pooled=pooled_cases())
def test_outputs_and_counters_equal_the_oracle(
    counting: ctypes.CDLL, plain: ctypes.CDLL, small: ctypes.CDLL, schedule: str, pooled: PooledCase
) -> None:
    want = pooled.expected("compare" if schedule == SORTED else schedule)
    check(Call(pooled.case, schedule), want, counting, plain, small)


@given(pooled=pooled_cases())
def test_plans(counting: ctypes.CDLL, plain: ctypes.CDLL, pooled: PooledCase) -> None:
    case = replace(pooled.case, pruning=plannable(pooled.case.pruning))
    (plan,) = plans_of(case, [case.pruning])
    graph, call = graph_of(case), PlannedCall(case, plan)
    assert call.buffer_size(plain) == scratch_bytes(graph, graph.layers[0], plan.taps, plan.outputs)
    check(call, replace(pooled, case=case).expected("compare"), counting, plain)


@given(pooled=pooled_cases(), pool=st.sampled_from([(0, 1), (1, 0), (-1, 2), (2, -1)]))
def test_empty_windows_are_refused(plain: ctypes.CDLL, pooled: PooledCase, pool: tuple[int, int]) -> None:
    case = replace(pooled.case, pruning=plannable(pooled.case.pruning))
    (plan,) = plans_of(case, [case.pruning])
    assert isinstance(case.params, ConvParams)
    case = replace(case, params=replace(case.params, pool=pool))
    calls = [
        PlannedCall(case, plan, 1 << 20),
        *(Call(case, schedule, scratch=1 << 20) for schedule in (*WALKS, SORTED)),
    ]
    for call in calls:
        status, output = call.run(plain)
        assert status == ARG_ERROR
        assert (output == 0x55).all()
    assert PlannedCall(case, plan).buffer_size(plain) == -1
    assert Call(case, SORTED).buffer_size(plain) == -1
