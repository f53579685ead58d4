"""What the batch engine refuses, and that its messages name the place, the value and what was expected."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from engine_graphs import GraphBuilder, network, prune_all, samples

from tflm_unit.converter.engine import Engine
from tflm_unit.converter.errors import DataError, MetadataError, ModelError, UnitError
from tflm_unit.converter.graph import Activation, ConvParams, CopyParams, Graph, Requantization
from tflm_unit.converter.pruning import Divider, OperatingPoint

GRAPH = network()
POINT = prune_all(GRAPH)


def test_bad_arguments_of_the_engine() -> None:
    with pytest.raises(UnitError, match="schedule is 'sparse'; expected one of compare, zero_skip, dense"):
        Engine(GRAPH, schedule="sparse")
    with pytest.raises(UnitError, match="kernels is 'gpu'"):
        Engine(GRAPH, kernels="gpu")
    for threads in (0, 2**40):
        with pytest.raises(UnitError, match=f"threads is {threads}; expected 1..1024"):
            Engine(GRAPH, threads=threads)
    layers = (*GRAPH.layers[:-1], replace(GRAPH.layers[-1], op="TANH", params=None, unsupported="no kernel"))
    with pytest.raises(ModelError, match=r"layer 'layer_14' \(TANH\): no kernel; use the TFLM engine"):
        Engine(replace(GRAPH, layers=layers))


def test_bad_inputs() -> None:
    engine = Engine(GRAPH)
    images, extra = samples(3)
    cases: list[tuple[tuple[np.ndarray, ...], str]] = [
        ((images,), "1 input arrays given; the model has 2"),
        ((images[..., :2], extra), r"shape \(3, 12, 12, 2\); expected \(N, 12, 12, 3\)"),
        ((images[0], extra), r"shape \(12, 12, 3\)"),
        ((images, extra.astype(np.uint8)), "dtype uint8; expected int8"),
        ((images.astype(np.float64), extra), "dtype float64; expected float32"),
        ((images, extra[:2]), "has 2 samples, the first has 3"),
        ((np.where(images == images[0, 0, 0, 0], np.nan, images), extra), "NaN or infinity"),
    ]
    for inputs, message in cases:
        with pytest.raises(DataError, match=message):
            engine.run(*inputs)


def test_bad_arguments_of_run() -> None:
    engine = Engine(GRAPH)
    weights = GRAPH.weights(GRAPH.prunable[0]).index
    for arguments, message in [
        ({"keep": [weights]}, "no layer that runs computes it"),
        ({"keep": [10_000]}, "no layer that runs computes it"),
        ({"keep": [GRAPH.outputs[0]], "stop_after": 1}, "no layer that runs computes it"),
        ({"stop_after": 99}, "stop_after is 99; the model has layers 0..14"),
        ({"stop_after": -1}, "stop_after is -1"),
        ({"histograms": [0]}, "layer 0 has no histogram"),
        ({"histograms": [99]}, "layer 99 has no histogram"),
        ({"histograms": [2], "stop_after": 1}, "layer 2 has no histogram"),
    ]:
        with pytest.raises(UnitError, match=message):
            engine.run(*samples(1), **arguments)  # type: ignore[arg-type]


def test_entries_that_do_not_fit() -> None:
    layer = GRAPH.prunable[0]
    index = GRAPH.weights(layer).index
    entry = POINT.layers[index]
    bad = [
        (replace(entry, thresholds=entry.thresholds.astype(np.int32)), "thresholds has type int32"),
        (replace(entry, group_size=0), "group_size is 0"),
        (replace(entry, group_size=3), "thresholds has .* shape"),
        (replace(entry, compensation=np.zeros(3, np.int32)), "compensation has .* shape"),
        (replace(entry, divider=Divider.BINARY_TREE), "tree is missing"),
        (replace(entry, divider=Divider.TABLE), "table is missing"),
        (replace(entry, compensation=np.full(8, 2**31 - 1, np.int32)), "compensation"),
    ]
    for pruning, message in bad:
        with pytest.raises(MetadataError, match=f"layer {layer.name!r} at point 'p': {message}"):
            Engine(GRAPH, OperatingPoint("p", {index: pruning}))
    with pytest.raises(MetadataError, match="tensor 0, which holds no prunable layer's weights"):
        Engine(GRAPH, OperatingPoint("p", {0: entry}))


def test_graphs_that_contradict_themselves() -> None:
    """The reader makes none of these; the engine refuses them all the same."""

    def conv(**changes: Any) -> Graph:
        b = GraphBuilder()
        x = b.tensor((1, 4, 4, 2))
        shape = changes.pop("shape", (1, 3, 3, 2))
        weights = changes.pop("weights", np.ones((2, 2, 2, 2), np.int8))
        scale = Requantization(np.full(2, 1 << 30, np.int32), np.zeros(2, np.int32))
        params = ConvParams(0, 0, (1, 1), (0, 0), (1, 1), Activation(), scale)
        y = b.weighted("CONV_2D", x, shape, replace(params, **changes), weights, None)
        return b.graph((x,), (y,))

    Engine(conv()).run(np.zeros((1, 4, 4, 2), np.int8))
    for changes, message in [
        ({"stride": (0, 1)}, "stride of the height"),
        ({"dilation": (1, 2**31 - 1)}, "dilation of the width"),
        ({"padding": (-1, 0)}, "padding of the height"),
        ({"input_offset": 129}, "input offset: 129"),
        ({"output_offset": -129}, "output offset: -129"),
        ({"activation": Activation(5, 4)}, "activation maximum: 4"),
        ({"shape": (1, 3, 3, 3)}, "channels of input, filter and output"),
        ({"weights": np.ones((2, 2, 2, 3), np.int8)}, "channels of input, filter and output"),
        ({"requantization": Requantization(np.ones(1, np.int32), np.ones(1, np.int32))}, "one pair per"),
        ({"requantization": Requantization(np.ones(2, np.int32), np.full(2, 31, np.int32))}, "shift: 31"),
        ({"shape": (2, 3, 3, 2)}, "leading dimension of 1"),
    ]:
        with pytest.raises(ModelError, match=message):
            Engine(conv(**changes))
    b = GraphBuilder()
    x = b.tensor((1, 4))
    y = b.layer("RESHAPE", (x,), (1, 5), CopyParams())
    with pytest.raises(ModelError, match="tensor 0 has 4 elements, its reader expects 5"):
        Engine(b.graph((x,), (y,)))
    with pytest.raises(ModelError, match="tensor 0 is not computed before it is used"):
        Engine(b.graph((), (y,)))
