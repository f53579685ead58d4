"""The networks of the paper's table 1, trained once and cached in build/benchmarks/paper/.

`python benchmarks/paper/networks.py [NAME ...]` trains what is missing and prints test accuracies.

The paper names the data sets and gives the networks of MNIST (convolutions 6 and 16, then 10 classes) and keyword
spotting (6 and 16, then 12 classes, 124 x 80 inputs). CIFAR-10 takes LeNet-5. UCI HAR stands in for WiDar, of which
no copy is at hand: three convolutions over time and two dense layers, like the LeNet that is usual on WiDar.

Validation data is never trained on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tflm_unit.converter.container import write_file
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.datasets import Arrays, load
from tflm_unit.files import spread

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TFLM_UNIT_DATA", ROOT.parent / "shared" / "data"))
CACHE = ROOT / "build" / "benchmarks" / "paper"
SEED = 1
CALIBRATION_SAMPLES = 1000
KWS_INPUT = (124, 80)


@dataclass(frozen=True)
class Trained:
    """keras: path of the float model. tflite: the int8 model. data: inputs in the shape that both take."""

    keras: Path
    tflite: bytes
    data: Arrays

    @property
    def calibration(self) -> np.ndarray:
        return spread(self.data.x_train, CALIBRATION_SAMPLES)


@dataclass(frozen=True)
class Recipe:
    """layers: of the network, without input and softmax. inputs: shapes the data set's samples for the network.

    augment: changes a batch of training inputs at random.
    """

    layers: Callable[[Any], list[Any]]
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    epochs: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    batch_size: int = 64
    inputs: Callable[[np.ndarray], np.ndarray] = np.asarray


def _lenet(dropout: float, *dense: int) -> Callable[[Any], list[Any]]:
    """Convolutions 6 and 16 (5 x 5), each with a 2 x 2 pool, then dense layers."""

    def build(layers: Any) -> list[Any]:
        result = []
        for filters in (6, 16):
            result += [layers.Conv2D(filters, 5, activation="relu"), layers.MaxPooling2D()]
        result.append(layers.Flatten())
        for units in dense:
            result += [layers.Dropout(dropout), layers.Dense(units, activation="relu")]
        return [*result, layers.Dropout(dropout)]

    return build


def _har_layers(layers: Any) -> list[Any]:
    result = []
    for filters, size in ((32, 6), (64, 3), (96, 3)):
        result += [layers.Conv2D(filters, (size, 1), activation="relu"), layers.MaxPooling2D((2, 1))]
    return [
        *result,
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
    ]


def _shifted(x: np.ndarray, random: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Every sample of (N, H, W, C) moved by up to so many rows and columns; the edge is repeated."""
    count, height, width = x.shape[:3]
    row = np.arange(height) + random.integers(-rows, rows + 1, (count, 1))
    column = np.arange(width) + random.integers(-columns, columns + 1, (count, 1))
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    return x[np.arange(count)[:, None, None], row[:, :, None], column[:, None, :]]


