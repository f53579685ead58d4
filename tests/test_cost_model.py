"""What the cost model counts, and that every simulated machine has one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from classifier import classifier
from hypothesis import given
from models import build, weights_index
from strategies import LayerCase, layer_cases

import tflm_unit
from tflm_unit import UnitError
from tflm_unit.converter.activity import Activity
from tflm_unit.converter.cost_features import LayerCounts
from tflm_unit.converter.cost_model import cost_model
from tflm_unit.converter.cost_outputs import output_counts
from tflm_unit.converter.cost_sorted import _rows, _together
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.graph import ConvParams
from tflm_unit.converter.plans import make_plans
from tflm_unit.converter.pruning import Divider, OperatingPoint
from tflm_unit.converter.reader import read_graph
from tflm_unit.converter.targets import load_target, target_names


@given(case=layer_cases())
def test_counts_are_those_of_the_engine(case: LayerCase) -> None:
    """Survivors of compare are the engine's; lists of one column meet no others, and no list fewer."""
    graph = read_graph(build([case], input_shapes={0: (1, *case.input.shape[1:])}))
    (layer,) = graph.prunable
    pruning = replace(case.pruning, compensation=None)
    point = OperatingPoint("p", {weights_index(0): pruning})
    result = Engine(graph, point).run(case.input, keep=[layer.outputs[0]])
    counted = result.counters[layer.index]
    counts = LayerCounts(graph, layer, Activity(case.input, result.kept[layer.outputs[0]]))
    survivors = (counted.macs_total - counted.macs_skipped) / len(case.input)
    entry = replace(
        pruning,
        divider={Divider.BINARY_TREE: Divider.BIT_SHIFT, Divider.TABLE: Divider.EXACT}.get(
            pruning.divider, pruning.divider
        ),
    )
    assert counts.of("compare", entry)["kept"] == pytest.approx(survivors)
    assert counts.of("zero_skip")["macs_nonzero"] <= counted.macs_total / len(case.input)
    if layer.op != "FULLY_CONNECTED":
        walked = counts.of("activation_sorted", entry)
        assert walked["kept"] + walked["kept_few"] >= survivors - 1e-6
        assert layer.op == "DEPTHWISE_CONV_2D" or 0 <= walked["ones"] <= walked["kept"]
    for taps in (1, 3):
        plans = make_plans(graph, layer, (replace(entry, taps=taps),))
        if plans is None:
            assert (entry.thresholds < 0).any()
        else:
            walked = counts.of("planned", entry, plans[0])
            assert walked["kept"] >= survivors - 1e-6
            if plans[0].taps == 1:
                assert walked["kept"] == pytest.approx(survivors)


