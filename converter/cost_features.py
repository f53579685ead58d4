"""What the time of a layer depends on: counts per inference, which the cost model weighs with constants.

Counts follow the loops of the kernels (kernels/src/core): how often an activation is looked at, how often a list is
entered, how many products are added up, those in the padding of an accumulator row included.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from .activity import Activity
from .codegen.scratch import keeps_lists
from .cost_axis import Axis
from .cost_outputs import output_counts
from .cost_sorted import SortedPhase, SortedShape, conv_counts, depthwise_counts
from .engine import cutoffs
from .graph import ConvParams, FullyConnectedParams, Graph, Layer
from .plans import WeightPlan
from .pruning import Divider, LayerPruning

MAGNITUDES = 257  # 0..255, and 256: never

# Of the C core: inputs and outputs of one block, and output channels that one gathered patch serves.
DEPTHWISE_INPUTS, DEPTHWISE_OUTPUTS = 256, 96
PATCH_CHANNELS, QUOTIENT_CHANNELS, COLUMN = 32, 8, 64
PIECE = 64  # about as many activations go into one call of an inner loop
SHORT_RUN, SHORT_RUN_EXACT = 4, 16  # of FULLY_CONNECTED compare: outputs with one threshold
MANY = 8  # columns for which a planned convolution prepares the requantization of a channel once per row


class LayerCounts:
    """Counts of one prunable layer; all are means over the samples of its activity."""

    def __init__(self, graph: Graph, layer: Layer, activity: Activity) -> None:
        params = layer.params
        assert isinstance(params, (ConvParams, FullyConnectedParams))
        weights = graph.weights(layer).data
        assert weights is not None
        self.op, self._weights = layer.op, weights
        self._macs = graph.macs(layer)
        self._samples = len(activity.input)
        x = activity.input.astype(np.int16) + params.input_offset
        self._pool = (1, 1)
        if isinstance(params, ConvParams):
            image, kernel = (graph.tensors[t].shape[1:3] for t in layer.inputs[:2])
            tiles = (image, kernel, graph.positions(layer), params.stride, params.padding, params.dilation)
            self._y, self._x = (Axis(*(tile[i] for tile in tiles)) for i in range(2))
            self._pool = params.pool
            self._depthwise = params.ch_mult > 0
            self._keeps_lists = keeps_lists(layer, graph)
        else:  # positions are columns, and there is one tap
            rows = graph.tensors[layer.inputs[0]].size // weights.shape[1]
            x = x.reshape(self._samples, 1, rows, weights.shape[1])
            self._y, self._x = Axis(1, 1, 1, 1, 0, 1), Axis(rows, 1, rows, 1, 0, 1)
            self._depthwise = False
        self._magnitude = np.abs(x)
        self._positive, self._negative = np.maximum(x, 0), np.maximum(-x, 0)
        self._signs = 1 if params.input_offset == 128 else 2
        self._sums = activity.output[0].size
        # Of sums in the padding, nobody knows.
        mean_sums = (self._ohwi.sum(axis=(1, 2)) * x.mean(axis=(0, 1, 2))[self._channel]).sum(axis=1)
        bias = graph.bias(layer)
        if bias is not None and bias.data is not None:
            mean_sums = mean_sums + bias.data.reshape(-1)
        self._of_outputs = output_counts(params, activity.output, mean_sums)

    def of(
        self, schedule: str, entry: LayerPruning | None = None, plan: WeightPlan | None = None
    ) -> dict[str, float]:
        """Counts that decide the time of `schedule`. entry: thresholds; plan: of 'planned'."""
        common = {"calls": 1.0} | self._of_outputs
        if schedule == "dense":
            return common | self._dense()
        if schedule == "zero_skip":
            return common | self._gathered(PATCH_CHANNELS)
        assert entry is not None
        critical = self._critical(entry)
        if schedule == "compare":
            return common | self._compare(critical, entry)
        if schedule == "activation_sorted":
            return common | self._sorted(critical)
        assert plan is not None
        return common | self._planned(critical, plan)

    # Weights as (output channels, KH, KW, input channels of a group); the input channel of each.

    @cached_property
    def _ohwi(self) -> np.ndarray:
        return self._as_ohwi(self._weights)

    def _as_ohwi(self, values: np.ndarray) -> np.ndarray:
        if values.ndim == 2:
            return values[:, None, None, :]
        return values.transpose(3, 1, 2, 0) if self._depthwise else values

    @cached_property
    def _channel(self) -> np.ndarray:
        """Input channel of each (output channel, input channel of the group)."""
        outputs, _, _, depth = self._ohwi.shape
        groups = self._magnitude.shape[3] // depth
        return np.arange(outputs)[:, None] * groups // outputs * depth + np.arange(depth)

    @property
    def _group_outputs(self) -> int:
        return self._ohwi.shape[0] * self._ohwi.shape[3] // self._magnitude.shape[3]

    def _critical(self, entry: LayerPruning) -> np.ndarray:
        """The |x| from which each weight counts, 0..256, (O, KH, KW, I)."""
        thresholds = np.ascontiguousarray(entry.per_channel(self._ohwi.shape[0]))
        return self._as_ohwi(cutoffs(self.op, self._weights, thresholds, entry.divider)) + 1

    def _at_least(self, rows: np.ndarray, columns: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
        """Activations with |x| >= m in these rows and columns, float64 (input channels, 257)."""
        part = (self._magnitude if of is None else of)[:, rows][:, :, columns]
        channels = part.shape[3]
        codes = part + MAGNITUDES * np.arange(channels)
        counts = np.bincount(codes.ravel(), minlength=channels * MAGNITUDES).reshape(channels, MAGNITUDES)
        return np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] / self._samples

    @cached_property
    def _valid(self) -> np.ndarray:
        """_at_least by tap, (KH, KW, input channels, 257): pairs inside the image."""
        taps = [
            [self._at_least(self._y.valid(ky), self._x.valid(kx)) for kx in range(self._x.kernel)]
            for ky in range(self._y.kernel)
        ]
        return np.array(taps)

    def _dense(self) -> dict[str, float]:
        positions = self._y.output * self._x.output
        products = float(self._sums * self._ohwi[0].size)  # padding included
        if self._depthwise:
            return self._taps(three_at_once=True)
        patches = float(positions * self._groups * -(-self._group_outputs // PATCH_CHANNELS))
        return {
            "patches": patches,
            "patch_rows": patches * self._y.kernel,
            "gathered": patches * self._ohwi[0].size,
            "macs": products,
        }

    def _taps(self, *, three_at_once: bool) -> dict[str, float]:
        """Depthwise convolutions add each tap, or three neighbours of a row, to all outputs of a block."""
        y, x, channels = self._y, self._x, self._ohwi.shape[0]
        most = DEPTHWISE_INPUTS // y.seen(1, y.kernel)
        whole = most >= x.seen(1, x.kernel)
        kernel_y, kernel_x = (y.kernel, x.kernel) if whole else (1, 1)
        most = most if whole else DEPTHWISE_INPUTS
        columns = min((most - x.seen(1, kernel_x)) // x.stride + 1, DEPTHWISE_OUTPUTS, x.output)
        rows = 1
        if columns == x.output:
            seen = DEPTHWISE_INPUTS // x.seen(x.output, kernel_x) - y.seen(1, kernel_y)
            rows = max(1, min(seen // y.stride + 1, DEPTHWISE_OUTPUTS // x.output))
        blocks_y, blocks_x = -(-y.output // rows), -(-x.output // columns)
        threes, ones = divmod(x.kernel, 3) if three_at_once and whole else (0, x.kernel)
        parts = 1 if whole else y.kernel * x.kernel
        seen_rows = blocks_y * y.seen(1, kernel_y) + (y.output - blocks_y) * y.stride
        seen_columns = blocks_x * x.seen(1, kernel_x) + (x.output - blocks_x) * x.stride
        return {
            "channels": float(channels),
            "blocks": float(channels * blocks_y * blocks_x * parts),
            "gathered": float(channels * parts * seen_rows * seen_columns),
            "gathered_rows": float(channels * parts * seen_rows * blocks_x),
            "taps": float(channels * blocks_y * blocks_x * y.kernel * (threes + ones)),
            "tap_rows": float(channels * y.output * blocks_x * y.kernel * (threes + ones)),
            "macs_threes": float(self._sums * y.kernel * 3 * threes),
            "macs": float(self._sums * y.kernel * ones),
        }

    def _gathered(self, channels: int) -> dict[str, float]:
        """Patches of the activations that are not zero, each for so many output channels."""
        every, nonzero = (float(self._valid[..., m].sum()) for m in (0, 1))
        counts = {"macs_nonzero": nonzero * self._group_outputs}
        if self._depthwise:
            return counts | self._taps(three_at_once=False)
        blocks = -(-self._group_outputs // channels)
        patches = float(self._y.output * self._x.output * blocks)
        pieces = patches * math.ceil(nonzero / max(self._y.output * self._x.output, 1) / PIECE)
        return counts | {
            "patches": patches,
            "patch_rows": patches * self._y.kernel,
            "gathered": every * blocks,
            "gathered_nonzero": nonzero * blocks,
            "pieces": pieces * min(channels, self._group_outputs),
        }

    def _kept(self, critical: np.ndarray) -> float:
        """Survivors inside the image."""
        _, rows, columns, _ = critical.shape
        return sum(
            float(self._valid[ky, kx][self._channel, critical[:, ky, kx]].sum())
            for ky in range(rows)
            for kx in range(columns)
        )

    def _compare(self, critical: np.ndarray, entry: LayerPruning) -> dict[str, float]:
        if self._weights.ndim == 2:
            return self._compare_fully_connected(entry) | {"kept": self._kept(critical)}
        counts = self._gathered(QUOTIENT_CHANNELS)
        return counts | {"kept": self._kept(critical), "weights": float(critical.size)}

    def _compare_fully_connected(self, entry: LayerPruning) -> dict[str, float]:
        """Outputs that share a threshold go input by input, others output by output."""
        every, nonzero = (float(self._valid[..., m].sum()) for m in (0, 1))
        short = SHORT_RUN_EXACT if entry.divider is Divider.EXACT else SHORT_RUN
        thresholds = entry.per_channel(len(self._weights))
        ends = [*(np.flatnonzero(np.diff(thresholds)) + 1), len(thresholds)]
        runs = in_rows = 0  # blocks of one threshold, and outputs of the others
        others = start = block = 0
        for end in ends:
            while start < end:
                size = min(end - start, COLUMN - block)
                others += block == 0 and size < short
                if size >= short:
                    runs, block = runs + 1, 0
                else:
                    in_rows, block = in_rows + size, (block + size) % COLUMN
                start += size
        blocks, rows = runs + others, self._x.output
        pieces = rows * math.ceil(nonzero / rows / PIECE)
        return {
            "blocks": float(blocks * rows),
            "gathered": every * blocks,
            "gathered_nonzero": nonzero * blocks,
            "macs_columns": nonzero * (len(thresholds) - in_rows),
            "macs_rows": nonzero * in_rows,
            "output_rows": float(in_rows * pieces),
            "pieces": float(runs * pieces),
        }

    def _sorted(self, critical: np.ndarray) -> dict[str, float]:
        """Every weight walks all inputs of its phase that are large enough, wherever they lie."""
        taps: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for ky, kx in np.ndindex(*critical.shape[1:3]):
            taps.setdefault((self._y.phase(ky), self._x.phase(kx)), []).append((ky, kx))
        found = []
        for some in taps.values():
            rows, columns = self._y.alike(some[0][0]), self._x.alike(some[0][1])
            least = np.stack([critical[:, ky, kx] for ky, kx in some], axis=-1)
            kernel = (len({ky for ky, _ in some}), len({kx for _, kx in some}))
            every = self._at_least(rows, columns)
            parts = [every] if self._depthwise else [self._at_least(rows, columns, self._positive)]
            if self._signs == 2 and not self._depthwise:
                parts.append(self._at_least(rows, columns, self._negative))
            walks = [part[self._channel[:, :, None], least] for part in parts]
            found.append(SortedPhase(every, parts, walks, least, kernel, len(rows)))
        shape = SortedShape(self._signs, self._group_outputs, self._y, self._x)
        if self._depthwise:
            return depthwise_counts(shape, found, self._channel[:, 0])
        return conv_counts(shape, found, self._channel, self._keeps_lists)

    def _planned(self, critical: np.ndarray, plan: WeightPlan) -> dict[str, float]:
        """Every activation is looked at once per list of blocks and segments, and then walks its lists."""
        least = min(int(critical.min()), MAGNITUDES - 1)
        blocks = -(-self._group_outputs // plan.outputs)
        outer = blocks * self._groups
        looked = live = visits = walked = walks = cells = 0.0
        for segment in self._x.segments(max(plan.taps, 1)):
            columns = np.unique(np.concatenate([self._x.valid(kx) for kx in segment]))
            rows = np.unique(np.concatenate([self._y.valid(ky) for ky in range(self._y.kernel)]))
            every = self._at_least(rows, columns)
            looked += blocks * float(every[:, 0].sum())
            live += blocks * float(every[:, least].sum())
            walks += float(outer * len(rows))
            slack = (segment[-1] - segment[0]) * self._x.dilation // self._x.stride
            cells += float(outer * plan.outputs * self._y.output * (self._x.output + slack))
            for ky in range(self._y.kernel):
                met = self._at_least(self._y.valid(ky), columns)
                visits += blocks * float(met[:, least].sum())
                walked += sum(float(met[self._channel, critical[:, ky, kx]].sum()) for kx in segment)
        counts = {"looked": looked, "live": live, "kept": walked}
        if self._weights.ndim == 2:
            return counts | ({"tried": live} if plan.critical is not None else {})
        counts |= {"visits": visits, "walks": walks, "cells": cells}
        counts["channels"] = walks * self._ohwi.shape[3]
        height, width = self._y.output // self._pool[0], self._x.output // self._pool[1]
        counts["prepared"] = float(len(self._ohwi) * (height if width >= MANY else height * width))
        counts["positions"] = looked / self._ohwi.shape[3]
        counts["rows"] = float(outer * self._y.input)
        counts["rows_stored"] = float(outer * height)
        counts["stores"] = float(outer * height * width)
        return counts | ({"tried": visits} if plan.critical is not None else {})

    @property
    def _groups(self) -> int:
        return int(self._magnitude.shape[3] // self._ohwi.shape[3])
