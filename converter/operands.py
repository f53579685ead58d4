"""One operator with its tensors, and the checks that all operators share.

Checks raise `UnsupportedError` where the model is fine but the batch engine cannot run the operator, and
ModelError where the model contradicts itself. Messages do not name the layer: the caller adds it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import ModelError
from .flatbuffer import ACTIVATIONS
from .graph import Activation, Tensor
from .quantization import INT8_MAX, INT8_MIN, activation_range

INT32_MAX = 2**31 - 1
MAX_WINDOW = 2**16 - 1  # rows or columns of a filter, stride or dilation
MAX_REACH = 2**24  # rows or columns that a dilated filter spans; keeps the core's coordinates in int32
QUANTIZE_HINT = (
    "quantize the model to full int8 (TFLiteConverter with a representative dataset) or pass the Keras model"
)
_TYPE_HINTS = {
    "FLOAT32": f"is float32: {QUANTIZE_HINT}",
    "FLOAT16": f"is float16: {QUANTIZE_HINT}",
    "INT16": "is int16 (16x8 quantization); only int8 is pruned: convert with TFLITE_BUILTINS_INT8",
    "UINT8": "is uint8 (TensorFlow 1 quantization); only int8 is pruned: convert again with TensorFlow 2",
    "INT4": "is int4; only int8 weights are pruned: convert without 4-bit weights",
}


class UnsupportedError(Exception):
    """The batch engine has no kernel for this form of the operator."""


def scale_of(tensor: Tensor) -> np.float32:
    """Per-tensor scale of an int8 tensor."""
    return np.float32(tensor.scale[0])


def zero_point_of(tensor: Tensor) -> int:
    return int(tensor.zero_point[0])


def check_scales(tensor: Tensor) -> None:
    """Raises ModelError unless every scale is finite and positive."""
    if not np.all(np.isfinite(tensor.scale) & (tensor.scale > 0)):
        raise ModelError(
            f"tensor '{tensor.name}' has scale {tensor.scale.min():g}; scales are positive and finite"
        )


@dataclass(frozen=True)
class Operands:
    """inputs, outputs: tensors, None where an optional input is absent. options: schema object or None.

    types: TFLite's type name per tensor index (numpy has none for int4, say).
    """

    op: str
    options: Any
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    types: tuple[str, ...]

    def option(self, kind: type) -> Any:
        """The operator's options; TFLite's defaults when the file has none."""
        if self.options is None:
            return kind()
        if not isinstance(self.options, kind):
            raise ModelError(
                f"its options are of type {type(self.options).__name__}, expected {kind.__name__}"
            )
        return self.options

    def expect(self, inputs: tuple[int, ...], outputs: int = 1) -> None:
        """Raises ModelError unless the operator has one of these numbers of inputs and outputs."""
        if len(self.inputs) not in inputs or len(self.outputs) != outputs:
            raise ModelError(f"it has {len(self.inputs)} inputs and {len(self.outputs)} outputs")

    def type_of(self, tensor: Tensor) -> str:
        return self.types[tensor.index]

    def tensor(self, position: int) -> Tensor:
        tensor = self.inputs[position]
        if tensor is None:
            raise ModelError(f"input {position} is absent")
        return tensor

    def constant(self, position: int, dtype: type, what: str) -> np.ndarray:
        """Contents of a constant input. Raises UnsupportedError when it is computed or of another type."""
        tensor = self.tensor(position)
        if tensor.data is None:
            raise UnsupportedError(f"its {what} are computed at run time")
        if tensor.dtype != dtype:
            raise UnsupportedError(f"its {what} are {self.type_of(tensor).lower()}")
        return tensor.data

    def input(self, position: int = 0, rank: int | None = None) -> Tensor:
        """An int8 activation that the operator reads."""
        tensor = self.tensor(position)
        if tensor.data is not None:
            raise UnsupportedError(f"input {position} ('{tensor.name}') is a constant")
        return self._activation(tensor, f"input {position}", rank)

    def output(self, rank: int | None = None) -> Tensor:
        """The int8 activation that the operator writes."""
        return self._activation(self.outputs[0], "the output", rank)

    def _activation(self, tensor: Tensor, what: str, rank: int | None) -> Tensor:
        type_name = self.type_of(tensor)
        if type_name != "INT8":
            raise UnsupportedError(f"{what} {_TYPE_HINTS.get(type_name, f'has type {type_name.lower()}')}")
        check_shape(tensor, what, rank)
        if len(tensor.scale) != 1:
            raise UnsupportedError(f"{what} ('{tensor.name}') has {len(tensor.scale)} scales instead of one")
        check_scales(tensor)
        if not INT8_MIN <= zero_point_of(tensor) <= INT8_MAX:
            raise ModelError(f"{what} ('{tensor.name}') has zero point {zero_point_of(tensor)}, outside int8")
        return tensor

    def activation(self, function: int, output: Tensor) -> Activation:
        """Clamp of `output` for a fused activation function of the schema."""
        name = ACTIVATIONS.get(function)
        if name is None:
            raise ModelError(f"fused activation {function} is unknown")
        if name in ("TANH", "SIGN_BIT"):
            raise UnsupportedError(f"fused activation {name}")
        return activation_range(name, scale_of(output), zero_point_of(output))

    def weights_problem(self) -> str:
        """Why the constant int8 weights of a prunable operator are missing; '' when they are there."""
        weights = self.tensor(1)
        data, weights_type = self.tensor(0), self.type_of(weights)
        if weights.data is None:
            return "its weights are computed at run time (weight-only quantization?): " + QUANTIZE_HINT
        if weights_type == "INT8" and self.type_of(data) == "FLOAT32":
            return "int8 weights with float32 activations (dynamic-range quantization): " + QUANTIZE_HINT
        if weights_type != "INT8" and self.type_of(data) == "INT8":
            return f"the weight tensor {_TYPE_HINTS.get(weights_type, f'has type {weights_type.lower()}')}"
        return ""


def check_shape(tensor: Tensor, what: str, rank: int | None = None) -> None:
    """Raises ModelError for empty tensors or another rank, UnsupportedError for a batch other than 1."""
    if rank is not None and len(tensor.shape) != rank:
        raise ModelError(f"{what} has shape {tensor.shape}; expected {rank} dimensions")
    if 0 in tensor.shape:
        raise ModelError(f"{what} has the empty shape {tensor.shape}")
    if not tensor.shape or tensor.shape[0] != 1:
        raise UnsupportedError(
            f"{what} has shape {tensor.shape}; the batch engine needs a leading dimension of 1"
        )


@dataclass(frozen=True)
class Window:
    """Filter window of a convolution or pooling along one axis, as the options give it."""

    size: int
    stride: int
    dilation: int = 1

    def padding(self, scheme: str, axis: str, input_size: int, output_size: int) -> int:
        """Padding before the input. Raises ModelError unless the sizes fit TFLite's formulas."""
        for name, value in (("filter", self.size), ("stride", self.stride), ("dilation", self.dilation)):
            if not 1 <= value <= MAX_WINDOW:
                raise ModelError(f"{name} {axis} is {value}; expected 1..{MAX_WINDOW}")
        reach = (self.size - 1) * self.dilation + 1
        if reach > MAX_REACH:
            raise ModelError(
                f"filter {axis} spans {reach} with its dilation; at most {MAX_REACH} are supported"
            )
        covered = input_size if scheme == "SAME" else input_size - reach + 1
        expected = math.ceil(covered / self.stride)
        if output_size != expected:
            raise ModelError(f"output {axis} is {output_size}; {scheme} padding gives {expected}")
        return max(0, ((output_size - 1) * self.stride + reach - input_size) // 2)


def padding_scheme(value: int) -> str:
    """SAME or VALID of the schema's enumeration."""
    if value not in (0, 1):
        raise ModelError(f"padding scheme {value} is unknown")
    return ("SAME", "VALID")[value]
