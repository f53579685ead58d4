"""The prunable kernels of the C core against the oracle, with and without counters.

Under AddressSanitizer and UndefinedBehaviorSanitizer: tests/run_sanitized.sh, which sets
TFLM_UNIT_SANITIZE=1 and preloads the sanitizer's runtime, because Python itself is not built with it.
"""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import oracle
import pytest
from core_library import ARG_ERROR, SUCCESS, Call, Counters, address, build, pointer
from hypothesis import assume, given
from hypothesis import strategies as st
from random_layers import quotient_rows, random_tree
from strategies import (
    CASES,
    LayerCase,
    conv_cases,
    layer_cases,
)

from tflm_unit.converter.pruning import MAX_THRESHOLD, NEVER_SKIP, Divider, LayerPruning

SCHEDULES = ("dense", "zero_skip", "compare")


def expected(case: LayerCase, schedule: str) -> oracle.Result:
    run = oracle.PRUNABLE[case.op]
    return run(case.input, case.weights, case.bias, case.params, case.output_shape, case.pruning, schedule)


@pytest.mark.parametrize("op", CASES)
@given(data=st.data())
def test_outputs_and_counters_equal_the_oracle(
    counting: ctypes.CDLL, plain: ctypes.CDLL, op: str, data: st.DataObject
) -> None:
    case = data.draw(CASES[op]())
    for schedule in SCHEDULES:
        want = expected(case, schedule)
        sums = np.zeros(case.output_shape[-1], dtype=np.int64)
        counters = Counters(0, 0, 0, address(sums))
        status, output = Call(case, schedule).run(counting, counters)
        assert status == SUCCESS
        np.testing.assert_array_equal(output, want.output, err_msg=schedule)
        counted = (counters.macs_total, counters.macs_zero, counters.macs_skipped)
        assert counted == (want.macs_total, want.macs_zero, want.macs_skipped), schedule
        np.testing.assert_array_equal(sums, want.skipped_sum, err_msg=schedule)

        untouched = Counters(1, 2, 3, address(sums))
        status, output = Call(case, schedule).run(plain, untouched)
        assert status == SUCCESS
        np.testing.assert_array_equal(output, want.output, err_msg=f"{schedule} without counters")
        assert (untouched.macs_total, untouched.macs_zero, untouched.macs_skipped) == (1, 2, 3)


@given(case=layer_cases())
def test_counters_accumulate_and_are_optional(counting: ctypes.CDLL, case: LayerCase) -> None:
    want = expected(case, "compare")
    counters = Counters(0, 0, 0, None)
    for calls in (1, 2):
        Call(case).run(counting, counters)
        assert counters.macs_total == calls * want.macs_total
        assert counters.macs_skipped == calls * want.macs_skipped
    np.testing.assert_array_equal(Call(case).run(counting)[1], want.output)


@pytest.mark.parametrize("divider", [d for d in Divider if d not in (Divider.BINARY_TREE, Divider.TABLE)])
@given(case=layer_cases())
def test_threshold_zero_changes_nothing(plain: ctypes.CDLL, divider: Divider, case: LayerCase) -> None:
    zero = LayerPruning(np.zeros(1, dtype=np.int16), case.output_shape[-1], divider)
    dense = Call(case, "dense").run(plain)[1]
    np.testing.assert_array_equal(Call(case, "compare", zero).run(plain)[1], dense)
    np.testing.assert_array_equal(Call(case, "zero_skip").run(plain)[1], dense)


@pytest.mark.parametrize("divider", Divider)
def test_dividers_for_every_threshold_and_control(
    counting: ctypes.CDLL, plain: ctypes.CDLL, divider: Divider
) -> None:
    thresholds = np.arange(MAX_THRESHOLD + 1)
    controls = np.arange(256)
    want = np.empty((len(thresholds), 256), dtype=np.uint8)
    for block in np.array_split(thresholds, 16):
        want[block] = oracle.divide(divider, block[:, None], controls[None, :])
    rows = quotient_rows(thresholds)
    rng = np.random.default_rng(20)
    for library in (counting, plain):
        tree = random_tree(rng)
        got = np.zeros_like(want)
        library.divide_all(
            int(divider), pointer(address(tree)), pointer(address(rows)), pointer(address(got))
        )
        np.testing.assert_array_equal(got, want)


