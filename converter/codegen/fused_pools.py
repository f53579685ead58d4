"""Max pooling within the convolution before it: generated C takes the maximum of sums, not of outputs.

Requantization, clamp and FATReLU never turn a larger sum into a smaller output, so the largest output of a window is
that of its largest sum. A window is then requantized once, and the convolution's outputs need no memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..graph import ConvParams, CopyParams, Graph, Layer, PoolParams
from ..operands import INT32_MAX
from ..plan_lists import MAX_RING, MAX_WINDOW
from ..pruning import FATRELU_OFF, LayerPruning
from ..weighted import layer_accumulator_bound

LARGEST_OFFSET = 128  # |zero point| of int8 outputs


def fuse_pools(graph: Graph, entries: Sequence[Mapping[int, LayerPruning]]) -> Graph:
    """The graph with `ConvParams.pool` where that leaves every output as it is.

    Such a CONV_2D writes the output of the MAX_POOL_2D that reads it; in the place of the pooling, whose index it
    keeps, is a layer that copies that tensor to itself. entries: thresholds of each operating point, by layer index.
    """
    readers = Counter(t for layer in graph.layers for t in layer.inputs)
    readers.update(graph.outputs)
    pools = {layer.inputs[0]: layer for layer in graph.layers if _is_plain_pool(layer, graph)}
    layers = list(graph.layers)
    for layer in graph.layers:
        pool = pools.get(layer.outputs[0])
        if pool is None or readers[layer.outputs[0]] > 1:
            continue
        if _keeps_order(graph, layer, [at_point.get(layer.index) for at_point in entries], pool):
            layers[layer.index], layers[pool.index] = _fused(layer, pool)
    return replace(graph, layers=tuple(layers))


def _fused(layer: Layer, pool: Layer) -> tuple[Layer, Layer]:
    assert isinstance(layer.params, ConvParams)
    assert isinstance(pool.params, PoolParams)
    params = replace(layer.params, pool=pool.params.filter)
    return (
        replace(layer, params=params, outputs=pool.outputs),
        replace(pool, params=CopyParams(), inputs=pool.outputs),
    )


def _is_plain_pool(layer: Layer, graph: Graph) -> bool:
    """Whether the windows of a MAX_POOL_2D tile its input."""
    params = layer.params
    if layer.op != "MAX_POOL_2D" or not isinstance(params, PoolParams):
        return False
    shapes = [graph.tensors[t].shape[1:3] for t in (layer.inputs[0], layer.outputs[0])]
    tiles = all(n == out * size for n, out, size in zip(*shapes, params.filter, strict=True))
    return tiles and params.stride == params.filter and params.padding == (0, 0)


def _keeps_order(graph: Graph, layer: Layer, entries: Sequence[LayerPruning | None], pool: Layer) -> bool:
    """Whether the outputs of a convolution are in the order of its sums, at every operating point."""
    params, after = layer.params, pool.params
    if layer.op != "CONV_2D" or not isinstance(params, ConvParams) or not isinstance(after, PoolParams):
        return False
    levels = [e.fatrelu_min for e in entries if e and e.fatrelu_min != FATRELU_OFF]
    written = [params.activation.min, params.activation.max, *([params.output_offset] if levels else [])]
    if after.activation.min > min(written) or after.activation.max < max(written):
        return False
    added = [
        np.abs(e.compensation.astype(np.int64)).max() for e in entries if e and e.compensation is not None
    ]
    largest = int(layer_accumulator_bound(graph, layer).max()) + int(max(added, default=0))
    # The output offset is added to what is shifted.
    if (largest << max(int(params.requantization.shift.max()), 0)) + LARGEST_OFFSET > INT32_MAX:
        return False
    return all(level >= params.output_offset for level in levels) and _sums_fit(graph, layer, params, after)


def _sums_fit(graph: Graph, layer: Layer, params: ConvParams, pool: PoolParams) -> bool:
    """Whether the planned schedule can keep the rows of a window, whatever its lists."""
    _, rows, columns, channels = graph.tensors[layer.outputs[0]].shape
    _, height, width, _ = graph.weights(layer).shape
    kept = min(rows, (height - 1) * params.dilation[0] // params.stride[0] + pool.filter[0])
    slack = (width - 1) * params.dilation[1]
    return (slack + kept * (columns + slack)) * min(channels, MAX_WINDOW) <= MAX_RING
