"""The TFLM_UNIT block: round trips, its bytes, and refusal of everything that docs/metadata.md forbids."""

from __future__ import annotations

import dataclasses
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from tiny_models import edited, lenet

from tflm_unit.converter.dividers import complete
from tflm_unit.converter.errors import MetadataError, UnitError
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.metadata import pack, unpack
from tflm_unit.converter.metadata_format import ENTRY, HEADER, LAYER, PLAN, POINT
from tflm_unit.converter.pruning import Divider, LayerPruning, OperatingPoint, PruningConfig
from tflm_unit.converter.reader import read_graph

GRAPH = read_graph(lenet())
INDEX = [GRAPH.weights(layer).index for layer in GRAPH.prunable]
CHANNELS = [GRAPH.output_channels(layer) for layer in GRAPH.prunable]


def pruning(
    channels: int, divider: Divider = Divider.EXACT, group_size: int = 1, seed: int = 0
) -> LayerPruning:
    rng = np.random.default_rng(seed)
    entry = LayerPruning(
        thresholds=rng.integers(-1, 32386, -(-channels // group_size)).astype(np.int16),
        group_size=group_size,
        divider=divider,
        compensation=rng.integers(-1000, 1000, channels).astype(np.int32),
        fatrelu_min=int(rng.integers(-128, 128)),
    )
    return complete(entry, rng.integers(0, 100, 256))


def config(divider: Divider = Divider.EXACT, seed: int = 0) -> PruningConfig:
    layers = {
        i: pruning(c, divider, 1 + k, seed + k) for k, (i, c) in enumerate(zip(INDEX, CHANNELS, strict=True))
    }
    return PruningConfig(
        (
            OperatingPoint("default", layers, accuracy=0.97, skip_rate=None),
            OperatingPoint("Größe 15 byte", {INDEX[1]: layers[INDEX[1]]}, skip_rate=1.0),
            OperatingPoint("dense"),
        )
    )


def same(a: Any, b: Any) -> bool:
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        return type(a) is type(b) and all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a)
        )
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == pytest.approx(b, rel=1e-6)) if isinstance(a, float) else bool(a == b)


@pytest.mark.parametrize("divider", Divider)
def test_round_trip(divider: Divider) -> None:
    original = config(divider, seed=int(divider))
    block = pack(original, GRAPH)
    assert same(unpack(block, GRAPH), original)
    assert pack(unpack(block, GRAPH), GRAPH) == block


def test_bytes_are_those_of_the_format_page() -> None:
    point = OperatingPoint("p", {INDEX[0]: LayerPruning(np.array([7], np.int16), 4)}, accuracy=0.5)
    block = pack(PruningConfig((point,)), GRAPH)
    weights = GRAPH.tensors[INDEX[0]].data
    assert weights is not None
    words = np.frombuffer(block[:112], "<u4")
    assert block[:8] == b"UnIT" + bytes([2, 0, 32, 0])
    assert words[2:8].tolist() == [len(block), zlib.crc32(block[16:]), 1 | 1 << 16, 32, 48, 0]
    assert words[8:12].tolist() == [INDEX[0], zlib.crc32(weights.tobytes()), 4, 3]
    assert block[48:64] == b"p".ljust(16, b"\0")
    assert np.frombuffer(block[64:68], "<f4")[0] == 0.5
    assert np.isnan(np.frombuffer(block[68:72], "<f4")[0])
    entries, thresholds = int(words[18]), 80
    assert block[thresholds : thresholds + 2] == bytes([7, 0])
    assert block[entries : entries + 4] == bytes([1, 0, 0x80, 0xFF])
    assert np.frombuffer(block[entries + 4 : entries + 40], "<u4").tolist() == [4, thresholds, *[0] * 7]
    assert [record.itemsize for record in (HEADER, LAYER, POINT, ENTRY, PLAN)] == [32, 16, 32, 40, 48]


def test_equal_arrays_are_stored_once() -> None:
    entry = pruning(CHANNELS[0], Divider.TABLE)
    one = pack(PruningConfig((OperatingPoint("a", {INDEX[0]: entry}),)), GRAPH)
    copy = dataclasses.replace(entry, thresholds=entry.thresholds.copy())
    two = pack(
        PruningConfig((OperatingPoint("a", {INDEX[0]: entry}), OperatingPoint("b", {INDEX[0]: copy}))), GRAPH
    )
    assert len(two) == len(one) + POINT.itemsize


