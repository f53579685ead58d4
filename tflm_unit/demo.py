"""The demonstration: train a small CNN, convert it, compare dense, zero-skip and UnIT, draw the trade-off.

`tflm-unit demo` trains on scikit-learn's bundled digits; `--dataset mnist` trains the paper's LeNet on MNIST.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from .api import ConversionResult, convert
from .converter.container import write_file
from .converter.errors import DataError, UnitError
from .converter.quiet import quiet_stderr
from .converter.thresholds import Rule, SkipRate
from .evaluation import Evaluation

SEED = 1
SWEEP = (0.5, 0.6, 0.65, 0.7, 0.72, 0.75, 0.8, 0.85, 0.9)
CALIBRATION_SAMPLES = 1000
Log = Callable[[Any], None]


@dataclass(frozen=True)
class Digits:
    """Grey images scaled to 0..1, float32 (N, H, W, 1), and class indices (N,)."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Recipe:
    """Convolutions as (filters, kernel size, pool afterwards), then dropout and a dense layer of 10 classes."""

    convolutions: tuple[tuple[int, int, bool], ...]
    dropout: float
    learning_rate: float
    epochs: int
    batch_size: int


RECIPES = {
    "digits": Recipe(
        ((16, 3, False), (32, 3, True)), dropout=0.4, learning_rate=3e-3, epochs=100, batch_size=32
    ),
    # The paper's LeNet for MNIST.
    "mnist": Recipe(((6, 5, True), (16, 5, True)), dropout=0.0, learning_rate=2e-3, epochs=6, batch_size=64),
}


def load_digits(name: str, path: Path | None = None) -> Digits:
    """The data set `name`: 'digits' (bundled with scikit-learn) or 'mnist'.

    path: MNIST as an .npz like the one Keras caches; None: where `tflm_unit.datasets` looks, or a download by Keras.
    Raises DataError with the remedy when MNIST is not to be had, UnitError for a path to anything else.
    """
    if name == "digits":
        if path is not None:
            raise UnitError(f"--data {path} is for --dataset mnist; digits are bundled with scikit-learn")
        try:
            from sklearn.datasets import load_digits as bundled
            from sklearn.model_selection import train_test_split
        except ModuleNotFoundError as error:
            raise DataError("the demo needs scikit-learn: run `pip install tflm-unit[demo]`") from error

        images, labels = bundled(return_X_y=True)
        x = (images / 16).astype(np.float32).reshape(-1, 8, 8, 1)
        parts = train_test_split(x, labels, test_size=0.3, random_state=SEED, stratify=labels)
        return Digits(parts[0], parts[2], parts[1], parts[3])
    from .datasets import load

    try:
        arrays = load(name, path)
    except DataError:
        if path is not None:
            raise
        import keras

        try:
            keras.datasets.mnist.load_data()
        except Exception as error:
            raise DataError(
                f"MNIST is neither in Keras's cache nor can it be downloaded ({error}); give it with --data mnist.npz"
            ) from error
        arrays = load(name)
    x, y = (
        np.concatenate(parts) for parts in ((arrays.x_train, arrays.x_val), (arrays.y_train, arrays.y_val))
    )
    return Digits(x, y, arrays.x_test, arrays.y_test)


def train(recipe: Recipe, data: Digits, log: Log | None = None) -> Any:
    """A trained Keras model; the same on every run of one machine. log: takes five lines of progress."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    layers: list[Any] = [keras.Input(data.x_train.shape[1:])]
    for filters, size, pool in recipe.convolutions:
        layers.append(keras.layers.Conv2D(filters, size, activation="relu"))
        layers += [keras.layers.MaxPooling2D()] if pool else []
    layers += [keras.layers.Flatten(), keras.layers.Dropout(recipe.dropout, seed=SEED)]
    layers += [keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential(layers)
    steps = recipe.epochs * (len(data.x_train) // recipe.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")

    def report(epoch: int, logs: dict[str, float]) -> None:
        if log and (epoch + 1) * 5 % recipe.epochs < 5:
            log(f"  epoch {epoch + 1} of {recipe.epochs}: loss {logs['loss']:.3f}")

    model.fit(
        data.x_train,
        data.y_train,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report)],
        verbose=0,
    )
    return model


def calibration(data: Digits) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spread training samples and their labels."""
    from .files import spread

    return tuple(spread(a, CALIBRATION_SAMPLES) for a in (data.x_train, data.y_train))  # type: ignore[return-value]


