"""From a Graph's layers to those of the native batch engine."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflm_unit import _native

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
    Params,
    PoolParams,
    QuantizeParams,
    RequantizeParams,
    SoftmaxParams,
)
from .pruning import LayerPruning


def add_layer(
    program: _native.Program,
    graph: Graph,
    layer: Layer,
    schedule: str,
    pruning: LayerPruning | None,
    kernels: str,
) -> None:
    """Appends `layer`. schedule and kernels concern prunable layers; pruning belongs to 'compare'.

    Raises ValueError when the layer's parameters contradict each other or its tensors.
    """
    _add(layer.params, _Target(program, graph, layer, schedule, pruning, kernels))


@dataclass(frozen=True)
class _Target:
    program: _native.Program
    graph: Graph
    layer: Layer
    schedule: str
    pruning: LayerPruning | None
    kernels: str

    @property
    def ends(self) -> dict[str, int]:
        """Of a layer with one input."""
        return {"input": self.layer.inputs[0], "output": self.layer.outputs[0]}

    def dims(self, tensor: int) -> tuple[int, ...]:
        """Shape of a tensor as four dimensions."""
        shape = self.graph.tensors[tensor].shape
        return (1,) * (4 - len(shape)) + shape

    @property
    def size(self) -> int:
        return self.graph.tensors[self.layer.outputs[0]].size

    def operands(self, params: ConvParams | FullyConnectedParams) -> dict[str, Any]:
        """Arguments that the prunable operators share."""
        bias = self.graph.bias(self.layer)
        return {
            **self.ends,
            "weights": _contiguous(self.graph.weights(self.layer).data),
            "bias": _contiguous(bias.data) if bias else None,
            "multiplier": _contiguous(params.requantization.multiplier),
            "shift": _contiguous(params.requantization.shift),
            "input_offset": params.input_offset,
            "output_offset": params.output_offset,
            "range": _range(params.activation),
            "schedule": getattr(_native.Schedule, self.schedule),
            "pruning": None if self.pruning is None else native_pruning(self.pruning),
            "kernels": getattr(_native.Kernels, self.kernels),
        }


@functools.singledispatch
def _add(params: Params | None, target: _Target) -> None:
    raise ValueError(f"parameters of type {type(params).__name__}")


@_add.register
def _(params: ConvParams, target: _Target) -> None:
    target.program.add_conv(
        **target.operands(params),
        depthwise=params.ch_mult > 0,
        input_dims=target.dims(target.layer.inputs[0]),
        filter_dims=target.dims(target.layer.inputs[1]),
        output_dims=target.dims(target.layer.outputs[0]),
        stride=params.stride,
        padding=params.padding,
        dilation=params.dilation,
    )


@_add.register
def _(params: FullyConnectedParams, target: _Target) -> None:
    outputs, inputs = target.graph.weights(target.layer).shape
    target.program.add_fully_connected(
        **target.operands(params), rows=target.size // outputs, inputs=inputs, outputs=outputs
    )


@_add.register
def _(params: PoolParams, target: _Target) -> None:
    target.program.add_pool(
        **target.ends,
        input_dims=target.dims(target.layer.inputs[0]),
        output_dims=target.dims(target.layer.outputs[0]),
        filter=params.filter,
        stride=params.stride,
        padding=params.padding,
        range=_range(params.activation),
        average=target.layer.op == "AVERAGE_POOL_2D",
    )


@_add.register
def _(params: AddParams, target: _Target) -> None:
    target.program.add_add(
        input1=target.layer.inputs[0],
        input2=target.layer.inputs[1],
        output=target.layer.outputs[0],
        size=target.size,
        requant1=(params.input1_offset, params.input1_multiplier, params.input1_shift),
        requant2=(params.input2_offset, params.input2_multiplier, params.input2_shift),
        left_shift=params.left_shift,
        requant_out=(params.output_offset, params.output_multiplier, params.output_shift),
        range=_range(params.activation),
    )


@_add.register
def _(params: PadParams, target: _Target) -> None:
    target.program.add_pad(
        **target.ends,
        input_dims=target.dims(target.layer.inputs[0]),
        before=params.pre,
        after=params.post,
        value=params.value,
    )


@_add.register
def _(params: MeanParams, target: _Target) -> None:
    target.program.add_mean(**target.ends, **vars(params))


@_add.register
def _(params: SoftmaxParams, target: _Target) -> None:
    target.program.add_softmax(**target.ends, **vars(params))


@_add.register
def _(params: RequantizeParams, target: _Target) -> None:
    target.program.add_requantize(
        **target.ends,
        size=target.size,
        input_offset=params.input_offset,
        output_offset=params.output_offset,
        multiplier=params.multiplier,
        shift=params.shift,
        range=_range(params.activation),
    )


@_add.register
def _(params: QuantizeParams, target: _Target) -> None:
    quantizes = target.graph.tensors[target.layer.inputs[0]].dtype == np.float32
    add = target.program.add_quantize if quantizes else target.program.add_dequantize
    add(**target.ends, size=target.size, scale=params.scale, zero_point=params.zero_point)


@_add.register
def _(params: ConcatenationParams, target: _Target) -> None:
    target.program.add_concatenation(
        inputs=list(target.layer.inputs),
        output=target.layer.outputs[0],
        outer=params.outer,
        inner=list(params.inner),
    )


@_add.register
def _(params: CopyParams, target: _Target) -> None:
    target.program.add_copy(**target.ends, size=target.size)


def _range(activation: Activation) -> tuple[int, int]:
    return activation.min, activation.max


def _contiguous(array: np.ndarray | None) -> np.ndarray:
    if array is None:
        raise ValueError("weights and bias must be constant")
    return np.ascontiguousarray(array)


def native_pruning(pruning: LayerPruning) -> _native.Pruning:
    """Of a LayerPruning that has been checked."""
    arrays = {name: getattr(pruning, name) for name in ("compensation", "tree", "table", "table_row")}
    return _native.Pruning(
        thresholds=np.ascontiguousarray(pruning.thresholds),
        group_size=pruning.group_size,
        divider=pruning.divider,
        fatrelu_min=pruning.fatrelu_min,
        **{name: None if a is None else np.ascontiguousarray(a) for name, a in arrays.items()},
    )
