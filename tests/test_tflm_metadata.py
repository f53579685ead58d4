"""TFLM_UNIT blocks that are damaged, or that do not belong to the model, inside the real TFLM.

The device's reader and the converter's must agree on every block, and the model must then compute what
the converter's reader understood.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import models
import numpy as np
import pytest
from example_layers import centered, coarse_pruning, example_cases, expected
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import edited

from tflm_unit.converter.errors import MetadataError
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.metadata import unpack
from tflm_unit.converter.metadata_format import CHECKED_FROM, ENTRY, HEADER, LAYER, NAME, POINT
from tflm_unit.converter.pruning import OperatingPoint, PruningConfig
from tflm_unit.converter.reader import read_graph
from tflm_unit.interpreter import Interpreter

CASES = example_cases()
GRAPH: Graph = read_graph(models.build(CASES))
POINTS = [
    OperatingPoint("all", {models.weights_index(i): case.pruning for i, case in enumerate(CASES)}, 0.9, 0.5),
    OperatingPoint("one", {models.weights_index(2): coarse_pruning(CASES[2])}),
]
BLOCK = models.pack_block(CASES, POINTS)


def fix_crc(block: bytes | bytearray) -> bytes:
    """The block with the checksum of its contents, as far as its size field is meaningful."""
    size = min(struct.unpack_from("<I", block, 8)[0], len(block))
    return bytes(block[:12]) + struct.pack("<I", zlib.crc32(block[CHECKED_FROM:size])) + bytes(block[16:])


def outputs(model: bytes, point: int = 0, use_overrides: bool = True) -> tuple[list[np.ndarray], Interpreter]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        interpreter = Interpreter(model, point, use_overrides=use_overrides)
    for details, case in zip(interpreter.get_input_details(), CASES, strict=True):
        interpreter.set_tensor(details["index"], case.input)
    interpreter.invoke()
    results = [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]
    return results, interpreter


DENSE = [expected(case, None).output for case in CASES]


def assert_refused(block: bytes, field: str) -> None:
    model = models.build(CASES, {NAME: block})
    with pytest.warns(UserWarning, match=f"TFLM_UNIT metadata refused \\({field}\\)"):
        Interpreter(model)
    results, interpreter = outputs(model)
    assert interpreter.metadata_error == field
    assert interpreter.points == ()
    assert interpreter.stats() == []
    np.testing.assert_equal(results, DENSE)


# ---- One field after the other.

LAYERS_AT, POINTS_AT = struct.unpack_from("<II", BLOCK, 20)
(ENTRIES_AT,) = struct.unpack_from("<I", BLOCK, POINTS_AT + 24)
FAR = 2**32 - 4


def entry(layer: int, field: str) -> int:
    """Offset of a field of the first point's entry."""
    return int(ENTRIES_AT + layer * ENTRY.itemsize + ENTRY.fields[field][1])


def array(layer: int, field: str) -> int:
    """Offset of an array of the first point's entry."""
    return int(struct.unpack_from("<I", BLOCK, entry(layer, field))[0])


def header(field: str) -> int:
    return int(HEADER.fields[field][1])


def record(layer: int, field: str) -> int:
    return int(LAYERS_AT + layer * LAYER.itemsize + LAYER.fields[field][1])


def point(field: str) -> int:
    return int(POINTS_AT + POINT.fields[field][1])


