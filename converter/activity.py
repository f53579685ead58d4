"""Activations of single layers on calibration data, which the cost model counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .dataset import Dataset

PER_BATCH = 16
MAX_SAMPLES = 64


@dataclass(frozen=True)
class Activity:
    """What a layer reads and writes: int8 (samples, *shape[1:])."""

    input: np.ndarray
    output: np.ndarray


def picked(data: Dataset) -> list[tuple[np.ndarray, ...]]:
    """Samples for a cost model, evenly spread over each of the first batches."""
    batches = []
    for batch in data:
        rows = np.linspace(0, len(batch[0]) - 1, min(PER_BATCH, len(batch[0]))).astype(int)
        batches.append(tuple(x[rows] for x in batch))
        if sum(len(b[0]) for b in batches) >= MAX_SAMPLES:
            break
    return batches


def activities(
    kept: Sequence[dict[int, np.ndarray]], ends: dict[int, tuple[int, int]]
) -> dict[int, Activity]:
    """kept: per batch, values by tensor. ends: input and output tensor by layer index."""
    joined = {t: np.concatenate([batch[t] for batch in kept]) for pair in ends.values() for t in pair}
    return {index: Activity(joined[x], joined[y]) for index, (x, y) in ends.items()}
