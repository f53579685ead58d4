"""LeNet-5 on CIFAR-10 as int8 .tflite, trained once and cached in build/."""

from __future__ import annotations

import numpy as np
from data_files import ROOT, data_file

from tflm_unit.converter.container import write_file
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.demo import SEED, Digits
from tflm_unit.files import spread

CACHE = ROOT / "build" / "benchmarks" / "cifar_lenet.tflite"
EPOCHS = 12


def cifar() -> Digits:
    """CIFAR-10 from $TFLM_UNIT_DATA/cifar10.npz (default ../shared/data), colours scaled to 0..1."""
    with np.load(data_file("cifar10.npz")) as arrays:
        parts = [arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    return Digits(*((x / 255).astype(np.float32) if i % 2 == 0 else x for i, x in enumerate(parts)))


def calibration(data: Digits) -> np.ndarray:
    return spread(data.x_train, 500)


def cifar_lenet(data: Digits) -> bytes:
    if not CACHE.exists():
        print(f"training LeNet-5 on CIFAR-10 once; cached in {CACHE.relative_to(ROOT)}")
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        write_file(CACHE, export_int8(_train(data), calibration(data)))
    return CACHE.read_bytes()


def _train(data: Digits) -> object:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(1.5e-3), "sparse_categorical_crossentropy")
    model.fit(data.x_train, data.y_train, batch_size=64, epochs=EPOCHS, verbose=0)
    return model
