"""Hypothesis strategies for random prunable layers, cheap to draw: structure by hypothesis, arrays by a
seeded NumPy generator.

A LayerCase starts from scales, as a model does, and derives TFLite's integers from them, so that the
same case can be computed by the oracle, the C core, the batch engine and a .tflite model inside TFLM.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from random_layers import random_activations, random_pruning, random_thresholds, random_weights

from tflm_unit.converter.graph import PRUNABLE, Activation, ConvParams, FullyConnectedParams, Requantization
from tflm_unit.converter.pruning import FATRELU_OFF, Divider, LayerPruning
from tflm_unit.converter.quantization import (
    activation_range,
    convolution_requantization,
    fully_connected_requantization,
)

CONV, DEPTHWISE, FULLY_CONNECTED = PRUNABLE


@dataclass(frozen=True)
class Quantization:
    """float32 scales as the model file has them; weight: (1,) or (channels,)."""

    input_scale: np.float32
    input_zero_point: int
    weight_scales: np.ndarray
    output_scale: np.float32
    output_zero_point: int


@dataclass(frozen=True)
class LayerCase:
    """One layer with its input. weights: OHWI, 1HWO or (outputs, inputs); bias: int32 or None.

    input: int8 NHWC or (rows, inputs). padding: SAME, VALID, or "" for FULLY_CONNECTED. fused: TFLite's
    name of the fused activation.
    """

    op: str
    input: np.ndarray
    weights: np.ndarray
    bias: np.ndarray | None
    params: ConvParams | FullyConnectedParams
    output_shape: tuple[int, ...]
    pruning: LayerPruning
    quantization: Quantization
    padding: str
    fused: str


@dataclass(frozen=True)
class _Geometry:
    """Shapes of a layer. `depth`: products per output; `channel_axis`: of the weights."""

    input_shape: tuple[int, ...]
    weights_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    channel_axis: int
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = ""
    padding_values: tuple[int, int] = (0, 0)
    ch_mult: int = 0

    @property
    def channels(self) -> int:
        return self.weights_shape[self.channel_axis]

    @property
    def depth(self) -> int:
        return int(np.prod(self.weights_shape)) // self.channels


# ---- Layers.


def _spread(geometry: _Geometry, centred: np.ndarray, w: np.ndarray) -> float:
    """About the standard deviation of the accumulators."""
    return float(np.sqrt(geometry.depth * np.mean(centred**2.0) * np.mean(w.astype(float) ** 2)) + 1)


def _quantization(
    rng: np.random.Generator, weight_scales: int, input_zero_point: int, spread: float, fused: str
) -> Quantization:
    """Scales under which most outputs stay inside int8; now and then so that they do not."""
    scales = (2.0 ** rng.uniform(-14, -2) * rng.uniform(0.3, 3.0, weight_scales)).astype(np.float32)
    output_scale = np.float32(2.0 ** rng.uniform(-8, -1))
    steps = 2.0 ** (rng.uniform(4, 6) if rng.random() < 0.85 else rng.uniform(-4, 14))
    input_scale = np.float32(float(output_scale) * steps / (float(scales.mean()) * spread))
    anywhere = rng.integers(-128, 128, 4)
    return Quantization(
        input_scale=input_scale,
        input_zero_point=input_zero_point,
        weight_scales=scales,
        output_scale=output_scale,
        output_zero_point=int(
            rng.choice([0, 127, *anywhere] if fused == "NONE" else [-128, -128, *anywhere])
        ),
    )


def _requantization(op: str, q: Quantization, channels: int) -> Requantization:
    if op == FULLY_CONNECTED and len(q.weight_scales) == 1:
        return fully_connected_requantization(q.input_scale, q.weight_scales[0], q.output_scale, channels)
    return convolution_requantization(q.input_scale, q.weight_scales, q.output_scale, channels)


def _params(
    op: str, geometry: _Geometry, q: Quantization, activation: Activation
) -> ConvParams | FullyConnectedParams:
    requantization = _requantization(op, q, geometry.channels)
    offsets = (-q.input_zero_point, q.output_zero_point)
    if op == FULLY_CONNECTED:
        return FullyConnectedParams(*offsets, activation, requantization)
    return ConvParams(
        *offsets,
        geometry.stride,
        geometry.padding_values,
        geometry.dilation,
        activation,
        requantization,
        geometry.ch_mult,
    )


@st.composite
def _layer(draw: st.DrawFn, op: str, geometries: st.SearchStrategy[_Geometry]) -> LayerCase:
    geometry = draw(geometries)
    fused = draw(st.sampled_from(["NONE", "NONE", "RELU", "RELU", "RELU6", "RELU_N1_TO_1"]))
    divider = draw(st.sampled_from(Divider))
    per_channel, has_bias, compensated, fatrelu = (draw(st.booleans()) for _ in range(4))
    channels = geometry.channels
    group_size = draw(st.one_of(st.sampled_from([1, channels]), st.integers(1, channels)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    w = random_weights(rng, geometry.weights_shape)
    input_zero_point = int(rng.choice([-128, 127, 0, *rng.integers(-128, 128, 4)]))
    image = random_activations(rng, geometry.input_shape, input_zero_point)
    centred = image.astype(np.int64) - input_zero_point
    spread = _spread(geometry, centred, w)
    q = _quantization(rng, channels if per_channel else 1, input_zero_point, spread, fused)
    activation = activation_range(fused, q.output_scale, q.output_zero_point)
    groups = -(-channels // group_size)
    thresholds = random_thresholds(rng, groups, centred, w)
    pruning = random_pruning(
        rng,
        divider,
        group_size,
        thresholds,
        np.rint(rng.normal(0, spread / 3, channels)).astype(np.int32) if compensated else None,
        int(rng.integers(activation.min, 128)) if fatrelu and activation.fused_relu else FATRELU_OFF,
    )
    return LayerCase(
        op=op,
        input=image,
        weights=w,
        bias=np.rint(rng.normal(0, spread, channels)).astype(np.int32) if has_bias else None,
        params=_params(op, geometry, q, activation),
        output_shape=geometry.output_shape,
        pruning=pruning,
        quantization=q,
        padding=geometry.padding,
        fused=fused,
    )


# ---- Geometries.


def window(kind: str, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Output size and leading padding along one axis as TFLite computes them (kind: SAME or VALID)."""
    reach = (kernel - 1) * dilation + 1
    outputs = -(-size // stride) if kind == "SAME" else (size - reach) // stride + 1
    return outputs, max(0, (outputs - 1) * stride + reach - size) // 2


def _mostly_few(few: int, more: int, most: int) -> st.SearchStrategy[int]:
    """Small numbers, and now and then more than the core takes in one piece."""
    small = st.integers(1, few)
    return st.one_of(small, small, small, st.integers(more, most))


@st.composite
def _convolutions(draw: st.DrawFn, depthwise: bool) -> _Geometry:
    small = st.integers(1, 3)
    batch, kh, kw = draw(small), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    # Now and then more than DEPTHWISE_CONV_2D takes in one piece.
    extreme = draw(st.sampled_from(["", "", "", "", "kernel", "map"])) if depthwise else ""
    if extreme == "kernel":
        kh, kw = draw(st.integers(8, 18)), draw(st.integers(8, 18))
    stride, dilation = (draw(st.tuples(small, small)) for _ in range(2))
    kind = draw(st.sampled_from(["SAME", "VALID"]))
    sizes = []
    for kernel, step in zip((kh, kw), dilation, strict=True):
        reach = (kernel - 1) * step + 1
        sizes.append(draw(st.integers(1, 8)) if kind == "SAME" else reach + draw(st.integers(0, 4)))
    if extreme == "map":
        sizes[draw(st.integers(0, 1))] += draw(st.integers(30, 260))
    (oh, pad_h), (ow, pad_w) = (window(kind, sizes[i], (kh, kw)[i], stride[i], dilation[i]) for i in range(2))
    if depthwise:
        ch_mult, inputs = draw(small), draw(st.integers(1, 6))
        channels = inputs * ch_mult
        weights: tuple[int, ...] = (1, kh, kw, channels)
    else:
        ch_mult, groups, depth = 0, draw(st.sampled_from([1, 1, 2, 3])), draw(_mostly_few(6, 20, 40))
        inputs, channels = groups * depth, groups * draw(_mostly_few(6, 33, 40))
        weights = (channels, kh, kw, depth)
    return _Geometry(
        input_shape=(batch, *sizes, inputs),
        weights_shape=weights,
        output_shape=(batch, oh, ow, channels),
        channel_axis=3 if depthwise else 0,
        stride=stride,
        dilation=dilation,
        padding=kind,
        padding_values=(pad_h, pad_w),
        ch_mult=ch_mult,
    )


@st.composite
def _dense_layers(draw: st.DrawFn) -> _Geometry:
    rows, inputs, outputs = (
        draw(st.integers(1, 4)),
        draw(_mostly_few(40, 190, 300)),
        draw(_mostly_few(24, 65, 140)),
    )
    return _Geometry((rows, inputs), (outputs, inputs), (rows, outputs), channel_axis=0)


def conv_cases() -> st.SearchStrategy[LayerCase]:
    return _layer(CONV, _convolutions(depthwise=False))


def depthwise_cases() -> st.SearchStrategy[LayerCase]:
    return _layer(DEPTHWISE, _convolutions(depthwise=True))


def fully_connected_cases() -> st.SearchStrategy[LayerCase]:
    return _layer(FULLY_CONNECTED, _dense_layers())


CASES = {CONV: conv_cases, DEPTHWISE: depthwise_cases, FULLY_CONNECTED: fully_connected_cases}


def layer_cases() -> st.SearchStrategy[LayerCase]:
    """A layer of any prunable operator."""
    return st.one_of(conv_cases(), depthwise_cases(), fully_connected_cases())
