"""Checks the quantization that TFLM's kernels compute with: on most mistakes they abort the process."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .converter.errors import ModelError
from .converter.flatbuffer import OPERATORS, TENSOR_TYPES, operator_name, text
from .converter.quantization import quantize_multipliers, softmax_multiplier

_ZERO_POINTS = {"INT4": (-8, 7), "INT8": (-128, 127), "UINT8": (0, 255), "INT16": (-32768, 32767)}
_OPERATORS = frozenset(OPERATORS.values()) - {"CUSTOM"}
# These move or compare bytes, or only look at shapes; MAXIMUM, ARG_MAX and the like compare equal scales.
_WITHOUT_SCALES = frozenset(
    {
        "ARG_MAX",
        "ARG_MIN",
        "ASSIGN_VARIABLE",
        "BATCH_TO_SPACE_ND",
        "BROADCAST_ARGS",
        "BROADCAST_TO",
        "CALL_ONCE",
        "CAST",
        "CONCATENATION",
        "DEPTH_TO_SPACE",
        "DYNAMIC_UPDATE_SLICE",
        "EXPAND_DIMS",
        "FILL",
        "GATHER",
        "GATHER_ND",
        "IF",
        "LOGICAL_AND",
        "LOGICAL_NOT",
        "LOGICAL_OR",
        "MAXIMUM",
        "MINIMUM",
        "MIRROR_PAD",
        "PACK",
        "READ_VARIABLE",
        "RESHAPE",
        "RESIZE_NEAREST_NEIGHBOR",
        "REVERSE_V2",
        "SELECT_V2",
        "SHAPE",
        "SLICE",
        "SPACE_TO_BATCH_ND",
        "SPACE_TO_DEPTH",
        "SPLIT",
        "SPLIT_V",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TRANSPOSE",
        "UNPACK",
        "VAR_HANDLE",
        "WHILE",
        "ZEROS_LIKE",
    }
)
# Operators with weights: positions of the activation, and of the weights, which may have a scale per channel.
_WEIGHTED = {
    "CONV_2D": (0, 1),
    "DEPTHWISE_CONV_2D": (0, 1),
    "FULLY_CONNECTED": (0, 1),
    "TRANSPOSE_CONV": (2, 1),
    "EMBEDDING_LOOKUP": (0, 1),
}
_SUM_SHIFT = {"INT8": 20, "INT16": 15}  # of the inputs, before they are brought to the output's scale
_SUMS = ("ADD", "ADD_N", "CUMSUM", "SUB")
_COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")


def check_quantization(file: Any) -> None:
    """Raises ModelError for an operator of `file`, a ModelT, that TFLM cannot compute with its scales."""
    for subgraph in file.subgraphs:
        for position, operator in enumerate(subgraph.operators):
            if not 0 <= operator.opcodeIndex < len(file.operatorCodes):
                raise ModelError(f"operator {position} has the unknown code {operator.opcodeIndex}")
            op = operator_name(file.operatorCodes[operator.opcodeIndex])
            if op in _WITHOUT_SCALES or op not in _OPERATORS:  # what custom operators do, they alone know
                continue
            try:
                _check_operator(op, operator, subgraph.tensors)
            except ModelError as error:
                raise ModelError(f"operator {position} ({op}): {error}; convert the model again") from error


def _check_operator(op: str, operator: Any, tensors: Any) -> None:
    inputs, outputs = _quantized(operator.inputs, tensors), _quantized(operator.outputs, tensors)
    activation, weights = _WEIGHTED.get(op, (None, None))
    for position, tensor in (*inputs.items(), *outputs.items()):
        _check_tensor(tensor, tensor is inputs.get(position) and position == weights)
    for tensor in _quantized(operator.intermediates, tensors).values():
        _check_tensor(tensor, False)
    if op == "SOFTMAX":
        _check_softmax(operator.builtinOptions, inputs)
    if op in _COMPARISONS:
        _check_comparison(inputs)
    if inputs and 0 in outputs:
        scales = [_scales(tensor) for tensor in inputs.values()]
        y = _scales(outputs[0])
        if op in _SUMS:
            _check_sum(scales, y, TENSOR_TYPES[outputs[0].type])
        elif activation is not None and activation in inputs and weights in inputs:
            quantize_multipliers(_product([_scales(inputs[activation]), _scales(inputs[weights])]) / y)
        else:
            quantize_multipliers(_product(scales) / y if op == "MUL" else np.concatenate(scales) / y)


def _quantized(indices: Any, tensors: Any) -> dict[int, Any]:
    """The integer tensors that have scales, by position; biases, shapes and indices have int32."""
    found = {}
    for position, index in enumerate(() if indices is None else indices):
        if not -1 <= index < len(tensors):  # -1: an optional tensor that is absent
            raise ModelError(f"it names tensor {index} of {len(tensors)}")
        if index >= 0 and TENSOR_TYPES.get(tensors[index].type) in _ZERO_POINTS:
            found[position] = tensors[index]
    return found


def _scales(tensor: Any) -> np.ndarray:
    """float64, so that ratios of float32 scales neither overflow nor vanish."""
    scales = None if tensor.quantization is None else tensor.quantization.scale
    return np.array([] if scales is None else scales, np.float64)


def _check_tensor(tensor: Any, per_channel: bool) -> None:
    name, scales = text(tensor.name), _scales(tensor)
    if scales.size == 0 or (scales.size > 1 and not per_channel):
        raise ModelError(f"tensor '{name}' has {scales.size} scales instead of one")
    if not np.all(np.isfinite(scales) & (scales > 0)):
        raise ModelError(f"tensor '{name}' has scale {scales.min():g}; scales are positive and finite")
    zero_points = tensor.quantization.zeroPoint
    zero_points = np.array([] if zero_points is None else zero_points)
    low, high = _ZERO_POINTS[TENSOR_TYPES[tensor.type]]
    if zero_points.size != scales.size:
        raise ModelError(f"tensor '{name}' has {zero_points.size} zero points for {scales.size} scales")
    if zero_points.min() < low or zero_points.max() > high:
        raise ModelError(
            f"tensor '{name}' has zero point {zero_points.min()}..{zero_points.max()}, outside {low}..{high}"
        )


def _product(scales: Sequence[np.ndarray]) -> np.ndarray:
    """float64, but infinite where TFLite's float32 product is."""
    product = functools.reduce(np.multiply, scales)
    return np.where(product > np.finfo(np.float32).max, np.inf, product)


def _check_softmax(options: Any, inputs: Mapping[int, Any]) -> None:
    beta = float(getattr(options, "beta", 0.0))  # TFLite's default
    if not (math.isfinite(beta) and beta > 0):
        raise ModelError(f"beta is {beta:g}; it is positive and finite")
    if 0 in inputs and TENSOR_TYPES[inputs[0].type] == "INT8":
        softmax_multiplier(beta, np.float32(_scales(inputs[0])[0]))


def _check_sum(scales: Sequence[np.ndarray], output_scale: np.ndarray, type_name: str) -> None:
    largest = float(np.max(np.concatenate(scales)))
    if not 2 * largest / float(output_scale[0]) < 2.0 ** _SUM_SHIFT.get(type_name, 20):
        raise ModelError(f"output scale {output_scale[0]:g} is too small for inputs with scale {largest:g}")


def _check_comparison(inputs: Mapping[int, Any]) -> None:
    for tensor in inputs.values():
        if not _scales(tensor)[0] < 1:
            raise ModelError(
                f"tensor '{text(tensor.name)}' has scale {_scales(tensor)[0]:g}; TFLM needs it below 1"
            )
