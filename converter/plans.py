"""Plans of the planned schedule: a layer's weights in the order in which activations walk them (docs/planned.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .engine import cutoffs
from .graph import ConvParams, FullyConnectedParams, Graph, Layer
from .plan_lists import Lists, lists_of
from .pruning import LayerPruning

MAX_CLASSES = 16
NEVER = 256  # the critical magnitude of a weight that no activation makes matter


@dataclass(frozen=True, eq=False)
class WeightPlan:
    """unit_plan of unit_types.h for one layer at one operating point.

    weight: int8 (entries,), at: uint8 (entries,), critical: uint8 (entries,) or None; at least one entry.
    count: uint8 (lists, classes). first: uint32 (blocks * segments * row phases * input channels,), None for
    FULLY_CONNECTED. class_of: uint8 (256,). taps, outputs: limits of a list and of a block.
    """

    weight: np.ndarray
    at: np.ndarray
    critical: np.ndarray | None
    count: np.ndarray
    first: np.ndarray | None
    class_of: np.ndarray
    taps: int
    outputs: int

    @property
    def bytes(self) -> int:
        """Flash of all arrays."""
        arrays = (self.weight, self.at, self.critical, self.count, self.first, self.class_of)
        return sum(x.nbytes for x in arrays if x is not None)


def make_plans(graph: Graph, layer: Layer, entries: Sequence[LayerPruning]) -> list[WeightPlan] | None:
    """One plan per operating point of a prunable layer; `entries` are its thresholds at each.

    Points whose magnitudes sort the weights alike share weight, at and first: the same arrays. The taps are
    those of the first entry, fewer where a list would reach too far; 0: chosen here. None when the layer
    cannot be planned: a threshold below zero keeps zero products, which no plan does, or the accumulators
    of the layer are too many.
    """
    if any((entry.thresholds < 0).any() for entry in entries):
        return None
    lists = lists_of(graph, layer, entries[0].taps)
    if lists is None:
        return None
    params = layer.params
    assert isinstance(params, ConvParams | FullyConnectedParams)
    values = np.arange(-128, 128) + params.input_offset
    largest = int(np.abs(values).max())
    magnitudes = [_magnitudes(graph, layer, entry, largest)[lists.source] for entry in entries]
    plans: dict[int, WeightPlan] = {}
    for points in _alike(lists, magnitudes, largest):
        for point, plan in zip(points, _plans(lists, [magnitudes[p] for p in points], values), strict=True):
            plans[point] = plan
    return [plans[point] for point in range(len(entries))]


def _magnitudes(graph: Graph, layer: Layer, entry: LayerPruning, largest: int) -> np.ndarray:
    """int16 of the flat weights: the smallest |x| for which each counts, 1 .. largest, or NEVER."""
    thresholds = entry.per_channel(graph.output_channels(layer))
    weights = graph.weights(layer).data
    assert weights is not None
    magnitudes = cutoffs(layer.op, weights, np.ascontiguousarray(thresholds), entry.divider).ravel() + 1
    return np.where(magnitudes > largest, NEVER, magnitudes).astype(np.int16)


def _alike(lists: Lists, magnitudes: Sequence[np.ndarray], largest: int) -> list[list[int]]:
    """Points whose entries one order sorts, in groups."""
    groups: list[list[int]] = []
    for point in range(len(magnitudes)):
        for group in groups:
            together = [magnitudes[p] for p in (*group, point)]
            if _share(lists, together, largest):
                group.append(point)
                break
        else:
            groups.append([point])
    return groups


def _share(lists: Lists, magnitudes: Sequence[np.ndarray], largest: int) -> bool:
    """Whether one order of the entries sorts all of them. largest: of all |x|; where it is 255, no byte says NEVER
    to a point that tries its entries."""
    order = _order(lists, magnitudes)
    same = np.diff(lists.list[order]) == 0
    if any((np.diff(m[order])[same] < 0).any() for m in magnitudes):
        return False
    distinct = [np.unique(m[order]) for m in magnitudes]
    return largest < NEVER - 1 or not any(len(d) > MAX_CLASSES and d[-1] == NEVER for d in distinct)


def _order(lists: Lists, magnitudes: Sequence[np.ndarray]) -> np.ndarray:
    """The entries that count at some point, list by list, smallest magnitudes first."""
    order = np.lexsort((*reversed(magnitudes), lists.list))
    return order[(np.stack(magnitudes) < NEVER).any(axis=0)[order]]


def _plans(lists: Lists, magnitudes: Sequence[np.ndarray], values: np.ndarray) -> list[WeightPlan]:
    """Plans of points that share their lists. values: x of the bytes -128 .. 127."""
    order = _order(lists, magnitudes)
    list_of = lists.list[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(list_of, minlength=lists.count))])
    arrays = order if len(order) else np.zeros(1, np.int64)  # C knows no empty arrays
    weight, at = lists.weight[arrays], lists.at[arrays]
    first = None if lists.firsts is None else starts[lists.firsts].astype(np.uint32)
    plans = []
    for m in magnitudes:
        sorted_m = m[order]
        boundaries, is_tried = _boundaries(sorted_m)
        classes = np.searchsorted(boundaries, np.abs(values), side="right")
        plans.append(
            WeightPlan(
                weight=weight,
                at=at,
                critical=_critical(sorted_m) if is_tried else None,
                count=_counts(sorted_m, list_of, boundaries, lists.count),
                first=first,
                class_of=np.roll(classes, -128).astype(np.uint8),
                taps=lists.taps,
                outputs=lists.outputs,
            )
        )
    return plans


def _boundaries(magnitudes: np.ndarray) -> tuple[np.ndarray, bool]:
    """Magnitudes of activations at which the classes begin, and whether entries must be tried one by one.

    With few critical magnitudes, each begins a class; NEVER does where a point that shares the lists keeps more.
    With many, classes begin where about as many entries start to count in each, so that few are tried in vain.
    """
    if not len(magnitudes):
        return np.array([NEVER]), False
    distinct = np.unique(magnitudes)
    if len(distinct) <= MAX_CLASSES:
        return distinct, False
    counting = np.sort(magnitudes[magnitudes < NEVER])
    share = np.arange(MAX_CLASSES - 1) * len(counting) // (MAX_CLASSES - 1)
    return np.unique([*counting[share], distinct[-1]]), True


def _critical(magnitudes: np.ndarray) -> np.ndarray:
    return np.minimum(magnitudes, NEVER - 1).astype(np.uint8)


def _counts(magnitudes: np.ndarray, list_of: np.ndarray, boundaries: np.ndarray, lists: int) -> np.ndarray:
    """uint8 (lists, classes): entries up to each boundary; the last one is the list's length."""
    columns = [np.bincount(list_of[magnitudes <= b], minlength=lists) for b in boundaries[:-1]]
    columns.append(np.bincount(list_of, minlength=lists))
    return np.ascontiguousarray(np.stack(columns, axis=1).astype(np.uint8))