TABLE, TREE, PLAIN = range(3)  # the layers, by their dividers
FAULTS = [
    ("magic", "<B", 0, 0),
    ("version", "<H", header("version"), 1),
    ("header_size", "<H", header("header_size"), 28),
    ("size", "<I", header("size"), 31),
    ("size", "<I", header("size"), len(BLOCK) + 1),
    ("layer_count", "<H", header("layer_count"), 0),
    ("point_count", "<H", header("point_count"), 0),
    ("layers_offset", "<I", header("layers_offset"), 0),
    ("layers_offset", "<I", header("layers_offset"), LAYERS_AT + 2),
    ("layers_offset", "<I", header("layers_offset"), len(BLOCK) - 4),
    ("layers_offset", "<I", header("layers_offset"), FAR),
    ("layers_offset", "<H", header("layer_count"), 65535),
    ("points_offset", "<I", header("points_offset"), FAR),
    ("points_offset", "<I", header("points_offset"), POINTS_AT + 1),
    ("points_offset", "<H", header("point_count"), 65535),
    ("header.reserved", "<I", header("reserved"), 1),
    ("weights_tensor", "<I", record(1, "weights_tensor"), 1),
    ("weights_tensor", "<I", record(0, "weights_tensor"), 1000),
    ("output_channels", "<I", record(0, "output_channels"), 0),
    ("op", "<B", record(0, "op"), 5),
    ("layer.reserved", "<B", record(2, "reserved"), 1),
    ("center", "<h", record(TABLE, "center"), 256),
    ("center", "<h", record(TABLE, "center"), -256),
    ("compensation", "<h", record(PLAIN, "center"), 9),
    ("name", "<16s", point("name"), b"sixteen bytes!!!"),
    ("name", "<16s", point("name"), b"a\0b"),
    ("accuracy", "<f", point("accuracy"), 1.5),
    ("accuracy", "<f", point("accuracy"), float("-inf")),
    ("skip_rate", "<f", point("skip_rate"), -0.1),
    ("entries_offset", "<I", point("entries_offset"), 0),
    ("entries_offset", "<I", point("entries_offset"), ENTRIES_AT + 2),
    ("entries_offset", "<I", point("entries_offset"), len(BLOCK) - 32),
    ("point.reserved", "<I", point("reserved"), 1),
    ("present", "<B", entry(PLAIN, "present"), 2),
    ("present", "<B", entry(PLAIN, "present"), 0),
    ("divider", "<B", entry(PLAIN, "divider"), 5),
    ("fatrelu_min", "<h", entry(PLAIN, "fatrelu_min"), -129),
    ("fatrelu_min", "<h", entry(PLAIN, "fatrelu_min"), 128),
    ("group_size", "<I", entry(PLAIN, "group_size"), 0),
    ("group_size", "<I", entry(PLAIN, "group_size"), 7),
    ("group_size", "<I", entry(PLAIN, "group_size"), 2**32 - 1),
    ("thresholds", "<I", entry(PLAIN, "thresholds"), 0),
    ("thresholds", "<I", entry(PLAIN, "thresholds"), array(PLAIN, "thresholds") + 1),
    ("thresholds", "<I", entry(PLAIN, "thresholds"), len(BLOCK) - 2),
    ("thresholds", "<h", array(PLAIN, "thresholds"), -2),
    ("thresholds", "<h", array(PLAIN, "thresholds") + 4, 32386),
    ("compensation", "<I", entry(PLAIN, "compensation"), len(BLOCK) - 4),
    ("compensation", "<I", entry(PLAIN, "compensation"), array(PLAIN, "compensation") + 2),
    ("tree", "<I", entry(PLAIN, "tree"), 32),
    ("tree", "<I", entry(TREE, "tree"), 0),
    ("tree", "<I", entry(TREE, "tree"), len(BLOCK) - 20),
    ("tree", "<B", array(TREE, "tree"), 0),
    ("tree", "<B", array(TREE, "tree"), 8),
    ("tree", "<B", array(TREE, "tree") + 1, 0),
    ("tree", "<B", array(TREE, "tree") + 1, 7),
    ("tree", "<B", array(TREE, "tree") + 2, 0x80),
    ("table", "<I", entry(PLAIN, "table"), 32),
    ("table", "<I", entry(PLAIN, "table_rows"), 1),
    ("table", "<I", entry(TABLE, "table"), 0),
    ("table", "<I", entry(TABLE, "table_rows"), 2**24 + 1),
    ("table", "<B", array(TABLE, "table"), 254),
    ("table", "<B", array(TABLE, "table") + 20, 0),
    ("table", "<B", array(TABLE, "table") + 255, 255),
    ("table_rows", "<I", entry(TABLE, "table_rows"), 0),
    ("table_row", "<I", entry(TABLE, "table_row"), array(TABLE, "table_row") + 1),
    ("table_row", "<H", array(TABLE, "table_row"), 65535),
]


@pytest.mark.parametrize(
    ("field", "kind", "at", "value"), FAULTS, ids=[f"{f[0]}-{f[2]}-{f[3]!r}" for f in FAULTS]
)
def test_a_field_out_of_range_is_named_and_the_model_runs_dense(
    field: str, kind: str, at: int, value: Any
) -> None:
    block = bytearray(BLOCK)
    struct.pack_into(kind, block, at, value)
    assert_refused(fix_crc(block), field)
    with pytest.raises(MetadataError):
        unpack(fix_crc(block), GRAPH)


def test_a_wrong_checksum_is_refused() -> None:
    block = bytearray(BLOCK)
    block[-1] ^= 1
    assert_refused(bytes(block), "crc32")


@pytest.mark.parametrize("size", [1, 16, 31, 32, 200, len(BLOCK) - 1])
def test_a_truncated_block_is_refused(size: int) -> None:
    assert_refused(BLOCK[:size], "size")


# ---- Random damage behind a valid checksum.


