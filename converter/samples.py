"""Data that a user gives, as real-valued samples checked against the inputs of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import DataError

Source = np.ndarray | Sequence[Any] | Callable[[], Iterable[Any]]
Batch = tuple[np.ndarray, ...]

_ROWS = 1024  # checked at a time, so that memory-mapped arrays stay on disk


class Input(NamedTuple):
    """An input of a model. shape: without the batch; None: a size that the data decide.

    takes_int8: int8 data are the input's quantized values, unless scale or offset is given.
    """

    name: str
    shape: tuple[int | None, ...]
    takes_int8: bool = False


class Samples:
    """Re-iterable samples, in batches with one array per input.

    source: an array (N, ...); a list with one array per input, or of samples where there is one input; or, as
        in TFLite's representative_dataset, a function that returns an iterator over samples, with or without
        the batch dimension, or over lists of those, one per input. Arrays are read in batches.
    inputs: None where the model does not tell; then a list of arrays (N, ...) is one array per input, and
        shapes are not checked.
    scale, offset: real values are `value * scale + offset`. limit: only so many samples.

    Raises DataError, naming the input and the remedy: at once for what can be said without reading values, and
    while iterating for NaN and for everything that a function yields.
    """

    def __init__(
        self,
        source: Source,
        inputs: Sequence[Input] | None,
        *,
        scale: float | None = None,
        offset: float | None = None,
        limit: int | None = None,
    ) -> None:
        if limit is not None and limit < 1:
            raise DataError(f"limit is {limit}; at least one sample is needed")
        self._inputs = None if inputs is None else tuple(inputs)
        self._plain = scale is None and offset is None
        self._scale = _factor("scale", 1.0 if scale is None else scale)
        if abs(self._scale) < np.finfo(np.float32).tiny:
            raise DataError(f"scale is {scale}; with so small a factor every value is lost as a float32")
        self._offset = _factor("offset", 0.0 if offset is None else offset)
        self._limit = limit
        self._source = source
        self._arrays = None if callable(source) else self._check_arrays(_arrays(source, self._inputs))

    def __len__(self) -> int:
        """Number of samples; TypeError when the source is a function."""
        if self._arrays is None:
            raise TypeError("the data comes from a function: its length is not known")
        count = len(self._arrays[0])
        return count if self._limit is None else min(count, self._limit)

    @property
    def total(self) -> int | None:
        """Number of samples without the limit; None when the source is a function."""
        return None if self._arrays is None else len(self._arrays[0])

    def first(self) -> Batch:
        """The first sample, as a batch of one."""
        return next(self.batches(1))

    def check(self) -> None:
        """Reads all values of arrays; of a function's samples only the first, as each run may take long."""
        if self._arrays is None:
            self.first()
            return
        for _ in self.batches(_ROWS):
            pass

    def batches(self, size: int) -> Iterator[Batch]:
        """Tuples of arrays (n, *shape), one per input, n <= size: float32, or int8 where the input takes it."""
        if self._arrays is None:
            yield from self._generated(size)
            return
        for start in range(0, len(self), size):
            rows = slice(start, min(start + size, len(self)))
            yield tuple(self._real(np.asarray(x[rows]), i, start) for i, x in enumerate(self._arrays))

    def _generated(self, size: int) -> Iterator[Batch]:
        pending: list[Batch] = []
        count = 0
        for sample in self._call():
            pending.append(self._sample(sample, count))
            count += 1
            if len(pending) == size or count == self._limit:
                yield self._join(pending)
                pending = []
            if count == self._limit:
                return
        if not count:
            raise DataError("data is empty: the function yielded no sample")
        if pending:
            yield self._join(pending)

    def _call(self) -> Iterable[Any]:
        assert callable(self._source)
        samples = self._source()
        if not isinstance(samples, Iterable):
            raise DataError(
                f"the data function returned {type(samples).__name__}, not an iterator over samples"
            )
        return samples

    def _sample(self, sample: Any, number: int) -> Batch:
        values = sample if isinstance(sample, (list, tuple)) else [sample]
        if self._inputs is not None and len(values) != len(self._inputs):
            raise DataError(
                f"sample {number} has {len(values)} arrays, the model has {len(self._inputs)} inputs"
            )
        arrays = (self._check(regular_array(v)[np.newaxis], i) for i, v in enumerate(values))
        return tuple(self._real(x, i, number) for i, x in enumerate(arrays))

    def _join(self, samples: list[Batch]) -> Batch:
        columns = tuple(zip(*samples, strict=True))
        for i, column in enumerate(columns):
            if len({x.dtype for x in column}) > 1:
                raise DataError(
                    f"samples for {self._name(i)} are int8, which is quantized, and of real types"
                )
        return tuple(np.concatenate(column) for column in columns)

    def _check_arrays(self, arrays: Sequence[np.ndarray]) -> Batch:
        if self._inputs is not None and len(arrays) != len(self._inputs):
            raise DataError(f"data has {len(arrays)} arrays, the model has {len(self._inputs)} inputs")
        for i, array in enumerate(arrays):
            self._check_type(array, i)
        lengths = {len(x) if x.ndim else 0 for x in arrays}
        if len(lengths) > 1:
            raise DataError(f"the inputs' arrays have different lengths: {sorted(lengths)}")
        if lengths == {0}:
            raise DataError("data is empty: at least one sample is needed")
        return tuple(self._check(x, i) for i, x in enumerate(arrays))

    def _check_type(self, array: np.ndarray, position: int) -> None:
        if array.dtype.kind not in "fiu":
            raise DataError(f"data for {self._name(position)} has dtype {array.dtype}, numbers are needed")
        takes_int8 = self._inputs is not None and self._inputs[position].takes_int8
        if array.dtype == np.int8 and self._plain and not takes_int8:
            raise DataError(
                f"data for {self._name(position)} is int8, so already quantized, but the input takes real values; "
                "give these, or scale and offset"
            )

    def _check(self, array: np.ndarray, position: int) -> np.ndarray:
        """Checks dtype and shape of (n, ...), without reading the values; adds or drops dimensions of 1."""
        self._check_type(array, position)
        if self._inputs is None:
            return array
        shape = self._inputs[position].shape
        fitted = _fit(array, shape)
        if fitted is None:
            raise DataError(
                f"data has samples of shape {array.shape[1:]}, {self._name(position)} of the model takes {shape}"
            )
        return fitted

    def _real(self, values: np.ndarray, position: int, start: int) -> np.ndarray:
        if values.dtype == np.int8 and self._plain:
            return np.ascontiguousarray(values)
        with np.errstate(over="ignore", invalid="ignore"):
            real = values.astype(np.float32)
            if not self._plain:
                real = real * self._scale + self._offset
        finite = np.isfinite(real.reshape(len(real), -1)).all(axis=1)
        if not finite.all():
            sample = start + int(np.argmin(finite))
            raise DataError(f"sample {sample} for {self._name(position)} has NaN or infinite values")
        return real

    def _name(self, position: int) -> str:
        return f"input {position}" if self._inputs is None else f"input {self._inputs[position].name!r}"