def test_exponents_of_floats_divide_alike(tmp_path: Path, plain: ctypes.CDLL) -> None:
    floats = build(
        tmp_path, "floats", "-DUNIT_FLOAT_EXPONENT", sources=[Path(__file__).parent / "divide_all.c"]
    )
    for divider in (Divider.BIT_SHIFT, Divider.BIT_MASK):
        quotients = np.zeros((2, MAX_THRESHOLD + 1, 256), dtype=np.uint8)
        for library, into in zip((plain, floats), quotients, strict=True):
            library.divide_all(int(divider), None, None, pointer(address(into)))
        np.testing.assert_array_equal(quotients[0], quotients[1])


@given(seed=st.integers(0, 2**32 - 1), threshold=st.integers(0, MAX_THRESHOLD))
def test_every_tree_divides_like_bit_shift(plain: ctypes.CDLL, seed: int, threshold: int) -> None:
    tree = random_tree(np.random.default_rng(seed))
    for control in range(1, 256):
        by_tree, by_shift = (
            plain.unit_divide(int(d), threshold, control, pointer(address(tree)), None)
            for d in (Divider.BINARY_TREE, Divider.BIT_SHIFT)
        )
        assert by_tree == by_shift


def test_unknown_divider_gives_zero(plain: ctypes.CDLL) -> None:
    assert plain.unit_divide(5, 1000, 3, None, None) == 0


@given(case=layer_cases())
def test_incomplete_pruning_is_refused_and_writes_nothing(plain: ctypes.CDLL, case: LayerCase) -> None:
    whole = replace(case.pruning, divider=Divider.EXACT, tree=None, table=None, table_row=None)
    size = Call(case).buffer_size(plain)
    refused = [
        Call(case, pruning=replace(whole, divider=Divider.BINARY_TREE)),
        Call(case, pruning=replace(whole, divider=Divider.TABLE)),
        Call(case, pruning=replace(whole, divider=5)),  # type: ignore[arg-type]
        Call(case, pruning=replace(whole, group_size=0)),
        Call(case, pruning=replace(whole, thresholds=None)),  # type: ignore[arg-type]
        Call(case, scratch=0),
        Call(case, scratch=size - 1),
    ]
    for call in refused:
        status, output = call.run(plain)
        assert status == ARG_ERROR
        assert (output == 0x55).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(case=conv_cases())
def test_channels_that_do_not_match_are_refused(plain: ctypes.CDLL, schedule: str, case: LayerCase) -> None:
    depth = case.weights.shape[3]
    assume(depth > 1)
    narrow = np.ascontiguousarray(case.input[..., :-1])
    assert Call(replace(case, input=narrow), schedule).run(plain)[0] == ARG_ERROR


def test_buffer_sizes(plain: ctypes.CDLL) -> None:
    def size(function: str, *dims: int) -> int:
        array = (ctypes.c_int32 * 4)(*dims)
        return int(plain[f"unit_{function}_s8_get_buffer_size"](array))

    assert size("conv_compare", 7, 3, 5, 4) == 7 * 60
    assert size("conv_compare", 9, 3, 5, 4) == 8 * 60
    assert size("depthwise_conv_compare", 1, 3, 5, 4) == 15
    assert size("fully_connected_compare", 100, 1, 1, 7) == 28
    assert size("fully_connected_compare", 100, 1, 1, 65) == 256


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(case=layer_cases(), threshold=st.sampled_from([NEVER_SKIP, 0, 255 * 127 - 1, MAX_THRESHOLD]))
def test_largest_magnitudes(counting: ctypes.CDLL, schedule: str, case: LayerCase, threshold: int) -> None:
    """|x| = 255 and |w| = 128 or 127 everywhere, where narrow types would overflow."""
    case = replace(
        case,
        input=np.full_like(case.input, 127),
        weights=np.resize(np.array([-128, 127], dtype=np.int8), case.weights.shape),
        params=replace(case.params, input_offset=128),
        pruning=LayerPruning(np.array([threshold], dtype=np.int16), case.output_shape[-1]),
    )
    want = expected(case, schedule)
    counters = Counters(0, 0, 0, None)
    status, output = Call(case, schedule).run(counting, counters)
    assert status == SUCCESS
    np.testing.assert_array_equal(output, want.output)
    assert counters.macs_skipped == want.macs_skipped
