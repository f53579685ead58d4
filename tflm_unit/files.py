"""Files that the command line reads: DATA.npz and JSON settings."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .converter.errors import DataError, UnitError


class NpzData:
    """Arrays x_train, y_train, x_test, y_test of a file as Keras caches its data sets.

    Raises DataError when the file is missing, is no .npz, or lacks an array that is asked for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = np.load(path, allow_pickle=False)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not an .npz file of plain arrays: {error}") from error
        if not isinstance(self._file, np.lib.npyio.NpzFile):
            raise DataError(f"{path} is not an .npz file: it holds a single array; save it with np.savez")

    def __contains__(self, name: str) -> bool:
        return name in self._file.files

    def array(self, name: str) -> np.ndarray:
        """The whole array, unpacked once per call."""
        if name not in self._file.files:
            raise DataError(f"{self._path} has no array {name!r}; it has {', '.join(self._file.files)}")
        try:
            return np.asarray(self._file[name])
        except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise DataError(f"array {name!r} of {self._path} cannot be read: {error}") from error


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
    except ValueError as error:
        raise UnitError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UnitError(f"{path} holds a JSON {type(value).__name__}; an object by layer name is needed")
    return value
