"""Parameters of the prunable operators: CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .errors import ModelError
from .graph import ConvParams, FullyConnectedParams, Graph, Layer, Tensor
from .operands import (
    INT32_MAX,
    Operands,
    UnsupportedError,
    Window,
    check_scales,
    padding_scheme,
    scale_of,
    zero_point_of,
)
from .quantization import convolution_requantization, fully_connected_requantization


def conv_2d(operands: Operands) -> ConvParams:
    """Filter OHWI; fewer filter than input channels make groups, as in TFLite."""
    x, weights, y = _tensors(operands, activation_rank=4, channel_axis=0, weights_rank=4)
    options = operands.option(schema.Conv2DOptionsT)
    outputs, _, _, inputs = weights.shape
    if x.shape[3] % inputs or outputs % (x.shape[3] // inputs):
        raise ModelError(f"filter {weights.shape} does not fit {x.shape[3]} input channels")
    return _convolution(operands, options, x, weights, y, channels=outputs, ch_mult=0)


def depthwise_conv_2d(operands: Operands) -> ConvParams:
    """Filter 1HWO with O = input channels * multiplier."""
    x, weights, y = _tensors(operands, activation_rank=4, channel_axis=3, weights_rank=4)
    options = operands.option(schema.DepthwiseConv2DOptionsT)
    outputs = weights.shape[3]
    if weights.shape[0] != 1 or outputs != x.shape[3] * options.depthMultiplier:
        expected = f"{x.shape[3]} input channels times multiplier {options.depthMultiplier}"
        raise ModelError(f"filter {weights.shape} does not fit {expected}")
    return _convolution(operands, options, x, weights, y, channels=outputs, ch_mult=options.depthMultiplier)


def fully_connected(operands: Operands) -> FullyConnectedParams:
    """Filter (outputs, inputs); the input is seen as rows of `inputs` values."""
    x, weights, y = _tensors(operands, activation_rank=None, channel_axis=0, weights_rank=2)
    options = operands.option(schema.FullyConnectedOptionsT)
    if options.weightsFormat != schema.FullyConnectedOptionsWeightsFormat.DEFAULT:
        raise UnsupportedError(f"shuffled weights (format {options.weightsFormat})")
    outputs, inputs = weights.shape
    if x.size % inputs or y.size != x.size // inputs * outputs or y.shape[-1] != outputs:
        raise ModelError(f"weights {weights.shape} do not fit input {x.shape} and output {y.shape}")
    bias = _bias(operands, outputs)
    if len(weights.scale) > 1:
        requantization = convolution_requantization(scale_of(x), weights.scale, scale_of(y), outputs)
    else:
        _check_bias_scale(operands, x, weights, y)
        requantization = fully_connected_requantization(scale_of(x), scale_of(weights), scale_of(y), outputs)
    assert weights.data is not None
    _check_accumulator(weights.data, bias, zero_point_of(x))
    return FullyConnectedParams(
        input_offset=-zero_point_of(x),
        output_offset=zero_point_of(y),
        activation=operands.activation(options.fusedActivationFunction, y),
        requantization=requantization,
    )


def _convolution(
    operands: Operands,
    options: schema.Conv2DOptionsT | schema.DepthwiseConv2DOptionsT,
    x: Tensor,
    weights: Tensor,
    y: Tensor,
    channels: int,
    ch_mult: int,
) -> ConvParams:
    if y.shape[3] != channels:
        raise ModelError(f"the output has {y.shape[3]} channels, the filter {channels}")
    scheme = padding_scheme(options.padding)
    rows = Window(weights.shape[1], options.strideH, options.dilationHFactor)
    columns = Window(weights.shape[2], options.strideW, options.dilationWFactor)
    assert weights.data is not None
    # One row per output channel, for the bound on the accumulator.
    by_channel = weights.data.reshape(-1, channels).T if ch_mult else weights.data.reshape(channels, -1)
    _check_accumulator(by_channel, _bias(operands, channels), zero_point_of(x))
    return ConvParams(
        input_offset=-zero_point_of(x),
        output_offset=zero_point_of(y),
        stride=(rows.stride, columns.stride),
        padding=(
            rows.padding(scheme, "height", x.shape[1], y.shape[1]),
            columns.padding(scheme, "width", x.shape[2], y.shape[2]),
        ),
        dilation=(rows.dilation, columns.dilation),
        activation=operands.activation(options.fusedActivationFunction, y),
        requantization=convolution_requantization(scale_of(x), weights.scale, scale_of(y), channels),
        ch_mult=ch_mult,
    )


def _tensors(
    operands: Operands, activation_rank: int | None, channel_axis: int, weights_rank: int
) -> tuple[Tensor, Tensor, Tensor]:
    operands.expect(inputs=(2, 3))
    problem = operands.weights_problem()
    if problem:
        raise UnsupportedError(problem)
    x, y = operands.input(0, activation_rank), operands.output(activation_rank)
    weights = operands.tensor(1)
    if len(weights.shape) != weights_rank or weights.size == 0:
        raise ModelError(f"the weights have shape {weights.shape}; expected {weights_rank} dimensions")
    if len(weights.scale) not in (1, weights.shape[channel_axis]):
        raise ModelError(
            f"the weights have {len(weights.scale)} scales for {weights.shape[channel_axis]} channels"
        )
    if len(weights.scale) > 1 and weights.quantized_dimension != channel_axis:
        raise ModelError(
            f"the weights are quantized along dimension {weights.quantized_dimension}, not {channel_axis}"
        )
    check_scales(weights)
    if np.any(weights.zero_point != 0):
        raise ModelError("the weights have a zero point; int8 weights are symmetric")
    return x, weights, y


def _bias(operands: Operands, channels: int) -> np.ndarray | None:
    """int32 (channels,) or None."""
    if len(operands.inputs) < 3 or operands.inputs[2] is None:
        return None
    bias = operands.constant(2, np.int32, "bias values")
    if bias.size != channels:
        raise ModelError(f"the bias has {bias.size} values for {channels} output channels")
    return bias.reshape(channels)


def _check_bias_scale(operands: Operands, x: Tensor, weights: Tensor, y: Tensor) -> None:
    """TFLite's own condition for per-tensor FULLY_CONNECTED: the bias is in units of the products."""
    if len(operands.inputs) < 3 or operands.inputs[2] is None:
        return
    scales = operands.inputs[2].scale
    bias_scale = float(scales[0]) if len(scales) else 0.0
    product = float(scale_of(x)) * float(scale_of(weights))
    if not abs(product - bias_scale) / float(scale_of(y)) <= 0.02:
        raise ModelError(
            f"the bias has scale {bias_scale:g} instead of input scale * weight scale = {product:g}"
        )


