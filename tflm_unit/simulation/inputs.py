"""The samples that a simulation runs."""

from __future__ import annotations

import numpy as np

from ..converter.dataset import Dataset, Source
from ..converter.errors import DataError
from ..converter.graph import Graph, QuantizeParams, Tensor


def take(
    source: Source, graph: Graph, samples: int, scale: float | None, offset: float | None
) -> tuple[np.ndarray, ...]:
    """The first `samples` of the data, one array (N, ...) per model input. Raises DataError when it does not fit."""
    batches = list(Dataset(source, graph, scale=scale, offset=offset, limit=samples))
    if not batches:
        raise DataError("there are no samples to run")
    return tuple(np.concatenate(arrays) for arrays in zip(*batches, strict=True))


def random_inputs(graph: Graph, samples: int, seed: int) -> tuple[np.ndarray, ...]:
    """Uniform over the range of each model input, one array (N, ...) each."""
    rng = np.random.default_rng(seed)
    return tuple(_random(graph, graph.tensors[t], samples, rng) for t in graph.inputs)


def _random(graph: Graph, tensor: Tensor, samples: int, rng: np.random.Generator) -> np.ndarray:
    shape = (samples, *tensor.shape[1:])
    if tensor.dtype == np.int8:
        return rng.integers(-128, 128, shape).astype(np.int8)
    low, high = -1.0, 1.0
    for layer in graph.layers:
        if layer.inputs[:1] == (tensor.index,) and isinstance(layer.params, QuantizeParams):
            p = layer.params
            low, high = (-128 - p.zero_point) * p.scale, (127 - p.zero_point) * p.scale
    return rng.uniform(low, high, shape).astype(np.float32)
