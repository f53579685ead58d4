"""MNIST and CIFAR-10."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..converter.errors import DataError
from ..files import NpzData
from .arrays import Arrays, Part, make
from .pickles import read_batch

CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
SEED = 1


def mnist_npz(path: Path) -> Arrays:
    """The file that Keras caches. Pixels 0..1, (N, 28, 28, 1); the last 5,000 training images validate."""
    (x, y), test = _train_and_test(path, (28, 28))
    held = max(len(x) // 12, 1)
    return _images([(x[:-held], y[:-held]), (x[-held:], y[-held:]), test], tuple("0123456789"))


def cifar10_npz(path: Path) -> Arrays:
    """Arrays x_train, y_train, x_test, y_test, uint8 RGB (N, 32, 32, 3); see _cifar10 for the split."""
    return _cifar10(*_train_and_test(path, (32, 32, 3)))


def cifar10_batches(folder: Path) -> Arrays:
    """The folder cifar-10-batches-py of the "python version" on the data set's home page, which Keras caches."""
    files = [f"data_batch_{i}" for i in range(1, 6)]
    missing = [name for name in (*files, "test_batch") if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder} lacks {', '.join(missing)}: unpack cifar-10-python.tar.gz again")
    batches = [read_batch(folder / name) for name in files]
    train = np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])
    return _cifar10(train, read_batch(folder / "test_batch"))


def _cifar10(train: Part, test: Part) -> Arrays:
    """Colours 0..1, (N, 32, 32, 3). A tenth of the training images, drawn with a fixed seed, validates."""
    x, y = train
    order = np.random.default_rng(SEED).permutation(len(x))
    held, kept = np.sort(order[: len(x) // 10]), np.sort(order[len(x) // 10 :])
    return _images([(x[kept], y[kept]), (x[held], y[held]), test], CIFAR10_CLASSES)


def _images(parts: list[Part], class_names: tuple[str, ...]) -> Arrays:
    """Pixels 0..255 scaled to 0..1, grey ones with a channel axis."""
    scaled = [((x[..., np.newaxis] if x.ndim == 3 else x).astype(np.float32) / 255, y) for x, y in parts]
    return make(scaled, class_names)


def _train_and_test(path: Path, shape: tuple[int, ...]) -> tuple[Part, Part]:
    data = NpzData(path)
    result = []
    for part in ("train", "test"):
        x, y = data.samples(part)
        if y is None:
            raise DataError(f"{path} has no labels: y_train and y_test are needed")
        if x.shape[1:] != shape or x.dtype != np.uint8:
            needed = f"uint8 (N, {', '.join(map(str, shape))})"
            raise DataError(f"x_{part} of {path} is {x.dtype} {x.shape}; {needed} is needed")
        result.append((x, y))
    return result[0], result[1]