def replaced(**values: Any) -> PruningConfig:
    entry = dataclasses.replace(pruning(CHANNELS[0]), **values)
    return PruningConfig((OperatingPoint("p", {INDEX[0]: entry}),))


BAD_TREE = complete(pruning(4, Divider.BINARY_TREE), np.ones(256)).tree
BAD_TREE[0] = 8


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (PruningConfig(()), "0 operating points"),
        (PruningConfig((OperatingPoint(""),)), "name ''"),
        (PruningConfig((OperatingPoint("sixteen letters!"),)), "1..15"),
        (PruningConfig((OperatingPoint("größe 16 bytes!"),)), "1..15"),
        (PruningConfig((OperatingPoint("a\0b"),)), "printable"),
        (PruningConfig((OperatingPoint("a"), OperatingPoint("a"))), "share a name"),
        (PruningConfig((OperatingPoint("a", accuracy=1.5),)), "accuracy is 1.5"),
        (PruningConfig((OperatingPoint("a", skip_rate=float("nan")),)), "skip_rate is nan"),
        (PruningConfig((OperatingPoint("a", {0: pruning(4)}),)), "tensor 0 is not the weight tensor"),
        (replaced(thresholds=np.zeros(3, np.int16)), "thresholds has type int16 and shape"),
        (replaced(thresholds=np.zeros(4, np.int32)), "thresholds has type int32"),
        (replaced(thresholds=np.full(4, 32386, np.int16)), "thresholds are 32386..32386"),
        (replaced(thresholds=np.full(4, -2, np.int16)), "thresholds are -2"),
        (replaced(group_size=0), "group_size is 0"),
        (replaced(group_size=5), "expected 1..4"),
        (replaced(fatrelu_min=128), "fatrelu_min is 128"),
        (replaced(compensation=np.zeros(3, np.int32)), "compensation"),
        (replaced(compensation=np.full(4, 2**31 - 1, np.int32)), "lets an accumulator"),
        (replaced(divider=Divider.TABLE), "table is missing"),
        (replaced(divider=Divider.BINARY_TREE), "tree is missing"),
        (replaced(tree=np.zeros(21, np.uint8)), "tree is given for the divider exact"),
        (replaced(divider=Divider.BINARY_TREE, tree=BAD_TREE), "pivot exponent 8"),
        (replaced(divider=Divider.BINARY_TREE, tree=np.full(21, 1, np.uint8)), "leads"),
        (replaced(divider=Divider.TABLE, table=np.full((1, 256), 255, np.uint8),
                  table_row=np.zeros(4, np.uint16), thresholds=np.full(4, 9, np.int16)), "quotients"),
        (replaced(divider=Divider.TABLE, table=np.full((1, 256), 255, np.uint8),
                  table_row=np.full(4, 1, np.uint16)), "table_row is 1"),
    ],
)  # fmt: skip
def test_pack_refuses(bad: PruningConfig, message: str) -> None:
    with pytest.raises(MetadataError, match=message):
        pack(bad, GRAPH)


def patched(block: bytes, dtype: np.dtype[Any], offset: int, **values: Any) -> bytes:
    """The block with fields of one record replaced and the checksum renewed."""
    data = np.frombuffer(block, np.uint8).copy()
    record = data[offset : offset + dtype.itemsize].view(dtype)
    for name, value in values.items():
        record[name] = value
    header = data[: HEADER.itemsize].view(HEADER)
    header["crc32"] = zlib.crc32(data[16 : int(header["size"][0])].tobytes())
    return data.tobytes()


BLOCK = pack(config(Divider.TABLE), GRAPH)
POINTS = 32 + 3 * 16
ENTRIES = int(np.frombuffer(BLOCK, POINT, 1, POINTS)["entries_offset"][0])


