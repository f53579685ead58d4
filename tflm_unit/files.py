"""Files that the command line reads: DATA.npz and JSON settings."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from .converter.errors import DataError, UnitError

# What NumPy lets through when an .npz is damaged.
_DAMAGED = (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


class NpzData:
    """Arrays x_train, y_train, x_test, y_test of a file as Keras caches its data sets, perhaps with class_names;
    `names` are all it has.

    Raises DataError when the file is missing, is no .npz, or lacks an array that is asked for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = np.load(path, allow_pickle=False)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error
        except _DAMAGED as error:
            raise DataError(f"{path} is not an .npz file of plain arrays: {error}") from error
        if not isinstance(self._file, np.lib.npyio.NpzFile):
            raise DataError(f"{path} is not an .npz file: it holds a single array; save it with np.savez")
        self.names = tuple(self._file.files)

    def samples(self, part: str) -> tuple[np.ndarray, np.ndarray | None]:
        """x_{part} and, when there is one, y_{part}, which must have the same length."""
        x = self.array(f"x_{part}")
        if f"y_{part}" not in self.names:
            return x, None
        y = self.array(f"y_{part}")
        if len(x) != len(y):
            raise DataError(f"{self._path} has {len(x)} samples in x_{part} but {len(y)} labels in y_{part}")
        return x, y

    def rows(self, name: str, array: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Rows of the array called `name`. Raises DataError for NaN, with the number of the row in the file."""
        taken = array[rows]
        if taken.dtype.kind == "f":
            finite = np.isfinite(taken).all(axis=tuple(range(1, taken.ndim)))
            if not finite.all():
                row = rows[np.argmin(finite)]
                raise DataError(f"sample {row} of {name!r} of {self._path} has NaN or infinite values")
        return taken

    @property
    def class_names(self) -> list[str] | None:
        return (
            [str(name) for name in self.array("class_names").ravel()] if "class_names" in self.names else None
        )

    def array(self, name: str) -> np.ndarray:
        """One array, unpacked anew on every call."""
        if name not in self.names:
            raise DataError(f"{self._path} has no array {name!r}; it has {', '.join(self.names)}")
        try:
            array = np.asarray(self._file[name])
        except (OSError, *_DAMAGED) as error:
            raise DataError(f"array {name!r} of {self._path} cannot be read: {error}") from error
        if array.ndim == 0:
            raise DataError(f"array {name!r} of {self._path} is a single value; one row per sample is needed")
        return array


def spread(array: np.ndarray, count: int) -> np.ndarray:
    """`count` rows evenly spread over the array, all of them when it has fewer."""
    if count < 1:
        raise UnitError(f"--samples is {count}; it takes a number >= 1")
    return array[np.linspace(0, len(array) - 1, min(count, len(array))).round().astype(np.int64)]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; UnitError naming the path and position when it is not one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnitError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UnitError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UnitError(f"{path} holds a JSON {type(value).__name__}; an object by layer name is needed")
    return value
