"""Centers: what a layer's activations are counted from when their products are judged small.

Skipping a MAC replaces `x * w` by a constant that the bias carries. With x counted from the zero point that suits
activations that are zero most of the time. Those of an image are not: counted from a value in their midst, a center,
products are smaller and the same skip rate changes outputs less. The dense sums stay what they were, as

    sum((q - zero_point) * w) = sum((q - center) * w) + (center - zero_point) * sum(w)

and the last term is a constant per output channel. Where a window reaches over the edge of the image, it is not:
padded layers keep their zero point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from .calibration import LayerStatistics, filter_rows
from .errors import MetadataError
from .graph import ConvParams, FullyConnectedParams, Graph, Layer, Tensor
from .operands import INT32_MAX
from .pruning import MAX_THRESHOLD, OperatingPoint
from .quantization import INT8_MAX, INT8_MIN
from .weighted import layer_accumulator_bound

SKIPPED = 0.7  # share of a layer's MACs for which its center is best
# What the squares of these products must fall below, as a share of what they sum up to around the zero point: zero
# products are exact, and a layer without a center needs no compensation for it.
LEAST_GAIN = 0.7


def choose_centers(graph: Graph, statistics: Mapping[int, LayerStatistics]) -> dict[int, int]:
    """Distances from the zero point by weight tensor, of the layers that gain by one.

    statistics: of the dense network, by layer index. A center makes the squared products of the smallest 70 % of
    the layer's MACs, which are those that thresholds would skip, sum up to as little as possible, as if every
    activation met every weight.
    """
    found = {}
    for layer in graph.prunable:
        if not _is_unpadded(graph, layer):
            continue
        zero_point = -_params(layer).input_offset
        sums = _skipped_squares(
            statistics[layer.index], range(INT8_MIN - zero_point, INT8_MAX + 1 - zero_point)
        )
        best = min(sums, key=lambda distance: (sums[distance], abs(distance)))
        if sums[best] < LEAST_GAIN * sums[0] and not center_problem(graph, layer, best):
            found[graph.weights(layer).index] = best
    return found


def centered(graph: Graph, centers: Mapping[int, int]) -> Graph:
    """The graph with these layers' activations counted from their centers: input offsets and biases that give the
    same sums. centers: distances from the zero point by weight tensor.

    A graph that has these centers stays as it is. Raises MetadataError when a layer cannot have its center.
    """
    centers = {index: distance for index, distance in centers.items() if distance}
    if dict(graph.centers) == centers:
        return graph
    plain = graph.uncentered
    if not centers:
        return plain
    owners = plain.by_weights
    tensors, layers = list(plain.tensors), {layer.index: layer for layer in plain.layers}
    for index, distance in sorted(centers.items()):
        layer = owners[index]
        problem = center_problem(plain, layer, distance)
        if problem:
            raise MetadataError(f"layer '{layer.name}' cannot have the center {distance}: {problem}")
        inputs = (*layer.inputs[:2], len(tensors))
        layers[layer.index] = replace(layer, inputs=inputs, params=_moved(layer, distance))
        tensors.append(_bias(plain, layer, distance, len(tensors)))
    return Graph(tuple(tensors), tuple(layers.values()), plain.inputs, plain.outputs, centers, plain)


def used_centers(graph: Graph, points: Iterable[OperatingPoint]) -> dict[int, int]:
    """The graph's centers of layers that skip more than zero products at a point. The others had better have none:
    around its center a layer has fewer zero products.
    """
    entries = [point.layers for point in points]
    return {
        index: distance
        for index, distance in graph.centers.items()
        if any(index in layers and (layers[index].thresholds > 0).any() for layers in entries)
    }


def center_bias(graph: Graph, layer: Layer, distance: int) -> np.ndarray:
    """What the bias gains by a center, int64 (output channels,)."""
    weights = graph.weights(layer).data
    assert weights is not None
    return np.asarray(distance * filter_rows(layer.op, weights).astype(np.int64).sum(axis=1))


def add_center_bias(compensation: np.ndarray | None, graph: Graph, layer: Layer) -> np.ndarray | None:
    """A compensation as the device adds it, to the bias of the model's file; int32 (output channels,).

    Raises MetadataError when it leaves int32.
    """
    distance = graph.centers.get(graph.weights(layer).index, 0)
    if not distance:
        return compensation
    total = center_bias(graph, layer, distance) + (0 if compensation is None else compensation)
    if np.abs(total).max() > INT32_MAX:
        raise MetadataError(
            f"the compensation of layer '{layer.name}' is {np.abs(total).max()} with its center"
        )
    return total.astype(np.int32)


def remove_center_bias(compensation: np.ndarray | None, graph: Graph, layer: Layer) -> np.ndarray | None:
    """Undoes `add_center_bias`; None where nothing is left. Raises MetadataError when the rest leaves int32."""
    distance = graph.centers.get(graph.weights(layer).index, 0)
    if not distance or compensation is None:
        return compensation
    rest = compensation - center_bias(graph, layer, distance)
    if np.abs(rest).max() > INT32_MAX:
        raise MetadataError(
            f"the compensation of layer '{layer.name}' is {np.abs(rest).max()} without its center"
        )
    return rest.astype(np.int32) if rest.any() else None


def center_problem(graph: Graph, layer: Layer, distance: int) -> str:
    """Why a layer of an uncentered graph cannot have this center; empty when it can."""
    if not _is_unpadded(graph, layer):
        return "its window reaches over the edge of the image"
    if not INT8_MIN <= distance - _params(layer).input_offset <= INT8_MAX:
        return "that is no int8 value"
    moved = replace(layer, params=_moved(layer, distance))
    bound = layer_accumulator_bound(graph, moved) + np.abs(center_bias(graph, layer, distance))
    return "an accumulator would be too large" if bound.max() > INT32_MAX else ""


def _is_unpadded(graph: Graph, layer: Layer) -> bool:
    """Whether every weight meets an activation at every output position."""
    output, weights = graph.tensors[layer.outputs[0]], graph.weights(layer)
    return graph.macs(layer) == output.size // output.shape[-1] * weights.size


def _params(layer: Layer) -> ConvParams | FullyConnectedParams:
    assert isinstance(layer.params, (ConvParams, FullyConnectedParams))
    return layer.params


def _moved(layer: Layer, distance: int) -> ConvParams | FullyConnectedParams:
    params = _params(layer)
    return replace(params, input_offset=params.input_offset - distance)


def _bias(graph: Graph, layer: Layer, distance: int, index: int) -> Tensor:
    gained = center_bias(graph, layer, distance)
    old = graph.bias(layer)
    if old is not None and old.data is not None:
        gained = gained + old.data.reshape(-1).astype(np.int64)
    scale, zero_point = np.empty(0, np.float32), np.empty(0, np.int64)
    if old is not None:
        scale, zero_point = old.scale, old.zero_point
    name = f"{old.name if old else layer.name}/centered"
    data = gained.astype(np.int32)
    return Tensor(index, name, data.shape, data.dtype, scale, zero_point, data=data)


def _skipped_squares(statistics: LayerStatistics, distances: range) -> dict[int, float]:
    """Sum of the squares of the smallest SKIPPED products around each center."""
    values, counts = statistics.activations()
    magnitudes = np.bincount(np.abs(statistics.weights).ravel(), minlength=129).astype(np.float64)
    weights = np.flatnonzero(magnitudes)
    pairs = np.outer(counts, magnitudes[weights]).ravel()
    wanted = SKIPPED * pairs.sum()
    squares = np.arange(2 * MAX_THRESHOLD, dtype=np.float64) ** 2
    found = {}
    for distance in distances:
        products = np.outer(np.abs(values - distance), weights).ravel()
        macs = np.bincount(products, pairs)
        upto = np.cumsum(macs)
        edge = int(np.searchsorted(upto, wanted))
        whole = float(macs[:edge] @ squares[:edge])
        found[distance] = whole + (wanted - (upto[edge - 1] if edge else 0.0)) * float(squares[edge])
    return found
