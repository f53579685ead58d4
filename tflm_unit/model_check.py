"""Checks that a .tflite file is safe to hand to TFLM, whose C++ trusts what the file says."""

from __future__ import annotations

import math
from typing import Any

from .converter.errors import ModelError
from .converter.flatbuffer import load, verify
from .converter.reader import read_graph

_MAX_ELEMENTS = 1 << 28  # of all tensors together; far beyond any microcontroller


def check(model: bytes) -> Any:
    """A LiteRT interpreter for `model`, for the details of its tensors.

    LiteRT prepares every operator, which checks indices, types and shapes, and computes the shapes of their
    results. TFLM takes these shapes from the file instead, so they must be the same. Where LiteRT has other
    wishes than TFLM (a quantized CONV_2D must have a bias), our own reader decides. Raises ModelError.
    """
    verify(model)
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        num_threads=1,
    )
    try:
        in_file = {t["index"]: t for t in interpreter.get_tensor_details()}
    except UnicodeDecodeError as error:
        raise ModelError(f"the model is damaged: the name of a tensor is not UTF-8 ({error})") from error
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
    operators = load(model).subgraphs[0].operators or ()
    return frozenset(int(index) for operator in operators for index in operator.outputs)
