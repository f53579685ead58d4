"""Whole models in every simulator: MNIST LeNet on real images, and the paper's keyword spotting net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from simulated import SIMULATED, cache, lenet_like, require  # noqa: F401

import tflm_unit
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.converter.pruning import Divider
from tflm_unit.demo import RECIPES, Digits, calibration, load_digits, train

IMAGES = 20
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mnist(data_dir: Path) -> Digits:
    path = data_dir / "mnist.npz"
    if not path.exists():
        pytest.skip(f"no {path}")
    return load_digits("mnist", path)


@pytest.fixture(scope="module")
def lenets(mnist: Digits) -> dict[str, tflm_unit.ConversionResult]:
    """The paper's LeNet with thresholds under every divider; training takes about a minute."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install tflm-unit[keras]")
    images = calibration(mnist)[0]
    model = export_int8(train(RECIPES["mnist"], mnist), images)
    names = [divider.name.lower() for divider in Divider]
    return {name: tflm_unit.convert(model, images, skip=0.72, divider=name) for name in names}


@pytest.mark.parametrize("divider", [divider.name.lower() for divider in Divider])
@pytest.mark.parametrize("target", SIMULATED)
def test_mnist_lenet(
    target: str, divider: str, lenets: dict[str, tflm_unit.ConversionResult], mnist: Digits
) -> None:
    require(target)
    # The baselines do not depend on the divider.
    schedules = ("all" if divider == "exact" else "unit", "planned", "activation_sorted")
    result = tflm_unit.simulate(lenets[divider], target, x=mnist.x_test, samples=IMAGES, schedule=schedules)
    assert result.match, result.mismatches
    assert result.samples == IMAGES
    assert result.dividers == (divider,)
    kept = sum(layer.macs_kept or 0 for layer in result.layers)
    assert kept < 0.4 * sum(layer.macs_total or 0 for layer in result.layers)
    convolutions = [layer for layer in result.layers if layer.op == "CONV_2D"]
    assert {layer.schedules["planned"] for layer in convolutions} == {"planned"}
    assert {layer.schedules["activation_sorted"] for layer in convolutions} == {"activation_sorted"}


def test_keyword_spotting_of_the_paper() -> None:
    """94k weights, 23 KB of activations in FRAM; weights and inputs are random."""
    require("msp430fr5994_sim")
    model = lenet_like((1, 124, 80, 1), (6, 16), 12)
    x = np.random.default_rng(0).uniform(0, 1, (4, 124, 80, 1)).astype(np.float32)
    pruned = tflm_unit.convert(model, x, skip=0.5)
    result = tflm_unit.simulate(pruned, "msp430fr5994_sim", schedule="unit", timeout=600)
    assert result.match, result.mismatches
    assert result.fram_variable_bytes >= result.arena_bytes > 20_000
    assert result.constant_bytes > 94_000
    assert result.flash_bytes <= 262_016
