"""Reads an int8 .tflite file into a Graph.

Everything that indexes or sizes memory later is checked here, so that the batch engine can trust a
Graph: indices, shapes against buffers, execution order, and each operator's shapes against TFLite's
formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import ModelError
from .flatbuffer import TENSOR_TYPES, load, operator_name, text, verify
from .graph import PRUNABLE, Graph, Layer, Tensor
from .layer_names import Named, layer_names
from .operands import Operands, UnsupportedError
from .operators import prepare

__all__ = ["read_graph", "verify"]

MAX_RANK = 8
MAX_ELEMENTS = 2**28  # per tensor; far beyond any microcontroller, and products still fit int64
_NUMPY_TYPES = {
    "FLOAT32": "<f4", "FLOAT16": "<f2", "FLOAT64": "<f8", "INT8": "i1", "INT16": "<i2", "INT32": "<i4",
    "INT64": "<i8", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "BOOL": "?",
    "COMPLEX64": "<c8", "COMPLEX128": "<c16",
}  # fmt: skip
_OPAQUE = "V1"  # types that numpy does not have, and data that are not one value per element


def read_graph(model: bytes) -> Graph:
    """The typed view of a .tflite file's first subgraph; constant data are views of `model`.

    Layers that the batch engine cannot run have params None and say why. Raises ModelError when the file
    is damaged or contradicts itself, when its batch is not 1, or when no layer of it can be pruned.
    """
    file = load(model)
    if not file.subgraphs or not file.buffers or not file.operatorCodes:
        raise ModelError("the model has no subgraph, no operators or no buffers")
    subgraph = file.subgraphs[0]
    types = tuple(_type_name(i, t) for i, t in enumerate(subgraph.tensors or ()))
    tensors = tuple(_read_tensor(i, t, types[i], file.buffers) for i, t in enumerate(subgraph.tensors or ()))
    inputs = _indices(subgraph.inputs, len(tensors), "model inputs")
    outputs = _indices(subgraph.outputs, len(tensors), "model outputs")
    _check_inputs(inputs, tensors, subgraph.tensors)
    layers = _read_layers(file, subgraph, tensors, types)
    variables = {i for i, t in enumerate(subgraph.tensors) if t.isVariable}
    _check_order(layers, tensors, inputs, outputs, variables)
    _check_prunable(layers)
    return Graph(tensors=tensors, layers=layers, inputs=inputs, outputs=outputs)


def _type_name(index: int, tensor: Any) -> str:
    if tensor.type not in TENSOR_TYPES:
        raise ModelError(f"tensor {index} has the unknown type {tensor.type}")
    name = TENSOR_TYPES[tensor.type]
    if tensor.sparsity is not None:
        return f"SPARSE {name}"
    return f"VARIABLE {name}" if tensor.isVariable else name


def _read_tensor(index: int, tensor: Any, type_name: str, buffers: Sequence[Any]) -> Tensor:
    name = text(tensor.name)
    what = f"tensor {index} ('{name}')"
    shape = tuple(int(size) for size in tensor.shape) if tensor.shape is not None else ()
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise ModelError(f"{what} has shape {shape}; sizes are not negative and at most {MAX_RANK} in number")
    elements = 1
    for size in shape:
        elements *= size
    if elements > MAX_ELEMENTS:
        raise ModelError(f"{what} has shape {shape}, more than {MAX_ELEMENTS} elements")
    dtype = np.dtype(_NUMPY_TYPES.get(type_name, _OPAQUE))
    scale, zero_point, dimension = _quantization(what, tensor.quantization, shape)
    return Tensor(
        index=index,
        name=name,
        shape=shape,
        dtype=dtype,
        scale=scale,
        zero_point=zero_point,
        quantized_dimension=dimension,
        data=_constant(what, tensor, shape, dtype, buffers),
    )


def _constant(
    what: str, tensor: Any, shape: tuple[int, ...], dtype: np.dtype, buffers: Sequence[Any]
) -> np.ndarray | None:
    if not 0 <= tensor.buffer < len(buffers):
        raise ModelError(f"{what} names buffer {tensor.buffer} of {len(buffers)}")
    buffer = buffers[tensor.buffer]
    if tensor.externalBuffer or buffer.offset > 1 or buffer.size > 1:
        raise ModelError(f"{what} keeps its data outside the flatbuffer; convert it without external buffers")
    if buffer.data is None or len(buffer.data) == 0:
        return None
    raw = np.asarray(buffer.data, dtype=np.uint8)
    if dtype == _OPAQUE:
        return raw.view(dtype)
    if raw.size != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        raise ModelError(f"{what} has {raw.size} bytes of data for shape {shape} and type {dtype}")
    data = np.require(raw.view(dtype), requirements=["C", "A"]).reshape(shape)
    data.flags.writeable = False
    return data


def _quantization(what: str, parameters: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, int]:
    """Scales and zero points of equal length; both empty unless the file gives both, as in TFLM."""
    if (
        parameters is None
        or parameters.scale is None
        or parameters.zeroPoint is None
        or parameters.details is not None
    ):
        return np.empty(0, np.float32), np.empty(0, np.int64), 0
    scale = np.array(parameters.scale, dtype=np.float32)
    zero_point = np.array(parameters.zeroPoint, dtype=np.int64)
    if len(zero_point) not in (1, len(scale)):
        raise ModelError(f"{what} has {len(scale)} scales but {len(zero_point)} zero points")
    dimension = int(parameters.quantizedDimension)
    if len(scale) > 1 and not (0 <= dimension < len(shape) and shape[dimension] == len(scale)):
        raise ModelError(f"{what} has {len(scale)} scales along dimension {dimension} of shape {shape}")
    return scale, np.broadcast_to(zero_point, scale.shape), dimension


def _indices(values: Any, count: int, what: str, lowest: int = 0) -> tuple[int, ...]:
    indices = tuple(int(i) for i in values) if values is not None else ()
    bad = [i for i in indices if not lowest <= i < count]
    if bad:
        raise ModelError(f"{what} name tensor {bad[0]}; the model has tensors 0..{count - 1}")
    return indices


def _check_inputs(inputs: tuple[int, ...], tensors: tuple[Tensor, ...], raw: Sequence[Any]) -> None:
    if not inputs or len(set(inputs)) != len(inputs):
        raise ModelError("the model has no inputs, or one input twice")
    for index in inputs:
        tensor, signature = tensors[index], raw[index].shapeSignature
        if tensor.data is not None:
            raise ModelError(f"input '{tensor.name}' is a constant")
        if not tensor.shape or tensor.shape[0] != 1:
            raise ModelError(
                f"input '{tensor.name}' has shape {tensor.shape}; export the model with a static batch of 1"
            )
        if signature is not None and any(size < 0 for size in signature[1:]):
            raise ModelError(
                f"input '{tensor.name}' has the dynamic shape {list(signature)}; export it with fixed sizes"
            )
        if 0 in tensor.shape:
            raise ModelError(f"input '{tensor.name}' has the empty shape {tensor.shape}")


def _read_layers(
    file: Any, subgraph: Any, tensors: tuple[Tensor, ...], types: tuple[str, ...]
) -> tuple[Layer, ...]:
    parsed = []
    for index, operator in enumerate(subgraph.operators or ()):
        if not 0 <= operator.opcodeIndex < len(file.operatorCodes):
            raise ModelError(
                f"operator {index} names code {operator.opcodeIndex} of {len(file.operatorCodes)}"
            )
        op = operator_name(file.operatorCodes[operator.opcodeIndex])
        inputs = _indices(operator.inputs, len(tensors), f"inputs of operator {index} ({op})", lowest=-1)
        outputs = _indices(operator.outputs, len(tensors), f"outputs of operator {index} ({op})")
        parsed.append((op, operator.builtinOptions, inputs, outputs))
    names = layer_names([_named(tensors, op, inputs, outputs) for op, _, inputs, outputs in parsed])
    layers = []
    for index, (name, (op, options, inputs, outputs)) in enumerate(zip(names, parsed, strict=True)):
        operands = Operands(
            op=op,
            options=options,
            inputs=tuple(tensors[i] if i >= 0 else None for i in inputs),
            outputs=tuple(tensors[i] for i in outputs),
            types=types,
        )
        layers.append(_prepare_layer(index, name, operands, inputs, outputs))
    return tuple(layers)


def _named(tensors: tuple[Tensor, ...], op: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Named:
    has_weights = op in PRUNABLE and len(inputs) > 1 and inputs[1] >= 0
    return Named(
        op,
        output=tensors[outputs[0]].name if outputs else "",
        weights=tensors[inputs[1]].name if has_weights else "",
    )


def _prepare_layer(
    index: int, name: str, operands: Operands, inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> Layer:
    try:
        return Layer(index, name, operands.op, inputs, outputs, prepare(operands))
    except UnsupportedError as reason:
        return Layer(index, name, operands.op, inputs, outputs, None, str(reason))
    except ModelError as error:
        raise ModelError(f"layer '{name}' ({operands.op}): {error}") from error


def _check_order(
    layers: tuple[Layer, ...],
    tensors: tuple[Tensor, ...],
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    variables: set[int],
) -> None:
    """Every tensor is written once, before it is read; the model's outputs are written by layers."""
    constants = {t.index for t in tensors if t.data is not None or t.size == 0}
    ready = constants | variables | set(inputs)
    written: set[int] = set()
    for layer in layers:
        for index in layer.inputs:
            if index >= 0 and index not in ready:
                raise ModelError(
                    f"layer '{layer.name}' reads '{tensors[index].name}' before any layer has written it"
                )
        for index in layer.outputs:
            if index in written or index in inputs or tensors[index].data is not None:
                raise ModelError(
                    f"layer '{layer.name}' writes '{tensors[index].name}', which has a value already"
                )
            written.add(index)
            ready.add(index)
    missing = [tensors[i].name for i in outputs if i not in written]
    if not outputs or missing:
        raise ModelError(f"no layer computes the model's output {missing[0] if missing else ''}".rstrip())


def _check_prunable(layers: tuple[Layer, ...]) -> None:
    candidates = [layer for layer in layers if layer.op in PRUNABLE]
    if not candidates:
        raise ModelError(f"the model has none of the layers that can be pruned: {', '.join(PRUNABLE)}")
    if all(layer.params is None for layer in candidates):
        first = candidates[0]
        raise ModelError(f"no layer can be pruned; layer '{first.name}' ({first.op}): {first.unsupported}")
