"""Gradients of int8 graphs against TensorFlow's, and what is made of them: sensitivity and refitted biases."""

from __future__ import annotations

import numpy as np
import pytest
from classifier import classifier, images
from random_graphs import random_graph, random_inputs
from tiny_models import lenet, zoo

from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.errors import UnitError
from tflm_unit.converter.gradients import activations, backward
from tflm_unit.converter.graph import Graph, Layer
from tflm_unit.converter.output_loss import OutputLoss
from tflm_unit.converter.prune import PruneOptions, prune
from tflm_unit.converter.pruning import OperatingPoint
from tflm_unit.converter.reader import read_graph
from tflm_unit.converter.refit import check_refit, refit
from tflm_unit.converter.sensitivity import sensitivity, start_thresholds
from tflm_unit.converter.thresholds import Explicit, SkipRate

SAMPLES = 3


@pytest.mark.parametrize("seed", range(40))
def test_gradients_are_those_of_tensorflow(seed: int) -> None:
    pytest.importorskip("tensorflow", reason="not installed: tensorflow")
    from tf_gradients import gradients

    graph = random_graph(seed, layers=8)
    values = Engine(graph).run(*random_inputs(graph, SAMPLES, seed), keep=activations(graph)).kept
    start = next(t for t in graph.outputs if values[t].dtype == np.int8)
    gradient = np.random.default_rng(seed).standard_normal(values[start].shape).astype(np.float32)
    found: dict[int, np.ndarray] = {}
    backward(graph, values, start, gradient, lambda layer, part: found.update({layer.index: part}))
    expected = gradients(graph, values, start, gradient)
    assert found.keys() == expected.keys()
    for index, part in expected.items():
        np.testing.assert_allclose(found[index], part, rtol=1e-3, atol=1e-4 * max(np.abs(part).max(), 1e-30))


@pytest.fixture(scope="module")
def graph() -> Graph:
    return read_graph(classifier())


@pytest.fixture(scope="module")
def data(graph: Graph) -> Dataset:
    return Dataset(images(600), graph)


def _answers(graph: Graph, data: Dataset, point: OperatingPoint | None) -> np.ndarray:
    loss = OutputLoss(graph)
    samples = np.concatenate([batch[0] for batch in data])
    return loss.answers(Engine(graph, point).run(samples, keep=[loss.tensor]).kept[loss.tensor])


def test_sensitivity_predicts_what_noise_on_a_channel_costs(graph: Graph, data: Dataset) -> None:
    """Half the squared error times the Fisher information, within a factor that quantization explains."""
    fisher = sensitivity(graph, data, samples=600)
    last: Layer = graph.prunable[-1]
    loss, samples = OutputLoss(graph), np.concatenate([batch[0] for batch in data])
    logits = Engine(graph).run(samples, keep=[loss.tensor]).kept[loss.tensor]
    wanted = loss.answers(logits)
    scale = float(graph.tensors[loss.tensor].scale[0])
    for channel in range(graph.output_channels(last)):
        noisy = logits.astype(np.int16)
        noisy[:, channel] += np.where(np.arange(len(noisy)) % 2, 2, -2)
        predicted = (2 * scale) ** 2 / 2 * fisher[last.index][channel]
        assert loss.loss(loss.answers(noisy), wanted) == pytest.approx(predicted, rel=0.4, abs=1e-5)


def test_start_thresholds_follow_cost_and_sensitivity(graph: Graph) -> None:
    fisher = {
        x.index: np.linspace(1, 4, graph.output_channels(x)) * 4**i for i, x in enumerate(graph.prunable)
    }
    by_channel = start_thresholds(graph, fisher, 3.0)
    for layer in graph.prunable:
        np.testing.assert_allclose(by_channel[layer.name], 3 / np.sqrt(fisher[layer.index]))
    by_layer = start_thresholds(graph, fisher, 3.0, channel_weight=0.0)
    dear = start_thresholds(graph, fisher, 3.0, cost={x.index: 4.0 for x in graph.prunable})
    for layer in graph.prunable:
        np.testing.assert_allclose(by_layer[layer.name], 3 / np.sqrt(fisher[layer.index].mean()))
        np.testing.assert_allclose(dear[layer.name], 2 * by_channel[layer.name])


