"""Calibration and evaluation data: validated, quantized to the model's input, streamed in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .errors import DataError
from .graph import Graph, Tensor
from .samples import Input, Samples, Source, regular_array

__all__ = ["Dataset", "Source", "check_labels", "quantize"]

# Above this share of clipped values, real zeros (background, padding) not counted, the data is on another scale
# than the model's training data.
MAX_CLIPPED = 0.25


class Dataset:
    """Re-iterable batches of inputs, as tuples with one array per graph input.

    source, scale, offset, limit: see `Samples`. Real values are quantized with the input's scale and zero
    point; int8 arrays for an int8 input are taken as already quantized when neither scale nor offset is given.

    Raises DataError, partly while iterating, when shape, dtype or range do not fit, naming input and remedy;
    that no value of the data differs from zero is only known after the last batch.
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
        self._tensors = tuple(graph.tensors[i] for i in graph.inputs)
        inputs = [Input(t.name, t.shape[1:], t.dtype == np.int8) for t in self._tensors]
        self._samples = Samples(source, inputs, scale=scale, offset=offset, limit=limit)
        self._batch_size = batch_size
        self._limit = limit

    def __len__(self) -> int:
        """Number of samples; TypeError when the source is a function."""
        return len(self._samples)

    def labels(self, given: Any, count: int, classes: int) -> np.ndarray:
        """`check_labels` for the `count` samples of one iteration; `given` are those of all, whatever the limit.

        How many a function would yield beyond the limit is not known: labels may then be more.
        """
        total = self._samples.total
        if total is None and self._limit is not None:
            given = np.atleast_1d(regular_array(given, "labels are"))[:count]
        return check_labels(given, count, classes, total)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        scales = [_ScaleCheck(tensor) for tensor in self._tensors]
        for batch in self._samples.batches(self._batch_size):
            yield tuple(
                x if x.dtype == t.dtype else scale.quantize(x)
                for x, t, scale in zip(batch, self._tensors, scales, strict=True)
            )
        for scale in scales:
            scale.check_resolution()


class _ScaleCheck:
    """Judges, over all batches of one pass, whether the data are on the scale of an input.

    Single batches may be too few values for that: the last one can be one sample, and that nearly silent.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self._clipped = self._beside_zero = self._resolved = 0
        self._largest = 0.0

    def quantize(self, real: np.ndarray) -> np.ndarray:
        """As the function. Raises DataError when too many of the values so far saturate."""
        levels = quantize(real, self._tensor)
        # One level of tolerance: the extremes of the training data may round just outside.
        low, high = self._range(tolerance=1.0)
        self._clipped += int(np.count_nonzero((real < low) | (real > high)))
        self._beside_zero += int(np.count_nonzero(real))
        self._resolved += int(np.count_nonzero(levels != self._tensor.zero_point[0]))
        self._largest = max(self._largest, float(np.abs(real).max(initial=0.0)))
        if self._clipped > MAX_CLIPPED * self._beside_zero:
            low, high = self._range()
            raise DataError(
                f"{self._clipped / self._beside_zero:.0%} of the values other than 0 lie outside the range "
                f"{low:.4g} .. {high:.4g} of input {self._tensor.name!r} (values here: {real.min():.4g} .. "
                f"{real.max():.4g}); preprocess the data as in training, or give scale and offset (pixels of "
                "0..255 for a model trained on 0..1: scale 1/255)"
            )
        return levels

    def check_resolution(self) -> None:
        """Raises DataError when there were values other than 0, but all of them quantized as 0 is."""
        if self._beside_zero and not self._resolved:
            low, high = self._range()
            raise DataError(
                f"all values for input {self._tensor.name!r} are too small to differ from 0: at most "
                f"{self._largest:.4g} in magnitude, where its range is {low:.4g} .. {high:.4g}; preprocess the "
                "data as in training, or give another scale"
            )

    def _range(self, tolerance: float = 0.0) -> tuple[float, float]:
        """Real values of the lowest and highest level, `tolerance` levels wider."""
        scale, zero_point = float(self._tensor.scale[0]), int(self._tensor.zero_point[0])
        info = np.iinfo(self._tensor.dtype)
        return (info.min - tolerance - zero_point) * scale, (info.max + tolerance - zero_point) * scale


def quantize(real: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Quantizes float32 values exactly as TFLite's QUANTIZE does: same shape, the tensor's integer type.

    Raises DataError for inputs that are neither float32 nor of integers with one scale.
    """
    if tensor.scale.size != 1 or tensor.dtype.kind not in "iu":
        raise DataError(
            f"input {tensor.name!r} is {tensor.dtype} with {tensor.scale.size} scales; inputs are float32, or "
            "integers with one scale"
        )
    scale, zero_point = float(tensor.scale[0]), int(tensor.zero_point[0])
    with np.errstate(over="ignore"):
        steps = np.clip(real / np.float32(scale), -(2.0**30), 2.0**30)
    # Adding 0.5 before cutting would round 0.49999997 up in float32.
    whole = np.trunc(steps)
    levels = whole + np.copysign(np.abs(steps - whole) >= 0.5, steps) + zero_point
    info = np.iinfo(tensor.dtype)
    return np.clip(levels, info.min, info.max).astype(tensor.dtype)


def check_labels(labels: Any, count: int, classes: int, total: int | None = None) -> np.ndarray:
    """Class indices int64 (count,), from integers (N,) or (N, 1), or one-hot rows (N, classes).

    total: N, of which the first `count` are taken; None: count.

    Raises DataError when the length, dtype or range does not fit.
    """
    y = regular_array(labels, "labels are")
    if y.ndim == 2 and y.shape[1] == classes and classes > 1 and y.dtype.kind in "fiub":
        if not np.isfinite(y).all():
            raise DataError("one-hot labels have NaN or infinite values")
        y = y.argmax(axis=1)
    y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise DataError(f"labels have shape {y.shape} and dtype {y.dtype}; integers of shape (N,) are needed")
    total = count if total is None else total
    if len(y) != total:
        raise DataError(f"there are {len(y)} labels for {total} samples")
    y = y[:count].astype(np.int64)
    if count and not (y.min() >= 0 and y.max() < classes):
        at = int(np.argmax((y < 0) | (y >= classes)))
        raise DataError(f"label {y[at]} of sample {at} is out of range: the model has {classes} classes")
    return y
