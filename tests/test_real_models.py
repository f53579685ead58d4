"""Whole models on real data: MNIST LeNet, and MLPerf Tiny's four. Skips without the data folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tflm_unit
from tflm_unit.converter import container
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.converter.pruning import PruningConfig
from tflm_unit.demo import RECIPES, Digits, calibration, load_digits, sweep, train
from tflm_unit.evaluation import evaluate
from tflm_unit.models import load_model, zero_skip_point

MLPERF = ("ad01_int8", "pretrainedResnet_quant", "kws_ref_model", "vww_96_int8")


@pytest.fixture(scope="module")
def mnist(data_dir: Path) -> Digits:
    path = data_dir / "mnist.npz"
    if not path.exists():
        pytest.skip(f"no {path}")
    return load_digits("mnist", path)


@pytest.fixture(scope="module")
def lenet(mnist: Digits) -> bytes:
    """The paper's LeNet, trained: about a minute."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install tflm-unit[keras]")
    return export_int8(train(RECIPES["mnist"], mnist), calibration(mnist)[0])


def test_mnist_lenet_loses_little_at_70_percent_skipped(mnist: Digits, lenet: bytes) -> None:
    dense = evaluate(lenet, mnist.x_test, mnist.y_test, schedule="dense").accuracy
    assert dense is not None
    assert dense >= 0.98
    drops = {}
    for compensation in (True, False):
        _, (point,) = sweep(lenet, mnist, [0.72], compensation=compensation)
        assert point.skip_rate >= 0.70
        drops[compensation] = 100 * (dense - (point.accuracy or 0))
    assert drops[True] <= 0.6
    assert drops[True] <= drops[False]


def test_mnist_lenet_in_tflm(mnist: Digits, lenet: bytes) -> None:
    """1,000 images: thresholds of 0 are stock TFLM, and pruned outputs are those of the batch engine."""
    x = mnist.x_test[:1000]
    assert outputs_in_tflm(zeroed(lenet), x) == outputs_in_tflm(lenet, x, use_overrides=False)
    pruned = tflm_unit.convert(lenet, calibration(mnist)[0], skip=0.75)
    batch = pruned.evaluate(x, engine="batch")
    tflm = pruned.evaluate(x, engine="tflm")
    assert replace(tflm, engine="batch") == batch


def zeroed(model: bytes) -> bytes:
    return container.attach(model, PruningConfig((zero_skip_point(load_model(model).graph),)))


def outputs_in_tflm(model: bytes, x: np.ndarray, use_overrides: bool = True) -> list[bytes]:
    interpreter = tflm_unit.Interpreter(model, use_overrides=use_overrides)
    (details,) = interpreter.get_input_details()
    scale, zero_point = details["quantization"]
    results = []
    for image in np.clip(np.round(x / scale) + zero_point, -128, 127).astype(np.int8):
        interpreter.set_tensor(details["index"], image[np.newaxis])
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tobytes())
    return results


@pytest.mark.parametrize("name", MLPERF)
def test_mlperf_tiny_converts_and_evaluates(data_dir: Path, name: str) -> None:
    path = data_dir / "mlperf_tiny" / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"no {path}")
    graph = load_model(path).graph
    shape = graph.tensors[graph.inputs[0]].shape[1:]
    x = np.random.default_rng(0).integers(-128, 128, (24, *shape)).astype(np.int8)
    result = tflm_unit.convert(path, x, skip=0.8)
    batch = result.evaluate(x)
    assert batch.skip_rate == pytest.approx(0.8, abs=0.02)
    few = slice(0, 4)
    tflm, batch = (result.evaluate(x[few], engine=engine) for engine in ("tflm", "batch"))
    assert replace(tflm, engine="batch") == batch
    stripped = tflm_unit.load(container.strip(result.model.data))
    np.testing.assert_array_equal(
        Engine(stripped.model.graph).run(x).outputs[0], Engine(graph).run(x).outputs[0]
    )
