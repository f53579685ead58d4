"""Generated C against the batch engine: outputs and skip counts."""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from core_library import FLAGS
from engine_graphs import HALF, GraphBuilder, network, prune_all, samples
from generated_c import CXX_FLAGS, INCLUDE, GeneratedModel, compile_c
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import random_graph, random_inputs, random_point, with_schedules
from strategies import LayerCase, layer_cases
from tiny_models import zoo

from tflm_unit.converter.codegen import export
from tflm_unit.converter.graph import (
    Activation,
    AddParams,
    CopyParams,
    Graph,
    MeanParams,
    PoolParams,
    QuantizeParams,
    RequantizeParams,
    SoftmaxParams,
)
from tflm_unit.converter.pruning import Divider, OperatingPoint, PruningConfig
from tflm_unit.models import load_model

THOROUGH = settings().max_examples  # 150 in the quick suite
_numbers = itertools.count()


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generated")


def fresh(workspace: Path) -> Path:
    return workspace / str(next(_numbers))


def side_by_side(cases: list[LayerCase]) -> tuple[Graph, OperatingPoint, list[np.ndarray]]:
    """A model with the cases as independent layers, with their own thresholds and inputs."""
    b, ends, layers = GraphBuilder(), [], {}
    for case in cases:
        x = b.tensor((1, *case.input.shape[1:]), zero_point=case.quantization.input_zero_point)
        y = b.weighted(case.op, x, (1, *case.output_shape[1:]), case.params, case.weights, case.bias)
        ends.append((x, y))
        layers[b.layers[-1].inputs[1]] = case.pruning
    graph = b.graph(*(tuple(t) for t in zip(*ends, strict=True)))
    return graph, OperatingPoint("test", layers), [case.input[:1] for case in cases]


