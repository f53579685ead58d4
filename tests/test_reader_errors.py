"""A clear error for every way in which a file can contradict itself."""

from __future__ import annotations

from typing import Any

import pytest
import tiny_models
from model_edits import Edit, constant_output, model_field, no_verifier, operator, tensor
from tiny_models import TYPES, edited, lenet, schema

from tflm_unit.converter.errors import ModelError
from tflm_unit.converter.reader import read_graph, verify


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (b"", "0 bytes"),
        (b"TFL3", "4 bytes"),
        (b"\0" * 100, "not a .tflite file"),
        (
            b"PK\x03\x04" + b"\0" * 100,
            "zip archive, .*: tflm-unit convert makes a .tflite of a file named .keras",
        ),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "HDF5 .* of a file named .h5"),
        (b"\x1c\0\0\0TFL3" + b"\0" * 100, "model is damaged"),
    ],
)
def test_other_files(model: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        verify(model)


def test_only_bytes_are_models() -> None:
    with pytest.raises(ModelError, match="not str"):
        verify("model.tflite")  # type: ignore[arg-type]


def repeat_first(file: Any) -> None:
    operators = file.subgraphs[0].operators
    operators.append(operators[0])


# Tensors of lenet(): 0 input, 1 conv1, 2 3 its weights and bias, 4 pool, 5 conv2, 6 7 weights and bias,
# 8 flatten, 9 its shape, 10 dense, 11 12 weights and bias, 13 output.
CONTRADICTIONS: list[tuple[str, Edit, str]] = [
    ("no subgraph", model_field("subgraphs", []), "no subgraph"),
    ("negative size", tensor(4, shape=[1, 5, -5, 4]), "not negative"),
    ("rank", tensor(4, shape=[1] * 9), "at most 8"),
    ("huge shape", tensor(4, shape=[1, 2**15, 2**15, 4]), "more than"),
    ("huge shapes overflow", tensor(4, shape=[2**31 - 1] * 8), "more than"),
    ("batch", tensor(0, shape=[4, 10, 10, 1]), "static batch of 1"),
    ("scalar input", tensor(0, shape=[]), "static batch of 1"),
    ("empty input", tensor(0, shape=[1, 0, 10, 1]), "empty shape"),
    ("dynamic input", tensor(0, shapeSignature=[-1, -1, 10, 1]), "fixed sizes"),
    ("constant input", tensor(0, buffer=2, shape=[1, 1, 1, 16], type=TYPES.UINT8), "is a constant"),
    ("buffer index", tensor(2, buffer=99), "buffer 99 of"),
    ("type", tensor(2, type=77), "unknown type 77"),
    ("buffer size", tensor(2, shape=[4, 3, 3, 2], q_scale=[0.1], q_zeroPoint=[0]), "36 bytes of data"),
    ("external buffer", model_field("buffers.1.offset", 4096), "outside the flatbuffer"),
    ("output index", model_field("subgraphs.0.outputs", [99]), "model outputs name tensor 99"),
    ("no outputs", model_field("subgraphs.0.outputs", []), "no layer computes"),
    ("output nobody writes", model_field("subgraphs.0.outputs", [0]), "no layer computes"),
    ("no inputs", model_field("subgraphs.0.inputs", []), "no inputs"),
    ("input twice", model_field("subgraphs.0.inputs", [0, 0]), "one input twice"),
    ("operator code", operator(0, opcodeIndex=42), "names code 42"),
    ("operator unknown", model_field("operatorCodes.0.builtinCode", 4000), "4000 is unknown"),
    ("operand index", operator(0, inputs=[0, 2, 50]), "name tensor 50"),
    ("operand negative", operator(0, inputs=[-2, 2, 3]), "name tensor -2"),
    ("operand absent", operator(0, inputs=[-1, 2, 3]), "input 0 is absent"),
    ("operands missing", operator(0, inputs=[0]), "1 inputs"),
    ("order", lambda file: file.subgraphs[0].operators.reverse(), "before any layer has written"),
    ("written twice", repeat_first, "value already"),
    ("writes an input", model_field("subgraphs.0.inputs", [0, 4]), "value already"),
    ("writes a constant", constant_output, "value already"),
    ("activation scale 0", tensor(4, q_scale=[0.0]), "scale 0"),
    ("activation scale NaN", tensor(4, q_scale=[float("nan")]), "scale nan"),
    ("activation scale inf", tensor(4, q_scale=[float("inf")]), "scale inf"),
    ("zero point", tensor(4, q_zeroPoint=[-129]), "zero point -129"),
    ("weight scale negative", tensor(2, q_scale=[0.1, 0.1, -0.1, 0.1]), "scale -0.1"),
    ("weight zero point", tensor(2, q_zeroPoint=[0, 1, 0, 0]), "symmetric"),
    ("zero points missing", tensor(2, q_zeroPoint=[0, 0]), "4 scales but 2 zero points"),
    ("scales along the wrong axis", tensor(6, q_quantizedDimension=1), "along dimension 1"),
    ("axis out of range", tensor(6, q_quantizedDimension=-7), "along dimension -7"),
    ("output scale tiny", tensor(1, q_scale=[1e-20]), "too large"),
    ("stride 0", operator(0, strideW=0), "stride width is 0"),
    ("stride huge", operator(0, strideW=10**6), "stride width is 1000000"),
    ("stride negative", operator(2, strideH=-1), "stride height is -1"),
    ("dilation 0", operator(2, dilationHFactor=0), "dilation height is 0"),
    ("padding scheme", operator(0, padding=3), "padding scheme 3"),
    ("activation unknown", operator(0, fusedActivationFunction=17), "fused activation 17"),
    ("output size", operator(0, padding=tiny_models.VALID), "output height is 10; VALID padding gives 8"),
    ("channels", tensor(1, shape=[1, 10, 10, 5]), "5 channels, the filter 4"),
    ("filter channels", tensor(4, shape=[1, 5, 5, 6]), "turns 4 channels into 6"),
    ("bias size", operator(0, inputs=[0, 2, 7]), "bias has 6 values for 4"),
    ("reshape size", tensor(8, shape=[1, 25]), "differ in size"),
    ("dense output", tensor(10, shape=[1, 6]), "do not fit"),
    ("softmax shape", tensor(13, shape=[1, 1, 5]), "differ in shape"),
    ("options of another operator", operator(0, builtinOptions=schema.Pool2DOptionsT(),
                                             builtinOptionsType=schema.BuiltinOptions.Pool2DOptions), "options"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), [pytest.param(e, m, id=i) for i, e, m in CONTRADICTIONS])
def test_contradictions(edit: Edit, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    no_verifier(monkeypatch)
    with pytest.raises(ModelError, match=message):
        read_graph(edited(lenet(), edit))
