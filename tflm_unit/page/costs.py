"""Predicted cost of the zero-skip baseline, which the planner does not keep for the network without thresholds."""

from __future__ import annotations

from collections.abc import Mapping

from ..converter.codegen.fused_pools import fuse_pools
from ..converter.cost_features import LayerCounts
from ..converter.cost_model import cost_model
from ..converter.errors import UnitError
from ..converter.graph import Graph
from ..converter.prune import Statistics
from ..converter.targets import load_target


def zero_skip_costs(graph: Graph, source: Statistics, target: str) -> Mapping[int, float]:
    """By index of every prunable layer; empty where this installation does not know the target any more.

    source: of the activations of the dense network, whose zeros are what the baseline skips.
    """
    try:
        model = cost_model(load_target(target))
    except UnitError:
        return {}
    activity = source.activity(graph.uncentered.prunable, None)
    generated = fuse_pools(graph.uncentered, [])
    return {
        layer.index: model.predict(
            layer.op, "zero_skip", LayerCounts(generated, layer, activity[layer.index]).of("zero_skip")
        )
        for layer in generated.prunable
    }
