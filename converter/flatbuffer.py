"""The .tflite file as the schema's plain Python objects, after its structure has been verified.

A verified buffer has no offset that leads outside it; what the numbers mean is not checked here.
"""

from __future__ import annotations

import struct
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from .errors import ModelError

FILE_IDENTIFIER = b"TFL3"
MAX_SIZE = 2**31 - 1  # flatbuffer offsets are signed
MAX_SUBGRAPHS = 1000
BUILD_SIZE = 1 << 20  # first guess; the builder grows
ALIGNMENT = 16

_MAGIC_OF_OTHERS = (
    (
        b"PK\x03\x04",
        "a zip archive, perhaps a .keras model: tflm-unit convert makes a .tflite of a file named .keras",
    ),
    (
        b"\x89HDF\r\n",
        "an HDF5 file, perhaps a Keras model: tflm-unit convert makes a .tflite of a file named .h5",
    ),
    (b"\x08\x03\x12", "an ONNX file: convert it to .tflite first"),
)


def names_of(enum: type) -> dict[int, str]:
    """Value -> name of one of the schema's enumerations."""
    return {value: name for name, value in vars(enum).items() if not name.startswith("_")}


OPERATORS = names_of(schema.BuiltinOperator)
TENSOR_TYPES = names_of(schema.TensorType)
ACTIVATIONS = names_of(schema.ActivationFunctionType)
CUSTOM = schema.BuiltinOperator.CUSTOM


def verify(model: bytes) -> None:
    """Checks that `model` is a .tflite file whose structure is sound; raises ModelError otherwise.

    Runs LiteRT's verifier and graph builder. Nothing is allocated for tensors.
    """
    if not isinstance(model, bytes):
        raise ModelError(f"a model is bytes, the contents of a .tflite file, not {type(model).__name__}")
    if len(model) < 8:
        raise ModelError(f"the model has {len(model)} bytes: it is empty or was cut short")
    if len(model) > MAX_SIZE:
        raise ModelError(f"the model has {len(model)} bytes; a .tflite file has at most {MAX_SIZE}")
    if model[4:8] != FILE_IDENTIFIER:
        what = next(
            (text for magic, text in _MAGIC_OF_OTHERS if model.startswith(magic)), "not a .tflite file"
        )
        raise ModelError(f"the model has no {FILE_IDENTIFIER.decode()} identifier at byte 4: it is {what}")
    _check_lists(model)
    from ai_edge_litert.interpreter import Interpreter

    try:
        Interpreter(model_content=model)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ModelError(f"the model is damaged or was cut short ({len(model)} bytes): {error}") from error


def _check_lists(model: bytes) -> None:
    """The schema lets these be absent, but LiteRT reads them without looking."""
    try:
        root = schema.Model.GetRootAsModel(model, 0)
        count = root.SubgraphsLength()
        if not 1 <= count <= MAX_SUBGRAPHS or not root.OperatorCodesLength() or not root.BuffersLength():
            raise ModelError("the model is damaged: it has no subgraphs, operator codes or buffers")
        for index in range(count):
            subgraph = root.Subgraphs(index)
            for part in ("Tensors", "Inputs", "Outputs", "Operators"):
                if getattr(subgraph, f"{part}IsNone")():
                    raise ModelError(f"the model is damaged: subgraph {index} has no {part.lower()}")
    except (struct.error, IndexError, TypeError, OverflowError) as error:
        raise ModelError(f"the model is damaged or was cut short ({len(model)} bytes): {error}") from error


def load(model: bytes) -> Any:
    """The `ModelT` object of a .tflite file. Arrays are views of `model`. Raises ModelError."""
    verify(model)
    try:
        return schema.ModelT.InitFromPackedBuf(model, 0)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"the model's structure is damaged: {error}") from error


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """TFLM reads tensors in place, so their data begin at multiples of 16; the schema's own classes align
    them to 1. (tflite-micro has an aligner in C++, which crashes on some damaged models.)"""

    def __init__(self, buffer: Any) -> None:
        self.data, self.offset, self.size = buffer.data, buffer.offset, buffer.size

    def Pack(self, builder: Any) -> int:  # noqa: N802
        if self.data is not None:
            builder.Prep(ALIGNMENT, len(self.data))
        return int(super().Pack(builder))


def dump(model: Any) -> bytes:
    """The .tflite file of a `ModelT`: the same bytes for equal objects, buffers aligned to 16."""
    model.buffers = [_AlignedBuffer(buffer) for buffer in model.buffers]
    builder = flatbuffers.Builder(BUILD_SIZE)
    try:
        builder.Finish(model.Pack(builder), file_identifier=FILE_IDENTIFIER)
    except (TypeError, ValueError, struct.error, OverflowError, AttributeError) as error:
        raise ModelError(f"the model's structure is damaged: {error}") from error
    return bytes(builder.Output())


def operator_name(code: Any) -> str:
    """BuiltinOperator name of an `OperatorCodeT`, or the custom code.

    Files from before 2020 fill only the 8-bit field, newer ones both; the larger one counts.
    """
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == CUSTOM:
        return text(code.customCode) or "CUSTOM"
    if builtin not in OPERATORS:
        raise ModelError(f"operator code {builtin} is unknown; the model needs a newer ai-edge-litert")
    return OPERATORS[builtin]


def text(value: bytes | str | None) -> str:
    """A flatbuffer string for display: damaged UTF-8 and control characters are replaced."""
    decoded = value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
    return "".join(c if c.isprintable() else "\ufffd" for c in decoded)
