"""Random layers as make_plans takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from engine_graphs import GraphBuilder
from strategies import LayerCase

from tflm_unit.converter.graph import Graph
from tflm_unit.converter.plans import WeightPlan, make_plans
from tflm_unit.converter.pruning import LayerPruning


def graph_of(case: LayerCase) -> Graph:
    """The layer alone, for one sample."""
    b = GraphBuilder()
    x = b.tensor((1, *case.input.shape[1:]), zero_point=case.quantization.input_zero_point)
    y = b.weighted(case.op, x, (1, *case.output_shape[1:]), case.params, case.weights, case.bias)
    return b.graph((x,), (y,))


def plans_of(case: LayerCase, entries: Sequence[LayerPruning]) -> list[WeightPlan]:
    graph = graph_of(case)
    plans = make_plans(graph, graph.layers[0], entries)
    assert plans is not None
    return plans


def plannable(pruning: LayerPruning, taps: int = 0) -> LayerPruning:
    """The same with thresholds that a plan knows."""
    return replace(pruning, thresholds=np.maximum(pruning.thresholds, 0), taps=taps)
