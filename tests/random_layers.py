"""Random contents of layers: activations, weights, thresholds, trees and tables."""

from __future__ import annotations

import numpy as np

from tflm_unit.converter.pruning import MAX_THRESHOLD, NEVER_SKIP, Divider, LayerPruning


def random_activations(rng: np.random.Generator, shape: tuple[int, ...], zero_point: int) -> np.ndarray:
    """Inputs of several kinds, among them what a ReLU leaves: many exact zeros and a one-sided tail."""
    kind = rng.integers(8)
    if kind == 0:
        values = rng.integers(-128, 128, shape)
    elif kind == 1:
        values = np.full(shape, zero_point)
    elif kind == 2:
        values = rng.choice([-128, zero_point, 127], shape)
    elif kind == 3:
        values = zero_point + np.rint(rng.normal(0, 12, shape))
    else:
        tail = np.rint(rng.exponential(rng.uniform(2, 80), shape)) * (1 if zero_point < 64 else -1)
        values = zero_point + np.where(rng.random(shape) < rng.uniform(0.2, 0.9), 0, tail)
    return np.clip(values, -128, 127).astype(np.int8)


def random_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Symmetric int8 weights; the last kind has the -128 that odd converters leave."""
    kind = rng.integers(4)
    if kind == 0:
        values = rng.integers(-127, 128, shape)
    elif kind == 1:
        values = np.rint(rng.normal(0, rng.uniform(1, 50), shape))
    elif kind == 2:
        values = np.where(rng.random(shape) < 0.6, 0, rng.integers(-127, 128, shape))
    else:
        values = rng.choice([-128, -127, -1, 0, 1, 64, 127], shape)
    low = -128 if kind == 3 else -127
    return np.clip(values, low, 127).astype(np.int8)


def random_thresholds(rng: np.random.Generator, groups: int, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """int16 (groups,): percentiles of this layer's products, corner values, or a mixture."""
    products = np.abs(rng.choice(x.ravel(), 200).astype(np.int64) * rng.choice(w.ravel(), 200))
    measured = np.quantile(products, rng.uniform(0, 0.95, groups)).astype(np.int64)
    corners = rng.choice([NEVER_SKIP, NEVER_SKIP, 0, 0, 1, 127, 255, MAX_THRESHOLD], groups)
    spread = np.floor(2.0 ** rng.uniform(0, rng.uniform(1, 15), groups)).astype(np.int64)
    choice = rng.integers(3, size=groups) if rng.random() < 0.5 else np.full(groups, rng.integers(3))
    values = np.choose(choice, [measured, corners, spread])
    return np.clip(values, NEVER_SKIP, MAX_THRESHOLD).astype(np.int16)


def random_tree(rng: np.random.Generator) -> np.ndarray:
    """Any valid tree of docs/metadata.md, uint8 (21,): pivots 1..7 in random shape and node order."""
    nodes: list[list[int]] = [[]]
    pending = [(0, 1, 8)]  # node, and the bit lengths that reach it
    while pending:
        node, low, high = pending.pop(int(rng.integers(len(pending))))
        pivot = int(rng.integers(low, high))
        nodes[node] = [pivot]
        for first, last in ((low, pivot), (pivot + 1, high)):
            if first == last:
                nodes[node].append(0x80 | first)
            else:
                nodes[node].append(len(nodes))
                pending.append((len(nodes), first, last))
                nodes.append([])
    return np.array(nodes, dtype=np.uint8).ravel()


def quotient_rows(thresholds: np.ndarray) -> np.ndarray:
    """Rows of the table divider, uint8 (thresholds, 256)."""
    quotients = np.maximum(thresholds, 0)[:, None] // np.arange(1, 256)[None, :]
    always = np.full((len(thresholds), 1), 255)
    return np.concatenate([always, np.minimum(quotients, 255)], axis=1).astype(np.uint8)


def random_pruning(
    rng: np.random.Generator,
    divider: Divider,
    group_size: int,
    thresholds: np.ndarray,
    compensation: np.ndarray | None,
    fatrelu_min: int,
) -> LayerPruning:
    """A LayerPruning with the tree or table that its divider needs."""
    tree = random_tree(rng) if divider == Divider.BINARY_TREE else None
    table = table_row = None
    if divider == Divider.TABLE:
        distinct, rows = np.unique(thresholds, return_inverse=True)
        table, table_row = quotient_rows(distinct.astype(np.int64)), rows.astype(np.uint16)
    return LayerPruning(thresholds, group_size, divider, compensation, fatrelu_min, tree, table, table_row)
