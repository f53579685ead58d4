"""Reverse-mode differentiation of an int8 graph at the activations that the batch engine computes.

Rounding passes gradients on unchanged and clamping stops them (the straight-through estimator of Bengio et al.
2013); everything else is the derivative of what the operator computes, in real units. This needs no training
framework and works on any model, wherever it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from .errors import UnitError
from .graph import (
    Activation,
    AddParams,
    ConcatenationParams,
    ConvParams,
    CopyParams,
    FullyConnectedParams,
    Graph,
    Layer,
    MeanParams,
    PadParams,
    PoolParams,
    QuantizeParams,
    RequantizeParams,
    SoftmaxParams,
)
from .output_loss import logit_step

Visit = Callable[[Layer, np.ndarray], None]
INT8_MAX, INT8_MIN = 127, -128


@dataclass(frozen=True)
class _Step:
    """One layer with its values; gradient: float32 (N, *output shape[1:]) of the loss by the real output."""

    graph: Graph
    layer: Layer
    values: Mapping[int, np.ndarray]
    gradient: np.ndarray

    @property
    def input(self) -> np.ndarray:
        return self.values[self.layer.inputs[0]]

    @property
    def output(self) -> np.ndarray:
        return self.values[self.layer.outputs[0]]

    def unclamped(self, activation: Activation) -> np.ndarray:
        """The gradient before the clamp of the output: 0 where the clamp holds."""
        free = (self.output > max(activation.min, INT8_MIN)) & (self.output < min(activation.max, INT8_MAX))
        return np.where(free, self.gradient, np.float32(0))


def activations(graph: Graph) -> list[int]:
    """Tensors whose values `backward` needs: all that are not constant."""
    tensors = {t for layer in graph.layers for t in (*layer.inputs, *layer.outputs) if t >= 0}
    return sorted(t for t in tensors if graph.tensors[t].data is None)


def backward(
    graph: Graph, values: Mapping[int, np.ndarray], start: int, gradient: np.ndarray, visit: Visit
) -> None:
    """Propagates `gradient`, float32 (N, ...), of a loss by the real tensor `start` to the layers before it.

    values: int8 (N, *shape[1:]) of every activation, by tensor. visit: called for each prunable layer, last
    first, with the gradient by its real pre-activation, float32 (N, *output shape[1:]).
    Raises UnitError for an operator without a derivative here.
    """
    gradients = {start: gradient}
    prunable = {layer.index for layer in graph.prunable}
    for layer in reversed(graph.layers):
        arriving = gradients.pop(layer.outputs[0], None)
        if arriving is None:
            continue
        step = _Step(graph, layer, values, arriving.reshape(values[layer.outputs[0]].shape))
        if layer.index in prunable:
            assert isinstance(layer.params, (ConvParams, FullyConnectedParams))
            visit(layer, step.unclamped(layer.params.activation))
        for tensor, part in zip(layer.inputs, _inputs(layer.params, step), strict=False):
            gradients[tensor] = gradients[tensor] + part if tensor in gradients else part


@singledispatch
def _inputs(params: object, step: _Step) -> tuple[np.ndarray, ...]:
    """Gradients by the leading inputs of the layer."""
    raise UnitError(f"layer {step.layer.name!r} ({step.layer.op}) has no derivative")


def _real_weights(step: _Step) -> np.ndarray:
    """Float32, laid out as the layer's int8 filter."""
    weights = step.graph.weights(step.layer)
    assert weights.data is not None
    shape = [1] * weights.data.ndim
    shape[weights.quantized_dimension] = len(weights.scale)
    return weights.data * weights.scale.astype(np.float32).reshape(shape)


@_inputs.register
def _(params: ConvParams, step: _Step) -> tuple[np.ndarray, ...]:
    filters = _real_weights(step)
    d_output = step.unclamped(params.activation)
    n, height, width, channels = step.input.shape
    pad = [
        (p, p + k * d) for p, k, d in zip(params.padding, filters.shape[1:3], params.dilation, strict=True)
    ]
    whole = np.zeros((n, height + sum(pad[0]), width + sum(pad[1]), channels), np.float32)
    rows, columns = d_output.shape[1:3]
    for ky in range(filters.shape[1]):
        for kx in range(filters.shape[2]):
            y, x = ky * params.dilation[0], kx * params.dilation[1]
            part = whole[
                :,
                y : y + (rows - 1) * params.stride[0] + 1 : params.stride[0],
                x : x + (columns - 1) * params.stride[1] + 1 : params.stride[1],
            ]
            part += _through_tap(d_output, filters[:, ky, kx], channels, params.ch_mult)
    top, left = params.padding
    return (whole[:, top : top + height, left : left + width],)