def agree(block: bytes) -> None:
    """The device accepts the block exactly if the converter does, and computes what the converter read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # layers that do not match
        try:
            config = unpack(block, GRAPH)
        except MetadataError as error:
            # What the device does not look at: names are not decoded, sums of int32 wrap, and plans need only be
            # harmless. The number of taps that was asked for is none of its business.
            if any(word in str(error) for word in ("UTF-8", "accumulator", "plan", "taps")):
                outputs(models.build(CASES, {NAME: block}))
                return
            config = PruningConfig(())
    model = models.build(CASES, {NAME: block})
    for number, at in enumerate(config.points or (OperatingPoint("dense"),)):
        results, interpreter = outputs(model, number)
        assert len(interpreter.points) == len(config.points)
        assert (interpreter.metadata_error is None) == bool(config.points)
        for i, (case, result) in enumerate(zip(CASES, results, strict=True)):
            index = models.weights_index(i)
            want = expected(centered(case, config.centers.get(index, 0)), at.layers.get(index))
            np.testing.assert_array_equal(result, want.output)


PLACES = st.one_of(
    st.integers(0, POINTS_AT + 2 * POINT.itemsize - 1),
    st.integers(ENTRIES_AT, ENTRIES_AT + len(CASES) * ENTRY.itemsize - 1),
    st.integers(0, len(BLOCK) - 1),
)
VALUES = st.one_of(st.sampled_from([0, 1, 2, 4, 0x7F, 0x80, 0xFF]), st.integers(0, 255))


@given(st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=4))
def test_both_readers_agree_on_damaged_blocks(damage: list[tuple[int, int]]) -> None:
    block = bytearray(BLOCK)
    for at, value in damage:
        block[at] = value
    agree(fix_crc(block))


# ---- Blocks that are valid but belong to something else.


def bound(model: bytes) -> list[int]:
    """Layers whose thresholds are in use; the others must compute as in stock TFLM."""
    results, interpreter = outputs(model)
    stock, _ = outputs(model, use_overrides=False)
    used = [(s.weights - models.weights_index(0)) // 4 for s in interpreter.stats()]
    assert interpreter.metadata_error is None
    for i, (result, dense) in enumerate(zip(results, stock, strict=True)):
        if i not in used:
            np.testing.assert_array_equal(result, dense)
    return used


def tensor(index: int, change: Callable[[Any, Any], None]) -> Callable[[Any], None]:
    """An edit of tensor `index`, given the file and the TensorT."""
    return lambda file: change(file, file.subgraphs[0].tensors[index])


def flip_weight(file: Any, weights: Any) -> None:
    data = bytearray(file.buffers[weights.buffer].data)
    data[0] ^= 1
    file.buffers[weights.buffer].data = data


def make_asymmetric(file: Any, weights: Any) -> None:
    weights.quantization.zeroPoint = [1]


@pytest.mark.parametrize("layer", range(len(CASES)))
def test_thresholds_are_not_used_with_other_weights(layer: int, capfd: pytest.CaptureFixture[str]) -> None:
    index = models.weights_index(layer)
    model = models.build(CASES, {NAME: BLOCK})
    assert bound(model) == [0, 1, 2]
    assert bound(edited(model, tensor(index, flip_weight))) == [i for i in range(3) if i != layer]
    assert f"weight tensor {index} runs dense: weights have changed" in capfd.readouterr().err


def test_asymmetric_weights_run_dense(capfd: pytest.CaptureFixture[str]) -> None:
    """TFLM takes them in FULLY_CONNECTED, TFLite does not produce them."""
    model = models.build(CASES, {NAME: BLOCK})
    assert bound(edited(model, tensor(models.weights_index(2), make_asymmetric))) == [0, 1]
    assert "weights with a zero point" in capfd.readouterr().err


def test_thresholds_of_another_operator_or_size_are_not_used(capfd: pytest.CaptureFixture[str]) -> None:
    block = bytearray(BLOCK)
    struct.pack_into("<B", block, record(1, "op"), 3)
    struct.pack_into("<I", block, record(0, "output_channels"), 3)
    assert bound(models.build(CASES, {NAME: fix_crc(block)})) == [2]
    log = capfd.readouterr().err
    assert "weight tensor 1 runs dense: thresholds are for other channels" in log
    assert "weight tensor 5 runs dense: thresholds are for another operator" in log


def test_entries_of_tensors_that_do_not_exist_are_ignored() -> None:
    block = bytearray(BLOCK)
    struct.pack_into("<I", block, record(2, "weights_tensor"), 2**32 - 1)
    assert bound(models.build(CASES, {NAME: fix_crc(block)})) == [0, 1]


def test_an_empty_block_is_no_block() -> None:
    results, interpreter = outputs(models.build(CASES, {NAME: b""}))
    assert interpreter.metadata_error is None
    np.testing.assert_equal(results, DENSE)
