"""What the time of activation_sorted depends on: counts per inference, see cost_features.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from .cost_axis import Axis

TAPS = 32  # weights that are put in order together (UNIT_SORTED_TAPS)
FEW = 32  # inputs of a list, for which weights walk alone (UNIT_SORTED_FEW)
TOGETHER = 4  # weights that walk together
NEVER = 256  # the critical magnitude of weights that never count


@dataclass(frozen=True)
class SortedShape:
    """signs: passes over the sorted inputs. group_outputs: output channels of a group."""

    signs: int
    group_outputs: int
    y: Axis
    x: Axis

    @property
    def has_neighbours(self) -> bool:
        """Whether the taps of a kernel row add to neighbouring accumulators."""
        steps = gcd(self.x.stride, self.x.dilation)
        return self.x.stride == self.x.dilation == steps


@dataclass(frozen=True)
class SortedPhase:
    """The inputs that the taps of one phase meet.

    every: inputs with |x| >= m, (input channels, 257). parts: of them, those of each list, by sign (depthwise: all).
    walks: by list, inputs that each weight walks, (output channels, input channels of a group, taps). critical: the
    least |x| that each weight needs, of the same shape. kernel: rows and columns of the taps. rows: of the image.
    """

    every: np.ndarray
    parts: Sequence[np.ndarray]
    walks: Sequence[np.ndarray]
    critical: np.ndarray
    kernel: tuple[int, int]
    rows: int


def conv_counts(
    shape: SortedShape, phases: Sequence[SortedPhase], channel: np.ndarray, keeps_lists: bool
) -> dict[str, float]:
    """Of CONV_2D.

    channel: the input channel of each (output channel, input channel of a group). keeps_lists: weights walk output by
    output, and else input by input.
    """
    outputs, depth = channel.shape
    groups = outputs // shape.group_outputs
    counts = dict.fromkeys(("kept", "fours", "ones", "kept_few", "weights_few", "weights_live", "moves"), 0.0)
    for phase in phases:
        for part, some in zip(phase.parts, phase.walks, strict=True):
            few = some < FEW
            counts["kept_few"] += float(some[few].sum())
            counts["weights_few"] += float(np.minimum(some[few], 1).sum())
            counts["weights_live"] += float(np.count_nonzero(~few))
            many = np.where(few, 0.0, some)
            in_rows = np.zeros(some.shape)
            if shape.has_neighbours:
                in_rows = _rows(some, phase.kernel) * (part[:, 1] >= 2 * FEW)[channel][:, :, None]
            together, _ = _together(_sets(np.where(in_rows > 0, 0.0, many), groups, keeps_lists))
            _, moves = _together(_sets(many, groups, keeps_lists))
            counts["kept"] += float(many.sum())
            counts["fours"] += together
            counts["ones"] += float(many.sum() - in_rows.sum()) - together
            counts["moves"] += moves
    pairs = float(outputs * depth * shape.signs)
    columns = len({shape.x.phase(kx) for kx in range(shape.x.kernel)})
    # Kernels are divided once where lists stay, and else for every list.
    kernels, taps = outputs * depth if keeps_lists else pairs * len(phases), shape.y.kernel * shape.x.kernel
    return counts | {
        "weights": pairs * taps,
        "divided": float(kernels * taps),
        "plane_rows": float(outputs * shape.y.output),
        "lists": float(len(phases[0].every) * len(phases)),
        "sorted": float(sum(p.every[:, 0].sum() for p in phases)),
        "sorted_nonzero": float(sum(p.every[:, 1].sum() for p in phases)),
        "sorted_rows": float(sum(len(p.every) * p.rows for p in phases)),
        "kernels": float(kernels),
        "sets": pairs * len(phases),
        "tap_rows": pairs * shape.y.kernel * columns,
    }


def _rows(walks: np.ndarray, kernel: tuple[int, int]) -> np.ndarray:
    """What each weight walks together with the three neighbours of its kernel row; 0: it does not."""
    height, width = kernel
    whole = width // TOGETHER * TOGETHER
    found = np.zeros((*walks.shape[:2], height, width))
    rows = walks.reshape(*walks.shape[:2], height, width)[..., :whole]
    rows = rows.reshape(*rows.shape[:3], -1, TOGETHER)
    common, all_of_them = rows.min(axis=-1), rows.sum(axis=-1)
    walked = np.where((common >= FEW) & (7 * common >= all_of_them), common, 0.0)
    found[..., :whole] = np.repeat(walked, TOGETHER, axis=-1)
    return found.reshape(walks.shape)


def _sets(walks: np.ndarray, groups: int, keeps_lists: bool) -> np.ndarray:
    """Weights that are put in order together, (sets, weights)."""
    if keeps_lists:
        return walks.reshape(-1, walks.shape[-1])
    outputs, depth, _ = walks.shape  # weights of all outputs of a group meet in one list
    return (
        walks.reshape(groups, outputs // groups, depth, -1).transpose(0, 2, 1, 3).reshape(groups * depth, -1)
    )


def _together(walks: np.ndarray) -> tuple[float, float]:
    """Inputs that four weights of a set walk together, four times each, and moves that put the sets in order.

    walks: of each weight, (sets, weights); 0: it does not belong to its set.
    """
    # A set is full with TAPS weights, then the next one begins.
    alive = np.argsort(walks == 0, axis=1, kind="stable")
    packed = np.take_along_axis(walks, alive, axis=1)
    packed = np.pad(packed, ((0, 0), (0, -packed.shape[1] % TAPS))).reshape(-1, TAPS)
    size = np.count_nonzero(packed, axis=1)
    fours = -np.sort(-packed, axis=1).reshape(-1, TAPS // TOGETHER, TOGETHER)[..., -1]
    return TOGETHER * float(fours.sum()), float((size * (size - 1)).sum()) / 4


def depthwise_counts(
    shape: SortedShape, phases: Sequence[SortedPhase], channel: np.ndarray
) -> dict[str, float]:
    """Of DEPTHWISE_CONV_2D, where the inputs of a channel are looked at once per phase.

    channel: the input channel of each output channel.
    """
    counts = dict.fromkeys(
        ("kept", "kept_few", "weights_few", "listed", "sets", "fills", "looked", "needed"), 0.0
    )
    for phase in phases:
        inputs, some, magnitudes = phase.every, phase.walks[0][:, 0], phase.critical[:, 0]
        few = some < FEW
        counts["kept"] += float(some[~few].sum())
        counts["kept_few"] += float(some[few].sum())
        counts["weights_few"] += float(np.minimum(some[few], 1).sum())
        listed = magnitudes < NEVER
        used = listed.any(axis=1)
        counts["listed"] += float(listed.sum())
        counts["sets"] += float(used.sum())
        ordered = np.sort(np.where(listed, magnitudes, NEVER), axis=1)
        distinct = 1 + np.count_nonzero(np.diff(ordered, axis=1), axis=1)
        counts["fills"] += float(distinct[used].sum())
        counts["looked"] += float(inputs[channel[used], 0].sum())
        counts["needed"] += float(inputs[channel, ordered[:, 0]].sum())
    return counts | {
        "weights": float(sum(p.critical.size for p in phases)),
        "plane_rows": float(len(channel) * shape.y.output),
        "channels": float(len(channel)),
        "kernels": float(len(channel) * len(phases)),
        "looked_rows": counts["sets"] * shape.y.input / len(phases) ** 0.5,
    }
