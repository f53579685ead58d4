"""The batch engine's prunable layers, vectorised and on the C core, against the oracle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import oracle
import pytest
from engine_graphs import enlarge, point_for, rows_as_one_sample, single_layer
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    CASES,
    CONV,
    DEPTHWISE,
    FULLY_CONNECTED,
    LayerCase,
    Quantization,
    conv_cases,
    depthwise_cases,
    fully_connected_cases,
)

from tflm_unit.converter.engine import KERNELS, SCHEDULES, Engine, cutoffs, quotients
from tflm_unit.converter.errors import UnitError
from tflm_unit.converter.graph import (
    Activation,
    ConvParams,
    FullyConnectedParams,
    Graph,
    Requantization,
)
from tflm_unit.converter.pruning import MAX_THRESHOLD, NEVER_SKIP, Divider, LayerPruning

X = np.arange(-255, 256)
W = np.arange(-128, 128)


def expected(case: LayerCase, schedule: str) -> oracle.Result:
    function = oracle.PRUNABLE[case.op]
    return function(
        case.input, case.weights, case.bias, case.params, case.output_shape, case.pruning, schedule
    )


def histogram(case: LayerCase) -> np.ndarray:
    """What RunResult.histograms holds, counted one tap at a time."""
    if case.op == FULLY_CONNECTED:
        taps = (case.input.astype(int) + case.params.input_offset).T
        return np.stack([np.bincount(x + 255, minlength=511) for x in taps])
    kh, kw = case.weights.shape[1:3]
    values, inside = oracle.windows(
        case.input, (kh, kw), case.output_shape, case.params, case.params.dilation
    )
    values = values + case.params.input_offset
    inside = np.broadcast_to(inside, values.shape[:-1])
    counts = np.zeros((kh, kw, case.input.shape[3], 511), int)
    for y, x, c in np.ndindex(counts.shape[:3]):
        met = values[:, :, :, y, x, c][inside[:, :, :, y, x]]
        counts[y, x, c] = np.bincount(met + 255, minlength=511)
    return counts


def check(graph: Graph, case: LayerCase, x: np.ndarray, threads: int = 1) -> None:
    """Both kernel forms under every schedule give what the oracle gives."""
    counts = histogram(case)
    for schedule in SCHEDULES:
        want = expected(case, schedule)
        for kernels in KERNELS:
            what = f"{schedule} {kernels}"
            engine = Engine(
                graph, point_for(graph, case), schedule=schedule, kernels=kernels, threads=threads
            )
            result = engine.run(x, histograms=[0], skipped_sums=True)
            output = result.outputs[0].reshape(want.output.shape)
            np.testing.assert_array_equal(output, want.output, err_msg=what)
            got = result.counters[0]
            totals = (got.macs_total, got.macs_zero, got.macs_skipped)
            assert totals == (want.macs_total, want.macs_zero, want.macs_skipped), what
            np.testing.assert_array_equal(got.skipped_sum, want.skipped_sum, err_msg=what)
            np.testing.assert_array_equal(result.histograms[0], counts, err_msg=what)


@pytest.mark.parametrize("op", CASES)
@given(data=st.data(), threads=st.integers(1, 3))
def test_layers_equal_the_oracle(op: str, data: st.DataObject, threads: int) -> None:
    case = data.draw(CASES[op]())
    check(single_layer(case), case, case.input, threads)


@given(case=fully_connected_cases())
def test_rows_of_one_sample(case: LayerCase) -> None:
    check(rows_as_one_sample(case), case, case.input[np.newaxis])


@settings(max_examples=15)
@pytest.mark.parametrize("cases", [conv_cases(), depthwise_cases()], ids=[CONV, DEPTHWISE])
@given(data=st.data(), factor=st.integers(4, 7))
def test_large_images(cases: st.SearchStrategy[LayerCase], data: st.DataObject, factor: int) -> None:
    case = enlarge(data.draw(cases), factor)
    check(single_layer(case), case, case.input)


@settings(max_examples=10)
@given(case=conv_cases(), channels=st.integers(20, 60))
def test_many_channels(case: LayerCase, channels: int) -> None:
    """More taps than a block of columns is meant for."""
    weights = np.concatenate([case.weights] * channels, axis=3)
    case = replace(case, input=np.concatenate([case.input] * channels, axis=3), weights=weights)
    check(single_layer(case), case, case.input)


@settings(max_examples=10)
@given(case=fully_connected_cases(), copies=st.integers(20, 60))
def test_many_inputs(case: LayerCase, copies: int) -> None:
    case = replace(case, input=np.tile(case.input, copies), weights=np.tile(case.weights, copies))
    check(single_layer(case), case, case.input)


def extreme(op: str, taps: int, threshold: int) -> LayerCase:
    """One output whose products all have the largest magnitude, 255 * 128."""
    pair = Requantization(np.array([1 << 30], np.int32), np.array([-23], np.int32))
    shape: tuple[int, ...] = (1, taps) if op == FULLY_CONNECTED else (1, 1, 1, taps)
    params = (
        FullyConnectedParams(128, 0, Activation(), pair)
        if op == FULLY_CONNECTED
        else ConvParams(128, 0, (1, 1), (0, 0), (1, 1), Activation(), pair)
    )
    one = np.ones(1, np.float32)
    return LayerCase(
        op=op,
        input=np.full(shape, 127, np.int8),
        weights=np.full(shape, -128, np.int8),
        bias=None,
        params=params,
        output_shape=(*shape[:-1], 1),
        pruning=LayerPruning(np.array([threshold], np.int16), 1),
        quantization=Quantization(one[0], -128, one, one[0], 0),
        padding="VALID",
        fused="NONE",
    )


@pytest.mark.parametrize("op", [CONV, FULLY_CONNECTED])
@pytest.mark.parametrize("taps", [65535, 65536])  # the most that the vector form takes, and one more
@pytest.mark.parametrize("threshold", [NEVER_SKIP, MAX_THRESHOLD])
def test_no_accumulator_or_counter_overflows(op: str, taps: int, threshold: int) -> None:
    case = extreme(op, taps, threshold)
    graph, want = single_layer(case), expected(case, "compare")
    assert (want.output == -127 - (taps == 65536)).all()
    for kernels in KERNELS:
        result = Engine(graph, point_for(graph, case), kernels=kernels).run(case.input)
        np.testing.assert_array_equal(result.outputs[0], want.output)
        assert result.counters[0].macs_skipped == want.macs_skipped == 0


@pytest.mark.parametrize("op", CASES)
@pytest.mark.parametrize("divider", Divider)
@given(seed=st.integers(0, 2**32 - 1))
def test_cutoffs_are_the_predicate(op: str, divider: Divider, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = [NEVER_SKIP, 0, 1, 127, 128, 255, 32384, MAX_THRESHOLD]
    thresholds = np.array([rng.choice(corners), rng.integers(0, MAX_THRESHOLD + 1)], np.int16)
    if op == DEPTHWISE:
        weights = np.repeat(W.astype(np.int8), 2).reshape(1, 16, 16, 2)
    else:
        weights = np.tile(W.astype(np.int8), 2).reshape((2, 256) if op == FULLY_CONNECTED else (2, 16, 4, 4))
    found = cutoffs(op, weights, thresholds, divider)
    assert found.shape == weights.shape
    assert found.dtype == np.int16
    by_channel = found.reshape(-1, 2).T if op == DEPTHWISE else found.reshape(2, -1)
    for channel, threshold in enumerate(thresholds):
        control, other = (X[:, None], W[None, :]) if op == FULLY_CONNECTED else (W[None, :], X[:, None])
        pruning = LayerPruning(thresholds, 1, divider)
        skipped = oracle.is_skipped(pruning, int(threshold), control, other)
        np.testing.assert_array_equal(np.abs(X)[:, None] <= by_channel[channel][None, :], skipped)


def test_quotients_are_rows_of_the_table() -> None:
    thresholds = np.array([0, 1, 254, 255, 256, 12345, MAX_THRESHOLD], np.int16)
    rows = quotients(thresholds)
    assert rows.dtype == np.uint8
    assert (rows[:, 0] == 255).all()
    want = np.minimum(thresholds[:, None].astype(int) // np.arange(1, 256), 255)
    np.testing.assert_array_equal(rows[:, 1:], want)


def test_bad_arguments_of_cutoffs_and_quotients() -> None:
    weights, thresholds = np.zeros((2, 3), np.int8), np.zeros(2, np.int16)
    with pytest.raises(UnitError, match="op is 'ADD'"):
        cutoffs("ADD", weights, thresholds, Divider.EXACT)
    with pytest.raises(UnitError, match="weights are int32"):
        cutoffs(FULLY_CONNECTED, weights.astype(np.int32), thresholds, Divider.EXACT)
    with pytest.raises(UnitError, match="thresholds are int64"):
        cutoffs(FULLY_CONNECTED, weights, thresholds.astype(np.int64), Divider.EXACT)
    with pytest.raises(UnitError, match="3 thresholds for 2 output channels"):
        cutoffs(FULLY_CONNECTED, weights, np.zeros(3, np.int16), Divider.EXACT)
    with pytest.raises(UnitError, match="-2 is not in"):
        cutoffs(FULLY_CONNECTED, weights, np.full(2, -2, np.int16), Divider.EXACT)
    with pytest.raises(UnitError, match="expected int16"):
        quotients(np.zeros(2, np.int64))
    with pytest.raises(UnitError, match="-1 is not in"):
        quotients(np.array([-1], np.int16))
