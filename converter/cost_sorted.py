"""What the time of activation_sorted depends on: counts per inference, see cost_features.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def conv_counts(
    shape: SortedShape,
    lists: Sequence[np.ndarray],
    walks: Sequence[np.ndarray],
    least: int,
    keeps_lists: bool,
) -> dict[str, float]:
    """Of CONV_2D.

    lists: per phase, inputs with |x| >= m, (input channels, 257). walks: per phase, inputs that each weight walks,
    (output channels, input channels of a group, taps). least: the smallest critical magnitude. keeps_lists: weights
    walk output by output, and else input by input.
    """
    outputs, depth, _ = walks[0].shape
    groups = outputs // shape.group_outputs
    counts = dict.fromkeys(("kept", "ones", "kept_few", "weights_live", "weights_few", "moves"), 0.0)
    for some in walks:
        few = some < FEW
        counts["kept_few"] += float(some[few].sum())
        counts["weights_few"] += float(np.minimum(some[few], 1).sum())
        counts["weights_live"] += float(np.count_nonzero(~few))
        many = np.where(few, 0.0, some)
        if not keeps_lists:  # weights of all outputs of a group meet in one list
            many = many.reshape(groups, shape.group_outputs, depth, -1).transpose(0, 2, 1, 3)
            many = many.reshape(groups * depth, -1)
        fours, moves = _together(many.reshape(-1, many.shape[-1]))
        counts["kept"] += float(many.sum())
        counts["ones"] += float(many.sum()) - fours
        counts["moves"] += moves
    phases, pairs = len(lists), float(outputs * depth * shape.signs)
    columns = len({shape.x.phase(kx) for kx in range(shape.x.kernel)})
    return counts | {
        "weights": pairs * shape.y.kernel * shape.x.kernel,
        "plane_rows": float(outputs * shape.y.output),
        "lists": float(lists[0].shape[0] * phases),
        "sorted": float(sum(x[:, 0].sum() for x in lists)),
        "sorted_needed": float(sum(x[:, min(least, NEVER)].sum() for x in lists)),
        "kernels": pairs,
        "sets": pairs * phases,
        "tap_rows": pairs * shape.y.kernel * columns,
    }


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
    shape: SortedShape,
    lists: Sequence[np.ndarray],
    walks: Sequence[np.ndarray],
    critical: Sequence[np.ndarray],
    channel: np.ndarray,
) -> dict[str, float]:
    """Of DEPTHWISE_CONV_2D, where the inputs of a channel are looked at once per phase.

    lists: as in conv_counts. walks, critical: per phase, inputs that each weight walks and its critical magnitude,
    (output channels, taps). channel: the input channel of each output channel.
    """
    counts = dict.fromkeys(
        ("kept", "kept_few", "weights_few", "listed", "sets", "fills", "looked", "needed"), 0.0
    )
    for inputs, some, magnitudes in zip(lists, walks, critical, strict=True):
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
        "weights": float(sum(x.size for x in critical)),
        "plane_rows": float(len(channel) * shape.y.output),
        "channels": float(len(channel)),
        "kernels": float(len(channel) * len(lists)),
        "looked_rows": counts["sets"] * shape.y.input / len(lists) ** 0.5,
    }
