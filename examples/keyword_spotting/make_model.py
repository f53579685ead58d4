"""Trains, converts and exports the model of keyword_spotting.

cd examples && python -m keyword_spotting.make_model kws.npz

kws.npz: Speech Commands (P. Warden, arXiv:1804.03209) as log-mel spectra, arrays x_train, x_test uint8 (N, 49, 40)
with pixel = clip(round(10 * ln(mel power) + 146)), y_train, y_test (N,) and class_names (12,).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import tflm_unit

from .front_end import FEATURES, fit, write_tables

FOLDER = Path(__file__).parent
FRAMES = 49
BOARD = "nucleo_f103rb_m3"
EPOCHS, BATCH = 20, 64
SHIFT = 5  # frames by which training clips move in time
SEED = 1


def network(classes: int) -> Any:
    """A depthwise separable network of about 580,000 MACs."""
    from keras import Input, Model, layers

    def block(x: Any, convolution: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization()(convolution(x)))

    image = Input((FRAMES, FEATURES, 1))
    x = block(image, layers.Conv2D(24, (8, 4), strides=2, padding="same", use_bias=False))
    for filters in (32, 32, 48):
        x = block(x, layers.DepthwiseConv2D(3, padding="same", use_bias=False))
        x = block(x, layers.Conv2D(filters, 1, use_bias=False))
    x = layers.Dropout(0.2, seed=SEED)(layers.GlobalAveragePooling2D()(x))
    return Model(image, layers.Dense(classes)(x))


def train(x: np.ndarray, y: np.ndarray, classes: int) -> Any:
    """A trained Keras model. x: float32 (N, FRAMES, FEATURES, 1); y: (N,)."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    random = np.random.default_rng(SEED)
    model = network(classes)
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, EPOCHS * (len(x) // BATCH))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"])
    for epoch in range(EPOCHS):
        shifts = random.integers(-SHIFT, SHIFT + 1, len(x))
        moved = np.stack([np.roll(clip, shift, axis=0) for clip, shift in zip(x, shifts, strict=True)])
        history = model.fit(moved, y, batch_size=BATCH, verbose=0)
        print(f"epoch {epoch + 1} of {EPOCHS}: accuracy {history.history['accuracy'][0]:.2%}", flush=True)
    return model


def main() -> None:
    with np.load(sys.argv[1]) as file:
        data = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test", "class_names")}
    transform = fit(data["x_train"])
    # Real values are int8 / 64, so that the model's input is exactly what the front end computes.
    x_train, x_test = (
        transform.features(data[name])[..., np.newaxis].astype(np.float32) / 64
        for name in ("x_train", "x_test")
    )
    model = train(x_train, data["y_train"], len(data["class_names"]))
    labels = data["y_train"][::16]
    result = tflm_unit.convert(model, x_train[::16], skip=0.65, target=BOARD, labels=labels)
    (details,) = tflm_unit.Interpreter(result.model.data).get_input_details()
    if not np.allclose(details["quantization"], (1 / 64, 0)):
        raise SystemExit(f"the model's input is quantized as {details['quantization']}, not as the front end")
    for schedule in ("dense", "unit"):
        evaluation = result.evaluate(x_test, data["y_test"], schedule=schedule)
        print(f"{schedule}: accuracy {evaluation.accuracy:.2%}, {evaluation.skip_rate:.1%} of MACs skipped")
    result.save(FOLDER / "kws.tflite")
    result.export(FOLDER / "src" / "model", name="kws", target=BOARD)
    write_tables(FOLDER / "src" / "front_end_tables.h", transform)


if __name__ == "__main__":
    main()
