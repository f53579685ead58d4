"""What the converter decides about a model, and what the TFLM_UNIT metadata block carries."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

MAX_THRESHOLD = 32385  # 255 * 127, the largest |activation * weight|
NEVER_SKIP = -1
FATRELU_OFF = -128
TREE_LEAF = 0x80  # set in a child of a tree node that is a leaf


class Divider(enum.IntEnum):
    """How T is divided by the control term (docs/dividers.md); values as in unit_types.h."""

    EXACT = 0
    BIT_SHIFT = 1
    BINARY_TREE = 2
    BIT_MASK = 3
    TABLE = 4


class Schedule(enum.IntEnum):
    """How a kernel skips; all give the same outputs and counts (docs/planned.md). Values as in docs/metadata.md."""

    COMPARE = 0
    PLANNED = 1
    ACTIVATION_SORTED = 2


@dataclass(frozen=True)
class LayerPruning:
    """Thresholds of one layer at one operating point.

    thresholds: int16 (groups,), -1 (never skip) .. 32385, in units of the int8 product.
    group_size: contiguous output channels per group; the last group may be smaller.
    compensation: int32 (output channels,), added to the bias; None: none.
    fatrelu_min: int8 outputs below it become the zero point; -128: off.
    tree: uint8 (21,) for BINARY_TREE. table: uint8 (rows, 256), table_row: uint16 (groups,) for TABLE.
    taps: kernel columns in one list of a PLANNED convolution; 0: whatever fits.
    """

    thresholds: np.ndarray
    group_size: int
    divider: Divider = Divider.EXACT
    compensation: np.ndarray | None = None
    fatrelu_min: int = FATRELU_OFF
    tree: np.ndarray | None = None
    table: np.ndarray | None = None
    table_row: np.ndarray | None = None
    schedule: Schedule = Schedule.COMPARE
    taps: int = 0

    @property
    def skips_zeros_alone(self) -> bool:
        """Whether thresholds of 0 are all there is: zero_skip gives the same outputs and counts."""
        return self.compensation is None and not self.thresholds.any()

    def per_channel(self, channels: int) -> np.ndarray:
        """Thresholds of every output channel, int16 (channels,)."""
        return np.repeat(self.thresholds, self.group_size)[:channels]


@dataclass(frozen=True)
class OperatingPoint:
    """A complete set of thresholds: `layers` maps a weight tensor's index to its LayerPruning.

    A layer that is absent runs dense. accuracy and skip_rate are 0..1 as measured by the converter,
    None when not measured. name: at most 15 bytes of UTF-8.
    """

    name: str
    layers: Mapping[int, LayerPruning] = field(default_factory=dict)
    accuracy: float | None = None
    skip_rate: float | None = None


@dataclass(frozen=True)
class PruningConfig:
    """Operating points of one model; point 0 is the default.

    centers: by weight tensor, what a layer's activations are counted from at every point, as the distance from the
    input's zero point (centers.py); thresholds and compensations are for that.
    """

    points: tuple[OperatingPoint, ...]
    centers: Mapping[int, int] = field(default_factory=dict)
