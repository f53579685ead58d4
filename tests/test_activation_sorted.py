"""The activation_sorted schedule of the C core against the oracle, and its scratch formula."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from math import gcd

import numpy as np
import oracle
import pytest
from core_library import ARG_ERROR, SUCCESS, Call, Counters, address, build
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import CONV, DEPTHWISE, LayerCase, Quantization, conv_cases, depthwise_cases

from tflm_unit.converter.graph import Activation, ConvParams, Requantization
from tflm_unit.converter.pruning import MAX_THRESHOLD, NEVER_SKIP, Divider, LayerPruning

SORTED = "activation_sorted"
CASES = {CONV: conv_cases, DEPTHWISE: depthwise_cases}
LIMIT = 16384  # positions of a plane
any_case = st.one_of(conv_cases(), depthwise_cases())


@pytest.fixture(scope="module", params=["-DUNIT_SORTED_FOURS=0", "-DUNIT_SORTED_FEW=1"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The core as on machines with few registers, where weights walk alone; and with all in groups."""
    return build(tmp_path_factory.mktemp("core"), "other", request.param)


def expected(case: LayerCase) -> oracle.Result:
    run = oracle.PRUNABLE[case.op]
    return run(case.input, case.weights, case.bias, case.params, case.output_shape, case.pruning, "compare")


def check(case: LayerCase, counting: ctypes.CDLL, plain: ctypes.CDLL) -> None:
    """Outputs and counters in both builds."""
    want = expected(case)
    sums = np.zeros(case.output_shape[-1], dtype=np.int64)
    counters = Counters(0, 0, 0, address(sums))
    status, output = Call(case, SORTED).run(counting, counters)
    assert status == SUCCESS
    np.testing.assert_array_equal(output, want.output)
    counted = (counters.macs_total, counters.macs_zero, counters.macs_skipped)
    assert counted == (want.macs_total, want.macs_zero, want.macs_skipped)
    np.testing.assert_array_equal(sums, want.skipped_sum)

    untouched = Counters(1, 2, 3, address(sums))
    status, output = Call(case, SORTED).run(plain, untouched)
    assert status == SUCCESS
    np.testing.assert_array_equal(output, want.output)
    assert (untouched.macs_total, untouched.macs_zero, untouched.macs_skipped) == (1, 2, 3)


