"""How much an error in each layer's outputs matters, and the thresholds that follow from it.

A skipped product changes one output before its activation function. To second order the loss then rises by half
the squared product times the Fisher information of that output: the mean squared gradient of the log-likelihood,
with labels drawn from the model's own answers, so that no true labels are needed. Skipping the MACs with the least
rise of the loss per saved cost means |product| <= knob * sqrt(cost / Fisher information), with one knob for
all channels of all layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from .dataset import Dataset
from .engine import Engine
from .gradients import activations, backward
from .graph import Graph, Layer
from .output_loss import OutputLoss

SAMPLES = 256
CHUNK = 32
SEED = 0
# Of a layer's mean: a channel that never mattered on the data at hand may matter elsewhere.
LEAST_CHANNEL = 0.01
LEAST_LAYER = 1e-6  # of the mean of all layers
Progress = Callable[[str, int, int], None]


def sensitivity(
    graph: Graph,
    data: Dataset,
    *,
    samples: int = SAMPLES,
    threads: int | None = None,
    progress: Progress | None = None,
) -> dict[int, np.ndarray]:
    """Fisher information of one output value of every channel, by index of the prunable layer.

    data: as for calibration; the first `samples` of them count. Returns float64 (output channels,), the mean
    over samples and positions of the squared gradient of the loss (`OutputLoss`) by the real pre-activation.
    progress: called with ('sensitivity', samples done, samples).
    Raises UnitError when a layer has no derivative or the model several outputs, ModelError when the batch engine
    cannot run the graph.
    """
    engine, loss = Engine(graph, threads=threads), OutputLoss(graph)
    keep = activations(graph)
    totals = {x.index: np.zeros(graph.output_channels(x)) for x in graph.prunable}
    counts = dict.fromkeys(totals, 0)
    random = np.random.default_rng(SEED)

    def add(layer: Layer, by_pre_activation: np.ndarray) -> None:
        squares = np.square(by_pre_activation, dtype=np.float64).reshape(-1, by_pre_activation.shape[-1])
        totals[layer.index] += squares.sum(axis=0)
        counts[layer.index] += len(squares)

    done = 0
    for chunk in _chunks(data, samples):
        values = engine.run(*chunk, keep=keep).kept
        answers = loss.answers(values[loss.tensor])
        backward(graph, values, loss.tensor, loss.gradient(answers, loss.draw(answers, random)), add)
        done += len(chunk[0])
        if progress:
            progress("sensitivity", done, samples)
    return {index: total / max(counts[index], 1) for index, total in totals.items()}


def start_thresholds(
    graph: Graph,
    fisher: Mapping[int, np.ndarray],
    knob: float,
    *,
    cost: Mapping[int, float] | None = None,
    channel_weight: float = 1.0,
) -> dict[str, np.ndarray]:
    """Real thresholds float64 (output channels,) by layer name: knob * sqrt(cost / Fisher information).

    fisher: from `sensitivity`. cost: of one MAC, by layer index; default 1. channel_weight: 0: the layer's mean
    Fisher information for all of its channels, 1: that of each channel; between them a geometric mean.
    """
    means = {index: float(f.mean()) for index, f in fisher.items()}
    least = LEAST_LAYER * (float(np.mean(list(means.values()))) or 1.0)
    found = {}
    for layer in graph.prunable:
        mean = max(means[layer.index], least)
        relative = np.maximum(fisher[layer.index] / mean, LEAST_CHANNEL)
        price = cost[layer.index] if cost else 1.0
        found[layer.name] = knob * np.sqrt(price / (mean * relative**channel_weight))
    return found


def _chunks(data: Dataset, samples: int) -> Iterator[tuple[np.ndarray, ...]]:
    left = samples
    for batch in data:
        count = min(left, len(batch[0]))
        for start in range(0, count, CHUNK):
            yield tuple(x[start : min(start + CHUNK, count)] for x in batch)
        left -= count
        if left <= 0:
            return
