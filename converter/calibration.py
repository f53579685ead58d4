"""Exact statistics of the products of each prunable layer, gathered in one streaming pass.

Weights are constant, so the distribution of a layer's products follows from the distribution of the
activations that meet each weight. The batch engine counts those in a histogram per kernel tap (511 signed
values); everything the converter asks (skipped MACs, zero products, skipped sums, under any divider and any
threshold) is then exact arithmetic on the histograms, whatever the number of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .activity import Activity, activities, picked
from .dataset import Dataset
from .engine import ACTIVATION_VALUES, Engine, cutoffs
from .graph import Graph, Layer, Tensor
from .pruning import Divider, OperatingPoint


@dataclass(frozen=True)
class LayerStatistics:
    """Activations that met the weights of one layer.

    filter: int8, the layer's weights as TFLite lays them out. taps: (O, K) histogram row of each weight, where
    (O, K) is the filter with one row per output channel.
    below: int64 (taps, 256), number of activations with |x| <= m. moment: int64 (taps, 256), their sum.
    positions: output positions times samples.
    """

    op: str
    filter: np.ndarray
    taps: np.ndarray
    below: np.ndarray
    moment: np.ndarray
    positions: int

    @property
    def weights(self) -> np.ndarray:
        """int32 (O, K)."""
        return filter_rows(self.op, self.filter).astype(np.int32)

    @property
    def macs_total(self) -> np.ndarray:
        """MACs per output channel, int64 (O,)."""
        return self._count(np.full(self.taps.shape, 255, np.int16))

    @property
    def macs_zero(self) -> np.ndarray:
        """Zero products per output channel, int64 (O,)."""
        return self._count(np.where(self.weights == 0, 255, 0))

    def activations(self) -> tuple[np.ndarray, np.ndarray]:
        """Values -255..255 that met weights, and how many of each, int64 (511,) both."""
        magnitude = np.arange(1, 256)
        below, moment = self.below.sum(axis=0), self.moment.sum(axis=0)
        both, difference = np.diff(below), np.diff(moment) // magnitude
        positive, negative = (both + difference) // 2, (both - difference) // 2
        return np.arange(-255, 256), np.concatenate([negative[::-1], below[:1], positive])

    def skipped(self, thresholds: np.ndarray, divider: Divider) -> np.ndarray:
        """MACs skipped per output channel, int64 (O,), for integer thresholds int16 (O,)."""
        return self._count(self._cutoffs(thresholds, divider))

    def mean_skipped_sum(self, thresholds: np.ndarray, divider: Divider) -> np.ndarray:
        """Mean over output positions of the sum of skipped products, float64 (O,)."""
        cutoffs = self._cutoffs(thresholds, divider)
        moment = self.moment[self.taps, np.maximum(cutoffs, 0)]
        sums = (np.where(cutoffs >= 0, moment, 0) * self.weights).sum(axis=1)
        return np.asarray(sums / self.positions, np.float64)

    def control_terms(self) -> np.ndarray:
        """How often each magnitude is the control term of a division, int64 (256,)."""
        if self.op == "FULLY_CONNECTED":
            return np.diff(self.below, prepend=0, axis=1).sum(axis=0)
        return np.bincount(np.abs(self.weights).ravel(), minlength=256)

    def _cutoffs(self, thresholds: np.ndarray, divider: Divider) -> np.ndarray:
        return filter_rows(self.op, cutoffs(self.op, self.filter, thresholds, divider))

    def _count(self, largest: np.ndarray) -> np.ndarray:
        """MACs per output channel whose activation magnitude is at most `largest` (O, K), -1: none."""
        counts = self.below[self.taps, np.maximum(largest, 0)]
        return np.asarray(np.where(largest >= 0, counts, 0).sum(axis=1))


def filter_rows(op: str, array: np.ndarray) -> np.ndarray:
    """An array in the layout of a TFLite filter as (output channels, weights per channel)."""
    if op == "DEPTHWISE_CONV_2D":
        return array.reshape(-1, array.shape[-1]).T
    return array.reshape(len(array), -1)


def tap_rows(layer: Layer, weights: Tensor, input_channels: int) -> np.ndarray:
    """Row of each weight in the layer's histograms flattened to (taps, 511); int64, as filter_rows lays out."""
    if layer.op == "FULLY_CONNECTED":
        return np.broadcast_to(np.arange(weights.shape[1]), weights.shape)
    _, height, width, depth = weights.shape
    taps = np.arange(height * width * input_channels).reshape(height * width, input_channels)
    if layer.op == "DEPTHWISE_CONV_2D":
        return taps[:, np.arange(depth) * input_channels // depth].T
    groups = input_channels // depth
    rows = [taps[:, g * depth : (g + 1) * depth].reshape(-1) for g in range(groups)]
    return np.repeat(rows, weights.shape[0] // groups, axis=0)


def statistics(graph: Graph, layer: Layer, histogram: np.ndarray, samples: int) -> LayerStatistics:
    """Statistics of one layer from the engine's histogram, uint64 (..., 511), of `samples` inferences."""
    weights, output = graph.weights(layer), graph.tensors[layer.outputs[0]]
    input_channels = graph.tensors[layer.inputs[0]].shape[-1]
    signed = histogram.reshape(-1, ACTIVATION_VALUES).astype(np.int64)
    positive, negative = signed[:, 255:], signed[:, 255::-1]
    magnitudes = positive + negative
    magnitudes[:, 0] = positive[:, 0]
    assert weights.data is not None
    return LayerStatistics(
        op=layer.op,
        filter=weights.data,
        taps=tap_rows(layer, weights, input_channels),
        below=np.cumsum(magnitudes, axis=1),
        moment=np.cumsum((positive - negative) * np.arange(256), axis=1),
        positions=output.size // output.shape[-1] * samples,
    )


class Calibrator:
    """Gathers statistics of `graph` over `data`, with the layers of `point` already pruned."""

    def __init__(self, graph: Graph, data: Dataset, threads: int | None = None) -> None:
        self._graph, self._data, self._threads = graph, data, threads

    def collect(self, layers: Sequence[Layer], point: OperatingPoint | None) -> dict[int, LayerStatistics]:
        """Statistics of each layer in one pass over the data, by layer index."""
        engine = Engine(self._graph, point, threads=self._threads)
        indices = [layer.index for layer in layers]
        totals: dict[int, np.ndarray] = {}
        samples = 0
        for batch in self._data:
            result = engine.run(*batch, histograms=indices, stop_after=max(indices))
            samples += len(batch[0])
            for index, histogram in result.histograms.items():
                totals[index] = totals[index] + histogram if index in totals else histogram
        return {x.index: statistics(self._graph, x, totals[x.index], samples) for x in layers}

    def activity(self, layers: Sequence[Layer], point: OperatingPoint | None) -> dict[int, Activity]:
        """What each layer reads and writes on some of the samples, by layer index."""
        engine = Engine(self._graph, point, threads=self._threads)
        ends = {x.index: (x.inputs[0], x.outputs[0]) for x in layers}
        tensors = sorted({t for pair in ends.values() for t in pair})
        return activities([engine.run(*batch, keep=tensors).kept for batch in picked(self._data)], ends)