@pytest.mark.parametrize("name", [n for n in target_names() if load_target(n).simulated_by == n])
def test_every_simulated_machine_has_a_cost_model(name: str) -> None:
    model = cost_model(load_target(name))
    assert set(model.constants) == {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    for op, constants in model.constants.items():
        expected = {"dense", "zero_skip", "compare", "planned"}
        assert set(constants) == expected | ({"activation_sorted"} if op != "FULLY_CONNECTED" else set())
        assert all(v > 0 for some in constants.values() for v in some.values())
    assert 0 < model.error < 0.15


def test_real_boards_use_the_model_of_their_simulator() -> None:
    assert cost_model(load_target("nucleo_f103rb_m3")).target == "cortex_m3_sim"
    without = replace(load_target("nucleo_f103rb_m3"), simulated_by="nucleo_f103rb_m3")
    with pytest.raises(UnitError, match=r"nucleo_f103rb_m3.json has no cost model"):
        cost_model(without)


def test_weights_of_a_set_walk_in_fours() -> None:
    """In the order of their counts; what the fourth of them does not need, the others walk alone."""
    one = np.array([[50.0, 0, 40, 60, 45, 33]])
    fours, moves = _together(one)
    assert fours == 4 * 40
    assert moves == 5 * 4 / 4
    assert _together(np.array([[50.0, 0, 40, 60]])) == (0, 3 * 2 / 4)
    full = np.full((2, 33), 40.0)  # 32 belong together, and the last one walks alone
    assert _together(full)[0] == 2 * 32 * 40


def test_neighbours_of_a_kernel_row_walk_together() -> None:
    """Four of them, where all need enough of the inputs, and not much fewer than they need one by one."""
    kernel = np.array([[50.0, 48, 47, 52, 90], [50, 31, 47, 52, 90], [40, 400, 40, 40, 90]])
    expected = np.zeros((3, 5))
    expected[0, :4] = 47
    assert np.array_equal(_rows(kernel.reshape(1, 1, 15), (3, 5)), expected.reshape(1, 1, 15))


def test_outputs_beyond_the_short_requantization_are_counted() -> None:
    case = tflm_unit.load(classifier()).model.graph
    layer = case.prunable[0]
    assert isinstance(layer.params, ConvParams)
    shift = layer.params.requantization.shift.copy()
    shift[:2] = (-31, 0)
    edited = replace(
        layer,
        params=replace(layer.params, requantization=replace(layer.params.requantization, shift=shift)),
    )
    x = np.zeros((1, 8, 8, 2), np.int8)
    activity = Activity(x, np.zeros((1, 6, 6, 6), np.int8))
    assert LayerCounts(case, layer, activity).of("dense")["exact"] == 0
    assert LayerCounts(case, edited, activity).of("dense")["exact"] == 2 * 36


@pytest.mark.parametrize(("relu", "multiplied"), [(True, 1), (False, 2)])
def test_only_sums_above_zero_are_multiplied_behind_a_relu(relu: bool, multiplied: int) -> None:
    graph = tflm_unit.load(classifier()).model.graph
    params = graph.prunable[0].params
    assert isinstance(params, ConvParams)
    shift = np.array([-31, -31, -9, -9])
    params = replace(
        params,
        activation=replace(params.activation, fused_relu=relu),
        requantization=replace(params.requantization, shift=shift),
        pool=(2, 2),
    )
    outputs = np.full((3, 4, 4, 4), params.activation.min, np.int8)
    outputs[0, 1, 1] += 1  # of one window, all channels
    counts = output_counts(params, outputs, np.array([5.0, -5.0, 5.0, -5.0]))
    assert counts == {
        "outputs": 16,
        "multiplied": pytest.approx(4 / 3 if relu else 16),
        "exact": 2 * 4,
        "exact_multiplied": multiplied * 4,
        "pooled": 64 - 16,
    }


def test_sums_that_decide_are_those_of_mean_inputs() -> None:
    """Of channels whose outputs tell nothing: bias plus weights times the mean of each input channel."""
    graph = tflm_unit.load(classifier()).model.graph
    layer = graph.prunable[0]
    assert isinstance(layer.params, ConvParams)
    weights, bias = graph.weights(layer).data, graph.bias(layer)
    assert weights is not None
    assert bias is not None
    assert bias.data is not None
    scale = replace(layer.params.requantization, shift=np.full(6, -31))
    activation = replace(layer.params.activation, fused_relu=True)
    layer = replace(layer, params=replace(layer.params, requantization=scale, activation=activation))
    x = np.random.default_rng(3).integers(-128, 128, (4, 8, 8, 2)).astype(np.int8)
    means = x.reshape(-1, 2).astype(np.int64).mean(axis=0) + layer.params.input_offset
    sums = weights.astype(np.int64).sum(axis=(1, 2)) @ means + bias.data
    assert 0 < np.count_nonzero(sums > 0) < 6
    found = LayerCounts(graph, layer, Activity(x, np.zeros((4, 6, 6, 6), np.int8))).of("dense")
    assert found["exact_multiplied"] == np.count_nonzero(sums > 0) * 36
