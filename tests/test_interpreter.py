"""tflm_unit.Interpreter as a replacement of tf.lite.Interpreter, and its errors."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import models
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter as LiteRt
from ai_edge_litert.interpreter import OpResolverType
from example_layers import coarse_pruning, example_cases
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import edited, zoo

from tflm_unit.converter.errors import ModelError, UnitError
from tflm_unit.converter.metadata_format import NAME
from tflm_unit.converter.pruning import OperatingPoint
from tflm_unit.interpreter import Interpreter

CASES = example_cases()
POINTS = [
    OperatingPoint("full", {models.weights_index(i): case.pruning for i, case in enumerate(CASES)}),
    OperatingPoint("saver", {models.weights_index(0): coarse_pruning(CASES[0])}),
]
MODEL = models.build(CASES, {NAME: models.pack_block(CASES, POINTS)})


def test_details_are_those_of_tf_lite() -> None:
    reference = LiteRt(model_content=MODEL)
    interpreter = Interpreter(MODEL)
    interpreter.allocate_tensors()
    for ours, theirs in (
        (interpreter.get_input_details(), reference.get_input_details()),
        (interpreter.get_output_details(), reference.get_output_details()),
    ):
        assert len(ours) == len(theirs) == 3
        for a, b in zip(ours, theirs, strict=True):
            assert a.keys() == b.keys()
            for key in ("name", "index", "dtype", "quantization"):
                assert a[key] == b[key]
            np.testing.assert_array_equal(a["shape"], b["shape"])


def test_paths_and_bytes_are_the_same_model(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(MODEL)
    for model in (MODEL, path, str(path)):
        assert Interpreter(model).points == ("full", "saver")


def test_tensors_are_copied_in_and_out() -> None:
    interpreter = Interpreter(MODEL)
    values = [case.input.copy() for case in CASES]
    for details, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(details["index"], value)
    values[0][:] = 0
    interpreter.invoke()
    index = interpreter.get_output_details()[0]["index"]
    first = interpreter.get_tensor(index)
    first_input = interpreter.get_tensor(interpreter.get_input_details()[0]["index"])
    np.testing.assert_array_equal(first_input, CASES[0].input)
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(interpreter.get_tensor(index), kept)


def test_tensors_between_layers_can_be_kept(data_dir: Path) -> None:
    path = data_dir / "mlperf_tiny" / "kws_ref_model.tflite"
    if not path.exists():
        pytest.skip(f"no {path}")
    interpreter = Interpreter(path, use_overrides=False, keep_tensors=True)
    reference = LiteRt(
        model_path=str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    reference.allocate_tensors()
    details = interpreter.get_input_details()[0]
    x = np.random.default_rng(0).integers(-128, 128, details["shape"]).astype(np.int8)
    for engine in (interpreter, reference):
        engine.set_tensor(details["index"], x)
        engine.invoke()
    written = sorted(interpreter._kept)
    assert len(written) > 10
    for index in written:
        np.testing.assert_array_equal(interpreter.get_tensor(index), reference.get_tensor(index))
    with pytest.raises(UnitError, match="not among the model's outputs"):
        interpreter.get_tensor(max(written) + 1000)


@pytest.mark.parametrize("point", [2, -1, "", "fast", 0.5, None])
def test_unknown_points_are_refused_with_the_choice(point: int | str) -> None:
    interpreter = Interpreter(MODEL, "saver")
    for attempt in (lambda: Interpreter(MODEL, point), lambda: interpreter.set_point(point)):
        with pytest.raises(UnitError, match=r"no operating point .*it has 0 'full', 1 'saver'"):
            attempt()


def test_a_model_without_points_has_point_0() -> None:
    for interpreter in (Interpreter(models.build(CASES), 0), Interpreter(MODEL, use_overrides=False)):
        interpreter.set_point(0)
        assert interpreter.points == ()
        with pytest.raises(UnitError, match="it has 0, dense"):
            interpreter.set_point(1)


def test_tensors_that_do_not_fit_are_refused() -> None:
    interpreter = Interpreter(MODEL)
    details = interpreter.get_input_details()[0]
    x = np.zeros(details["shape"], np.int8)
    with pytest.raises(UnitError, match=r"input 'input_0' is int8, the value is float32; quantize it"):
        interpreter.set_tensor(details["index"], x.astype(np.float32))
    with pytest.raises(UnitError, match=r"has shape \(1, 6, 6, 3\), the value has \(6, 6, 3\)"):
        interpreter.set_tensor(details["index"], x[0])
    with pytest.raises(UnitError, match="tensor 1 is not among the model's inputs"):
        interpreter.set_tensor(1, x)
    with pytest.raises(UnitError, match="not among the model's outputs and the inputs that were set"):
        interpreter.get_tensor(details["index"])


def test_models_that_are_none_are_refused(tmp_path: Path) -> None:
    for model in (b"", b"TFL3", bytes(1000), MODEL[:-1000]):
        with pytest.raises(ModelError):
            Interpreter(model)
    with pytest.raises(ModelError, match=r"cannot read .*missing.tflite"):
        Interpreter(tmp_path / "missing.tflite")


def test_an_arena_below_the_default_is_refused() -> None:
    with pytest.raises(UnitError, match="arena_size is 10000; for this model it takes"):
        Interpreter(MODEL, arena_size=10000)
    Interpreter(MODEL, arena_size=1 << 24)


def _quantization(index: int, **fields: Any) -> Callable[[Any], None]:
    """Sets fields of the quantization of the output of operator `index`."""

    def edit(file: Any) -> None:
        graph = file.subgraphs[0]
        tensor = graph.tensors[graph.operators[index].outputs[0]]
        if not fields:
            tensor.quantization = None
        for name, value in fields.items():
            setattr(tensor.quantization, name, value)

    return edit


def _beta(value: float) -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        file.subgraphs[0].operators[SOFTMAX].builtinOptions.beta = value

    return edit


def _without_weights(file: Any) -> None:
    graph = file.subgraphs[0]
    file.buffers[graph.tensors[graph.operators[CONV].inputs[1]].buffer].data = None


CONV, ADD, SOFTMAX = 1, 4, -2  # operators of zoo()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_quantization(CONV), r"operator 1 \(CONV_2D\): tensor 'conv' has 0 scales"),
        (
            _quantization(CONV, scale=[0.1] * 8, zeroPoint=[0] * 8, quantizedDimension=3),
            "'conv' has 8 scales",
        ),
        (_quantization(CONV, scale=[0.0]), "'conv' has scale 0"),
        (_quantization(CONV, scale=[-0.1]), "'conv' has scale -0.1"),
        (_quantization(CONV, scale=[np.nan]), "'conv' has scale nan"),
        (_quantization(CONV, scale=[np.inf]), "'conv' has scale inf"),
        (_quantization(CONV, scale=[1e-38]), "requantization factor .* is too large"),
        (_quantization(CONV, zeroPoint=[128]), r"'conv' has zero point 128\.\.128, outside -128\.\.127"),
        (_quantization(ADD, scale=[1e-9]), r"\(ADD\): output scale 1e-09 is too small"),
        (_beta(-1.0), r"\(SOFTMAX\): beta is -1"),
        (_beta(0.0), "beta is 0"),
        (_beta(np.nan), "beta is nan"),
        (_beta(np.inf), "beta is inf"),
        (_beta(1e-30), "too flat"),
        (_without_weights, "has no data and is not written before"),
    ],
)
def test_what_tflm_asserts_on_is_refused(edit: Callable[[Any], None], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Interpreter(edited(zoo(), edit))


@given(st.data())
def test_damaged_files_are_refused_or_run(data: st.DataObject) -> None:
    """TFLM checks little; whatever gets past our checks must not crash it."""
    damaged = bytearray(MODEL)
    places = st.one_of(st.integers(0, len(MODEL) - 1), st.integers(len(MODEL) - 2500, len(MODEL) - 1))
    for at in data.draw(st.lists(places, min_size=1, max_size=4)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            interpreter = Interpreter(bytes(damaged))
        except UnitError:
            return
    interpreter.invoke()


PROGRAM = """
import sys
sys.modules["tflite_micro"] = None
import tflm_unit
try:
    tflm_unit.Interpreter({model!r})
except ImportError as error:
    print(error)
"""


def test_a_missing_tflite_micro_is_named_with_the_remedy(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM.format(model=MODEL)]
    # Not from the repository's root, whose tflm_unit/ is not the installed package.
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "needs the tflite-micro package" in result.stdout
    assert "pip install" in result.stdout
