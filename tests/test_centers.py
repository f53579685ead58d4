"""Layers whose activations are counted from a center: the same dense sums, smaller products."""

from __future__ import annotations

from dataclasses import replace

import models
import numpy as np
import pytest
from classifier import classifier, images
from engine_graphs import assert_same, prune_all, single_layer
from example_layers import centered as centered_case
from example_layers import example_cases, expected, scheduled
from hypothesis import assume, given
from hypothesis import strategies as st
from random_graphs import random_graph
from strategies import CASES, CONV, FULLY_CONNECTED, LayerCase

import tflm_unit
from tflm_unit import MetadataError
from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.centers import center_problem, centered, choose_centers
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.graph import ConvParams, FullyConnectedParams, Graph
from tflm_unit.converter.metadata import pack, unpack
from tflm_unit.converter.metadata_format import NAME
from tflm_unit.converter.pruning import OperatingPoint, PruningConfig, Schedule
from tflm_unit.converter.reader import read_graph
from tflm_unit.interpreter import Interpreter
from tflm_unit.page.memory import KINDS, OTHER, memory

INDEX = models.weights_index(0)


def center_of(case: LayerCase, share: float) -> int:
    """A distance from the zero point that leads into int8."""
    low, high = -128 + case.params.input_offset, 127 + case.params.input_offset
    return round(low + share * (high - low))


def invoke(model: bytes, case: LayerCase) -> tuple[np.ndarray, Interpreter]:
    interpreter = Interpreter(model)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], case.input)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), interpreter


def fits(case: LayerCase) -> bool:
    """Whether no window of the case reaches over the edge of the image."""
    graph = single_layer(replace(case, input=case.input[:1]))
    return not center_problem(graph, graph.layers[0], 0)


@pytest.mark.parametrize("op", CASES)
@given(data=st.data(), share=st.floats(0, 1), schedule=st.sampled_from(Schedule))
def test_overrides_equal_the_oracle(op: str, data: st.DataObject, share: float, schedule: Schedule) -> None:
    case = data.draw(CASES[op]())
    assume(fits(case) and (op, schedule) != (FULLY_CONNECTED, Schedule.ACTIVATION_SORTED))
    case, distance = scheduled(case, schedule), center_of(case, share)
    point = OperatingPoint("test", {INDEX: case.pruning})
    model = models.build([case], {NAME: models.pack_block([case], [point], {INDEX: distance})})
    output, interpreter = invoke(model, case)
    want = expected(centered_case(case, distance), case.pruning)
    np.testing.assert_array_equal(output, want.output)
    (stats,) = interpreter.stats()
    assert (stats.macs_total, stats.macs_zero, stats.macs_skipped) == (
        want.macs_total,
        want.macs_zero,
        want.macs_skipped,
    )


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_dense_sums_stay(seed: int, share: float) -> None:
    graph = random_graph(seed, 6)
    centers = {}
    for layer in graph.prunable:
        assert isinstance(layer.params, (ConvParams, FullyConnectedParams))
        low = -128 + layer.params.input_offset
        distance = round(low + share * 255)
        if not center_problem(graph, layer, distance):
            centers[graph.weights(layer).index] = distance
    moved = centered(graph, centers)
    assert moved.uncentered is graph
    assert centered(moved, {}) is graph
    x = [
        np.random.default_rng(seed).integers(-100, 100, (3, *graph.tensors[t].shape[1:])).astype(dtype)
        for t in graph.inputs
        for dtype in [graph.tensors[t].dtype]
    ]
    wanted, found = Engine(graph).run(*x), Engine(moved).run(*x)
    for a, b in zip(wanted.outputs, found.outputs, strict=True):
        np.testing.assert_array_equal(a, b)
    for schedule in ("dense", "zero_skip"):  # the baselines count from zero points
        assert_same(
            Engine(graph, schedule=schedule).run(*x, skipped_sums=True),
            Engine(moved, schedule=schedule).run(*x, skipped_sums=True),
        )


def lenet_graph() -> Graph:
    return read_graph(classifier())


def test_blocks_hold_centers_and_what_biases_gain() -> None:
    graph = lenet_graph()
    first, last = graph.prunable[0], graph.prunable[-1]
    centers = {graph.weights(first).index: 17, graph.weights(last).index: 30}
    pruned = prune_all(centered(graph, centers))
    config = PruningConfig((pruned, OperatingPoint("dense")), centers)
    block = pack(config, graph)
    again = unpack(block, graph)
    assert again.centers == centers
    for index, entry in pruned.layers.items():
        found = again.points[0].layers[index].compensation
        np.testing.assert_array_equal(
            0 if found is None else found, 0 if entry.compensation is None else entry.compensation
        )
    assert pack(again, graph) == block
    assert pack(again, centered(graph, centers)) == block
    assert pack(replace(config, centers={}), graph) != block


def test_a_layer_that_runs_dense_at_every_point_has_no_center() -> None:
    graph = lenet_graph()
    one, *others = (graph.weights(layer).index for layer in graph.prunable)
    point = OperatingPoint("p", {one: prune_all(graph).layers[one]})
    assert unpack(pack(PruningConfig((point,), dict.fromkeys(others, 5)), graph), graph).centers == {}


