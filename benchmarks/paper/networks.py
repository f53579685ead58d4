"""The networks of the paper's table 1, trained once and cached in build/benchmarks/paper/.

`python benchmarks/paper/networks.py [NAME ...]` trains what is missing, saves data for `tflm-unit tune` beside the
models and prints accuracies.

Of the table, two networks are known here: MNIST (convolutions 6 and 16, then 10 classes) and keyword spotting (6 and
16, then 12 classes, 124 x 80 inputs). Where it is not, the closest LeNet stands: LeNet-5 for CIFAR-10 and, for the
20 x 20 x 22 inputs of WiDar, the LeNet that is usual on them. UCI HAR takes the place of WiDar where that is missing,
with the same layers over time. Kernels are 5 x 5 and pools 2 x 2 unless said otherwise.

Validation data is never trained on. `pruned` adds the same networks pruned and fine-tuned at training time,
`contexts` networks that were trained in one of two contexts (table 2).
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import augment
import numpy as np
from common import parser, run

from tflm_unit.baselines import batches, magnitude_prune
from tflm_unit.converter.container import write_file
from tflm_unit.converter.errors import DataError
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.datasets import Arrays, load
from tflm_unit.datasets.arrays import PARTS
from tflm_unit.files import spread

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TFLM_UNIT_DATA", ROOT.parent / "shared" / "data"))
CACHE = ROOT / "build" / "benchmarks" / "paper"
SEED = 1
CALIBRATION_SAMPLES = 1000  # of quantization
PRUNING_SAMPLES = 4000  # of thresholds and compensations
KWS_INPUT = (124, 80)
NAMES = ("mnist", "cifar10", "speech_commands", "har")


@dataclass(frozen=True)
class Trained:
    """keras: path of the float model. tflite: the int8 model. data: inputs in the shape that both take."""

    keras: Path
    tflite: bytes
    data: Arrays

    @property
    def calibration(self) -> np.ndarray:
        return spread(self.data.x_train, PRUNING_SAMPLES)


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


def _lenet(dropout: float, *dense: int, normalized: bool = False) -> Callable[[Any], list[Any]]:
    """Convolutions 6 and 16 (5 x 5), each with a 2 x 2 pool, then dense layers.

    normalized: a batch normalization behind each, which the converter folds into it.
    """

    def build(layers: Any) -> list[Any]:
        def activated(layer: Any) -> list[Any]:
            return [layer, *([layers.BatchNormalization()] if normalized else []), layers.ReLU()]

        result = []
        for filters in (6, 16):
            convolution = layers.Conv2D(filters, 5, use_bias=not normalized)
            result += [*activated(convolution), layers.MaxPooling2D()]
        result.append(layers.Flatten())
        for units in dense:
            result += [layers.Dropout(dropout), *activated(layers.Dense(units, use_bias=not normalized))]
        return [*result, layers.Dropout(dropout)]

    return build


def _gestures(
    kernels: tuple[tuple[int, int], ...], stride: int, pool: tuple[int, int] | None
) -> Callable[[Any], list[Any]]:
    """Convolutions 32, 64 and 96 with these kernels, the first with a stride, each with a pool; 128 dense units."""

    def build(layers: Any) -> list[Any]:
        result = []
        for i, (filters, kernel) in enumerate(zip((32, 64, 96), kernels, strict=True)):
            result.append(layers.Conv2D(filters, kernel, 1 if i else stride, activation="relu"))
            result += [layers.MaxPooling2D(pool)] if pool else []
        dense = layers.Dense(128, activation="relu")
        return [*result, layers.Flatten(), layers.Dropout(0.5), dense, layers.Dropout(0.5)]

    return build


def _enlarged(x: np.ndarray) -> np.ndarray:
    """Spectra (N, 49, 40, 1) as (N, 124, 80, 1), the paper's size: rows and columns are repeated."""
    rows, columns = (np.arange(n) * size // n for n, size in zip(KWS_INPUT, x.shape[1:3], strict=True))
    return x[:, rows][:, :, columns]


def _time_first(x: np.ndarray) -> np.ndarray:
    """Signals (N, 128, 9) as (N, 128, 1, 9): a CONV_2D over time."""
    return x[:, :, np.newaxis]


RECIPES = {
    "mnist": Recipe(_lenet(0.2), augment.mnist, epochs=20),
    "cifar10": Recipe(_lenet(0.0, 120, 84, normalized=True), augment.cifar10, epochs=30, weight_decay=1e-3),
    "har": Recipe(
        _gestures(((6, 1), (3, 1), (3, 1)), 1, (2, 1)),
        augment.har,
        epochs=60,
        learning_rate=1e-3,
        inputs=_time_first,
    ),
    "widar": Recipe(
        _gestures(((6, 6), (3, 3), (3, 3)), 2, None), augment.widar, epochs=30, learning_rate=1e-3
    ),
    "speech_commands": Recipe(
        _lenet(0.3, normalized=True), augment.speech_commands, epochs=12, weight_decay=1e-3, inputs=_enlarged
    ),
}


@functools.cache  # reading the data takes seconds
def network(name: str) -> Trained:
    """The network of one of RECIPES; trained and written to the cache on the first call.

    Raises DataError when the data set is not there.
    """
    data = arrays(name)
    return _cached(name, data, lambda: train(RECIPES[name], data))


def pruned(name: str, sparsity: float) -> Trained:
    """The network without the smallest `sparsity` (0..1) of its weights, fine-tuned for a third of the epochs."""
    dense, recipe = network(name), RECIPES[name]

    def prune() -> Any:
        data, epochs = dense.data, max(recipe.epochs // 3, 4)
        options = {"augment": recipe.augment, "batch_size": recipe.batch_size, "seed": SEED}
        return magnitude_prune(dense.keras, data.x_train, data.y_train, sparsity, epochs=epochs, **options)

    return _cached(f"{name}_pruned{round(sparsity * 100)}", dense.data, prune)


def contexts(repeat: int) -> dict[str, Trained]:
    """Networks by context A and B, each trained in its own and tested (data.x_test) in both.

    Rooms 1 and 2 of WiDar where it is there; repeats differ by the seed of the training. Otherwise the 30 subjects
    of UCI HAR, divided into halves at random by `repeat`; of every subject and activity the last quarter of the
    windows tests and the fifth before it validates.
    """
    try:
        name, data = "widar", arrays("widar")
        parts = {
            c: _select(data, {p: data.ids[f"room_{p}"] == room for p in PARTS})
            for c, room in (("A", 1), ("B", 2))
        }
    except DataError:
        name, data = "har", arrays("har")
        subjects = np.unique(np.concatenate([data.ids[f"subject_{p}"] for p in PARTS]))
        halves = np.array_split(np.random.default_rng(repeat).permutation(subjects), 2)
        parts = {c: _subjects(data, np.sort(half)) for c, half in zip("AB", halves, strict=True)}
    return {
        c: _cached(f"{name}_context_{repeat}{c}", part, lambda part=part: train(RECIPES[name], part, repeat))
        for c, part in parts.items()
    }


def _select(data: Arrays, rows: dict[str, np.ndarray]) -> Arrays:
    """The chosen rows of each part."""
    chosen = {f"{axis}_{p}": getattr(data, f"{axis}_{p}")[rows[p]] for p in PARTS for axis in "xy"}
    ids = {name: values[rows[name.rsplit("_", 1)[-1]]] for name, values in data.ids.items()}
    return replace(data, **chosen, ids=ids)


def _subjects(data: Arrays, subjects: np.ndarray) -> Arrays:
    """Windows of these subjects of all parts, split anew within each subject's windows of an activity.

    Windows that follow each other overlap by half: one at every border is left out.
    """
    x, y = (np.concatenate([data.part(p)[i] for p in PARTS]) for i in (0, 1))
    subject = np.concatenate([data.ids[f"subject_{p}"] for p in PARTS])
    rows: dict[str, list[np.ndarray]] = {p: [] for p in PARTS}
    for one in subjects:
        for label in range(len(data.class_names)):
            block = np.flatnonzero((subject == one) & (y == label))
            first, second = round(0.55 * len(block)), round(0.75 * len(block))
            rows["train"].append(block[: max(first - 1, 0)])
            rows["val"].append(block[first : max(second - 1, first)])
            rows["test"].append(block[second:])
    order = {p: np.concatenate(blocks) for p, blocks in rows.items()}
    split = {f"{n}_{p}": v[order[p]] for p in PARTS for n, v in (("x", x), ("y", y))}
    return replace(data, **split, ids={f"subject_{p}": subject[order[p]] for p in PARTS})


def _cached(name: str, data: Arrays, make: Callable[[], Any]) -> Trained:
    """What `make` returns, a Keras model, and its int8 form; made when it is missing."""
    path = CACHE / f"{name}.keras"
    if not path.exists():
        print(f"training {name} once; cached in {CACHE.relative_to(ROOT)}", file=sys.stderr, flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = CACHE / f"{name}.{os.getpid()}.keras"
        with redirect_stdout(sys.stderr):  # Keras tells its epochs; results stand alone
            make().save(unfinished)
        unfinished.replace(path)
    tflite = path.with_suffix(".tflite")
    if not tflite.exists():
        write_file(tflite, export_int8(path, spread(data.x_train, CALIBRATION_SAMPLES)))
    return Trained(path, tflite.read_bytes(), data)


def save_data(trained: Trained) -> Path:
    """An .npz beside the model for `tflm-unit tune --data`: all data, but few of the training samples."""
    path, data = trained.keras.with_suffix(".npz"), trained.data
    if not path.exists():
        few = {
            f"{n}_train": spread(data.part("train")[i], 2 * CALIBRATION_SAMPLES) for i, n in enumerate("xy")
        }
        replace(data, **few, ids={}).save(path)
    return path


def arrays(name: str) -> Arrays:
    """The data set with inputs in the network's shape; $TFLM_UNIT_DATA defaults to ../shared/data."""
    data = load(name, DATA if DATA.is_dir() else None)
    inputs = RECIPES[name].inputs
    return replace(data, x_train=inputs(data.x_train), x_val=inputs(data.x_val), x_test=inputs(data.x_test))


def train(recipe: Recipe, data: Arrays, seed: int = SEED) -> Any:
    """A trained Keras model; the same on every run of one machine."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    layers = [keras.Input(data.x_train.shape[1:]), *recipe.layers(keras.layers)]
    model = keras.Sequential([*layers, keras.layers.Dense(len(data.class_names), activation="softmax")])
    steps = len(data.x_train) // recipe.batch_size
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    samples = batches(data.x_train, data.y_train, recipe.batch_size, recipe.augment, seed)
    model.fit(samples, steps_per_epoch=steps, epochs=recipe.epochs, verbose=2)
    return model


def main() -> None:
    import tflm_unit

    made = parser(__doc__, draws=False)
    made.add_argument("name", nargs="*", help=f"of {', '.join(RECIPES)} (default: {' '.join(NAMES)})")
    options = made.parse_args()
    unknown = [name for name in options.name if name not in RECIPES]
    if unknown:
        made.error(f"there is no network {unknown[0]}; it takes {', '.join(RECIPES)}")
    rows = []
    for name in options.name or NAMES:
        trained = network(name)
        save_data(trained)
        result = tflm_unit.load(trained.tflite)
        for part in ("val", "test"):
            done = result.evaluate(*trained.data.part(part), schedule="dense")
            rows.append({"name": name, "part": part, "accuracy": done.accuracy, "samples": done.samples})
            if not options.json:
                print(f"{name}: {part} {done.accuracy:.2%} of {done.samples:,} samples", flush=True)
    if options.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    run(main)
