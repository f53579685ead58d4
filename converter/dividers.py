"""What a divider needs besides the threshold: the binary tree's pivots and the table's rows."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from .engine import quotients
from .pruning import TREE_LEAF, Divider, LayerPruning

BIT_LENGTHS = range(1, 9)


def complete(pruning: LayerPruning, control_terms: np.ndarray) -> LayerPruning:
    """Adds the tree or table of the layer's divider.

    control_terms: how often each magnitude is a control term, (256,); see LayerStatistics.
    """
    if pruning.divider is Divider.BINARY_TREE:
        return replace(pruning, tree=optimal_tree(control_terms))
    if pruning.divider is Divider.TABLE:
        distinct, row = np.unique(np.maximum(pruning.thresholds, 0), return_inverse=True)
        return replace(pruning, table=quotients(distinct), table_row=row.astype(np.uint16))
    return pruning


def optimal_tree(control_terms: np.ndarray) -> np.ndarray:
    """The search tree over bit lengths 1..8 with the fewest expected comparisons, uint8 (21,).

    Layout: docs/metadata.md. Dynamic program over intervals of bit lengths (Knuth 1971, leaves only).
    """
    weight = [int(control_terms[1 << (n - 1) : 1 << n].sum()) for n in BIT_LENGTHS]

    @functools.cache
    def best(first: int, last: int) -> tuple[int, int]:
        """Expected comparisons and root pivot for the bit lengths first..last; ties prefer balance."""
        if first == last:
            return 0, 0
        total = sum(weight[first - 1 : last])
        options = (
            (best(first, k)[0] + best(k + 1, last)[0] + total, abs(2 * k + 1 - first - last), k)
            for k in range(first, last)
        )
        cost, _, pivot = min(options)
        return cost, pivot

    nodes: list[list[int]] = []

    def build(first: int, last: int) -> int:
        if first == last:
            return TREE_LEAF | first
        index, (_, pivot) = len(nodes), best(first, last)
        nodes.append([pivot, 0, 0])
        nodes[index][1] = build(first, pivot)
        nodes[index][2] = build(pivot + 1, last)
        return index

    build(BIT_LENGTHS[0], BIT_LENGTHS[-1])
    return np.array(nodes, np.uint8).reshape(-1)