def test_a_center_that_a_layer_cannot_have() -> None:
    padded = padded_case()
    graph = single_layer(padded)
    index = graph.weights(graph.layers[0]).index
    point = OperatingPoint("p", {index: padded.pruning})
    with pytest.raises(MetadataError, match="edge of the image"):
        pack(PruningConfig((point,), {index: 3}), graph)
    unpadded = example_cases()[0]
    with pytest.raises(MetadataError, match="no int8 value"):
        models.pack_block(
            [unpadded], [OperatingPoint("p", {INDEX: unpadded.pruning})], {INDEX: center_of(unpadded, 0) - 1}
        )


def test_a_center_keeps_accumulators_in_int32() -> None:
    """Around a center far from the zero point activations are larger, also where weights sum up to nothing."""
    case = example_cases()[2]
    weights = np.resize(np.array([127, -127], np.int8), (1, 80_000))
    params = replace(case.params, input_offset=0)  # largest |activation|: 128, around the center 127: 255
    graph = single_layer(
        replace(case, input=weights, weights=weights, bias=None, params=params, output_shape=(1, 1))
    )
    assert not center_problem(graph, graph.layers[0], 1)
    assert "accumulator" in center_problem(graph, graph.layers[0], 127)


def padded_case() -> LayerCase:
    case = example_cases()[0]
    params = replace(case.params, padding=(1, 1))
    return replace(case, params=params, padding="SAME", output_shape=(1, 6, 6, 4))


def bright_case() -> LayerCase:
    """A zero point that few int8 values lie above."""
    case = example_cases()[0]
    quantization = replace(case.quantization, input_zero_point=125)
    return replace(case, quantization=quantization, params=replace(case.params, input_offset=-125))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("case", "reason"), [(padded_case(), "center of a padded layer"), (bright_case(), "center outside int8")]
)
def test_the_device_runs_such_layers_dense(
    case: LayerCase, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    other = example_cases()[0]
    point = OperatingPoint("p", {INDEX: other.pruning})
    # The weights are the same, so that the block fits both.
    block = models.pack_block([other], [point], {INDEX: 9})
    model = models.build([case], {NAME: block})
    output, _ = invoke(model, case)
    assert f"runs dense: {reason}\r" in capfd.readouterr().err
    np.testing.assert_array_equal(output, expected(case, None).output)
    assert not tflm_unit.load(model).points[0].layers


def centers_for(graph: Graph, x: np.ndarray) -> dict[int, int]:
    data = Dataset(x.astype(np.float32), graph)
    return choose_centers(graph, Calibrator(graph, data).collect(graph.prunable, None))


def test_centers_lie_amidst_images_and_not_beside_zeros() -> None:
    graph, rng = lenet_graph(), np.random.default_rng(0)
    shape = (40, *graph.tensors[graph.inputs[0]].shape[1:])
    tensor = graph.tensors[graph.inputs[0]]
    first = graph.weights(graph.prunable[0]).index
    scale, zero_point = float(tensor.scale[0]), int(tensor.zero_point[0])
    grey = (rng.normal(100, 20, shape).clip(0, 255) - 128 - zero_point) * scale
    found = centers_for(graph, grey)[first]
    assert abs(found - (100 - 128 - zero_point)) < 6
    black = np.where(rng.random(shape) < 0.8, 0, grey)
    assert first not in centers_for(graph, black)


def test_activations_of_statistics_are_those_that_met_weights() -> None:
    graph = lenet_graph()
    x = images(20)
    statistics = Calibrator(graph, Dataset(x, graph)).collect(graph.prunable, None)
    layer = graph.prunable[-1]
    assert layer.op == FULLY_CONNECTED
    kept = Engine(graph).run(*next(iter(Dataset(x, graph))), keep=[layer.inputs[0]]).kept[layer.inputs[0]]
    values, counts = statistics[layer.index].activations()
    assert isinstance(layer.params, FullyConnectedParams)
    found = kept.astype(int).ravel() + layer.params.input_offset
    np.testing.assert_array_equal(counts, np.bincount(found + 255, minlength=511))
    assert values[0] == -255
    assert values[-1] == 255


def test_convolutions_without_bias() -> None:
    case = replace(example_cases()[0], bias=None)
    assert case.op == CONV
    graph = single_layer(case)
    index = graph.weights(graph.layers[0]).index
    x = case.input
    wanted = Engine(graph).run(x).outputs[0]
    np.testing.assert_array_equal(Engine(centered(graph, {index: 20})).run(x).outputs[0], wanted)


def test_memory_of_the_dense_model_is_that_without_centers() -> None:
    case = replace(example_cases()[0], bias=None)
    block = models.pack_block([case], [OperatingPoint("p", {INDEX: case.pruning})], {INDEX: 9})
    plain, found = (
        memory(tflm_unit.load(models.build([case], metadata)).model).footprints
        for metadata in ({}, {NAME: block})
    )
    assert found[0] == plain[0]
    channels = case.output_shape[-1]
    biases = [footprint.constants[KINDS.index(OTHER)] for footprint in found]
    assert biases[1] == biases[0] + 4 * channels