def test_channels_and_layers_without_influence_get_finite_thresholds(graph: Graph) -> None:
    fisher = {x.index: np.zeros(graph.output_channels(x)) for x in graph.prunable}
    assert all(np.isfinite(t).all() for t in start_thresholds(graph, fisher, 1.0).values())
    fisher[graph.prunable[0].index][0] = 1.0
    assert all(np.isfinite(t).all() for t in start_thresholds(graph, fisher, 1.0).values())


def test_fisher_thresholds_beat_one_percentile(graph: Graph, data: Dataset) -> None:
    """At the same share of skipped MACs the answers stay closer to the dense model's."""
    source, wanted = Calibrator(graph, data), _answers(graph, data, None)
    loss, fisher = OutputLoss(graph), sensitivity(graph, data)
    percentile, _ = prune(graph, source, PruneOptions(SkipRate(0.7)), "percentile")
    low, high = 1e-6, 1e3
    for _ in range(40):
        knob = float(np.sqrt(low * high))
        rule = Explicit(
            {k: float(v[0]) for k, v in start_thresholds(graph, fisher, knob, channel_weight=0).items()}
        )
        ours, _ = prune(graph, source, PruneOptions(rule), "fisher")
        low, high = (knob, high) if (ours.skip_rate or 0) < (percentile.skip_rate or 0) else (low, knob)
    assert ours.skip_rate == pytest.approx(percentile.skip_rate, abs=0.01)
    assert loss.loss(_answers(graph, data, ours), wanted) < loss.loss(
        _answers(graph, data, percentile), wanted
    )


def test_refit_brings_unseen_answers_closer_to_the_dense_ones() -> None:
    graph = read_graph(lenet())
    pixels = np.random.default_rng(0).integers(-128, 128, (1200, 10, 10, 1)).astype(np.int8)
    data, unseen = Dataset(pixels[:800], graph), Dataset(pixels[800:], graph)
    point, _ = prune(graph, Calibrator(graph, data), PruneOptions(SkipRate(0.7)), "point")
    refitted, loss, wanted = refit(graph, point, data), OutputLoss(graph), _answers(graph, unseen, None)
    before, after = (loss.loss(_answers(graph, unseen, p), wanted) for p in (point, refitted))
    assert after < 0.6 * before
    for index, entry in refitted.layers.items():
        np.testing.assert_array_equal(entry.thresholds, point.layers[index].thresholds)
    again = refit(graph, point, data, threads=1)
    for index, entry in again.layers.items():
        np.testing.assert_array_equal(entry.compensation, refitted.layers[index].compensation)


def test_refit_leaves_layers_without_thresholds_dense(graph: Graph, data: Dataset) -> None:
    first = graph.prunable[0]
    rule = Explicit({first.name: 0.2})
    point, _ = prune(graph, Calibrator(graph, data), PruneOptions(rule), "point")
    assert refit(graph, point, data, steps=3).layers.keys() == {graph.weights(first).index}


def test_refit_leaves_layers_that_skip_zeros_alone_on_their_schedule(graph: Graph, data: Dataset) -> None:
    first, second, _ = graph.prunable
    rule = Explicit({first.name: 0.0, second.name: 0.2})
    point, _ = prune(graph, Calibrator(graph, data), PruneOptions(rule), "point")
    entry, other = (graph.weights(x).index for x in (first, second))
    moved = refit(graph, point, data, steps=3)
    assert moved.layers[entry] == point.layers[entry]
    assert moved.layers[entry].skips_zeros_alone
    assert not np.array_equal(moved.layers[other].compensation, point.layers[other].compensation)
    nothing = OperatingPoint("zero-skip", {entry: point.layers[entry]})
    assert refit(graph, nothing, data, steps=3) == nothing


def test_models_with_several_outputs_are_refused() -> None:
    graph = read_graph(zoo())
    with pytest.raises(UnitError, match="the model has 2 outputs"):
        sensitivity(graph, Dataset(np.zeros((1, 9, 8, 3), np.float32), graph))
    with pytest.raises(UnitError, match="the model has 2 outputs"):
        check_refit(graph)
