"""Builds int8 .tflite models from LayerCases with tflite-micro's model editor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from strategies import LayerCase
from tflite_micro.tensorflow.lite.micro.compression import model_editor as editor
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from tflm_unit.converter.graph import ConvParams, FullyConnectedParams
from tflm_unit.converter.metadata import pack
from tflm_unit.converter.metadata_format import NAME
from tflm_unit.converter.pruning import OperatingPoint, PruningConfig
from tflm_unit.converter.reader import read_graph

_TENSORS_PER_LAYER = 4
_INT8, _INT32 = schema.TensorType.INT8, schema.TensorType.INT32


def weights_index(layer: int) -> int:
    """Tensor index of the weights of the layer at this position in `build`."""
    return _TENSORS_PER_LAYER * layer + 1


def build(
    cases: Sequence[LayerCase],
    metadata: Mapping[str, bytes] | None = None,
    input_shapes: Mapping[int, tuple[int, ...]] | None = None,
) -> bytes:
    """A model with the cases as independent layers side by side: input i and output i belong to layer i.

    input_shapes: of layers whose input is not to have the shape of the case; the first size is the batch.
    """
    model = editor.Model(metadata=dict(metadata or {}))
    subgraph = model.add_subgraph(name="main")
    for index, case in enumerate(cases):
        _add_layer(subgraph, case, (input_shapes or {}).get(index, case.input.shape))
    return bytes(model.build())


def pack_block(
    cases: Sequence[LayerCase], points: Sequence[OperatingPoint], centers: Mapping[int, int] | None = None
) -> bytes:
    """The TFLM_UNIT block for a model built of these cases, whatever their batch sizes. centers: by weight tensor."""
    single = {i: (1, *case.input.shape[1:]) for i, case in enumerate(cases)}
    return pack(PruningConfig(tuple(points), centers or {}), read_graph(build(cases, input_shapes=single)))


def build_pruned(cases: Sequence[LayerCase]) -> bytes:
    """A model in which every case runs with its own pruning, at its only operating point."""
    point = OperatingPoint("test", {weights_index(i): case.pruning for i, case in enumerate(cases)})
    return build(cases, {NAME: pack_block(cases, [point])})


def _add_layer(subgraph: editor.Subgraph, case: LayerCase, input_shape: tuple[int, ...]) -> None:
    q = case.quantization
    output_shape = (*input_shape[:-1], case.output_shape[-1]) if case.output_shape else ()
    if isinstance(case.params, ConvParams):
        output_shape = (input_shape[0], *case.output_shape[1:])
    number = len(subgraph.operators)
    axis = 3 if case.op == "DEPTHWISE_CONV_2D" else 0
    x = subgraph.add_tensor(
        name=f"input_{number}",
        shape=input_shape,
        dtype=_INT8,
        quantization=editor.Quantization([float(q.input_scale)], [q.input_zero_point]),
    )
    scales = [float(scale) for scale in q.weight_scales]
    weights = subgraph.add_tensor(
        name=f"weights_{number}",
        shape=case.weights.shape,
        dtype=_INT8,
        data=case.weights,
        quantization=editor.Quantization(scales, [0] * len(scales), axis if len(scales) > 1 else None),
    )
    # Always four tensors per layer, so that indices do not depend on the bias.
    bias_scales = [float(np.float32(q.input_scale * np.float32(scale))) for scale in q.weight_scales]
    bias = subgraph.add_tensor(
        name=f"bias_{number}",
        shape=case.weights.shape[axis : axis + 1],
        dtype=_INT32,
        data=case.bias if case.bias is not None else np.zeros(case.weights.shape[axis], np.int32),
        quantization=editor.Quantization(bias_scales, [0] * len(scales), 0 if len(scales) > 1 else None),
    )
    y = subgraph.add_tensor(
        name=f"output_{number}",
        shape=output_shape,
        dtype=_INT8,
        quantization=editor.Quantization([float(q.output_scale)], [q.output_zero_point]),
    )
    # Our reader takes a batch of 1, and LiteRT no convolution without bias: one of them must be content.
    has_bias = case.bias is not None or (isinstance(case.params, ConvParams) and input_shape[0] > 1)
    operator = subgraph.add_operator(
        opcode=getattr(schema.BuiltinOperator, case.op),
        inputs=[x, weights, bias] if has_bias else [x, weights],
        outputs=[y],
    )
    kind, options = _options(case)
    operator._fb.builtinOptionsType = kind  # the editor has no API for options
    operator._fb.builtinOptions = options
    subgraph.inputs.append(x)
    subgraph.outputs.append(y)


def _options(case: LayerCase) -> tuple[int, Any]:
    fused = getattr(schema.ActivationFunctionType, case.fused)
    if isinstance(case.params, FullyConnectedParams):
        dense = schema.FullyConnectedOptionsT()
        dense.fusedActivationFunction, dense.keepNumDims = fused, True
        return schema.BuiltinOptions.FullyConnectedOptions, dense
    depthwise = case.op == "DEPTHWISE_CONV_2D"
    conv = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    conv.padding = getattr(schema.Padding, case.padding)
    conv.strideH, conv.strideW = case.params.stride
    conv.dilationHFactor, conv.dilationWFactor = case.params.dilation
    conv.fusedActivationFunction = fused
    if depthwise:
        conv.depthMultiplier = case.params.ch_mult
        return schema.BuiltinOptions.DepthwiseConv2DOptions, conv
    return schema.BuiltinOptions.Conv2DOptions, conv
