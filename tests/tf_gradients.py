"""Gradients of a Graph by TensorFlow's automatic differentiation, with the same straight-through clamps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import numpy as np
import tensorflow as tf

from tflm_unit.converter.graph import (
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
from tflm_unit.converter.output_loss import logit_step


def gradients(
    graph: Graph, values: Mapping[int, np.ndarray], start: int, gradient: np.ndarray
) -> dict[int, np.ndarray]:
    """By the pre-activation of each prunable layer that `start` depends on, by layer index."""
    real: dict[int, Any] = {t: _real(graph, t, values[t]) for t in graph.inputs if t in values}
    before: dict[int, Any] = {}
    prunable = {layer.index for layer in graph.prunable}
    with tf.GradientTape() as tape:
        tape.watch(list(real.values()))
        for layer in graph.layers:
            inputs = [real[t] for t in layer.inputs if t in real]
            if isinstance(layer.params, SoftmaxParams):
                z = _softmax(layer.params, graph, layer, inputs[0], values[layer.outputs[0]])
            else:
                z = _forward(layer.params, graph, layer, inputs)
            if layer.index in prunable:
                before[layer.index] = z = tf.identity(z)
            value = values[layer.outputs[0]]
            free = _free(getattr(layer.params, "activation", None), value)
            known = _real(graph, layer.outputs[0], value)
            real[layer.outputs[0]] = known + free * (z - tf.stop_gradient(z))
        loss = tf.reduce_sum(real[start] * gradient)
    found = tape.gradient(loss, before)
    return {index: np.asarray(part) for index, part in found.items() if part is not None}


def _real(graph: Graph, tensor: int, value: np.ndarray) -> Any:
    t = graph.tensors[tensor]
    if value.dtype != np.int8:
        return tf.constant(value, tf.float64)
    return tf.constant((value - float(t.zero_point[0])) * float(t.scale[0]), tf.float64)


def _free(activation: Activation | None, value: np.ndarray) -> np.ndarray:
    if activation is None:
        return np.ones(value.shape)
    return ((value > max(activation.min, -128)) & (value < min(activation.max, 127))).astype(np.float64)


def _filter(graph: Graph, layer: Layer) -> np.ndarray:
    weights = graph.weights(layer)
    assert weights.data is not None
    axes = [1] * weights.data.ndim
    axes[weights.quantized_dimension] = len(weights.scale)
    return weights.data * weights.scale.astype(np.float64).reshape(axes)


@singledispatch
def _forward(params: Any, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    raise AssertionError(layer.op)


@_forward.register
def _(params: ConvParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    x, weights, output = inputs[0], _filter(graph, layer), graph.tensors[layer.outputs[0]].shape
    padding = [[0, 0]]
    for axis in range(2):
        reach = (output[1 + axis] - 1) * params.stride[axis]
        reach += (weights.shape[1 + axis] - 1) * params.dilation[axis] + 1
        before = params.padding[axis]
        padding.append([before, max(0, reach - before - x.shape[1 + axis])])
        x = x[:, : reach - before] if axis == 0 else x[:, :, : reach - before]
    x = tf.pad(x, [*padding, [0, 0]])
    if params.ch_mult:
        # One convolution per input channel: no restrictions on strides and dilations.
        slices = np.split(weights[0], x.shape[3], axis=-1)
        parts = [
            _plain(x[..., c : c + 1], np.transpose(part[..., None], (2, 0, 1, 3)), params)
            for c, part in enumerate(slices)
        ]
        return tf.concat(parts, -1)
    groups = x.shape[3] // weights.shape[3]
    pairs = zip(tf.split(x, groups, -1), np.split(weights, groups), strict=True)
    return tf.concat([_plain(part, filters, params) for part, filters in pairs], -1)


def _plain(x: Any, filters: np.ndarray, params: ConvParams) -> Any:
    taps = np.transpose(filters, (1, 2, 3, 0))
    rows, columns = (d * (k - 1) + 1 for d, k in zip(params.dilation, taps.shape[:2], strict=True))
    spread = np.zeros((rows, columns, *taps.shape[2:]))
    spread[:: params.dilation[0], :: params.dilation[1]] = taps
    return tf.nn.conv2d(x, spread, params.stride, "VALID")


@_forward.register
def _(params: FullyConnectedParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    weights, output = _filter(graph, layer), graph.tensors[layer.outputs[0]].shape
    rows = tf.reshape(inputs[0], (-1, weights.shape[1]))
    return tf.reshape(rows @ weights.T, (-1, *output[1:]))


@_forward.register
def _(params: PoolParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    x, output = inputs[0], graph.tensors[layer.outputs[0]].shape
    rows = []
    for oy in range(output[1]):
        for ox in range(output[2]):
            top = oy * params.stride[0] - params.padding[0]
            left = ox * params.stride[1] - params.padding[1]
            part = x[:, max(top, 0) : top + params.filter[0], max(left, 0) : left + params.filter[1]]
            reduce = tf.reduce_max if layer.op == "MAX_POOL_2D" else tf.reduce_mean
            rows.append(reduce(part, axis=(1, 2)))
    return tf.reshape(tf.stack(rows, 1), (-1, *output[1:]))


@_forward.register
def _(params: AddParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    return inputs[0] + inputs[1]


@_forward.register
def _(params: PadParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    first = 4 - len(graph.tensors[layer.inputs[0]].shape)
    return tf.pad(inputs[0], list(zip(params.pre[first:], params.post[first:], strict=True)))


@_forward.register
def _(params: MeanParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    parts = tf.reshape(inputs[0], (-1, params.outer, params.reduced, params.inner))
    return tf.reshape(tf.reduce_mean(parts, axis=2), (-1, *graph.tensors[layer.outputs[0]].shape[1:]))


def _softmax(params: SoftmaxParams, graph: Graph, layer: Layer, x: Any, output: np.ndarray) -> Any:
    """Linear about the probabilities as they were rounded, which differ from exact ones by up to 1/512."""
    p = (output + 128.0) / 256
    logits = x * (logit_step(params) / float(graph.tensors[layer.inputs[0]].scale[0]))
    return p * (logits - tf.reduce_sum(p * logits, -1, keepdims=True))


@_forward.register
def _(params: RequantizeParams | QuantizeParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    return inputs[0]


@_forward.register
def _(params: ConcatenationParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    parts = [tf.reshape(x, (-1, params.outer, n)) for x, n in zip(inputs, params.inner, strict=True)]
    return tf.reshape(tf.concat(parts, -1), (-1, *graph.tensors[layer.outputs[0]].shape[1:]))


@_forward.register
def _(params: CopyParams, graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    return tf.reshape(inputs[0], (-1, *graph.tensors[layer.outputs[0]].shape[1:]))
