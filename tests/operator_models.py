"""Random models of one operator around the prunable ones, for runs in the batch engine and in TFLM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from strategies import window
from tflite_micro.tensorflow.lite.micro.compression import model_editor as editor
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

_FUSED = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
_small = st.integers(1, 4)
_scales = st.floats(2.0**-10, 2.0, width=32)
_zero_points = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))


@dataclass(frozen=True)
class Values:
    """An activation: its shape, with a batch of 1, and quantization; scale 0: float32."""

    shape: tuple[int, ...]
    scale: float = 0.0
    zero_point: int = 0


@dataclass(frozen=True)
class OperatorModel:
    """model: the operator, and beside it a small FULLY_CONNECTED, without which a model cannot be pruned.

    inputs: of the operator; the last model input, of shape (1, 2), belongs to the FULLY_CONNECTED.
    """

    model: bytes
    inputs: tuple[Values, ...]

    def samples(self, count: int, seed: int) -> tuple[np.ndarray, ...]:
        """Random inputs (count, ...) of the model."""
        rng = np.random.default_rng(seed)
        arrays = []
        for values in (*self.inputs, Values((1, 2), 1.0)):
            shape = (count, *values.shape[1:])
            if values.scale:
                arrays.append(rng.choice([-128, 127, *rng.integers(-128, 128, 40)], shape).astype(np.int8))
            else:
                arrays.append(rng.normal(0, rng.choice([0.01, 1, 300]), shape).astype(np.float32))
        return tuple(arrays)


def _tensor(subgraph: editor.Subgraph, values: Values) -> editor.Tensor:
    return subgraph.add_tensor(
        name=f"values_{len(subgraph.tensors)}",
        shape=values.shape,
        dtype=schema.TensorType.INT8 if values.scale else schema.TensorType.FLOAT32,
        quantization=editor.Quantization([values.scale], [values.zero_point]) if values.scale else None,
    )


def _constant(
    subgraph: editor.Subgraph, data: np.ndarray, scale: float = 1.0, zero_point: int = 0
) -> editor.Tensor:
    kinds = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32}
    return subgraph.add_tensor(
        name=f"constant_{len(subgraph.tensors)}",
        shape=data.shape,
        dtype=kinds[data.dtype.name],
        data=data,
        quantization=editor.Quantization([scale], [zero_point]) if data.dtype == np.int8 else None,
    )


def _add_prunable_layer(subgraph: editor.Subgraph) -> None:
    x, y = (_tensor(subgraph, Values((1, 2), 1.0)) for _ in range(2))
    weights = _constant(subgraph, np.array([[1, 2], [3, 4]], np.int8))
    operator = subgraph.add_operator(
        opcode=schema.BuiltinOperator.FULLY_CONNECTED, inputs=[x, weights], outputs=[y]
    )
    _set_options(operator, "FullyConnectedOptions")
    subgraph.inputs.append(x)
    subgraph.outputs.append(y)


def _set_options(operator: editor.Operator, kind: str, **fields: Any) -> None:
    """The editor has no API for options."""
    options = getattr(schema, f"{kind}T")()
    for name, value in fields.items():
        setattr(options, name, value)
    operator._fb.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    operator._fb.builtinOptions = options


def _model(
    op: str,
    inputs: Sequence[Values],
    output: Values,
    constants: Sequence[np.ndarray] = (),
    kind: str | None = None,
    **options: Any,
) -> OperatorModel:
    model = editor.Model()
    subgraph = model.add_subgraph(name="main")
    xs = [_tensor(subgraph, values) for values in inputs]
    y = _tensor(subgraph, output)
    operator = subgraph.add_operator(
        opcode=getattr(schema.BuiltinOperator, op),
        inputs=[*xs, *(_constant(subgraph, data, output.scale, output.zero_point) for data in constants)],
        outputs=[y],
    )
    if kind:
        _set_options(operator, kind, **options)
    subgraph.inputs.extend(xs)
    subgraph.outputs.append(y)
    _add_prunable_layer(subgraph)
    return OperatorModel(bytes(model.build()), tuple(inputs))


def _fused(draw: st.DrawFn) -> int:
    return int(getattr(schema.ActivationFunctionType, draw(st.sampled_from(_FUSED))))


@st.composite
def pools(draw: st.DrawFn, op: str) -> OperatorModel:
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    kernel, stride = (draw(st.tuples(_small, _small)) for _ in range(2))
    sizes = [draw(st.integers(1 if padding == "SAME" else k, 9)) for k in kernel]
    channels = draw(st.integers(1, 20))
    outputs = [window(padding, sizes[i], kernel[i], stride[i], 1)[0] for i in range(2)]
    quantization = (draw(_scales), draw(_zero_points))
    return _model(
        op,
        [Values((1, *sizes, channels), *quantization)],
        Values((1, *outputs, channels), *quantization),
        kind="Pool2DOptions",
        padding=getattr(schema.Padding, padding),
        filterHeight=kernel[0],
        filterWidth=kernel[1],
        strideH=stride[0],
        strideW=stride[1],
        fusedActivationFunction=_fused(draw),
    )


@st.composite
def adds(draw: st.DrawFn) -> OperatorModel:
    shape = (1, *draw(st.lists(_small, min_size=1, max_size=3)))
    scales = draw(_scales), draw(_scales)
    a, b = (Values(shape, scale, draw(_zero_points)) for scale in scales)
    y = Values(shape, max(scales) * draw(st.floats(0.125, 4.0, width=32)), draw(_zero_points))
    return _model("ADD", [a, b], y, kind="AddOptions", fusedActivationFunction=_fused(draw))


@st.composite
def pads(draw: st.DrawFn, op: str) -> OperatorModel:
    rank = draw(st.integers(2, 4))
    shape = (1, *(draw(_small) for _ in range(rank - 1)))
    amounts = np.array([[0, 0], *(draw(st.tuples(*[st.integers(0, 3)] * 2)) for _ in shape[1:])], np.int32)
    output = tuple(int(size + a + b) for size, (a, b) in zip(shape, amounts, strict=True))
    quantization = (draw(_scales), draw(_zero_points))
    x, y = Values(shape, *quantization), Values(output, *quantization)
    if op == "PAD":
        return _model(op, [x], y, [amounts], kind="PadOptions")
    value = np.array([draw(st.integers(-128, 127))], np.int8)
    return _model(op, [x], y, [amounts, value], kind="PadV2Options")


@st.composite
def means(draw: st.DrawFn) -> OperatorModel:
    shape = (1, *(draw(st.integers(1, 8)) for _ in range(draw(st.integers(1, 3)))))
    rank = len(shape)
    first = draw(st.integers(1, rank - 1))
    axes = list(range(first, draw(st.integers(first, rank - 1)) + 1))
    keep = draw(st.booleans()) or len(axes) == rank
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    output = kept if keep else tuple(size for axis, size in enumerate(shape) if axis not in axes)
    signed = [axis - rank if draw(st.booleans()) else axis for axis in axes]
    scale = draw(_scales)
    x = Values(shape, scale, draw(_zero_points))
    y = Values(output, scale * draw(st.sampled_from([0.2, 0.7, 1.0, 3.0])), draw(_zero_points))
    return _model("MEAN", [x], y, [np.array(signed, np.int32)], kind="ReducerOptions", keepDims=keep)


@st.composite
def softmaxes(draw: st.DrawFn) -> OperatorModel:
    shape = (1, *draw(st.lists(st.integers(1, 12), min_size=1, max_size=2)))
    x = Values(shape, draw(_scales), draw(_zero_points))
    beta = draw(st.sampled_from([1.0, 0.5, 2.0]))
    return _model("SOFTMAX", [x], Values(shape, 1 / 256, -128), kind="SoftmaxOptions", beta=beta)


@st.composite
def relus(draw: st.DrawFn, op: str) -> OperatorModel:
    shape = (1, draw(st.integers(1, 40)))
    x = Values(shape, draw(_scales), draw(_zero_points))
    if op == "RELU6" or draw(st.booleans()):
        return _model(op, [x], x)
    return _model(op, [x], Values(shape, x.scale * draw(st.floats(0.125, 4.0, width=32)), draw(_zero_points)))


def rescaling(op: str, input_scale: float, output_scale: float) -> OperatorModel:
    """RELU or QUANTIZE of 256 elements between two scales."""
    return _model(op, [Values((1, 256), input_scale, -128)], Values((1, 256), output_scale, -128))


@st.composite
def requantizations(draw: st.DrawFn) -> OperatorModel:
    shape = (1, draw(st.integers(1, 40)))
    x, y = (Values(shape, draw(_scales), draw(_zero_points)) for _ in range(2))
    return _model("QUANTIZE", [x], y)


@st.composite
def quantizations(draw: st.DrawFn, op: str) -> OperatorModel:
    shape = (1, draw(st.integers(1, 40)))
    real, quantized = Values(shape), Values(shape, draw(_scales), draw(_zero_points))
    return _model(op, *(([real], quantized) if op == "QUANTIZE" else ([quantized], real)))


@st.composite
def concatenations(draw: st.DrawFn) -> OperatorModel:
    rank, count = draw(st.integers(2, 4)), draw(st.integers(1, 4))
    axis = draw(st.integers(1, rank - 1))
    shape = [1, *(draw(_small) for _ in range(rank - 1))]
    sizes = [draw(_small) for _ in range(count)]
    quantization = (draw(_scales), draw(_zero_points))
    xs = [Values((*shape[:axis], size, *shape[axis + 1 :]), *quantization) for size in sizes]
    y = Values((*shape[:axis], sum(sizes), *shape[axis + 1 :]), *quantization)
    signed = axis - rank if draw(st.booleans()) else axis
    return _model("CONCATENATION", xs, y, kind="ConcatenationOptions", axis=signed)


@st.composite
def copies(draw: st.DrawFn, op: str) -> OperatorModel:
    shape = (1, *draw(st.lists(_small, min_size=1, max_size=3)))
    quantization = (draw(_scales), draw(_zero_points))
    if op == "RESHAPE":
        output = (1, *draw(st.permutations(shape)))
        constants, options = [np.array(output, np.int32)], {"kind": "ReshapeOptions", "newShape": output}
    elif op == "EXPAND_DIMS":
        axis = draw(st.integers(1, len(shape)))
        output = (*shape[:axis], 1, *shape[axis:])
        constants, options = [np.array([axis], np.int32)], {"kind": "ExpandDimsOptions"}
    else:
        ones = [axis for axis in range(1, len(shape)) if shape[axis] == 1]
        assume(ones)
        output = tuple(size for axis, size in enumerate(shape) if axis not in ones)
        constants, options = [], {"kind": "SqueezeOptions", "squeezeDims": ones}
    x, y = Values(shape, *quantization), Values(output, *quantization)
    return _model(op, [x], y, constants, **options)


MODELS = {
    "MAX_POOL_2D": pools("MAX_POOL_2D"),
    "AVERAGE_POOL_2D": pools("AVERAGE_POOL_2D"),
    "ADD": adds(),
    "PAD": pads("PAD"),
    "PADV2": pads("PADV2"),
    "MEAN": means(),
    "SOFTMAX": softmaxes(),
    "RELU": relus("RELU"),
    "RELU6": relus("RELU6"),
    "QUANTIZE": quantizations("QUANTIZE"),
    "QUANTIZE int8": requantizations(),
    "DEQUANTIZE": quantizations("DEQUANTIZE"),
    "CONCATENATION": concatenations(),
    "RESHAPE": copies("RESHAPE"),
    "SQUEEZE": copies("SQUEEZE"),
    "EXPAND_DIMS": copies("EXPAND_DIMS"),
}
