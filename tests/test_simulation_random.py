"""Simulated firmware against the batch engine on random layers and graphs, under every divider and schedule."""

from __future__ import annotations

import numpy as np
import pytest
from firmware import load_board, require
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from random_graphs import random_graph, random_point, with_schedules
from strategies import LayerCase, layer_cases
from test_codegen import side_by_side

from tflm_unit import UnitError, simulate
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.pruning import OperatingPoint, PruningConfig
from tflm_unit.models import Model

slow = pytest.mark.slow
TARGETS = ("cortex_m0_sim", "cortex_m3_sim", "msp430_sim", "msp430_nomul_sim", "msp430fr5994_sim")
MORE = ("cortex_m4_sim", "cortex_m7_sim", "cortex_m33_sim")
MOST_MACS = 10_000
EXAMPLES = max(2, settings().max_examples // 75)  # of many layers each; 26 in `make test-all`


def check(graph: Graph, point: OperatingPoint, target: str, schedule: str, seed: int) -> None:
    model = Model(b"", graph, PruningConfig((point,)))
    try:
        result = simulate(model, target, samples=2, schedule=schedule, seed=seed)
    except UnitError as error:
        if "does not fit" not in str(error):
            raise
        reject()
    assert not result.mismatches


def _is_quick(case: LayerCase) -> bool:
    """Whether it has few MACs: counting them takes an MSP430 some hundred cycles each."""
    return np.prod(case.output_shape) * case.weights.size / case.output_shape[-1] < MOST_MACS


@pytest.mark.parametrize("target", [*TARGETS, *(pytest.param(name, marks=slow) for name in MORE)])
@settings(max_examples=EXAMPLES)
@given(
    cases=st.lists(layer_cases().filter(_is_quick), min_size=6, max_size=10),
    schedule=st.sampled_from(
        ["unit", "unit", "compare", "planned", "activation_sorted", "zero_skip", "dense"]
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_layers(target: str, cases: list[LayerCase], schedule: str, seed: int) -> None:
    require(load_board(target))
    graph, point, _ = side_by_side(cases)
    check(graph, with_schedules(graph, point, seed), target, schedule, seed)


@pytest.mark.parametrize("target", [pytest.param(name, marks=slow) for name in (*TARGETS, *MORE)])
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 2**32 - 1), layers=st.integers(6, 16))
def test_graphs(target: str, seed: int, layers: int) -> None:
    require(load_board(target))
    graph = random_graph(seed, layers)
    point = with_schedules(graph, random_point(graph, "point", seed), seed)
    check(graph, point, target, "unit", seed)
