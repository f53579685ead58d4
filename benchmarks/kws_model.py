"""The paper's keyword spotting net (conv 6, conv 16, 12 classes, 124 x 80 inputs) as int8 .tflite, cached in build/.

The spectrograms of $TFLM_UNIT_DATA/kws.npz have 49 x 40 values: rows and columns are repeated.
"""

from __future__ import annotations

import numpy as np
from data_files import ROOT, data_file

from tflm_unit.converter.container import write_file
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.demo import SEED
from tflm_unit.files import spread

CACHE = ROOT / "build" / "benchmarks" / "kws_paper.tflite"
SHAPE = (124, 80)
TRAINED_ON, EPOCHS = 4000, 3  # accuracy is not the point here: activations of a trained net are


def spectrograms(part: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spread inputs float32 (count, 124, 80, 1) in 0..1 and labels. part: train or test."""
    with np.load(data_file("kws.npz")) as arrays:
        x, y = (spread(arrays[f"{name}_{part}"], count) for name in "xy")
    rows, columns = (np.arange(n) * size // n for n, size in zip(SHAPE, x.shape[1:3], strict=True))
    return (x[:, rows][:, :, columns, np.newaxis] / 255).astype(np.float32), y


def kws_net() -> bytes:
    if not CACHE.exists():
        print(f"training the paper's keyword spotting net once; cached in {CACHE.relative_to(ROOT)}")
        x, y = spectrograms("train", TRAINED_ON)
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        write_file(CACHE, export_int8(_train(x, y), x[::20]))
    return CACHE.read_bytes()


def _train(x: np.ndarray, y: np.ndarray) -> object:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((*SHAPE, 1)),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(12, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=64, epochs=EPOCHS, verbose=0)
    return model