def scratch_bytes(case: LayerCase) -> int:
    """By the formula of unit_sorted.h."""
    params = case.params
    assert isinstance(params, ConvParams)
    first, before, after, phases, entries = [], [], [], [], 1
    for axis in range(2):
        size, kernel, outputs = (
            case.input.shape[1 + axis],
            case.weights.shape[1 + axis],
            case.output_shape[1 + axis],
        )
        stride, padding, dilation = params.stride[axis], params.padding[axis], params.dilation[axis]
        phases.append(min(kernel, stride // gcd(stride, dilation)))
        first.append(padding // stride)
        before.append(max(0, (kernel - 1) * dilation // stride - first[axis]))
        after.append(max(0, (size - 1 + padding) // stride - (outputs - 1)))
        entries *= -(-size // stride)
    _, height, width, channels = case.output_shape
    plane = 4 * (before[1] + (width + max(before[1], after[1])) * (before[0] + height + after[0]))
    quotients = -(-case.weights.shape[1] * case.weights.shape[2] // 4) * 4
    if case.op == DEPTHWISE:
        return plane + 256 + quotients
    one_list = -(-(3 * entries + (516 if params.input_offset == 128 else 1028)) // 4) * 4
    depth = case.weights.shape[3]
    lists, planes = depth * phases[0] * phases[1], channels // (case.input.shape[3] // depth)
    return min(lists * one_list + plane, one_list + planes * plane) + quotients


@pytest.mark.parametrize("op", CASES)
@given(data=st.data())
def test_outputs_and_counters_equal_the_oracle(
    counting: ctypes.CDLL, plain: ctypes.CDLL, op: str, data: st.DataObject
) -> None:
    case = data.draw(CASES[op]())
    assert Call(case, SORTED).buffer_size(plain) == scratch_bytes(case)
    check(case, counting, plain)


@given(case=any_case)
def test_weights_alone_and_in_groups(other: ctypes.CDLL, case: LayerCase) -> None:
    status, output = Call(case, SORTED).run(other)
    assert status == SUCCESS
    np.testing.assert_array_equal(output, expected(case).output)


@given(case=any_case, threshold=st.sampled_from([NEVER_SKIP, 0, 255 * 127 - 1, MAX_THRESHOLD]))
def test_largest_magnitudes(
    counting: ctypes.CDLL, plain: ctypes.CDLL, case: LayerCase, threshold: int
) -> None:
    """|x| = 255 and |w| = 128 or 127 everywhere."""
    check(
        replace(
            case,
            input=np.full_like(case.input, 127),
            weights=np.resize(np.array([-128, 127], dtype=np.int8), case.weights.shape),
            params=replace(case.params, input_offset=128),
            pruning=LayerPruning(np.array([threshold], dtype=np.int16), case.output_shape[-1]),
        ),
        counting,
        plain,
    )


@given(case=any_case, seed=st.integers(0, 2**32 - 1))
def test_groups_that_never_skip_beside_others(
    counting: ctypes.CDLL, plain: ctypes.CDLL, case: LayerCase, seed: int
) -> None:
    channels = case.output_shape[-1]
    thresholds = np.random.default_rng(seed).choice([NEVER_SKIP, 0, 300], channels).astype(np.int16)
    check(replace(case, pruning=LayerPruning(thresholds, 1, Divider.EXACT)), counting, plain)


@given(case=any_case)
def test_incomplete_calls_are_refused_and_write_nothing(plain: ctypes.CDLL, case: LayerCase) -> None:
    whole = replace(case.pruning, divider=Divider.EXACT, tree=None, table=None, table_row=None)
    refused = [
        Call(case, SORTED, replace(whole, divider=Divider.BINARY_TREE)),
        Call(case, SORTED, replace(whole, divider=Divider.TABLE)),
        Call(case, SORTED, replace(whole, group_size=0)),
        Call(case, SORTED, scratch=0),
        Call(case, SORTED, scratch=Call(case, SORTED).buffer_size(plain) - 1),
    ]
    for call in refused:
        status, output = call.run(plain)
        assert status == ARG_ERROR
        assert (output == 0x55).all()


@given(case=conv_cases())
def test_channels_that_do_not_match_are_refused(plain: ctypes.CDLL, case: LayerCase) -> None:
    assume(case.weights.shape[3] > 1)
    narrow = replace(case, input=np.ascontiguousarray(case.input[..., :-1]))
    assert Call(narrow, SORTED).buffer_size(plain) == -1
    assert Call(narrow, SORTED, scratch=1 << 20).run(plain)[0] == ARG_ERROR


def simple_case(
    op: str, image: np.ndarray, weights: np.ndarray, outputs: tuple[int, int], padding: tuple[int, int]
) -> LayerCase:
    """Stride 1, inputs q + 128, T = 300."""
    channels = weights.shape[0] if op == CONV else weights.shape[3]
    shift = -10 if weights.size > 1 else 1
    return LayerCase(
        op=op,
        input=image,
        weights=weights,
        bias=None,
        params=ConvParams(
            input_offset=128,
            output_offset=-128,
            stride=(1, 1),
            padding=padding,
            dilation=(1, 1),
            activation=Activation(),
            requantization=Requantization(
                np.full(channels, 1 << 30, dtype=np.int32), np.full(channels, shift, dtype=np.int32)
            ),
            ch_mult=channels // image.shape[3] if op == DEPTHWISE else 0,
        ),
        output_shape=(1, *outputs, channels),
        pruning=LayerPruning(np.array([300], dtype=np.int16), channels),
        quantization=Quantization(np.float32(1), -128, np.ones(1), np.float32(1), -128),
        padding="VALID",
        fused="NONE",
    )


@pytest.mark.parametrize("op", CASES)
@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("width", [LIMIT, LIMIT + 1])
def test_positions_have_16_bits(
    counting: ctypes.CDLL, plain: ctypes.CDLL, op: str, padding: int, width: int
) -> None:
    """A 1x1 convolution of one row; depthwise convolutions have no lists."""
    image = (np.arange(width) % 251 - 128).astype(np.int8).reshape(1, 1, width, 1)
    weights = np.full((1, 1, 1, 1), 3, dtype=np.int8)
    row = simple_case(op, image, weights, (1, width + padding), (0, padding))
    if op == CONV and width > LIMIT:
        assert Call(row, SORTED).buffer_size(plain) == -1
        assert Call(row, SORTED, scratch=1 << 20).run(plain)[0] == ARG_ERROR
    else:
        check(row, counting, plain)


@pytest.mark.parametrize("columns", [2**15 - 1, 2**15])
@pytest.mark.parametrize("is_high", [False, True])
def test_outputs_are_counted_with_16_bits(
    counting: ctypes.CDLL, plain: ctypes.CDLL, columns: int, is_high: bool
) -> None:
    """Of depthwise convolutions, whose positions have no limit."""
    size = (columns, 1) if is_high else (1, columns)
    image = (np.arange(columns) % 251 - 128).astype(np.int8).reshape(1, *size, 1)
    case = simple_case(DEPTHWISE, image, np.full((1, 1, 1, 1), 3, dtype=np.int8), size, (0, 0))
    if columns < 2**15:
        check(case, counting, plain)
    else:
        assert Call(case, SORTED).buffer_size(plain) == -1
        assert Call(case, SORTED, scratch=1 << 20).run(plain)[0] == ARG_ERROR


@pytest.mark.parametrize("op", CASES)
@pytest.mark.parametrize("channels", [1, 3])
def test_many_inputs_and_many_taps(counting: ctypes.CDLL, plain: ctypes.CDLL, op: str, channels: int) -> None:
    """More than random layers have: 7x7 kernels over 40x37 inputs."""
    rng = np.random.default_rng(channels)
    image = np.maximum(rng.normal(-120, 40, (1, 40, 37, channels)).round(), -128).astype(np.int8)
    shape = (8, 7, 7, channels) if op == CONV else (1, 7, 7, 2 * channels)
    weights = np.clip(rng.normal(0, 40, shape).round(), -127, 127).astype(np.int8)
    check(simple_case(op, image, weights, (40, 37), (3, 3)), counting, plain)
