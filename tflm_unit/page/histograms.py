"""Distributions of each layer's activations and products, split into those that are skipped and those that count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..converter.calibration import LayerStatistics, filter_rows
from ..converter.engine import cutoffs
from ..converter.graph import Graph, Layer
from ..converter.pruning import MAX_THRESHOLD, LayerPruning, OperatingPoint

ACTIVATION_BINS = 48
PRODUCT_BINS = 48
LARGEST = 255  # of all |x|


@dataclass(frozen=True)
class Distribution:
    """edges: of the bins, real units, one more than bins. skipped, kept: share of the layer's MACs in each bin."""

    edges: tuple[float, ...]
    skipped: tuple[float, ...]
    kept: tuple[float, ...]


@dataclass(frozen=True)
class Mark:
    """The thresholds of a layer at one operating point, real units; the outer tenths of its channels left out.

    activation: the |activation| up to which half of the weights that are not zero skip.
    """

    point: str
    product: tuple[float, float]
    activation: float


@dataclass(frozen=True)
class LayerHistogram:
    """Of the products that are not zero; zero: share of the MACs that are. center: the activation from which the
    layer's are counted, real units; 0 where they have no center."""

    layer: str
    op: str
    center: float
    zero: float
    activation: Distribution
    product: Distribution
    marks: tuple[Mark, ...]


def histogram(
    graph: Graph, layer: Layer, statistics: LayerStatistics, points: Sequence[OperatingPoint]
) -> LayerHistogram:
    """statistics: with the layers before it pruned as at the first of `points`, whose thresholds split the bins."""
    entries = [(p.name, p.layers.get(graph.weights(layer).index)) for p in points]
    first = entries[0][1] if entries else None
    limits = _cutoffs(graph, layer, first) if first else np.full(statistics.taps.shape, -1, np.int16)
    marks = [_mark(graph, layer, name, entry) for name, entry in entries if entry]
    total = max(int(statistics.macs_total.sum()), 1)
    return LayerHistogram(
        layer=layer.name,
        op=layer.op,
        center=graph.centers.get(graph.weights(layer).index, 0)
        * float(graph.tensors[layer.inputs[0]].scale[0]),
        zero=int(statistics.macs_zero.sum()) / total,
        activation=_activations(graph, layer, statistics, limits),
        product=_products(graph, layer, statistics, limits),
        marks=tuple(mark for mark in marks if mark is not None),
    )


def _cutoffs(graph: Graph, layer: Layer, entry: LayerPruning) -> np.ndarray:
    """The largest |x| that each weight skips, -1: none; int16 (output channels, weights per channel)."""
    thresholds = np.ascontiguousarray(entry.per_channel(graph.output_channels(layer)))
    return filter_rows(layer.op, cutoffs(layer.op, _filter(graph, layer), thresholds, entry.divider))


def _filter(graph: Graph, layer: Layer) -> np.ndarray:
    weights = graph.weights(layer).data
    assert weights is not None
    return weights


def _count(statistics: LayerStatistics, largest: np.ndarray) -> int:
    """MACs whose |x| is at most `largest`, which is given for every weight."""
    counts = statistics.below[statistics.taps, np.clip(largest, 0, LARGEST)]
    return int(np.where(largest >= 0, counts, 0).sum())


def _distribution(
    statistics: LayerStatistics, edges: np.ndarray, uppers: Sequence[np.ndarray], limits: np.ndarray
) -> Distribution:
    """uppers: per edge, the largest |x| of each weight's MACs below it."""
    total = max(int(statistics.macs_total.sum()), 1)
    below = np.array([_count(statistics, upper) for upper in uppers])
    skipped = np.array([_count(statistics, np.minimum(upper, limits)) for upper in uppers])
    inside, lost = np.diff(below) / total, np.diff(skipped) / total
    return Distribution(_floats(edges), _floats(lost), _floats(inside - lost))


def _activations(graph: Graph, layer: Layer, statistics: LayerStatistics, limits: np.ndarray) -> Distribution:
    """Of the MACs whose activation and weight are not zero."""
    seen = np.flatnonzero(np.diff(statistics.below.sum(axis=0), prepend=0))
    largest = max(int(seen[-1]) if len(seen) else 1, 1)
    step = -(-largest // ACTIVATION_BINS)
    ends = np.arange(0, largest + step, step)
    nonzero = statistics.weights != 0
    uppers = [np.where(nonzero, end, -1) for end in ends]
    scale = float(graph.tensors[layer.inputs[0]].scale[0])
    return _distribution(statistics, (ends + 0.5) * scale, uppers, limits)


def _products(graph: Graph, layer: Layer, statistics: LayerStatistics, limits: np.ndarray) -> Distribution:
    """Bins are equally wide on a logarithmic axis."""
    scale, weights = graph.product_scale(layer), np.abs(statistics.weights)
    largest = float((weights.max(axis=1) * LARGEST * scale).max())
    low = float(scale.min()) / 2
    edges = np.geomspace(low, max(largest * 1.001, low * 2), PRODUCT_BINS + 1)
    nonzero = np.maximum(weights, 1)
    uppers = [np.where(weights > 0, _floor(edge / scale)[:, None] // nonzero, -1) for edge in edges]
    return _distribution(statistics, edges, [np.minimum(u, LARGEST) for u in uppers], limits)


def _floor(levels: np.ndarray) -> np.ndarray:
    return np.floor(np.minimum(levels, MAX_THRESHOLD)).astype(np.int64)


def _mark(graph: Graph, layer: Layer, name: str, entry: LayerPruning) -> Mark | None:
    """None where no group of the layer ever skips a product that is not zero."""
    thresholds = entry.per_channel(graph.output_channels(layer)).astype(np.float64)
    if (thresholds <= 0).all():
        return None
    # The highest product that is skipped is T; one step more is kept under the exact divider.
    real = (np.maximum(thresholds, 0) + 0.5) * graph.product_scale(layer)
    low, high = np.quantile(real, (0.1, 0.9), method="nearest")
    limits = _cutoffs(graph, layer, entry)
    weights = filter_rows(layer.op, _filter(graph, layer))
    median = float(np.median(limits[weights != 0])) if weights.any() else 0.0
    scale = float(graph.tensors[layer.inputs[0]].scale[0])
    return Mark(name, (float(low), float(high)), max(median + 0.5, 0.0) * scale)


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
