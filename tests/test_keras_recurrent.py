"""Recurrent Keras layers: loops are refused, unrolled layers are converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tflm_unit.converter.errors import ModelError
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.converter.reader import read_graph

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install tflm-unit[keras]")
SEQUENCES = np.random.default_rng(5).normal(size=(8, 6, 4)).astype(np.float32)


def recurrent(keras: Any, name: str, **options: Any) -> Any:
    layers = keras.layers
    layer = (
        layers.Bidirectional(layers.LSTM(3, **options))
        if name == "Bidirectional"
        else getattr(layers, name)(3, **options)
    )
    return keras.Sequential([layers.Input((6, 4)), layer, layers.Dense(2)])


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN", "Bidirectional"])
def test_loops_are_refused(library: str, name: str) -> None:
    """TensorFlow's calibrator would end the process."""
    with pytest.raises(ModelError, match=r"recurrent loop, which is not supported.* unroll=True"):
        export_int8(recurrent(pytest.importorskip(library), name), SEQUENCES)


def test_loops_in_saved_models_are_refused(tmp_path: Path) -> None:
    """There the loop is in a function that the traced graph calls."""
    recurrent(pytest.importorskip("keras"), "LSTM").export(str(tmp_path), verbose=False)
    with pytest.raises(ModelError, match="recurrent loop"):
        export_int8(tmp_path, SEQUENCES)


def test_unrolled_layers_are_converted() -> None:
    model = recurrent(pytest.importorskip("keras"), "SimpleRNN", unroll=True)
    assert read_graph(export_int8(model, SEQUENCES)).prunable
