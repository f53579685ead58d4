"""UCI HAR: "Human Activity Recognition Using Smartphones" (Anguita et al. 2012), raw inertial signals."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..converter.errors import DataError
from ..files import NpzData
from .arrays import Arrays, make

CLASSES = ("walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying")
SIGNALS = tuple(f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz")
STEPS = 128


def har_npz(path: Path) -> Arrays:
    """Arrays x_*, y_*, subject_* for train and test; see _split."""
    data = NpzData(path)
    parts = {}
    for part in ("train", "test"):
        x, y = data.samples(part)
        if y is None or x.shape[1:] != (STEPS, len(SIGNALS)):
            raise DataError(f"x_{part} of {path} is {x.shape}; (N, 128, 9) with labels y_{part} is needed")
        subject = data.array(f"subject_{part}")
        if len(subject) != len(x):
            raise DataError(f"{path} has {len(x)} samples in x_{part} but {len(subject)} in subject_{part}")
        parts[part] = (x, y, subject)
    return _split(parts["train"], parts["test"])


def har_folder(folder: Path) -> Arrays:
    """The folder 'UCI HAR Dataset' as the archive unpacks: text files with one window per line."""
    return _split(_read_part(folder, "train"), _read_part(folder, "test"))


def _read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    here = folder / part
    signals = [_text(here / "Inertial Signals" / f"{name}_{part}.txt", np.float32) for name in SIGNALS]
    if any(s.shape != signals[0].shape or s.shape[1:] != (STEPS,) for s in signals):
        raise DataError(
            f"signals of {here} have {sorted({s.shape for s in signals})} values, not (N, {STEPS})"
        )
    labels, subjects = (_text(here / f"{name}_{part}.txt", np.int64)[:, 0] for name in ("y", "subject"))
    return np.stack(signals, axis=-1), labels - 1, subjects


def _text(path: Path, dtype: type) -> np.ndarray:
    try:
        return np.loadtxt(path, dtype, ndmin=2)
    except FileNotFoundError as error:
        raise DataError(f"cannot read {path}: no such file") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path} is no table of numbers: {error}") from error


def _split(
    train: tuple[np.ndarray, np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> Arrays:
    """Windows (N, 128, 9) of 2.56 s at 50 Hz: acceleration of the body in g, rotation in rad/s, total acceleration.

    The test subjects are the official ones. Every fifth training subject validates: windows overlap by half, so that
    windows of one subject may not be in both.
    """
    x, y, subject = train
    held = np.isin(subject, np.unique(subject)[4::5])
    ids = {"subject_train": subject[~held], "subject_val": subject[held], "subject_test": test[2]}
    return make([(x[~held], y[~held]), (x[held], y[held]), test[:2]], CLASSES, ids)