@pytest.mark.parametrize(
    ("block", "field"),
    [
        (b"", "size is 0"),
        (BLOCK[:31], "size is 31"),
        (BLOCK[:-1], "size"),
        (BLOCK[:-1] + b"\xff", "crc32"),
        (patched(BLOCK, HEADER, 0, magic=b"Unit"), "magic"),
        (patched(BLOCK, HEADER, 0, version=1), "version is 1, expected 2; convert the model again"),
        (patched(BLOCK, HEADER, 0, header_size=36), "header_size"),
        (patched(BLOCK, HEADER, 0, layer_count=0), "layer_count"),
        (patched(BLOCK, HEADER, 0, point_count=0), "point_count"),
        (patched(BLOCK, HEADER, 0, point_count=60000), "points_offset"),
        (patched(BLOCK, HEADER, 0, layers_offset=2**32 - 16), "layers_offset"),
        (patched(BLOCK, HEADER, 0, layers_offset=33), "layers_offset"),
        (patched(BLOCK, HEADER, 0, points_offset=0), "points_offset"),
        (patched(BLOCK, HEADER, 0, reserved=1), "reserved"),
        (patched(BLOCK, LAYER, 32, weights_tensor=1000), "ascending"),
        (patched(BLOCK, LAYER, 32, op=5), "op is 5"),
        (patched(BLOCK, LAYER, 32, output_channels=0), "output_channels"),
        (patched(BLOCK, LAYER, 32, output_channels=2**32 - 1), "thresholds"),
        (patched(BLOCK, LAYER, 32, reserved=1), "reserved"),
        (patched(BLOCK, POINT, POINTS, name=b"\xff\0" + b"\0" * 14), "UTF-8"),
        (patched(BLOCK, POINT, POINTS, name=b"a" * 16), "NUL"),
        (patched(BLOCK, POINT, POINTS, name=b"a\0b".ljust(16, b"\0")), "NUL"),
        (patched(BLOCK, POINT, POINTS, accuracy=-0.1), "accuracy"),
        (patched(BLOCK, POINT, POINTS, skip_rate=np.inf), "skip_rate"),
        (patched(BLOCK, POINT, POINTS, entries_offset=len(BLOCK)), "entries_offset"),
        (patched(BLOCK, POINT, POINTS, reserved=9), "reserved"),
        (patched(BLOCK, ENTRY, ENTRIES, present=2), "present"),
        (patched(BLOCK, ENTRY, ENTRIES, present=0), "not present"),
        (patched(BLOCK, ENTRY, ENTRIES, divider=5), "divider"),
        (patched(BLOCK, ENTRY, ENTRIES, divider=0), "table is given"),
        (patched(BLOCK, ENTRY, ENTRIES, fatrelu_min=-129), "fatrelu_min"),
        (patched(BLOCK, ENTRY, ENTRIES, group_size=0), "group_size"),
        (patched(BLOCK, ENTRY, ENTRIES, thresholds=0), "thresholds"),
        (patched(BLOCK, ENTRY, ENTRIES, thresholds=len(BLOCK) - 1), "thresholds"),
        (patched(BLOCK, ENTRY, ENTRIES, compensation=34), "compensation"),
        (patched(BLOCK, ENTRY, ENTRIES, table=0), "table"),
        (patched(BLOCK, ENTRY, ENTRIES, table_rows=2**32 - 1), "table"),
        (patched(BLOCK, ENTRY, ENTRIES, table_rows=0), "no rows"),
        (patched(BLOCK, ENTRY, ENTRIES, tree=32), "tree"),
    ],
)
def test_unpack_refuses(block: bytes, field: str) -> None:
    with pytest.raises(MetadataError, match=field):
        unpack(block, GRAPH)


def test_trailing_bytes_are_ignored() -> None:
    assert same(unpack(BLOCK + b"padding", GRAPH), unpack(BLOCK, GRAPH))


def test_layers_of_other_weights_run_dense() -> None:
    def retrain(file: Any) -> None:
        weights = file.buffers[file.subgraphs[0].tensors[INDEX[1]].buffer]
        weights.data = weights.data[::-1].copy()

    other: Graph = read_graph(edited(lenet(), retrain))
    with pytest.warns(UserWarning, match="conv2"):
        points = unpack(BLOCK, other).points
    assert sorted(points[0].layers) == [INDEX[0], INDEX[2]]
    assert points[1].layers == {}


def test_random_damage_never_raises_anything_else() -> None:
    rng = np.random.default_rng(3)
    accepted = 0
    for _ in range(2000):
        data = np.frombuffer(BLOCK, np.uint8).copy()
        # Tables are the bulk of the block; the records are in front and at the entries.
        places = np.r_[: POINTS + 96, ENTRIES : ENTRIES + 96, rng.integers(0, len(data), 50)]
        data[rng.choice(places, rng.integers(1, 4))] ^= np.uint8(rng.integers(1, 256))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                unpack(patched(data.tobytes(), HEADER, 0, size=len(data)), GRAPH)
                accepted += 1
            except UnitError:
                pass
    assert 20 < accepted < 1500
