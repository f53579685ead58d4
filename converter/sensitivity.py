"""How much an error in each layer's outputs matters, and the thresholds that follow from it.

A skipped product changes one output before its activation function. To second order the loss then rises by half
the squared product times the Fisher information of that output: the mean squared gradient of the log-likelihood,
with labels drawn from the model's own answers, so that no true labels are needed. Skipping the MACs with the least
rise of the loss per saved cost means |product| <= knob * sqrt(cost / Fisher information), with one knob for
all channels of all layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .dataset import Dataset
from .engine import Engine
from .gradients import backward, logit_step
from .graph import Graph, Layer, SoftmaxParams

SAMPLES = 256
CHUNK = 32
SEED = 0
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
    over samples and positions of the squared gradient of the loss by the real pre-activation. The loss is the
    cross-entropy where the model ends in a SOFTMAX, else half the squared error of its first output.
    progress: called with ('sensitivity', samples done, samples).
    Raises UnitError when a layer has no derivative, ModelError when the batch engine cannot run the graph.
    """
    engine = Engine(graph, threads=threads)
    keep = sorted({t for layer in graph.layers for t in (*layer.inputs[:1], *layer.outputs)} | _added(graph))
    totals = {x.index: np.zeros(graph.output_channels(x)) for x in graph.prunable}
    random = np.random.default_rng(SEED)
    done = 0
    sizes = {x.index: graph.tensors[x.outputs[0]].size // graph.output_channels(x) for x in graph.prunable}
    for chunk in _chunks(data, samples):
        values = engine.run(*chunk, keep=keep).kept
        start, gradient = _loss_gradient(graph, values, random)

        def add(layer: Layer, by_pre_activation: np.ndarray) -> None:
            squares = np.square(by_pre_activation, dtype=np.float64)
            totals[layer.index] += squares.reshape(-1, squares.shape[-1]).sum(axis=0)

        backward(graph, values, start, gradient, add)
        done += len(chunk[0])
        if progress:
            progress("sensitivity", done, samples)
    return {index: total / (max(done, 1) * sizes[index]) for index, total in totals.items()}


def start_thresholds(
    graph: Graph,
    fisher: Mapping[int, np.ndarray],
    knob: float,
    *,
    cost: Mapping[int, float] | None = None,
    channel_weight: float = 1.0,
) -> dict[str, np.ndarray]:
    """Real thresholds float64 (output channels,) by layer name: knob * sqrt(cost / Fisher information).

    fisher: from `sensitivity`. cost: of one MAC by layer index, default 1. channel_weight: 0: the layer's mean Fisher
    information for all of its channels, 1: that of each channel; between them a geometric mean.
    """
    floor = 1e-6 * max((float(f.mean()) for f in fisher.values()), default=0.0) or 1.0
    found = {}
    for layer in graph.prunable:
        mean = max(float(fisher[layer.index].mean()), floor)
        # A channel that never mattered on the data at hand may matter elsewhere.
        channels = np.maximum(fisher[layer.index], 0.01 * mean)
        blended = mean * (channels / mean) ** channel_weight
        found[layer.name] = knob * np.sqrt((cost[layer.index] if cost else 1.0) / blended)
    return found


def _added(graph: Graph) -> set[int]:
    """Second inputs of operators that have two activations."""
    constant = {t.index for t in graph.tensors if t.data is not None}
    return {t for layer in graph.layers for t in layer.inputs if t >= 0} - constant


def _chunks(data: Dataset, samples: int) -> Sequence[tuple[np.ndarray, ...]]:
    chunks: list[tuple[np.ndarray, ...]] = []
    left = samples
    for batch in data:
        count = min(left, len(batch[0]))
        chunks += [tuple(x[i : min(i + CHUNK, count)] for x in batch) for i in range(0, count, CHUNK)]
        left -= count
        if left == 0:
            break
    return chunks


def _loss_gradient(
    graph: Graph, values: Mapping[int, np.ndarray], random: np.random.Generator
) -> tuple[int, np.ndarray]:
    """A tensor and the gradient of the loss by its real values, for labels drawn from the model."""
    output = graph.outputs[0]
    last = next((x for x in graph.layers if output in x.outputs), None)
    while last is not None and last.op in ("DEQUANTIZE", "RESHAPE", "QUANTIZE"):
        output = last.inputs[0]
        last = next((x for x in graph.layers if output in x.outputs), None)
    if last is None or not isinstance(last.params, SoftmaxParams):
        # Gaussian outputs: the model's own draw differs from its mean by unit noise.
        return output, random.standard_normal(values[output].shape).astype(np.float32)
    logits = last.inputs[0]
    exponents = values[logits].astype(np.float64) * logit_step(last.params)
    weights = np.exp(exponents - exponents.max(axis=-1, keepdims=True))
    p = weights / weights.sum(axis=-1, keepdims=True)
    drawn = (np.cumsum(p, axis=-1) < random.random((*p.shape[:-1], 1))).sum(axis=-1)
    labels = np.minimum(drawn, p.shape[-1] - 1)
    step = logit_step(last.params) / float(graph.tensors[logits].scale[0])
    gradient = (p - np.eye(p.shape[-1])[labels]) * step
    return logits, gradient.astype(np.float32)
