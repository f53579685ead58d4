"""Checks of a LayerPruning: on its own, and against the layer it belongs to."""

from __future__ import annotations

import numpy as np

from .errors import MetadataError
from .graph import Graph, Layer
from .operands import INT32_MAX
from .pruning import FATRELU_OFF, MAX_THRESHOLD, NEVER_SKIP, TREE_LEAF, Divider, LayerPruning, Schedule
from .weighted import layer_accumulator_bound

TREE_NODES = 7
TABLE_COLUMNS = 256
MAX_QUOTIENT = 255
MAX_TAPS = 32767


def check_pruning(pruning: LayerPruning, channels: int) -> None:
    """Raises MetadataError, naming the field, unless the entry is valid for `channels` output channels."""
    if not 1 <= pruning.group_size <= channels:
        raise MetadataError(f"group_size is {pruning.group_size}; expected 1..{channels}")
    groups = -(-channels // pruning.group_size)
    _check_array("thresholds", pruning.thresholds, np.int16, (groups,))
    low, high = int(pruning.thresholds.min()), int(pruning.thresholds.max())
    if low < NEVER_SKIP or high > MAX_THRESHOLD:
        raise MetadataError(f"thresholds are {low}..{high}; expected {NEVER_SKIP}..{MAX_THRESHOLD}")
    if not FATRELU_OFF <= pruning.fatrelu_min <= 127:
        raise MetadataError(f"fatrelu_min is {pruning.fatrelu_min}; expected {FATRELU_OFF}..127")
    if pruning.compensation is not None:
        _check_array("compensation", pruning.compensation, np.int32, (channels,))
    if not 0 <= pruning.taps <= MAX_TAPS:
        raise MetadataError(f"taps is {pruning.taps}; expected 0..{MAX_TAPS}")
    needs_tree, needs_table = pruning.divider is Divider.BINARY_TREE, pruning.divider is Divider.TABLE
    for name, given, needed in (
        ("tree", pruning.tree, needs_tree),
        ("table", pruning.table, needs_table),
        ("table_row", pruning.table_row, needs_table),
    ):
        if (given is not None) != needed:
            is_given = "is given" if given is not None else "is missing"
            raise MetadataError(f"{name} {is_given} for the divider {pruning.divider.name.lower()}")
    if pruning.tree is not None:
        check_tree(pruning.tree)
    if pruning.table is not None and pruning.table_row is not None:
        _check_table(pruning.thresholds, pruning.table, pruning.table_row)


def check_tree(tree: np.ndarray) -> None:
    """Raises MetadataError unless every control term 1..255 reaches the leaf of its bit length."""
    _check_array("tree", tree, np.uint8, (3 * TREE_NODES,))
    nodes = tree.reshape(TREE_NODES, 3).tolist()
    # c < 2^k depends on c's bit length alone.
    for bits in range(1, 9):
        node = 0
        while True:
            pivot, below, not_below = nodes[node]
            child = below if bits <= pivot else not_below
            if not 1 <= pivot <= 7:
                raise MetadataError(f"tree node {node} has pivot exponent {pivot}; expected 1..7")
            if child & TREE_LEAF:
                break
            if not node < child < TREE_NODES:
                raise MetadataError(
                    f"tree node {node} leads to node {child}; expected {node + 1}..{TREE_NODES - 1}"
                )
            node = child
        if child != TREE_LEAF | bits:
            raise MetadataError(f"tree leads bit length {bits} to the leaf of {child & ~TREE_LEAF}")


def _check_table(thresholds: np.ndarray, table: np.ndarray, table_row: np.ndarray) -> None:
    rows = len(table)
    if rows == 0:
        raise MetadataError("table has no rows")
    _check_array("table", table, np.uint8, (rows, TABLE_COLUMNS))
    _check_array("table_row", table_row, np.uint16, thresholds.shape)
    if table_row.max() >= rows:
        raise MetadataError(f"table_row is {table_row.max()}; the table has rows 0..{rows - 1}")
    if np.any(table[:, 0] != MAX_QUOTIENT):
        raise MetadataError(f"table has a row that does not begin with {MAX_QUOTIENT}")
    control = np.arange(1, TABLE_COLUMNS)
    used = thresholds >= 0
    expected = np.minimum(thresholds[used, None] // control, MAX_QUOTIENT)
    if np.any(table[table_row[used], 1:] != expected):
        raise MetadataError("table does not hold the quotients of the thresholds")


def _check_array(name: str, array: np.ndarray, dtype: type, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise MetadataError(
            f"{name} has type {array.dtype} and shape {array.shape}; expected {np.dtype(dtype)} {shape}"
        )


def check_fit(pruning: LayerPruning, graph: Graph, layer: Layer) -> None:
    """Raises MetadataError when the operator has no such schedule, or the compensation can push an accumulator of
    `layer` out of int32."""
    if pruning.schedule is Schedule.ACTIVATION_SORTED and layer.op == "FULLY_CONNECTED":
        raise MetadataError("FULLY_CONNECTED has no schedule ACTIVATION_SORTED")
    if pruning.compensation is None:
        return
    bound = layer_accumulator_bound(graph, layer) + np.abs(pruning.compensation.astype(np.int64))
    if bound.max() > INT32_MAX:
        raise MetadataError(f"compensation lets an accumulator of layer '{layer.name}' reach {bound.max()}")
