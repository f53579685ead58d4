"""What the time from sums to outputs depends on: counts per inference, see cost_features.py."""

from __future__ import annotations

import numpy as np

from .graph import ConvParams, FullyConnectedParams

SCALE_SHIFTS = range(-22, -1)  # of outputs that take the short requantization


def output_counts(
    params: ConvParams | FullyConnectedParams, outputs: np.ndarray, mean_sums: np.ndarray
) -> dict[str, float]:
    """outputs: int8 (N, ..., channels) before pooling; mean_sums: of accumulators, (channels,)."""
    before = outputs[0].size
    if isinstance(params, ConvParams):
        outputs = _pooled(outputs, params.pool)
    after, has_relu = outputs[0].size, params.activation.fused_relu
    low = params.activation.min if has_relu else -129
    exact = np.broadcast_to([s not in SCALE_SHIFTS for s in params.requantization.shift], mean_sums.shape)
    # Outputs of such a channel are often the same for all sums, and tell nothing about their signs.
    multiplied = exact & (mean_sums > 0) if has_relu else exact
    return {
        "outputs": float(after),
        "multiplied": float(np.count_nonzero(outputs > low)) / len(outputs),
        "exact": after * float(exact.mean()),
        "exact_multiplied": after * float(multiplied.mean()),
        "pooled": float(before - after),
    }


def _pooled(values: np.ndarray, pool: tuple[int, int]) -> np.ndarray:
    """The largest of each window; (N, H, W, C)."""
    n, rows, columns, channels = values.shape
    return values.reshape(n, rows // pool[0], pool[0], columns // pool[1], pool[1], channels).max(axis=(2, 4))
