"""Keras 2 and 3 models and SavedModels to int8 .tflite files."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import tflm_unit
from tflm_unit.converter.errors import DataError, ModelError, UnitError
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.converter.layer_scopes import without_numbers
from tflm_unit.converter.reader import read_graph

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="TensorFlow is not installed: pip install tflm-unit[keras]",
)
RNG = np.random.default_rng(5)
IMAGES = RNG.random((40, 28, 28, 1)).astype(np.float32)


@pytest.fixture(params=["keras", "tf_keras"])
def keras(request: pytest.FixtureRequest) -> Any:
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install tflm-unit[keras]")
    module = pytest.importorskip(request.param)
    module.utils.set_random_seed(1)
    return module


def lenet(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(6, 5, activation="relu", name="conv2d"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, name="conv2d_1"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax", name="dense"),
        ]
    )


def functional(keras: Any) -> Any:
    layers = keras.layers
    x = layers.Input((20, 20, 3))
    y = layers.SeparableConv2D(8, 3, padding="same", name="separable")(x)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    z = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(y)
    y = layers.Concatenate()([layers.Add()([y, z]), z])
    y = layers.Conv2D(8, 3, strides=2, activation="relu", name="strided")(layers.ZeroPadding2D(1)(y))
    y = layers.GlobalAveragePooling2D()(layers.AveragePooling2D(2)(y))
    return keras.Model(x, layers.Dense(4, name="head")(y))


def one_dimensional(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((64, 3)),
            layers.Conv1D(8, 5, activation="relu", padding="same", name="first"),
            layers.MaxPooling1D(2),
            layers.Conv1D(8, 3, dilation_rate=2, name="second"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(6, name="head"),
        ]
    )


def run(model: bytes, x: np.ndarray) -> np.ndarray:
    """Real-valued outputs of an int8 model."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert source["dtype"] == target["dtype"] == np.int8
    scale, zero_point = source["quantization"]
    outputs = []
    for sample in np.clip(np.rint(x / scale) + zero_point, -128, 127).astype(np.int8):
        interpreter.set_tensor(source["index"], sample.reshape(source["shape"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"])[0])
    scale, zero_point = target["quantization"]
    return (np.array(outputs, np.float32) - zero_point) * scale


@pytest.mark.parametrize(
    ("build", "shape", "prunable"),
    [
        (lenet, (28, 28, 1), ["conv2d", "conv2d_1", "dense"]),
        (functional, (20, 20, 3), ["separable", "separable/conv_2d", "depthwise", "strided", "head"]),
        (one_dimensional, (64, 3), ["first", "second", "head"]),
    ],
)
def test_models(keras: Any, build: Any, shape: tuple[int, ...], prunable: list[str]) -> None:
    model, x = build(keras), RNG.random((40, *shape)).astype(np.float32)
    exported = export_int8(model, x)
    graph = read_graph(exported)
    assert not graph.unsupported, "operators are left that compute shapes"
    assert [layer.name for layer in graph.prunable] == prunable
    assert graph.tensors[graph.inputs[0]].shape == (1, *shape)
    expected = np.asarray(model.predict(x, verbose=0))
    assert np.abs(run(exported, x) - expected).max() < 0.05 * np.abs(expected).max()
    assert export_int8(model, x) == exported


def test_paths(keras: Any, tmp_path: Path) -> None:
    model = lenet(keras)
    expected = run(export_int8(model, IMAGES), IMAGES)
    for name in ("model.keras", "model.h5", "saved_model"):
        path = tmp_path / name
        (model.save if path.suffix else model.export)(str(path))
        exported = export_int8(path, IMAGES)
        assert not read_graph(exported).unsupported
        np.testing.assert_array_equal(run(exported, IMAGES), expected)


def test_two_inputs(keras: Any) -> None:
    layers = keras.layers
    a, b = layers.Input((10,)), layers.Input((4,))
    y = layers.Concatenate()([layers.Dense(5, activation="relu")(a), layers.Dense(6, activation="relu")(b)])
    model = keras.Model([a, b], layers.Dense(3)(y))
    data = [RNG.random((30, 10)), RNG.random((30, 4))]
    graph = read_graph(export_int8(model, data))
    assert [graph.tensors[i].shape for i in graph.inputs] == [(1, 10), (1, 4)]
    with pytest.raises(DataError, match="1 arrays, the model has 2 inputs"):
        export_int8(model, data[0])


def test_model_that_was_never_built(keras: Any) -> None:
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    graph = read_graph(export_int8(model, RNG.random((5, 4, 4))))
    assert graph.tensors[graph.inputs[0]].shape == (1, 4, 4)


def test_forms_of_data(keras: Any) -> None:
    model = lenet(keras)
    expected = export_int8(model, IMAGES)

    def samples() -> Iterator[list[np.ndarray]]:
        for image in IMAGES:
            yield [image[np.newaxis]]

    assert export_int8(model, IMAGES[..., 0]) == expected
    assert export_int8(model, samples) == expected
    assert export_int8(model, lambda: iter(IMAGES)) == expected
    assert export_int8(model, list(IMAGES)) == expected
    assert export_int8(model, [IMAGES]) == expected
    assert export_int8(model, lambda: ([image] for image in IMAGES)) == expected
    pixels = (IMAGES * 255).astype(np.uint8)
    scaled = pixels * np.float32(1 / 255) + np.float32(-0.5)
    assert export_int8(model, pixels, scale=1 / 255, offset=-0.5) == export_int8(model, scaled)


@needs_tensorflow
def test_models_that_cannot_be_converted(tmp_path: Path) -> None:
    import keras

    damaged = tmp_path / "model.keras"
    damaged.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"cannot load .*model\.keras"):
        export_int8(damaged, IMAGES)
    with pytest.raises(ModelError, match="not dict"):
        export_int8({}, IMAGES)
    tokens = keras.Sequential([keras.layers.Input((4,), dtype="int32"), keras.layers.Embedding(9, 2)])
    with pytest.raises(ModelError, match="is int32"):
        export_int8(tokens, np.ones((3, 4)))
    with pytest.raises(DataError, match=r"shape \(27, 28, 1\).*takes \(28, 28, 1\)"):
        export_int8(lenet(keras), IMAGES[:, 1:])
    with pytest.raises(DataError, match="no regular array"):
        export_int8(lenet(keras), [IMAGES[0], IMAGES[1, :, 1:]])
    cosine = keras.Sequential([keras.layers.Input((4,)), keras.layers.Lambda(lambda x: keras.ops.arccosh(x))])
    with pytest.raises(ModelError, match="TensorFlow cannot convert the model to int8"):
        export_int8(cosine, np.full((3, 4), 2.0))


@needs_tensorflow
def test_export_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    import keras

    export_int8(lenet(keras), IMAGES[:3])
    captured = capfd.readouterr()
    assert captured.err == captured.out == ""


@needs_tensorflow
def test_an_error_in_the_data_function_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    import keras

    def samples() -> Iterator[np.ndarray]:
        yield IMAGES[0]
        yield IMAGES[0] * np.nan

    with pytest.raises(DataError, match=r"sample 1 for input .* has NaN"):
        export_int8(lenet(keras), samples)
    capfd.readouterr()
    os.write(2, b"stderr works again")
    assert capfd.readouterr().err == "stderr works again"


@needs_tensorflow
@pytest.mark.slow
def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import hashlib, keras, test_keras_export as t; keras.utils.set_random_seed(1);"
        "print(hashlib.sha256(t.export_int8(t.lenet(keras), t.IMAGES)).hexdigest())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", code]
    runs = [subprocess.check_output(command, env=environment, cwd=tmp_path, text=True) for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == hashlib.sha256().digest_size * 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.empty((0, 28, 28, 1)), "empty"),
        ([], "empty"),
        (np.float32(3), "empty"),
        (lambda: iter(()), "empty"),
        (np.full((3, 28, 28, 1), np.nan), "NaN"),
        (np.full((3, 28, 28, 1), np.inf), "infinite"),
        (np.full((3, 28, 28, 1), 1e300), "infinite"),
        (np.array([["a", "b"]]), "numbers are needed"),
        (IMAGES.astype(np.int8), "already quantized"),
        ([[1.0, 2.0], [3.0]], "no regular array"),
        ([IMAGES, IMAGES[:3]], "different lengths"),
        (IMAGES > 0.5, "dtype bool"),
        (iter(IMAGES), "dtype object"),
        (lambda: None, "returned NoneType"),
    ],
)
def test_data_is_checked_before_tensorflow_is_needed(
    monkeypatch: pytest.MonkeyPatch, data: Any, message: str
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(DataError, match=message):
        export_int8(object(), data)


def test_paths_are_checked_before_tensorflow_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    (tmp_path / "model.onnx").touch()
    for path, message in (
        (tmp_path / "x.keras", "does not exist"),
        (tmp_path, "saved_model"),
        (tmp_path / "model.onnx", "no model file"),
    ):
        with pytest.raises(ModelError, match=message):
            export_int8(path, IMAGES)


def test_without_tensorflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    (tmp_path / "model.keras").touch()
    with pytest.raises(UnitError, match=r"pip install 'tflm-unit\[keras\]'"):
        export_int8(tmp_path / "model.keras", IMAGES)


def test_layer_scopes() -> None:
    layers = frozenset({"conv2d", "conv2d_1"})
    assert (
        without_numbers("net_1/conv2d_1_2/Relu;net_1/conv2d_1/add_1", layers)
        == "net_1/conv2d_1/Relu;net_1/conv2d/add_1"
    )


def test_scale_is_checked_before_tensorflow_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(DataError, match="scale is nan"):
        export_int8(object(), IMAGES, scale=float("nan"))


@needs_tensorflow
@pytest.mark.parametrize("form", [lambda x: x, lambda x: [x], list, lambda x: lambda: iter(x)])
def test_convert_takes_every_form(form: Any) -> None:
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    x = RNG.random((6, 4, 3)).astype(np.float32)
    result = tflm_unit.convert(model, form(x), percentile=10)
    assert result.evaluate(form(x)).samples == 6