def _through_tap(d_output: np.ndarray, taps: np.ndarray, channels: int, ch_mult: int) -> np.ndarray:
    """d_output (N, H, W, O) by the weights of one tap -> (N, H, W, channels)."""
    if ch_mult:
        products = d_output * taps[0]
        return products.reshape(*products.shape[:3], channels, ch_mult).sum(axis=-1)
    groups = channels // taps.shape[1]
    if groups == 1:
        return d_output @ taps
    by_group = d_output.reshape(*d_output.shape[:3], groups, -1)
    parts = [by_group[..., g, :] @ part for g, part in enumerate(np.split(taps, groups))]
    return np.concatenate(parts, axis=-1)


@_inputs.register
def _(params: FullyConnectedParams, step: _Step) -> tuple[np.ndarray, ...]:
    return ((step.unclamped(params.activation) @ _real_weights(step)).reshape(step.input.shape),)


@_inputs.register
def _(params: PoolParams, step: _Step) -> tuple[np.ndarray, ...]:
    """Maximum: equal shares to all that reach it. Average: equal shares to all inside the image."""
    largest = step.layer.op == "MAX_POOL_2D"
    x, y = step.input, step.output
    pad = ((0, 0), *((p, p + f) for p, f in zip(params.padding, params.filter, strict=True)), (0, 0))
    padded = np.pad(x.astype(np.int16), pad, constant_values=-1000)
    d_padded = np.zeros(padded.shape, np.float32)
    rows, columns = y.shape[1:3]

    def windows(of: np.ndarray) -> list[np.ndarray]:
        return [
            of[
                :,
                ky : ky + (rows - 1) * params.stride[0] + 1 : params.stride[0],
                kx : kx + (columns - 1) * params.stride[1] + 1 : params.stride[1],
            ]
            for ky in range(params.filter[0])
            for kx in range(params.filter[1])
        ]

    inside = [tap > -1000 for tap in windows(padded)]
    top = np.maximum.reduce(windows(padded))
    shares = [tap == top for tap in windows(padded)] if largest else inside
    each = step.unclamped(params.activation) / np.maximum(np.sum(shares, axis=0), 1).astype(np.float32)
    for part, share in zip(windows(d_padded), shares, strict=True):
        part += np.where(share, each, 0)
    height, width = x.shape[1:3]
    return (d_padded[:, params.padding[0] :, params.padding[1] :][:, :height, :width],)


@_inputs.register
def _(params: AddParams, step: _Step) -> tuple[np.ndarray, ...]:
    gradient = step.unclamped(params.activation)
    return gradient, gradient


@_inputs.register
def _(params: PadParams, step: _Step) -> tuple[np.ndarray, ...]:
    rank = step.input.ndim
    starts = params.pre[4 - rank + 1 :]
    inner = (slice(a, a + size) for a, size in zip(starts, step.input.shape[1:], strict=True))
    inside = (slice(None), *inner)
    return (step.gradient[inside],)


@_inputs.register
def _(params: MeanParams, step: _Step) -> tuple[np.ndarray, ...]:
    n = len(step.input)
    each = step.gradient.reshape(n, params.outer, 1, params.inner) / np.float32(params.reduced)
    spread = np.broadcast_to(each, (n, params.outer, params.reduced, params.inner))
    return (spread.reshape(step.input.shape),)


@_inputs.register
def _(params: SoftmaxParams, step: _Step) -> tuple[np.ndarray, ...]:
    beta = logit_step(params) / float(step.graph.tensors[step.layer.inputs[0]].scale[0])
    p = (step.output.astype(np.float32) + 128) / 256
    mean = (p * step.gradient).sum(axis=-1, keepdims=True)
    return (np.float32(beta) * p * (step.gradient - mean),)


@_inputs.register
def _(params: RequantizeParams, step: _Step) -> tuple[np.ndarray, ...]:
    return (step.unclamped(params.activation),)


@_inputs.register
def _(params: QuantizeParams, step: _Step) -> tuple[np.ndarray, ...]:
    return (step.gradient,)


@_inputs.register
def _(params: ConcatenationParams, step: _Step) -> tuple[np.ndarray, ...]:
    n = len(step.gradient)
    parts = np.split(step.gradient.reshape(n, params.outer, -1), np.cumsum(params.inner)[:-1], axis=-1)
    shapes = [step.values[t].shape for t in step.layer.inputs]
    return tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))


@_inputs.register
def _(params: CopyParams, step: _Step) -> tuple[np.ndarray, ...]:
    return (step.gradient.reshape(step.input.shape),)
