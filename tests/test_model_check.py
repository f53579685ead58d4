"""Files that LiteRT's verifier lets through although LiteRT or TFLM would crash on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from classifier import classifier, images

import tflm_unit
from tflm_unit import Interpreter, ModelError
from tflm_unit.converter.flatbuffer import dump, load


def edited(**operators: int) -> bytes:
    """The classifier with inputs made absent: operator position (`_0`, `_2`, ...) -> input position."""
    file = load(classifier())
    for position, index in operators.items():
        operator = file.subgraphs[0].operators[int(position[1:])]
        operator.inputs = [-1 if i == index else int(x) for i, x in enumerate(operator.inputs)]
    return dump(file)


@pytest.mark.parametrize(("operators", "name"), [({"_2": 1}, "RESHAPE"), ({"_0": 2}, "CONV_2D")])
def test_absent_inputs_where_tflm_needs_them(operators: dict[str, int], name: str) -> None:
    with pytest.raises(ModelError, match=f"an input of a {name} operator is absent"):
        Interpreter(edited(**operators))


def test_an_absent_bias_of_a_dense_layer_runs() -> None:
    model = edited(_3=2)
    x = images(3)
    batch, tflm = (
        tflm_unit.evaluate(model, x, schedule="dense", engine=engine) for engine in ("batch", "tflm")
    )
    assert batch.rmse == tflm.rmse == 0
    assert batch.agreement == tflm.agreement == 1


def test_strings() -> None:
    file = load(classifier())
    file.subgraphs[0].tensors[0].type = schema.TensorType.STRING
    with pytest.raises(ModelError, match=r"tensor 0 .*string|damaged"):
        Interpreter(dump(file))


@pytest.mark.parametrize("part", ["subgraphs", "buffers", "operatorCodes"])
def test_missing_lists_of_the_model(part: str) -> None:
    file = load(classifier())
    setattr(file, part, None if part != "buffers" else [])
    with pytest.raises(ModelError, match="damaged"):
        tflm_unit.load(dump_without(file))


@pytest.mark.parametrize("part", ["tensors", "inputs", "outputs", "operators"])
def test_missing_lists_of_the_subgraph(part: str) -> None:
    file = load(classifier())
    setattr(file.subgraphs[0], part, None)
    with pytest.raises(ModelError, match=f"subgraph 0 has no {part}"):
        tflm_unit.load(dump_without(file))


def dump_without(file: Any) -> bytes:
    file.metadata = None
    return dump(file)


def test_a_second_invocation_sees_the_same_input() -> None:
    """TFLM reuses the memory of inputs."""
    interpreter = Interpreter(tflm_unit.convert(classifier(), images(32), skip=0.8).model.data)
    (details,) = interpreter.get_input_details()
    x = np.random.default_rng(0).integers(-128, 128, details["shape"]).astype(np.int8)
    interpreter.set_tensor(details["index"], x)
    outputs = []
    for _ in range(3):
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])
    np.testing.assert_array_equal(interpreter.get_tensor(details["index"]), x)
