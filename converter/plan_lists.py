"""Which list of a plan each weight of a layer belongs to, and which accumulator it adds to (docs/planned.md)."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from .graph import ConvParams, Graph, Layer

MAX_WINDOW = 64  # accumulators that a list reaches; UNIT_PLAN_WINDOW
MAX_RING = 2**15 - 1  # accumulators of a layer
MAX_COUNT = 2**15 - 1  # positions or channels of one walk
ACCUMULATOR = 4  # bytes


@dataclass(frozen=True, eq=False)
class Lists:
    """The weights of a layer in any order: one value per weight in list, at, weight and source.

    list: int64 index of its list, 0 .. count - 1. at: uint8 bytes from the list's first accumulator.
    source: int64 index into the flattened weight tensor. firsts: int64 indices of the lists that unit_plan.first
    tells, None for FULLY_CONNECTED.
    """

    list: np.ndarray
    at: np.ndarray
    weight: np.ndarray
    source: np.ndarray
    count: int
    firsts: np.ndarray | None
    taps: int
    outputs: int


@dataclass(frozen=True)
class _Axis:
    """Taps along one axis: phase, place among those of the phase, for each tap."""

    kernel: int
    stride: int
    dilation: int

    @property
    def period(self) -> int:
        return self.stride // gcd(self.stride, self.dilation)

    @property
    def step(self) -> int:
        """Outputs between neighbouring taps of a phase."""
        return self.dilation // gcd(self.stride, self.dilation)

    def phases(self) -> list[list[int]]:
        """Taps of every phase that has some, phases ascending."""
        taps: dict[int, list[int]] = {}
        for tap in range(self.kernel):
            taps.setdefault(tap * self.dilation % self.stride, []).append(tap)
        return [taps[phase] for phase in sorted(taps)]

    def segments(self, most: int) -> list[list[int]]:
        return [taps[i : i + most] for taps in self.phases() for i in range(0, len(taps), most)]


def lists_of(graph: Graph, layer: Layer, taps: int) -> Lists | None:
    """The lists of a prunable layer. taps: kernel columns in a list, at most; 0: chosen here. None when the
    layer has too many accumulators."""
    weights = graph.weights(layer).data
    assert weights is not None
    if not isinstance(layer.params, ConvParams):
        return _fully_connected(weights)
    image, positions = graph.tensors[layer.inputs[0]].shape, graph.positions(layer)
    source = np.arange(weights.size).reshape(weights.shape)
    groups = image[3] // weights.shape[3]
    if layer.params.ch_mult:  # groups of one input channel
        source, groups = source.transpose(3, 1, 2, 0), image[3]
    y, x = (_Axis(weights.shape[1 + i], layer.params.stride[i], layer.params.dilation[i]) for i in range(2))
    longest = max(map(len, x.phases()))
    most = min(taps or longest, longest)
    while (most - 1) * x.step >= MAX_WINDOW:
        most -= 1
    channels = len(source) // groups
    if not taps:
        most = min(range(1, most + 1), key=lambda t: _walked(x, t, channels, positions[1]))
    outputs = _even(channels, MAX_WINDOW // ((most - 1) * x.step + 1))
    if max(image) > MAX_COUNT or _ring(y, x, most, outputs, positions) > MAX_RING:
        return None
    return _convolution(weights, source, groups, (y, x), most, outputs)


def scratch_bytes(graph: Graph, layer: Layer, taps: int, outputs: int) -> int:
    """Scratch of the planned kernel as ..._get_buffer_size() gives it. taps, outputs: of the plan."""
    if not isinstance(layer.params, ConvParams):
        return ACCUMULATOR * outputs
    shape = graph.weights(layer).shape
    y, x = (_Axis(shape[1 + i], layer.params.stride[i], layer.params.dilation[i]) for i in range(2))
    most = min(taps, max(map(len, x.phases())))
    ring = _ring(y, x, most, outputs, graph.positions(layer), layer.params.pool[0])
    return ACCUMULATOR * ring + (2 * y.kernel + 5) // 4 * 4


def _ring(
    y: _Axis, x: _Axis, taps: int, outputs: int, positions: tuple[int, int], pooled_rows: int = 1
) -> int:
    """Accumulators of a block of output channels. pooled_rows: that are finished together."""
    slack = (taps - 1) * x.step
    rows = min(positions[0], (y.kernel - 1) * y.dilation // y.stride + pooled_rows)
    return (slack + rows * (positions[1] + slack)) * outputs


def _even(channels: int, most: int) -> int:
    """Channels per block when there are as few blocks as possible."""
    blocks = -(-channels // most)
    return -(-channels // blocks)


def _walked(x: _Axis, taps: int, channels: int, columns: int) -> float:
    """Rough cost of one kernel row of a layer whose lists have that many taps: of each list, about twelve
    instructions, and a quarter of the entries that it has, inside the output or not, five each."""
    outputs = _even(channels, MAX_WINDOW // ((taps - 1) * x.step + 1))
    blocks = -(-channels // outputs)
    cost = 0.0
    for segment in x.segments(taps):
        walks = columns + (len(segment) - 1) * x.step
        cost += walks * (12 * blocks + channels * len(segment) * 5 / 4)
    return cost


def _fully_connected(weights: np.ndarray) -> Lists:
    channels, inputs = weights.shape
    outputs = _even(channels, MAX_WINDOW)
    o, i = np.indices(weights.shape)
    return Lists(
        list=(o // outputs * inputs + i).ravel(),
        at=(ACCUMULATOR * (o % outputs)).ravel().astype(np.uint8),
        weight=weights.ravel(),
        source=np.arange(weights.size),
        count=-(-channels // outputs) * inputs,
        firsts=None,
        taps=1,
        outputs=outputs,
    )


def _places(groups: list[list[int]]) -> np.ndarray:
    """For every tap: index of its group, its place there, and the number of taps in the groups before and in its
    own; int64 (taps, 4)."""
    table = np.zeros((sum(map(len, groups)), 4), np.int64)
    before = 0
    for index, taps in enumerate(groups):
        for place, tap in enumerate(taps):
            table[tap] = index, place, before, len(taps)
        before += len(taps)
    return table


def _convolution(
    weights: np.ndarray, source: np.ndarray, groups: int, axes: tuple[_Axis, _Axis], taps: int, outputs: int
) -> Lists:
    """source: indices of the weights as (output channels, KH, KW, input channels of a group)."""
    y, x = axes
    channels, _, _, depth = source.shape
    per_group = channels // groups
    segments = x.segments(taps)
    phase_of, segment_of = _places(y.phases()), _places(segments)
    last = np.array([segments[s][-1] for s in segment_of[:, 0]])
    blocks = -(-per_group // outputs)
    o, ky, kx, c = np.indices(source.shape)
    block = o // per_group * blocks + o % per_group // outputs
    _, place, before, length = np.moveaxis(phase_of[ky], -1, 0)
    part = block * len(segments) + segment_of[kx, 0]
    index = part * depth * y.kernel + depth * before + c * length + place
    column = (last[kx] - kx) * x.dilation // x.stride
    at = ACCUMULATOR * (column * outputs + o % per_group % outputs)
    parts = groups * blocks * len(segments)
    starts = {depth * b + channel * n for _, _, b, n in phase_of for channel in range(depth)}
    flat = source.ravel()
    return Lists(
        list=index.ravel(),
        at=at.ravel().astype(np.uint8),
        weight=weights.ravel()[flat],
        source=flat,
        count=parts * depth * y.kernel,
        firsts=(np.arange(parts)[:, None] * depth * y.kernel + np.array(sorted(starts))).ravel(),
        taps=taps,
        outputs=outputs,
    )
