"""The digit classifier of three sketches: a small CNN on the 8x8 digits that come with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 1


@dataclass(frozen=True)
class Digits:
    """Grey images scaled to 0..1, float32 (N, 8, 8, 1), and class indices (N,)."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def one_of_each(self) -> tuple[np.ndarray, np.ndarray]:
        """The first test image of every class, and the classes."""
        first = np.array([np.flatnonzero(self.y_test == label)[0] for label in range(10)])
        return self.x_test[first], self.y_test[first]


def digits() -> Digits:
    """1,257 images to train on and 540 to test on."""
    images, labels = load_digits(return_X_y=True)
    x = (images / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    parts = train_test_split(x, labels, test_size=0.3, random_state=SEED, stratify=labels)
    return Digits(parts[0], parts[2], parts[1], parts[3])


def train(data: Digits) -> Any:
    """A Keras model with 2,002 parameters. It has no softmax: the largest of ten outputs is the same without."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10),
        ]
    )
    model.compile(keras.optimizers.Adam(2e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(data.x_train, data.y_train, batch_size=32, epochs=60, verbose=0)
    return model