def sweep(
    model: Any, data: Digits, rates: Sequence[float], **options: Any
) -> tuple[ConversionResult, list[Evaluation]]:
    """One model with an operating point per skip rate, and each point's evaluation on the test set."""
    samples, labels = calibration(data)
    points: dict[str, Rule] = {f"skip{rate * 100:g}": SkipRate(rate) for rate in rates}
    result = convert(model, samples, points=points, labels=labels, **options)
    return result, [result.evaluate(data.x_test, data.y_test, point=p.name) for p in result.points]


def run(dataset: str, folder: Path, path: Path | None, log: Log) -> dict[str, Any]:
    """The whole demonstration; writes into `folder` and returns its figures. `log` takes text or tables."""
    if dataset not in RECIPES:
        raise UnitError(f"dataset is {dataset!r}; it takes one of {', '.join(RECIPES)}")
    data = load_digits(dataset, path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnitError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    log(f"training on {dataset}: {len(data.x_train):,} images")
    with quiet_stderr():
        keras_model = train(RECIPES[dataset], data, log)
    samples, labels = calibration(data)
    result = convert(keras_model, samples, skip=0.7, labels=labels)
    log(result.summary())
    baselines = {
        s: result.evaluate(data.x_test, data.y_test, schedule=s) for s in ("dense", "zero_skip", "unit")
    }
    in_tflm = {
        s: result.evaluate(data.x_test, data.y_test, schedule=s, engine="tflm", limit=1000) for s in baselines
    }
    log(comparison(baselines, in_tflm))
    log("sweep of skip rates, with compensation")
    swept, curve = sweep(result.model.data, data, SWEEP)
    result.save(folder / f"{dataset}.tflite")
    swept.save(folder / f"{dataset}_points.tflite")
    plot(folder / f"{dataset}.png", dataset, baselines, curve)
    figures = {
        "dataset": dataset,
        "batch": {k: v.to_json() for k, v in baselines.items()},
        "tflm": {k: v.to_json() for k, v in in_tflm.items()},
        "sweep": [v.to_json() for v in curve],
    }
    write_file(folder / f"{dataset}.json", json.dumps(figures, indent=1).encode())
    for suffix in (".tflite", "_points.tflite", ".png", ".json"):
        log(f"wrote {folder / (dataset + suffix)}")
    return figures


def comparison(batch: dict[str, Evaluation], tflm: dict[str, Evaluation]) -> Table:
    """Dense, zero-skip and UnIT side by side in both engines."""
    samples = batch["dense"].samples
    table = Table(title=f"test set, {samples:,} images (TFLM: the first {tflm['dense'].samples:,})")
    table.add_column("schedule")
    for name in ("accuracy", "MACs skipped", "MACs kept / image", "accuracy in TFLM", "MACs skipped in TFLM"):
        table.add_column(name, justify="right")
    for name, e in batch.items():
        t = tflm[name]
        kept = (e.macs_total - e.macs_skipped) / samples
        table.add_row(
            {"dense": "dense", "zero_skip": "zero-skip", "unit": "UnIT"}[name],
            f"{e.accuracy:.2%}",
            f"{e.skip_rate:.1%}",
            f"{kept:,.0f}",
            f"{t.accuracy:.2%}",
            f"{t.skip_rate:.1%}",
        )
    return table


def plot(path: Path, dataset: str, baselines: dict[str, Evaluation], curve: Sequence[Evaluation]) -> None:
    """Accuracy against skipped MACs as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    points = sorted([(e.skip_rate * 100, (e.accuracy or 0) * 100) for e in curve])
    axes.plot(*zip(*points, strict=True), "o-", color="#1565c0", label="UnIT with compensation")
    for name, marker, label in (("dense", "s", "dense int8"), ("zero_skip", "D", "zero-skip")):
        e = baselines[name]
        axes.plot(e.skip_rate * 100, (e.accuracy or 0) * 100, marker, color="#424242", label=label)
    axes.axhline((baselines["dense"].accuracy or 0) * 100, color="#bdbdbd", linewidth=1, zorder=0)
    axes.set(
        xlabel="MACs skipped (%)", ylabel="accuracy (%)", title=f"{dataset}: accuracy against skipped MACs"
    )
    axes.grid(alpha=0.25)
    axes.legend(loc="lower left")
    figure.savefig(path, dpi=150, metadata={"Software": None})
