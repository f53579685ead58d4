"""What every data set is loaded into."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from types import MappingProxyType

import numpy as np

from ..converter.container import write_file
from ..converter.errors import DataError

Part = tuple[np.ndarray, np.ndarray]  # samples and labels
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Arrays:
    """Training, validation and test samples of one data set; no sample is in two of the three.

    x_*: float32 (N, ...), scaled and shaped as the networks take them. y_*: int64 (N,), index into class_names.
    ids: who or what a sample comes from, by name and part, such as ids["subject_train"]: one value per sample.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    ids: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        lengths = {}
        for part in PARTS:
            x, y = self.part(part)
            lengths[part] = len(x)
            if len(x) == 0:
                raise DataError(f"the {part} part has no samples")
            if len(x) != len(y):
                raise DataError(f"{len(x)} samples but {len(y)} labels in the {part} part")
            if y.min() < 0 or y.max() >= len(self.class_names):
                raise DataError(
                    f"labels {y.min()} .. {y.max()} in the {part} part, but {len(self.class_names)} class names"
                )
        for name, values in self.ids.items():
            if len(values) != lengths[name.rsplit("_", 1)[-1]]:
                raise DataError(f"{name} has {len(values)} values, not one per sample")

    def part(self, name: str) -> Part:
        """Samples and labels of 'train', 'val' or 'test'."""
        return getattr(self, f"x_{name}"), getattr(self, f"y_{name}")

    def save(self, path: str | PathLike[str]) -> None:
        """Writes an .npz file with all arrays under their own names, as `tflm-unit tune --data` reads it."""
        arrays = {f"{axis}_{part}": getattr(self, f"{axis}_{part}") for part in PARTS for axis in "xy"}
        stream = io.BytesIO()
        np.savez_compressed(stream, class_names=np.array(self.class_names), **arrays, **self.ids)
        write_file(path, stream.getvalue())


def make(
    parts: Sequence[Part], class_names: tuple[str, ...], ids: Mapping[str, np.ndarray] | None = None
) -> Arrays:
    """Arrays with the dtypes that their documentation promises. parts: samples and labels of train, val and test.

    Raises DataError for labels that are no whole numbers, and as Arrays does.
    """
    for y in (np.asarray(y) for _, y in parts):
        if y.dtype.kind not in "iuf" or not np.array_equal(y, np.trunc(y)):
            raise DataError(f"labels are {y.dtype} such as {y.ravel()[:1]}; class indices are needed")
    train, val, test = [(np.asarray(x, np.float32), np.asarray(y, np.int64).reshape(-1)) for x, y in parts]
    return Arrays(*train, *val, *test, class_names, MappingProxyType(dict(ids or {})))
