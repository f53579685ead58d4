"""Fixed LayerCases, one per prunable operator, for tests about what happens around the layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import oracle
from random_layers import random_pruning
from strategies import CONV, DEPTHWISE, FULLY_CONNECTED, LayerCase, Quantization

from tflm_unit.converter.graph import Activation, ConvParams, FullyConnectedParams
from tflm_unit.converter.pruning import FATRELU_OFF, Divider, LayerPruning, Schedule
from tflm_unit.converter.quantization import convolution_requantization, fully_connected_requantization

_INPUT_ZERO_POINT, _OUTPUT_ZERO_POINT = -100, 3


def example_cases() -> list[LayerCase]:
    """CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED with the dividers that need a table, a tree and nothing."""
    rng = np.random.default_rng(1)
    return [
        _case(rng, CONV, (1, 6, 6, 3), (4, 3, 3, 3), (1, 4, 4, 4), Divider.TABLE, group_size=1),
        _case(rng, DEPTHWISE, (1, 5, 5, 4), (1, 3, 3, 4), (1, 3, 3, 4), Divider.BINARY_TREE, group_size=3),
        _case(rng, FULLY_CONNECTED, (1, 20), (6, 20), (1, 6), Divider.EXACT, group_size=2),
    ]


def strided_cases() -> list[LayerCase]:
    """Convolutions of two groups and with two outputs per channel, with strides and dilations."""
    rng = np.random.default_rng(2)
    return [
        _case(
            rng, CONV, (1, 7, 9, 4), (6, 3, 4, 2), (1, 3, 3, 6), Divider.BIT_SHIFT, group_size=6, stride=(2, 2)
        ),
        _case(
            rng, DEPTHWISE, (1, 7, 9, 2), (1, 2, 3, 4), (1, 3, 3, 4), Divider.EXACT, group_size=1,
            stride=(2, 2), dilation=(1, 2),
        ),
    ]  # fmt: skip


def scheduled(case: LayerCase, schedule: Schedule, taps: int = 0) -> LayerCase:
    """The case under a schedule. What is never to be skipped cannot be planned: PLANNED skips its zeros."""
    pruning = replace(case.pruning, schedule=schedule, taps=taps)
    if schedule is Schedule.PLANNED:
        pruning = replace(pruning, thresholds=np.maximum(pruning.thresholds, 0))
    return replace(case, pruning=pruning)


def coarse_pruning(case: LayerCase) -> LayerPruning:
    """Another pruning of the layer: one threshold for all channels, under another divider."""
    return LayerPruning(np.array([400], np.int16), case.output_shape[-1], Divider.BIT_SHIFT)


def centered(case: LayerCase, distance: int) -> LayerCase:
    """The case with its activations counted from `distance` above the zero point: the same sums, if unpadded."""
    axes = (0, 1, 2) if case.op == DEPTHWISE else tuple(range(1, case.weights.ndim))
    gained = distance * case.weights.astype(np.int64).sum(axis=axes)
    bias = gained + (0 if case.bias is None else case.bias)
    params = replace(case.params, input_offset=case.params.input_offset - distance)
    return replace(case, params=params, bias=bias.astype(np.int32))


def expected(case: LayerCase, pruning: LayerPruning | None) -> oracle.Result:
    """What the oracle computes for the case with this pruning, None: dense."""
    schedule = "dense" if pruning is None else "compare"
    function = oracle.PRUNABLE[case.op]
    return function(case.input, case.weights, case.bias, case.params, case.output_shape, pruning, schedule)


def _case(
    rng: np.random.Generator,
    op: str,
    input_shape: tuple[int, ...],
    weights_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    divider: Divider,
    group_size: int,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> LayerCase:
    channels = output_shape[-1]
    spread = 60 * 40 * float(np.sqrt(np.prod(weights_shape) / channels))
    quantization = Quantization(
        input_scale=np.float32(0.05),
        input_zero_point=_INPUT_ZERO_POINT,
        weight_scales=np.array([0.01], np.float32),
        output_scale=np.float32(0.05 * 0.01 * spread / 40),
        output_zero_point=_OUTPUT_ZERO_POINT,
    )
    scales = (quantization.input_scale, quantization.weight_scales, quantization.output_scale)
    offsets, activation = (-_INPUT_ZERO_POINT, _OUTPUT_ZERO_POINT), Activation()
    params: ConvParams | FullyConnectedParams
    if op == FULLY_CONNECTED:
        dense = fully_connected_requantization(scales[0], scales[1][0], scales[2], channels)
        params = FullyConnectedParams(*offsets, activation, dense)
    else:
        convolution = convolution_requantization(*scales, channels)
        ch_mult = channels // input_shape[3] if op == DEPTHWISE else 0
        params = ConvParams(*offsets, stride, (0, 0), dilation, activation, convolution, ch_mult)
    groups = -(-channels // group_size)
    return LayerCase(
        op=op,
        input=rng.integers(-128, 128, input_shape).astype(np.int8),
        weights=np.clip(np.rint(rng.normal(0, 40, weights_shape)), -127, 127).astype(np.int8),
        bias=rng.integers(-2000, 2000, channels).astype(np.int32),
        params=params,
        output_shape=output_shape,
        pruning=random_pruning(
            rng,
            divider,
            group_size,
            rng.integers(300, 1500, groups).astype(np.int16),
            rng.integers(-500, 500, channels).astype(np.int32),
            FATRELU_OFF,
        ),
        quantization=quantization,
        padding="" if op == FULLY_CONNECTED else "VALID",
        fused="NONE",
    )
