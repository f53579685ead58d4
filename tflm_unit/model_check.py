"""Checks that a .tflite file is safe to hand to TFLM, whose C++ trusts what the file says."""

from __future__ import annotations

import math
from typing import Any

from .converter.errors import ModelError
from .converter.flatbuffer import TENSOR_TYPES, load, operator_name
from .converter.reader import read_graph
from .quantization_check import check_quantization

_MAX_ELEMENTS = 1 << 28  # of all tensors together; far beyond any microcontroller
_WITH_OPTIONAL_INPUTS = frozenset(
    {"FULLY_CONNECTED", "LSTM", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM"}
)


def check(model: bytes) -> Any:
    """A LiteRT interpreter for `model`, for the details of its tensors.

    LiteRT prepares every operator, which checks indices, types and shapes, and computes the shapes of their
    results. TFLM takes these shapes from the file instead, so they must be the same. Where LiteRT has other
    wishes than TFLM (a quantized CONV_2D must have a bias), our own reader decides. Raises ModelError.
    """
    file = load(model)
    _check_file(file)
    check_quantization(file)
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        num_threads=1,
    )
    in_file = {t["index"]: t for t in interpreter.get_tensor_details()}
    elements = sum(math.prod(int(n) for n in t["shape"]) for t in in_file.values())
    if elements > _MAX_ELEMENTS:
        raise ModelError(
            f"the model's tensors have {elements} elements; at most {_MAX_ELEMENTS} are supported"
        )
    try:
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError, MemoryError) as error:
        if not _is_sound_graph(model):
            message = f"the model is damaged, or has operators that TFLite does not know: {error}"
            raise ModelError(message) from error
    else:
        _check_shapes(in_file, interpreter.get_tensor_details())
    return interpreter


def _check_file(file: Any) -> None:
    """What LiteRT does not look at: it never reads buffer 0, and it writes to memory of its own."""
    if not file.subgraphs or not file.buffers:
        raise ModelError("the model has no subgraph or no buffers")
    if file.buffers[0].data is not None and len(file.buffers[0].data) > 0:
        raise ModelError("buffer 0 of the model is not empty; by TFLite's convention it stands for no data")
    for subgraph in file.subgraphs:
        for part in ("tensors", "inputs", "outputs", "operators"):
            if getattr(subgraph, part) is None:
                raise ModelError(f"a subgraph of the model has no {part}")
        for index, tensor in enumerate(subgraph.tensors):
            _check_tensor(index, tensor, len(file.buffers))
        for operator in subgraph.operators:
            _check_present(file, operator)
            _check_written(file, subgraph, operator.outputs)
        _check_written(file, subgraph, subgraph.inputs)
        _check_read(file, subgraph)


def _check_present(file: Any, operator: Any) -> None:
    """TFLM and LiteRT look for absent inputs (index -1) only where these are usual, and crash elsewhere."""
    if not 0 <= operator.opcodeIndex < len(file.operatorCodes):
        raise ModelError(
            f"an operator names operator code {operator.opcodeIndex} of {len(file.operatorCodes)}"
        )
    name = operator_name(file.operatorCodes[operator.opcodeIndex])
    absent = operator.inputs is not None and any(int(index) < 0 for index in operator.inputs)
    if absent and name not in _WITH_OPTIONAL_INPUTS:
        raise ModelError(
            f"an input of a {name} operator is absent, which TFLM cannot run; convert the model again"
        )


def _check_tensor(index: int, tensor: Any, buffers: int) -> None:
    if not 0 <= tensor.buffer < buffers:
        raise ModelError(f"tensor {index} names buffer {tensor.buffer} of {buffers}")
    if TENSOR_TYPES.get(tensor.type) == "STRING":
        raise ModelError(f"tensor {index} holds strings, which TFLM cannot run")
    try:
        (tensor.name or b"").decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"the model is damaged: the tensor name {tensor.name!r} is not UTF-8") from error


def _check_written(file: Any, subgraph: Any, indices: Any) -> None:
    """Tensors that the caller or an operator writes have no data in the file."""
    for index in () if indices is None else indices:
        if not 0 <= index < len(subgraph.tensors):
            raise ModelError(f"the model names tensor {index} of {len(subgraph.tensors)}")
        data = file.buffers[subgraph.tensors[index].buffer].data
        if data is not None and len(data) > 0:
            raise ModelError(f"tensor {index} is a constant, but it is an input or an operator writes it")


def _check_read(file: Any, subgraph: Any) -> None:
    """Every tensor that an operator reads has contents; LiteRT crashes on LSTM weights without any."""
    written = set(map(int, subgraph.inputs))
    for operator in subgraph.operators:
        for index in () if operator.inputs is None else map(int, operator.inputs):
            if index < 0 or index in written:  # below 0: an optional tensor that is absent
                continue
            if index >= len(subgraph.tensors):
                raise ModelError(f"the model names tensor {index} of {len(subgraph.tensors)}")
            tensor = subgraph.tensors[index]
            buffer = file.buffers[tensor.buffer]
            empty = (buffer.data is None or len(buffer.data) == 0) and not buffer.size
            shape = () if tensor.shape is None else map(int, tensor.shape)
            if empty and not tensor.isVariable and 0 not in shape:
                raise ModelError(
                    f"an operator reads tensor {index}, which has no data and is not written before"
                )
        written.update(() if operator.outputs is None else map(int, operator.outputs))


def _is_sound_graph(model: bytes) -> bool:
    try:
        return not read_graph(model).unsupported
    except ModelError:
        return False


def _check_shapes(in_file: dict[int, dict[str, Any]], computed: list[dict[str, Any]]) -> None:
    for result in computed:
        tensor = in_file.get(result["index"], result)  # LiteRT adds temporary tensors
        if tuple(tensor["shape"]) != tuple(result["shape"]):
            raise ModelError(
                f"tensor '{tensor['name']}' has shape {tensor['shape'].tolist()} in the file, but its operator "
                f"computes {result['shape'].tolist()}"
            )


def written_tensors(model: bytes) -> frozenset[int]:
    """Indices of the tensors of subgraph 0 that its operators write."""
    written = (operator.outputs for operator in load(model).subgraphs[0].operators)
    return frozenset(int(index) for outputs in written if outputs is not None for index in outputs)
