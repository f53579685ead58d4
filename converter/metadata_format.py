"""Constants and record types of the TFLM_UNIT block, version 2; see docs/metadata.md."""

from __future__ import annotations

import zlib

import numpy as np

from .graph import Graph, Layer

NAME = "TFLM_UNIT"
MAGIC = b"UnIT"
VERSION = 2
MAX_NAME_BYTES = 15
MAX_CENTER = 255
CHECKED_FROM = 16  # first byte that the checksum covers
MAX_CLASSES, MAX_TAPS, MAX_OUTPUTS = 16, 32767, 64  # of a plan
CLASS_OF_SIZE = 256
OPERATORS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 4, "FULLY_CONNECTED": 9}

HEADER = np.dtype(
    [
        ("magic", "S4"),
        ("version", "<u2"),
        ("header_size", "<u2"),
        ("size", "<u4"),
        ("crc32", "<u4"),
        ("layer_count", "<u2"),
        ("point_count", "<u2"),
        ("layers_offset", "<u4"),
        ("points_offset", "<u4"),
        ("reserved", "<u4"),
    ]
)
LAYER = np.dtype(
    [
        ("weights_tensor", "<u4"),
        ("weights_crc32", "<u4"),
        ("output_channels", "<u4"),
        ("op", "u1"),
        ("reserved", "u1"),
        ("center", "<i2"),
    ]
)
POINT = np.dtype(
    [
        ("name", f"V{MAX_NAME_BYTES + 1}"),
        ("accuracy", "<f4"),
        ("skip_rate", "<f4"),
        ("entries_offset", "<u4"),
        ("reserved", "<u4"),
    ]
)
ENTRY = np.dtype(
    [
        ("present", "u1"),
        ("divider", "u1"),
        ("fatrelu_min", "<i2"),
        ("group_size", "<u4"),
        ("thresholds", "<u4"),
        ("compensation", "<u4"),
        ("tree", "<u4"),
        ("table", "<u4"),
        ("table_row", "<u4"),
        ("table_rows", "<u4"),
        ("schedule", "u1"),
        ("reserved", "u1"),
        ("taps", "<u2"),
        ("plan", "<u4"),
    ]
)
PLAN = np.dtype(
    [
        ("weight", "<u4"),
        ("at", "<u4"),
        ("critical", "<u4"),
        ("count", "<u4"),
        ("first", "<u4"),
        ("class_of", "<u4"),
        ("entries", "<u4"),
        ("lists", "<u4"),
        ("firsts", "<u4"),
        ("classes", "<u2"),
        ("taps", "<u2"),
        ("outputs", "<u2"),
        ("reserved", "<u2"),
        ("layer_crc32", "<u4"),
    ]
)


def weights_crc32(graph: Graph, layer: Layer) -> int:
    """Checksum that ties thresholds to the layer's weights."""
    weights = graph.weights(layer)
    assert weights.data is not None
    return zlib.crc32(weights.data.tobytes())
