"""Small int8 models built operator by operator, and edits of finished ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = schema.TensorType
OPERATORS = schema.BuiltinOperator
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
NONE, RELU, RELU6 = (
    schema.ActivationFunctionType.NONE,
    schema.ActivationFunctionType.RELU,
    schema.ActivationFunctionType.RELU6,
)


def options(kind: str, **values: Any) -> Any:
    """Options of a builtin operator, for example options("Conv2D", strideH=2)."""
    table = getattr(schema, f"{kind}OptionsT")()
    for name, value in values.items():
        assert hasattr(table, name)
        setattr(table, name, value)
    return table


def serialize(model: Any) -> bytes:
    """The flatbuffer of a ModelT."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def edited(model: bytes, edit: Callable[[Any], None]) -> bytes:
    """The model after `edit` has changed its ModelT."""
    file = schema.ModelT.InitFromPackedBuf(model, 0)
    edit(file)
    return serialize(file)


class Builder:
    """Collects tensors and operators; methods return tensor indices."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.codes: list[str] = []
        self.buffers = [schema.BufferT()]

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        kind: int = TYPES.INT8,
        scale: Any = (),
        zero_point: Any = None,
        dimension: int = 0,
    ) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(shape), kind
        scales = np.atleast_1d(np.asarray(scale, np.float32))
        if scales.size:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scales
            zeros = np.zeros(scales.size) if zero_point is None else np.atleast_1d(zero_point)
            tensor.quantization.zeroPoint = zeros.astype(np.int64)
            tensor.quantization.quantizedDimension = dimension
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def activation(self, name: str, shape: Sequence[int], scale: float = 0.05, zero_point: int = -3) -> int:
        return self.tensor(name, shape, TYPES.INT8, scale, zero_point)

    def constant(self, name: str, array: np.ndarray, scale: Any = (), dimension: int = 0) -> int:
        kind = {"int8": TYPES.INT8, "int32": TYPES.INT32, "float32": TYPES.FLOAT32}[array.dtype.name]
        index = self.tensor(name, array.shape, kind, scale, dimension=dimension)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.tensors[index].buffer = len(self.buffers)
        self.buffers.append(buffer)
        return index

    def operator(self, op: str, inputs: Sequence[int], outputs: Sequence[int], table: Any = None) -> None:
        if op not in self.codes:
            self.codes.append(op)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(op)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if table is not None:
            operator.builtinOptions = table
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(table).__name__[:-1])
        self.operators.append(operator)

    def weighted(
        self,
        op: str,
        x: int,
        y: int,
        shape: Sequence[int],
        table: Any,
        axis: int = 0,
        per_channel: bool = True,
    ) -> None:
        """CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED with random weights and a bias."""
        channels = shape[axis]
        scale = self.rng.uniform(0.002, 0.02, channels if per_channel else 1).astype(np.float32)
        weights = self.rng.integers(-127, 128, shape).astype(np.int8)
        bias = self.rng.integers(-2000, 2000, channels).astype(np.int32)
        self.operator(
            op,
            [
                x,
                self.constant("tfl.pseudo_qconst", weights, scale, axis),
                self.constant("tfl.pseudo_qconst1", bias, scale * self.tensors[x].quantization.scale[0]),
            ],
            [y],
            table,
        )

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        model, graph = schema.ModelT(), schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = []
        for op in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(OPERATORS, op)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            model.operatorCodes.append(code)
        return serialize(model)


def lenet(seed: int = 0) -> bytes:
    """conv1 - pool - conv2 - flatten - dense - softmax on (1, 10, 10, 1), 5 classes."""
    b = Builder(seed)
    x = b.activation("net/input", (1, 10, 10, 1), 1 / 255, -128)
    c1 = b.activation("net/conv1/Relu;net/conv1/Conv2D", (1, 10, 10, 4), 0.03, -128)
    b.weighted(
        "CONV_2D", x, c1, (4, 3, 3, 1), options("Conv2D", strideH=1, strideW=1, fusedActivationFunction=RELU)
    )
    p = b.activation("net/pool/MaxPool", (1, 5, 5, 4), 0.03, -128)
    pool = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": VALID}
    b.operator("MAX_POOL_2D", [c1], [p], options("Pool2D", **pool))
    c2 = b.activation("net/conv2/Relu;net/conv2/Conv2D", (1, 2, 2, 6), 0.2, 4)
    conv2 = options("Conv2D", strideH=2, strideW=2, padding=VALID, fusedActivationFunction=RELU)
    b.weighted("CONV_2D", p, c2, (6, 3, 3, 4), conv2)
    f = b.activation("net/flatten/Reshape", (1, 24), 0.2, 4)
    b.operator("RESHAPE", [c2, b.constant("shape", np.array([1, 24], np.int32))], [f])
    d = b.activation("net/dense/MatMul", (1, 5), 0.4, 10)
    b.weighted("FULLY_CONNECTED", f, d, (5, 24), options("FullyConnected"))
    y = b.activation("Identity", (1, 5), 1 / 256, -128)
    b.operator("SOFTMAX", [d], [y], options("Softmax", beta=1.0))
    return b.build([x], [y])


def zoo(seed: int = 0, all_outputs: bool = False) -> bytes:
    """Every operator that the batch engine knows, with random quantization; float input and output.

    all_outputs: every int8 activation is an output of the model, so that each operator can be compared.
    """
    b = Builder(seed)
    steps: list[int] = []

    def random(scale: float, zero_point: int | None = None) -> dict[str, Any]:
        zero = int(b.rng.integers(-40, 40)) if zero_point is None else zero_point
        return {"scale": float(scale * b.rng.uniform(0.6, 1.6)), "zero_point": zero}

    def step(
        op: str, inputs: Sequence[int], name: str, shape: Sequence[int], table: Any = None, **q: Any
    ) -> int:
        y = b.activation(name, shape, **q)
        b.operator(op, inputs, [y], table)
        steps.append(y)
        return y

    def ints(name: str, values: Any) -> int:
        return b.constant(name, np.array(values, np.int32))

    x = b.tensor("input", (1, 9, 8, 3), TYPES.FLOAT32)
    q = step("QUANTIZE", [x], "quantize", (1, 9, 8, 3), **random(0.05))
    c = b.activation("conv", (1, 5, 4, 8), **random(0.06, zero_point=-100))
    b.weighted(
        "CONV_2D", q, c, (8, 3, 3, 3), options("Conv2D", strideH=2, strideW=2, fusedActivationFunction=RELU6)
    )
    d = b.activation("depthwise", (1, 5, 4, 16), **random(0.2))
    depthwise = options("DepthwiseConv2D", strideH=1, strideW=1, depthMultiplier=2)
    b.weighted("DEPTHWISE_CONV_2D", c, d, (1, 3, 2, 16), depthwise, axis=3)
    steps += [c, d]
    e = step("QUANTIZE", [d], "requantize", (1, 5, 4, 16), **random(0.2))
    add = options("Add", fusedActivationFunction=RELU)
    s = step("ADD", [d, e], "sum", (1, 5, 4, 16), add, **random(0.2))
    same = random(0.05)
    r = step("RELU", [s], "relu", (1, 5, 4, 16), **same)
    r6 = step("RELU6", [r], "relu6", (1, 5, 4, 16), **same)
    t = step("CONCATENATION", [r6, r], "concat", (1, 5, 8, 16), options("Concatenation", axis=2), **same)
    p = step("PAD", [t, ints("pads", [[0, 0], [1, 2], [0, 1], [0, 0]])], "pad", (1, 8, 9, 16), **same)
    value = b.constant("value", np.array([33], np.int8), same["scale"])
    b.tensors[value].quantization.zeroPoint = [same["zero_point"]]
    more = ints("more", [[0, 0], [0, 0], [0, 1], [1, 0]])
    p2 = step("PADV2", [p, more, value], "padv2", (1, 8, 10, 17), **same)
    window = {"strideH": 2, "strideW": 3, "filterHeight": 3, "filterWidth": 2}
    m = step("MAX_POOL_2D", [p2], "maximum", (1, 4, 4, 17), options("Pool2D", **window), **same)
    valid = options("Pool2D", padding=VALID, **window)
    a = step("AVERAGE_POOL_2D", [p2], "average", (1, 3, 3, 17), valid, **same)
    clip = step("RELU_N1_TO_1", [a], "clip", (1, 3, 3, 17), **random(0.012))
    last = random(0.05)
    reducer = options("Reducer", keepDims=True)
    g = step("MEAN", [m, ints("axes", [2, 1])], "mean", (1, 1, 1, 17), reducer, **last)
    u = step("SQUEEZE", [g], "squeeze", (1, 17), options("Squeeze", squeezeDims=[1, 2]), **last)
    w = step("EXPAND_DIMS", [u, ints("axis", [1])], "expand", (1, 1, 17), **last)
    f = step("RESHAPE", [w, ints("shape", [1, 17])], "reshape", (1, 17), **last)
    k = b.activation("dense", (1, 9), **random(0.08))
    b.weighted("FULLY_CONNECTED", f, k, (9, 17), options("FullyConnected"))
    k2 = b.activation("dense_per_tensor", (1, 6), **random(0.15))
    b.weighted("FULLY_CONNECTED", k, k2, (6, 9), options("FullyConnected"), per_channel=False)
    steps += [k, k2]
    beta = float(b.rng.uniform(0.1, 0.6))
    o = step(
        "SOFTMAX", [k2], "softmax", (1, 6), options("Softmax", beta=beta), scale=1 / 256, zero_point=-128
    )
    y = b.tensor("output", (1, 6), TYPES.FLOAT32)
    b.operator("DEQUANTIZE", [o], [y])
    return b.build([x], [*steps, y] if all_outputs else [y, clip])
