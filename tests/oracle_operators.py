"""NumPy formulations of the operators around the prunable ones; see oracle.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from oracle import requantize, to_int8, windows

from tflm_unit.converter.graph import (
    Activation,
    AddParams,
    MeanParams,
    PadParams,
    PoolParams,
    RequantizeParams,
)


def pool(image: np.ndarray, params: PoolParams, output_shape: Sequence[int], kind: str) -> np.ndarray:
    """kind: max or average. The average rounds ties away from zero."""
    x, inside = windows(image, params.filter, output_shape, params, (1, 1))
    mask = inside[None, ..., None]
    if kind == "max":
        y = np.where(mask, x, -128).max(axis=(3, 4))
    else:
        total = np.where(mask, x, 0).sum(axis=(3, 4))
        count = inside.sum(axis=(2, 3))[None, :, :, None]
        y = np.sign(total) * ((2 * np.abs(total) + count) // (2 * count))
    return np.clip(y, params.activation.min, params.activation.max).astype(np.int8)


def add(x1: np.ndarray, x2: np.ndarray, p: AddParams) -> np.ndarray:
    up = 2**p.left_shift
    a = requantize((x1.astype(np.int64) + p.input1_offset) * up, p.input1_multiplier, p.input1_shift)
    b = requantize((x2.astype(np.int64) + p.input2_offset) * up, p.input2_multiplier, p.input2_shift)
    return to_int8(requantize(a + b, p.output_multiplier, p.output_shift), p.output_offset, p.activation)


def pad(x: np.ndarray, params: PadParams) -> np.ndarray:
    return np.pad(x, list(zip(params.pre, params.post, strict=True)), constant_values=params.value)


def mean(x: np.ndarray, p: MeanParams) -> np.ndarray:
    """(outer, reduced, inner) to (outer, inner). TFLite folds 1 / reduced into the multiplier."""
    bits = min(p.reduced.bit_length() - 1, 32, 31 + p.shift)
    multiplier = (p.multiplier << bits) // p.reduced
    total = (x.astype(np.int64) + p.input_offset).sum(axis=1)
    return to_int8(requantize(total, multiplier, p.shift - bits), p.output_offset, Activation())


def requantize_int8(x: np.ndarray, p: RequantizeParams) -> np.ndarray:
    centred = x.astype(np.int64) + p.input_offset
    return to_int8(requantize(centred, p.multiplier, p.shift), p.output_offset, p.activation)
