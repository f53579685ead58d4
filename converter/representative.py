"""Float samples for post-training quantization, one at a time, checked against the model's inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .dataset import Source
from .errors import DataError

_ROWS = 1024  # checked at a time, so that memory-mapped arrays stay on disk

Sample = tuple[np.ndarray, ...]


class RepresentativeData:
    """Re-iterable samples as tuples with one float32 array per input, without a batch dimension.

    source: as for `Dataset`: an array (N, ...), a list with one array per input, or a function that returns
        an iterator over samples. `value * scale + offset` is applied.
    Raises DataError for no samples, other types than numbers, int8 (values that are already quantized) and
    NaN; for functions all but the first sample are checked while they are used.
    """

    def __init__(self, source: Source, scale: float | None = None, offset: float | None = None) -> None:
        self._source = source
        self._scale, self._offset = scale, offset
        self._arrays: tuple[np.ndarray, ...] | None = None
        if not callable(source):
            self._arrays = self._check_arrays(source)
        self.first: Sample = next(iter(self), ())
        if not self.first:
            raise DataError("representative data is empty: at least one sample is needed")

    def for_inputs(self, count: int) -> RepresentativeData:
        """The same data for a model with `count` inputs: a list of arrays is one of samples when count is 1."""
        if count != 1 or self._arrays is None or len(self._arrays) == 1:
            return self
        try:
            return RepresentativeData(np.stack(self._arrays), self._scale, self._offset)
        except ValueError as error:
            raise DataError(f"representative data: samples of different shapes ({error})") from error

    def _check_arrays(self, source: Any) -> tuple[np.ndarray, ...]:
        several = isinstance(source, (list, tuple)) and bool(source) and isinstance(source[0], np.ndarray)
        several = several and len({array.shape[:1] for array in source}) == 1 and source[0].ndim > 1
        try:
            arrays = tuple(np.asanyarray(a) for a in source) if several else (np.asanyarray(source),)
        except ValueError as error:
            raise DataError(f"representative data is no regular array: {error}") from error
        if any(array.ndim == 0 for array in arrays) or len(arrays[0]) == 0:
            raise DataError("representative data is empty: at least one sample is needed")
        for position, array in enumerate(arrays):
            for start in range(0, len(array), _ROWS):
                self._check(array[start : start + _ROWS], f"samples from {start} on", position)
        return arrays

    def _check(self, values: np.ndarray, what: str, position: int) -> None:
        where = f"representative data, input {position}, {what}"
        if values.dtype.kind not in "fiub":
            raise DataError(f"{where}: type {values.dtype}; numbers are needed")
        if values.dtype == np.int8 and self._scale is None and self._offset is None:
            raise DataError(f"{where}: int8 is already quantized; give real values, or scale and offset")
        if not np.isfinite(values).all():
            raise DataError(f"{where}: NaN or infinite values")

    def __iter__(self) -> Iterator[Sample]:
        if self._arrays is not None:
            for row in zip(*self._arrays, strict=True):
                yield tuple(self._real(value) for value in row)
            return
        assert callable(self._source)
        for number, sample in enumerate(self._source()):
            values = sample if isinstance(sample, (list, tuple)) else [sample]
            arrays = tuple(np.asarray(value) for value in values)
            for position, array in enumerate(arrays):
                self._check(array, f"sample {number}", position)
            yield tuple(self._real(array) for array in arrays)

    def _real(self, value: Any) -> np.ndarray:
        scale = np.float32(1 if self._scale is None else self._scale)
        return np.asarray(value, np.float32) * scale + np.float32(0 if self._offset is None else self._offset)


def fit(values: np.ndarray, shape: Sequence[int | None], name: str) -> np.ndarray:
    """One sample in the shape (1, *shape) of the input `name`; dimensions of 1 may be missing or added.

    shape: None for sizes that the sample decides. Raises DataError when the sizes differ.
    """
    known = [size for size in shape if size is not None]
    if len(known) == len(shape):
        if [size for size in values.shape if size != 1] == [size for size in known if size != 1]:
            return values.reshape(1, *known)
    else:
        batched = values if values.ndim == len(shape) + 1 and values.shape[0] == 1 else values[np.newaxis]
        if batched.ndim == len(shape) + 1 and all(
            size in (None, got) for size, got in zip(shape, batched.shape[1:], strict=True)
        ):
            return batched
    raise DataError(f"a sample has shape {values.shape}, input '{name}' of the model takes {tuple(shape)}")
