"""Calibration and evaluation data: validated, quantized to the model's input, streamed in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .errors import DataError
from .graph import Graph, Tensor
from .samples import Input, Samples, Source

__all__ = ["Dataset", "Source", "check_labels", "quantize"]

# Above this share of clipped values the data is on another scale than the model's training data.
MAX_CLIPPED = 0.25


class Dataset:
    """Re-iterable batches of inputs, as tuples with one array per graph input.

    source, scale, offset, limit: see `Samples`. Real values are quantized with the input's scale and zero
    point; int8 arrays for an int8 input are taken as already quantized when neither scale nor offset is given.

    Raises DataError, partly while iterating, when shape, dtype or range do not fit, naming input and remedy.
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

    def __len__(self) -> int:
        """Number of samples; TypeError when the source is a function."""
        return len(self._samples)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        for batch in self._samples.batches(self._batch_size):
            yield tuple(
                x if x.dtype == t.dtype else quantize(x, t) for x, t in zip(batch, self._tensors, strict=True)
            )


def quantize(real: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Quantizes float32 values exactly as TFLite's QUANTIZE does: same shape, the tensor's integer type.

    Raises DataError when so many values saturate that the data must be on another scale than the model.
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