def accumulator_bound(weights: np.ndarray, bias: np.ndarray | None, zero_point: int) -> np.ndarray:
    """Largest |accumulator| per output channel over all int8 inputs, int64 (channels,).

    weights: int8 (channels, products per output); bias: int32 (channels,) or None.
    """
    largest = max(127 - zero_point, zero_point + 128)
    bound: np.ndarray = np.abs(weights, dtype=np.int64).sum(axis=1) * largest
    return bound if bias is None else bound + np.abs(bias.reshape(-1).astype(np.int64))


def layer_accumulator_bound(graph: Graph, layer: Layer) -> np.ndarray:
    """`accumulator_bound` of a prunable layer, int64 (output channels,)."""
    weights = graph.weights(layer).data
    assert weights is not None
    bias = graph.bias(layer)
    by_channel = weights.reshape(-1, weights.shape[-1]).T if layer.op == "DEPTHWISE_CONV_2D" else weights
    by_channel = by_channel.reshape(graph.output_channels(layer), -1)
    assert isinstance(layer.params, (ConvParams, FullyConnectedParams))
    return accumulator_bound(by_channel, bias.data if bias else None, -layer.params.input_offset)


def _check_accumulator(weights: np.ndarray, bias: np.ndarray | None, zero_point: int) -> None:
    bound = int(accumulator_bound(weights, bias, zero_point).max())
    if bound > INT32_MAX:
        raise UnsupportedError(f"an accumulator can reach {bound}, more than int32 holds")
