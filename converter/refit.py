"""Compensations by gradient descent: the biases with which a pruned network answers most like the dense one.

The mean of the skipped products (prune.py) leaves errors that depend on the input, and that clamps then turn into
new offsets. Moving the biases against the gradient of the distance between both networks' answers takes those out
as far as constants can, without labels, without touching weights, and at no cost on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .dataset import Dataset
from .engine import Engine
from .errors import UnitError
from .gradients import activations, backward
from .graph import Graph, Layer
from .output_loss import OutputLoss
from .prune import LayerReport, skip_rate
from .pruning import OperatingPoint

# Steps: fewer for large networks, whose steps take long.
MOST_STEPS, FEWEST_STEPS = 120, 60
MACS = 3e8  # of one sample, over all steps
BATCH = 128
EPOCHS = 10  # at most: what is learnt from few samples more often does not hold for those of other people
# First step, of the standard deviation of a layer's outputs; falls to a tenth of it.
RATE = 0.015
MOMENTUM, SQUARES = 0.9, 0.98  # decay of Adam's two averages (Kingma and Ba 2015)
SEED = 0
INT32_LIMIT = 2.0**30
Progress = Callable[[str, int, int], None]


def refit_all(
    graph: Graph,
    points: Sequence[OperatingPoint],
    reports: Sequence[tuple[LayerReport, ...]],
    data: Dataset,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[tuple[OperatingPoint, ...], tuple[tuple[LayerReport, ...], ...]]:
    """`refit` of every point, with what its layers then skip; reports: per point, of all prunable layers."""
    done = [refit(graph, point, data, threads=threads, progress=progress) for point in points]
    counted = [_counted(graph, p, data, r, threads) for p, r in zip(done, reports, strict=True)]
    return tuple(p for p, _ in counted), tuple(r for _, r in counted)


def check_refit(graph: Graph) -> None:
    """Raises UnitError when `refit` cannot run the graph or compare its answers."""
    if graph.unsupported:
        layer = graph.unsupported[0]
        raise UnitError(
            f"refit needs the batch engine, which cannot run layer {layer.name!r} ({layer.op}): {layer.unsupported}"
        )
    OutputLoss(graph)


@dataclass
class _Bias:
    """One layer's compensation in real units and Adam's averages of its gradient, float64 (channels,)."""

    value: np.ndarray
    first: np.ndarray
    second: np.ndarray
    spread: float = 0.0

    def step(self, gradient: np.ndarray, number: int, rate: float) -> None:
        self.first = MOMENTUM * self.first + (1 - MOMENTUM) * gradient
        self.second = SQUARES * self.second + (1 - SQUARES) * gradient**2
        size = np.sqrt(self.second / (1 - SQUARES**number))
        ratio = self.first / (1 - MOMENTUM**number) / np.maximum(size, np.finfo(np.float64).tiny)
        self.value = self.value - rate * self.spread * ratio


def refit(
    graph: Graph,
    point: OperatingPoint,
    data: Dataset,
    *,
    steps: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> OperatingPoint:
    """The point with compensations that bring its answers on `data` closest to the dense network's.

    Everything else of the point stays, layers that skip zero products alone as well: a compensation would take their
    schedule from them. data: calibration samples, 500 or more; fewer are learnt by heart. steps: default 60 to 120,
    from the model's MACs, but no more than go through the data ten times. progress: called with ('refit', steps done,
    steps). Raises as `sensitivity` does.
    """
    moved = {index for index, entry in point.layers.items() if not entry.skips_zeros_alone}
    layers = [x for x in graph.prunable if graph.weights(x).index in moved]
    if not layers:
        return point
    scales = {x.index: graph.product_scale(x) for x in layers}
    loss, keep = OutputLoss(graph), activations(graph)
    samples = tuple(np.concatenate(parts) for parts in zip(*data, strict=True))
    steps = steps or _default_steps(graph, len(samples[0]))
    dense = Engine(graph, threads=threads).run(*samples, keep=[loss.tensor]).kept[loss.tensor]
    wanted = loss.answers(dense)
    biases = {x.index: _start(graph, point, x, scales[x.index]) for x in layers}
    for number, rows in enumerate(_batches(len(dense), steps), 1):
        engine = Engine(graph, _with(graph, point, layers, biases, scales), threads=threads)
        values = engine.run(*(x[rows] for x in samples), keep=keep).kept
        gradients: dict[int, np.ndarray] = {}

        def note(layer: Layer, by_output: np.ndarray, found: dict[int, np.ndarray] = gradients) -> None:
            sums = by_output.reshape(-1, by_output.shape[-1]).sum(axis=0, dtype=np.float64)
            found[layer.index] = sums / len(by_output)

        answers = loss.answers(values[loss.tensor])
        backward(graph, values, loss.tensor, loss.gradient(answers, wanted[rows]), note)
        rate = RATE * (1 - 0.9 * number / steps)
        for layer in layers:
            bias = biases[layer.index]
            output = graph.tensors[layer.outputs[0]]
            bias.spread = bias.spread or float(values[output.index].std() * output.scale[0])
            bias.step(gradients.get(layer.index, np.zeros_like(bias.value)), number, rate)
        if progress:
            progress("refit", number, steps)
    return _with(graph, point, layers, biases, scales)


def _counted(
    graph: Graph,
    point: OperatingPoint,
    data: Dataset,
    reports: tuple[LayerReport, ...],
    threads: int | None,
) -> tuple[OperatingPoint, tuple[LayerReport, ...]]:
    """MACs of the layers, and of all, anew: other biases make other activations."""
    engine = Engine(graph, point, threads=threads)
    sums = {layer.index: np.zeros(2, np.int64) for layer in graph.prunable}
    for batch in data:
        for index, counters in engine.run(*batch).counters.items():
            if index in sums:
                sums[index] += (counters.macs_zero, counters.macs_skipped)
    pairs = zip(graph.prunable, reports, strict=True)
    found = tuple(
        replace(r, macs_zero=int(sums[x.index][0]), macs_skipped=int(sums[x.index][1])) for x, r in pairs
    )
    return replace(point, skip_rate=skip_rate(graph, found)), found


def _start(graph: Graph, point: OperatingPoint, layer: Layer, scale: np.ndarray) -> _Bias:
    compensation = point.layers[graph.weights(layer).index].compensation
    zeros = np.zeros(graph.output_channels(layer))
    return _Bias(zeros if compensation is None else compensation * scale, zeros, zeros)


def _with(
    graph: Graph,
    point: OperatingPoint,
    layers: list[Layer],
    biases: Mapping[int, _Bias],
    scales: Mapping[int, np.ndarray],
) -> OperatingPoint:
    """The point with the biases as its compensations."""
    entries = dict(point.layers)
    for layer in layers:
        levels = np.clip(np.rint(biases[layer.index].value / scales[layer.index]), -INT32_LIMIT, INT32_LIMIT)
        index = graph.weights(layer).index
        entries[index] = replace(
            entries[index], compensation=levels.astype(np.int32) if levels.any() else None
        )
    return replace(point, layers=entries)


def _default_steps(graph: Graph, samples: int) -> int:
    macs = sum(graph.macs(x) for x in graph.mac_layers)
    steps = int(np.clip(MACS / max(macs, 1), FEWEST_STEPS, MOST_STEPS))
    return min(steps, -(-EPOCHS * samples // min(BATCH, samples)))


def _batches(count: int, steps: int) -> Iterator[np.ndarray]:
    """Row numbers of each step: the samples shuffled, again and again."""
    random, size = np.random.default_rng(SEED), min(BATCH, count)
    left = np.empty(0, np.int64)
    for _ in range(steps):
        if len(left) < size:
            left = random.permutation(count)
        yield np.sort(left[:size])
        left = left[size:]