@settings(max_examples=max(12, THOROUGH // 20))
@given(
    cases=st.lists(layer_cases(), min_size=4, max_size=10),
    schedule=st.sampled_from(["unit", "unit", "zero_skip", "compare", "planned", "activation_sorted"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_layers(
    counting: ctypes.CDLL, workspace: Path, cases: list[LayerCase], schedule: str, seed: int
) -> None:
    graph, point, inputs = side_by_side(cases)
    point = with_schedules(graph, point, seed)
    GeneratedModel(fresh(workspace), counting, graph, [point], schedule).check(inputs)


@settings(max_examples=max(40, THOROUGH // 8))
@given(seed=st.integers(0, 2**32 - 1), layers=st.integers(3, 16), points=st.integers(0, 3))
def test_random_graphs(counting: ctypes.CDLL, workspace: Path, seed: int, layers: int, points: int) -> None:
    graph = random_graph(seed, layers)
    thresholds = [random_point(graph, f"point {i}", seed + i) for i in range(points)]
    thresholds = [with_schedules(graph, point, seed + i) for i, point in enumerate(thresholds)]
    GeneratedModel(fresh(workspace), counting, graph, thresholds).check(random_inputs(graph, 3, seed))


@pytest.mark.parametrize("schedule", ["dense", "zero_skip"])
def test_baselines(counting: ctypes.CDLL, tmp_path: Path, schedule: str) -> None:
    graph = network()
    GeneratedModel(tmp_path, counting, graph, [prune_all(graph)], schedule).check(samples(4))


def test_every_operator_as_cpp(counting: ctypes.CDLL, tmp_path: Path) -> None:
    graph = load_model(zoo(all_outputs=True)).graph
    points = [random_point(graph, str(d), int(d), share=1.0) for d in Divider]
    GeneratedModel(tmp_path, counting, graph, points, flags=CXX_FLAGS).check(random_inputs(graph, 3, 0))


def test_one_point_of_several(counting: ctypes.CDLL, tmp_path: Path) -> None:
    graph = network()
    points = [prune_all(graph, threshold) for threshold in (100, 3000)]
    chosen = GeneratedModel(tmp_path, counting, graph, points[1:])
    config = PruningConfig((points[0], OperatingPoint("second", points[1].layers)))
    chosen.exported = export(graph, config, tmp_path, point="second")
    assert chosen.exported.points == ("second",)
    chosen.check(samples(3))


def test_an_input_that_is_an_output(counting: ctypes.CDLL, tmp_path: Path) -> None:
    """An output that is the input under another shape, and an output twice."""
    b = GraphBuilder()
    x = b.tensor((1, 4))
    other = b.tensor((1, 2, 2))
    alias = b.layer("RESHAPE", (x,), (1, 2, 2), CopyParams())
    again = b.layer("RESHAPE", (alias,), (1, 4), CopyParams())
    y = b.layer("RELU", (again,), (1, 4), RequantizeParams(0, 5, 1 << 30, 1, Activation()))
    graph = b.graph((x, other), (alias, y, y))
    inputs = [np.arange(-4, 4, dtype=np.int8).reshape(2, 4), np.zeros((2, 2, 2), np.int8)]
    model = GeneratedModel(tmp_path, counting, graph)
    assert len(model.exported.layers) == 1
    outputs = model.run(0, inputs)
    np.testing.assert_array_equal(outputs[0].reshape(2, 4), inputs[0])
    np.testing.assert_array_equal(outputs[1], inputs[0] + 5)
    np.testing.assert_array_equal(outputs[2], outputs[1])


def test_a_chain_computed_in_place(counting: ctypes.CDLL, tmp_path: Path) -> None:
    """Every operator that may overwrite its operand, in the memory of the float input."""
    b = GraphBuilder()
    x = image = b.tensor((1, 6, 6, 4), np.float32)
    x = b.layer("QUANTIZE", (x,), (1, 6, 6, 4), QuantizeParams(0.05, -3))
    x = b.layer("RELU", (x,), (1, 6, 6, 4), RequantizeParams(3, -20, HALF, 1, Activation()))
    add = AddParams(20, HALF, 0, 20, HALF, 0, 20, -30, HALF, -18, Activation())
    x = b.layer("ADD", (x, x), (1, 6, 6, 4), add)
    x = b.layer("MAX_POOL_2D", (x,), (1, 5, 5, 4), PoolParams((2, 2), (1, 1), (0, 0), Activation()))
    x = b.layer("AVERAGE_POOL_2D", (x,), (1, 4, 4, 4), PoolParams((2, 2), (1, 1), (0, 0), Activation()))
    x = b.layer("MEAN", (x,), (1, 4, 4), MeanParams(4, 4, 4, 30, -10, HALF, 1))
    x = b.layer("SOFTMAX", (x,), (1, 4, 4), SoftmaxParams(4, 4, HALF, 24, -248))
    graph = b.graph((image,), (x,))
    model = GeneratedModel(tmp_path, counting, graph)
    assert [row.in_place for row in model.exported.plan] == [False] + [True] * 7
    assert model.exported.arena_bytes == 4 * 6 * 6 * 4
    model.check(random_inputs(graph, 5, 0))


def test_the_api(counting: ctypes.CDLL, tmp_path: Path) -> None:
    """Points out of range, layer by layer, statistics that are cleared."""
    graph = network()
    model = GeneratedModel(tmp_path, counting, graph, [prune_all(graph), OperatingPoint("dense")])
    library, inputs = model._library, samples(1)
    (whole,) = zip(*model.run(0, inputs), strict=True)
    assert [library.model_set_point(i) for i in (-1, 2, 1, 0)] == [-1, -1, 0, 0]
    counts = model.counters()
    library.model_clear_stats()
    assert all(c == (0, 0, 0) for c in model.counters().values())
    for number, x in enumerate(inputs):
        model._tensor("input", number)[...] = x
    layers = len(model.exported.layers)
    assert layers == len(graph.layers) - 1  # the RESHAPE is elided
    assert [library.model_invoke_layer(i) for i in range(layers)] == [0] * layers
    assert library.model_invoke_layer(layers) == library.model_invoke_layer(-1) == -1
    np.testing.assert_array_equal(model._tensor("output", 0)[0], whole[0])
    assert model.counters() == counts


MAIN = """
#include <string.h>
#include "model.h"
int main(void) {
  if (model_init() != UNIT_SUCCESS) return 1;
  for (int point = 0; point < MODEL_POINTS; point++) {
    for (size_t i = 0; i < MODEL_INPUT_SIZE; i++) model_input()[i] = (float)i;
    memset(model_input_1(), point, MODEL_INPUT_1_SIZE);
    if (model_set_point(point) != UNIT_SUCCESS || model_invoke() != UNIT_SUCCESS) return 2;
    for (int layer = 0; layer < MODEL_LAYERS; layer++) {
      if (model_stats(layer) != NULL) return 3; /* built without counters */
    }
  }
  return strcmp(model_layer_names[0], "layer_0") != 0 || strcmp(model_point_names[1], "dense") != 0;
}
"""


def test_a_program_of_its_own(tmp_path: Path) -> None:
    """The folder of an export with the core is self-contained; nothing runs out of bounds."""
    graph = network()
    config = PruningConfig((prune_all(graph), OperatingPoint("dense")))
    export(graph, config, tmp_path / "model", with_core=True)
    (tmp_path / "main.c").write_text(MAIN)
    sources = sorted((tmp_path / "model").rglob("*.c"))
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    folder = f"-I{tmp_path / 'model'}"
    compile_c([*FLAGS, *sanitize, folder, tmp_path / "main.c", *sources, "-o", tmp_path / "main"])
    environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    assert subprocess.run([tmp_path / "main"], env=environment, timeout=60).returncode == 0


def test_without_counters(tmp_path: Path) -> None:
    graph = network()
    files = export(graph, PruningConfig((prune_all(graph),)), tmp_path).files
    sources = [path for path in files if path.suffix == ".c"]
    for flags in (FLAGS, CXX_FLAGS):
        for source in sources:
            compile_c([*flags, INCLUDE, "-c", source, "-o", tmp_path / "out.o"])


@pytest.mark.slow
@settings(max_examples=max(20, THOROUGH // 20))
@given(seed=st.integers(0, 2**32 - 1), layers=st.integers(10, 40))
def test_large_random_graphs(counting: ctypes.CDLL, workspace: Path, seed: int, layers: int) -> None:
    graph = random_graph(seed, layers)
    points = [with_schedules(graph, random_point(graph, f"{i}", seed + i), seed + i) for i in range(2)]
    GeneratedModel(fresh(workspace), counting, graph, points).check(random_inputs(graph, 2, seed))
