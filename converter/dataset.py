"""Calibration and evaluation data: validated, quantized to the model's input, streamed in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .errors import DataError
from .graph import Graph, Tensor

Source = np.ndarray | Sequence[np.ndarray] | Callable[[], Iterable[Any]]

# Above this share of clipped values the data is on another scale than the model's training data.
MAX_CLIPPED = 0.25


class Dataset:
    """Re-iterable batches of inputs, as tuples with one array per graph input.

    source: an array (N, ...) or one array per input, or, as in TFLite's representative_dataset, a function
        that returns an iterator over samples without the batch dimension, or lists of those, one per input.
        Arrays are read in batches, so memory-mapped ones stay on disk.
    Values are real numbers, `value * scale + offset`, and are quantized with the input's scale and zero
    point; int8 arrays are taken as already quantized when neither scale nor offset is given.

    Iteration raises DataError when shape, dtype or range do not fit, naming the input and the remedy.
    """

    def __init__(
        self,
        source: Source,
        graph: Graph,
        *,
        scale: float | None = None,
        offset: float | None = None,
        limit: int | None = None,
        batch_size: int = 256,
    ) -> None:
        self._inputs = tuple(graph.tensors[i] for i in graph.inputs)
        self._scale, self._offset = scale, offset
        self._limit, self._batch_size = limit, batch_size
        self._source = source
        self._arrays: tuple[np.ndarray, ...] | None = None
        if not callable(source):
            self._arrays = self._check_arrays(source)

    def _check_arrays(self, source: Any) -> tuple[np.ndarray, ...]:
        several = isinstance(source, (list, tuple)) and len(self._inputs) > 1
        arrays = tuple(np.asanyarray(x) for x in (source if several else [source]))
        if len(arrays) != len(self._inputs):
            raise DataError(f"data has {len(arrays)} arrays, the model has {len(self._inputs)} inputs")
        lengths = {len(x) if x.ndim else 0 for x in arrays}
        if len(lengths) > 1:
            raise DataError(f"the inputs' arrays have different lengths: {sorted(lengths)}")
        if lengths == {0}:
            raise DataError("data is empty: at least one sample is needed")
        return tuple(self._check(x, t) for x, t in zip(arrays, self._inputs, strict=True))

    def _check(self, array: np.ndarray, tensor: Tensor) -> np.ndarray:
        """Checks dtype and shape, without reading the values; adds or drops dimensions of 1."""
        if array.dtype.kind not in "fiub":
            raise DataError(f"data for input {tensor.name!r} has dtype {array.dtype}, numbers are needed")
        want, got = tensor.shape[1:], array.shape[1:]
        if [d for d in want if d != 1] != [d for d in got if d != 1]:
            raise DataError(
                f"data has samples of shape {got}, input {tensor.name!r} of the model takes {want}"
            )
        return array.reshape(len(array), *want)

    def __len__(self) -> int:
        """Number of samples; TypeError when the source is a function."""
        if self._arrays is None:
            raise TypeError("the data comes from a function: its length is not known")
        count = len(self._arrays[0])
        return count if self._limit is None else min(count, self._limit)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        if self._arrays is None:
            yield from self._generated()
            return
        for start in range(0, len(self), self._batch_size):
            rows = slice(start, min(start + self._batch_size, len(self)))
            yield tuple(
                self._quantize(np.asarray(x[rows]), t, start)
                for x, t in zip(self._arrays, self._inputs, strict=True)
            )

    def _generated(self) -> Iterator[tuple[np.ndarray, ...]]:
        assert callable(self._source)
        pending: list[tuple[np.ndarray, ...]] = []
        count = 0
        for sample in self._source():
            values = sample if isinstance(sample, (list, tuple)) else [sample]
            if len(values) != len(self._inputs):
                raise DataError(f"sample {count} has {len(values)} arrays, not {len(self._inputs)}")
            pending.append(
                tuple(self._sample(np.asarray(v), t) for v, t in zip(values, self._inputs, strict=True))
            )
            count += 1
            if len(pending) == self._batch_size or count == self._limit:
                yield self._batch(pending, count)
                pending = []
            if count == self._limit:
                return
        if not count:
            raise DataError("data is empty: the function yielded no sample")
        if pending:
            yield self._batch(pending, count)

    def _sample(self, value: np.ndarray, tensor: Tensor) -> np.ndarray:
        """One sample as (1, ...); TFLite's convention includes the batch dimension, plain samples do not."""
        batched = value.size == tensor.size and value.ndim == len(tensor.shape)
        return self._check(value if batched else value[np.newaxis], tensor)

    def _batch(self, samples: list[tuple[np.ndarray, ...]], count: int) -> tuple[np.ndarray, ...]:
        return tuple(
            self._quantize(np.concatenate([s[i] for s in samples]), t, count - len(samples))
            for i, t in enumerate(self._inputs)
        )

    def _quantize(self, values: np.ndarray, tensor: Tensor, start: int) -> np.ndarray:
        if (
            values.dtype == np.int8
            and tensor.dtype == np.int8
            and self._scale is None
            and self._offset is None
        ):
            return np.ascontiguousarray(values)
        real = values.astype(np.float32)
        finite = np.isfinite(real.reshape(len(real), -1)).all(axis=1)
        if not finite.all():
            raise DataError(
                f"sample {start + int(np.argmin(finite))} for input {tensor.name!r} has NaN or infinite values"
            )
        real = real * np.float32(1 if self._scale is None else self._scale)
        real += np.float32(0 if self._offset is None else self._offset)
        return real if tensor.dtype == np.float32 else quantize(real, tensor)


def quantize(real: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Quantizes real values as TFLite's QUANTIZE does: int8 of the same shape.

    Raises DataError when so many values saturate that the data must be on another scale than the model.
    """
    scale, zero_point = float(tensor.scale[0]), int(tensor.zero_point[0])
    steps = real / np.float32(scale)
    levels = np.trunc(steps + np.copysign(np.float32(0.5), steps)) + zero_point
    info = np.iinfo(tensor.dtype)
    # One level of tolerance: the extremes of the training data may round just outside.
    clipped = np.mean((levels < info.min - 1) | (levels > info.max + 1))
    if clipped > MAX_CLIPPED:
        low, high = ((info.min - zero_point) * scale, (info.max - zero_point) * scale)
        raise DataError(
            f"{clipped:.0%} of the values lie outside the range {low:.4g} .. {high:.4g} of input "
            f"{tensor.name!r} (values here: {real.min():.4g} .. {real.max():.4g}); preprocess the data as in "
            "training, or give scale and offset (pixels of 0..255 for a model trained on 0..1: scale 1/255)"
        )
    return np.clip(levels, info.min, info.max).astype(tensor.dtype)


def check_labels(labels: Any, count: int, classes: int) -> np.ndarray:
    """Class indices int64 (count,), from integers (N,) or (N, 1), or one-hot rows (N, classes).

    Raises DataError when the length, dtype or range does not fit.
    """
    y = np.asarray(labels)
    if y.ndim == 2 and y.shape[1] == classes and classes > 1 and y.dtype.kind in "fiub":
        y = y.argmax(axis=1)
    y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise DataError(f"labels have shape {y.shape} and dtype {y.dtype}; integers of shape (N,) are needed")
    if len(y) < count:
        raise DataError(f"there are {len(y)} labels for {count} samples")
    y = y[:count].astype(np.int64)
    if count and not (y.min() >= 0 and y.max() < classes):
        at = int(np.argmax((y < 0) | (y >= classes)))
        raise DataError(f"label {y[at]} of sample {at} is out of range: the model has {classes} classes")
    return y