def _augment_mnist(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _shifted(x, random, 2, 2)


def _augment_cifar10(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    moved = _shifted(x, random, 3, 3)
    flipped = random.random(len(x)) < 0.5
    moved[flipped] = moved[flipped, :, ::-1]
    return moved


def _augment_speech(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Moves by up to 0.1 s and two of 80 bands, changes the loudness, hides a stretch of time and of bands."""
    moved = _shifted(x, random, 12, 2)
    moved = np.clip(moved + random.normal(0, 0.03, (len(x), 1, 1, 1)), 0, 1).astype(np.float32)
    for axis, longest in ((1, 20), (2, 12)):
        place = np.arange(x.shape[axis])
        start = random.integers(0, x.shape[axis], (len(x), 1))
        hidden = (place >= start) & (place < start + random.integers(0, longest, (len(x), 1)))
        moved *= ~(hidden[:, :, None, None] if axis == 1 else hidden[:, None, :, None])
    return moved


def _augment_har(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Turns the sensor by about 10 degrees, changes gain per signal and noise."""
    angle = random.normal(0, 0.17, (3, len(x)))
    signals = x.reshape(len(x), -1, 3, 3)
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        cos, sin = (f(angle[axis])[:, None, None] for f in (np.cos, np.sin))
        a, b = signals[..., first], signals[..., second]
        signals = signals.copy()
        signals[..., first], signals[..., second] = a * cos - b * sin, a * sin + b * cos
    gained = signals * random.normal(1, 0.1, (len(x), 1, 3, 1)) + random.normal(0, 0.02, signals.shape)
    return gained.reshape(x.shape).astype(np.float32)


def _enlarged(x: np.ndarray) -> np.ndarray:
    """Spectra (N, 49, 40, 1) as (N, 124, 80, 1), the paper's size: rows and columns are repeated."""
    rows, columns = (np.arange(n) * size // n for n, size in zip(KWS_INPUT, x.shape[1:3], strict=True))
    return x[:, rows][:, :, columns]


def _time_first(x: np.ndarray) -> np.ndarray:
    """Signals (N, 128, 9) as (N, 128, 1, 9): a CONV_2D over time."""
    return x[:, :, np.newaxis]


RECIPES = {
    "mnist": Recipe(_lenet(0.2), _augment_mnist, epochs=20),
    "cifar10": Recipe(_lenet(0.2, 120, 84), _augment_cifar10, epochs=40),
    "har": Recipe(_har_layers, _augment_har, epochs=60, learning_rate=1e-3, inputs=_time_first),
    "speech_commands": Recipe(_lenet(0.5), _augment_speech, epochs=15, inputs=_enlarged),
}


def network(name: str) -> Trained:
    """The network of one of RECIPES; trained and written to the cache on the first call.

    Raises DataError when the data set is not there.
    """
    data = arrays(name)
    path = CACHE / f"{name}.keras"
    if not path.exists():
        print(f"training the paper's network for {name} once; cached in {CACHE.relative_to(ROOT)}")
        model = train(RECIPES[name], data)
        CACHE.mkdir(parents=True, exist_ok=True)
        model.save(path)
    return exported(path, data)


def arrays(name: str) -> Arrays:
    """The data set with inputs in the network's shape; $TFLM_UNIT_DATA defaults to ../shared/data."""
    data = load(name, DATA if DATA.is_dir() else None)
    inputs = RECIPES[name].inputs
    return replace(data, x_train=inputs(data.x_train), x_val=inputs(data.x_val), x_test=inputs(data.x_test))


def exported(path: Path, data: Arrays) -> Trained:
    """The int8 model beside a .keras file, and an .npz for `tflm-unit tune --data`; both written when missing."""
    tflite, npz = path.with_suffix(".tflite"), path.with_suffix(".npz")
    if not tflite.exists():
        write_file(tflite, export_int8(path, spread(data.x_train, CALIBRATION_SAMPLES)))
    if not npz.exists():
        few = {
            f"{axis}_train": spread(getattr(data, f"{axis}_train"), 2 * CALIBRATION_SAMPLES) for axis in "xy"
        }
        replace(data, **few, ids={}).save(npz)
    return Trained(path, tflite.read_bytes(), data)


def train(recipe: Recipe, data: Arrays) -> Any:
    """A trained Keras model; the same on every run of one machine."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    layers = [keras.Input(data.x_train.shape[1:]), *recipe.layers(keras.layers)]
    model = keras.Sequential([*layers, keras.layers.Dense(len(data.class_names), activation="softmax")])
    steps = len(data.x_train) // recipe.batch_size
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    batches = augmented(data, recipe)
    model.fit(batches, steps_per_epoch=steps, epochs=recipe.epochs, verbose=2)
    return model


def augmented(data: Arrays, recipe: Recipe) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of training data without end, in an order and with changes that depend on the seed alone."""
    random = np.random.default_rng(SEED)
    while True:
        order = random.permutation(len(data.x_train))
        for start in range(0, len(order) - recipe.batch_size + 1, recipe.batch_size):
            chosen = order[start : start + recipe.batch_size]
            yield recipe.augment(data.x_train[chosen], random), data.y_train[chosen]


def main() -> None:
    import tflm_unit

    for name in sys.argv[1:] or RECIPES:
        trained = network(name)
        result = tflm_unit.load(trained.tflite)
        for part in ("val", "test"):
            evaluation = result.evaluate(*trained.data.part(part), schedule="dense")
            print(f"{name}: {part} {evaluation.accuracy:.2%} of {evaluation.samples:,} samples", flush=True)


if __name__ == "__main__":
    main()
