"""The planned schedule's assembly on simulated cores: lists of every length, at even and at odd places; outputs of
every kind behind them."""

from __future__ import annotations

import numpy as np
import pytest
from engine_graphs import GraphBuilder
from simulated import cache, require  # noqa: F401

from tflm_unit import simulate
from tflm_unit.converter.graph import Activation, FullyConnectedParams, Graph, Requantization
from tflm_unit.converter.plan_lists import MAX_WINDOW
from tflm_unit.converter.plans import make_plans
from tflm_unit.converter.pruning import LayerPruning, OperatingPoint, PruningConfig
from tflm_unit.models import Model

slow = pytest.mark.slow
TARGETS = ("cortex_m0_sim", "cortex_m3_sim")
MORE = ("cortex_m4_sim", "cortex_m7_sim", "cortex_m33_sim")
LENGTHS = MAX_WINDOW + 1
THRESHOLD = 127
SAMPLES = 64  # roundings that go wrong once in a thousand outputs are seen
RELU = Activation(fused_relu=True)
# input zero point, output zero point, activation, bias, compensation
LAYERS = (
    (-128, -128, RELU, True, True),
    (-128, 5, Activation(), True, False),
    (3, -128, RELU, True, False),
    (127, 5, Activation(-100, 90), True, True),
    (-128, 5, Activation(), False, True),
)


def _weights(rng: np.random.Generator) -> np.ndarray:
    """List i: as many weights that small activations make count as i modulo all lengths, and for odd i others that
    only activations from 128 on do."""
    weights = np.zeros((MAX_WINDOW, 2 * LENGTHS + 1), np.int8)
    for i, column in enumerate(weights.T):
        large = rng.permutation(MAX_WINDOW) < i % LENGTHS
        column[:] = np.where(large, rng.integers(60, 128, MAX_WINDOW), i % 2) * rng.choice(
            [-1, 1], MAX_WINDOW
        )
    return weights


def _requantization(rng: np.random.Generator) -> Requantization:
    """Mostly what a model has; every fourth shift is one that is rare or not covered by unit_scale."""
    shift = rng.integers(-12, -9, MAX_WINDOW)
    shift[::4] = np.resize([-31, -23, -22, -2, -1, 0, 3, 20], len(shift[::4]))
    return Requantization(
        rng.integers(2**30, 2**31, MAX_WINDOW).astype(np.int32), rng.permutation(shift).astype(np.int32)
    )


def _model() -> tuple[Graph, OperatingPoint]:
    rng = np.random.default_rng(0)
    b, ends, layers = GraphBuilder(), [], {}
    for zero_point, output, activation, has_bias, compensated in LAYERS:
        weights, terms = _weights(rng), rng.integers(-5000, 5000, (2, MAX_WINDOW)).astype(np.int32)
        x = b.tensor((1, weights.shape[1]), zero_point=zero_point)
        params = FullyConnectedParams(-zero_point, output, activation, _requantization(rng))
        y = b.weighted("FULLY_CONNECTED", x, (1, MAX_WINDOW), params, weights, terms[0] if has_bias else None)
        layers[b.layers[-1].inputs[1]] = LayerPruning(
            np.array([THRESHOLD], np.int16), MAX_WINDOW, compensation=terms[1] if compensated else None
        )
        ends.append((x, y))
    graph = b.graph(*(tuple(t) for t in zip(*ends, strict=True)))
    return graph, OperatingPoint("lists", layers)


@pytest.mark.parametrize("target", [*TARGETS, *(pytest.param(name, marks=slow) for name in MORE)])
def test_lists_of_every_length(target: str) -> None:
    require(target)
    graph, point = _model()
    for layer in graph.layers:
        plans = make_plans(graph, layer, [point.layers[layer.inputs[1]]])
        assert plans is not None
        assert plans[0].critical is None
        for place in (0, 1):
            assert set(plans[0].count[place::2].ravel()) == set(range(LENGTHS))
    result = simulate(Model(b"", graph, PruningConfig((point,))), target, samples=SAMPLES, schedule="planned")
    assert result.match, result.mismatches
