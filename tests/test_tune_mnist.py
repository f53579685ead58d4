"""tune on a trained network and real data. Skips without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tflm_unit
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.demo import RECIPES, Digits, calibration, load_digits, train


@pytest.fixture(scope="module")
def mnist(data_dir: Path) -> Digits:
    path = data_dir / "mnist.npz"
    if not path.exists():
        pytest.skip(f"no {path}")
    return load_digits("mnist", path)


@pytest.mark.slow
def test_lenet_loses_less_than_by_skip_rate(mnist: Digits) -> None:
    """Every fifth test image judges, as the network was trained on all training images; the others test."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install tflm-unit[keras]")
    check(export_int8(train(RECIPES["mnist"], mnist), calibration(mnist)[0]), mnist)


def check(model: bytes, mnist: Digits) -> None:
    samples, judges = calibration(mnist)[0], np.arange(len(mnist.x_test)) % 5 == 0
    x, y = mnist.x_test[~judges], mnist.y_test[~judges]
    result = tflm_unit.tune(
        model,
        samples,
        mnist.x_test[judges],
        mnist.y_test[judges],
        budget=0.12,
        trials=60,
        test=x,
        test_labels=y,
    )
    assert result.test is not None
    tuned = result.test.points["default"]
    assert tuned.kept <= 0.125
    assert tuned.drop <= 0.015
    plain = tflm_unit.convert(model, samples, skip=1 - tuned.kept).evaluate(x, y)
    assert plain.accuracy is not None
    assert tuned.drop < 0.5 * (result.test.dense.accuracy - plain.accuracy)