def _factor(name: str, value: Any) -> np.float32:
    try:
        with np.errstate(over="ignore"):
            factor = np.float32(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is {value!r}; it is a number") from error
    if not np.isfinite(factor):
        raise DataError(f"{name} is {value}; it is finite, as a float32")
    return factor


def regular_array(value: Any, what: str = "data is") -> np.ndarray:
    """`value` as an array. Raises DataError when its rows differ in shape."""
    try:
        return np.asanyarray(value)
    except ValueError as error:
        raise DataError(f"{what} no regular array; all samples have one shape ({error})") from error


def _arrays(source: Any, inputs: Sequence[Input] | None) -> list[np.ndarray]:
    """One array per input."""
    if not isinstance(source, (list, tuple)):
        return [regular_array(source)]
    if inputs is None:
        several = bool(source) and all(isinstance(x, np.ndarray) and x.ndim > 1 for x in source)
        return list(source) if several else [regular_array(source)]
    if len(inputs) > 1:
        return [regular_array(x) for x in source]
    if len(source) == 1:  # the array for the one input, or one sample
        only = regular_array(source[0])
        return [only[np.newaxis] if _fit(only[np.newaxis], inputs[0].shape) is not None else only]
    return [regular_array(source)]


def _fit(array: np.ndarray, shape: Sequence[int | None]) -> np.ndarray | None:
    """(n, ...) as (n, *shape), where dimensions of 1 may be missing or added; None when the sizes differ."""
    got, known = array.shape[1:], [size for size in shape if size is not None]
    if len(known) == len(shape):
        fits = [size for size in got if size != 1] == [size for size in known if size != 1]
        return array.reshape(len(array), *known) if fits else None
    if len(got) == len(shape) + 1 and got[0] == 1:
        got = got[1:]
    fits = len(got) == len(shape) and all(want in (None, size) for want, size in zip(shape, got, strict=True))
    return array.reshape(len(array), *got) if fits else None
