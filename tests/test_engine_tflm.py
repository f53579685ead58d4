"""The batch engine gives the outputs of stock TFLM: every operator, and whole models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engine_graphs import assert_same, prune_all
from hypothesis import given
from hypothesis import strategies as st
from operator_models import MODELS, rescaling
from tflite_micro.python.tflite_micro.runtime import Interpreter

from tflm_unit.converter.engine import KERNELS, Engine
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.reader import read_graph


def in_tflm(model: bytes, inputs: tuple[np.ndarray, ...], outputs: int) -> list[np.ndarray]:
    interpreter = Interpreter.from_bytes(model, arena_size=max(200_000, 10 * len(model)))
    rows: list[list[np.ndarray]] = [[] for _ in range(outputs)]
    for sample in zip(*inputs, strict=True):
        for index, x in enumerate(sample):
            interpreter.set_input(x[np.newaxis], index)
        interpreter.invoke()
        for index, row in enumerate(rows):
            row.append(interpreter.get_output(index))
    return [np.concatenate(row) for row in rows]


@pytest.mark.parametrize("op", MODELS)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_operators(op: str, data: st.DataObject, seed: int) -> None:
    case = data.draw(MODELS[op])
    inputs = case.samples(3, seed)
    graph = read_graph(case.model)
    got = Engine(graph).run(*inputs).outputs
    want = in_tflm(case.model, inputs, len(graph.outputs))
    np.testing.assert_equal(list(got), want)


@pytest.mark.parametrize("op", ["RELU", "QUANTIZE"])
def test_quotients_of_scales_are_double(op: str) -> None:
    """1 / 0.4 is 2.5 in float32 but less in double, which decides the ties."""
    case = rescaling(op, 1.0, 0.4)
    every_value = np.arange(-128, 128, dtype=np.int8)[np.newaxis]
    inputs = (every_value, np.zeros((1, 2), np.int8))
    graph = read_graph(case.model)
    got = Engine(graph).run(*inputs).outputs
    np.testing.assert_equal(list(got), in_tflm(case.model, inputs, len(graph.outputs)))


@pytest.mark.parametrize("name", ["ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "vww_96_int8"])
def test_mlperf_tiny_models(data_dir: Path, name: str) -> None:
    model = (data_dir / "mlperf_tiny" / f"{name}.tflite").read_bytes()
    graph = read_graph(model)
    x = np.concatenate([random_input(graph, 4), real_input(data_dir / "mlperf_tiny", name, 12)])
    want = in_tflm(model, (x,), 1)
    for kernels in KERNELS:
        for schedule in ("dense", "zero_skip"):
            got = Engine(graph, kernels=kernels, schedule=schedule).run(x)
            np.testing.assert_array_equal(got.outputs[0], want[0])
    vector, core = (
        Engine(graph, prune_all(graph), kernels=kernels).run(x, skipped_sums=True) for kernels in KERNELS
    )
    assert_same(vector, core)


def random_input(graph: Graph, count: int) -> np.ndarray:
    shape = graph.tensors[graph.inputs[0]].shape[1:]
    return np.random.default_rng(5).integers(-128, 128, (count, *shape)).astype(np.int8)


def real_input(folder: Path, name: str, count: int) -> np.ndarray:
    """What the models were made for; photographs of another size for vww, which has no data set here."""
    if name == "kws_ref_model":
        return np.load(folder / "kws_speech_commands_test.npz")["x"][:count]
    if name == "ad01_int8":
        rows = np.load(folder / "ad01_one_normal_clip.npz")["log_mel"]
        frames = np.stack([rows[i : i + 5].ravel() for i in range(count)])
        return np.clip(np.rint(frames / 0.39102) + 89, -128, 127).astype(np.int8)
    photographs = (np.load(folder / "ic01_inputs.npz")["x"][:count].astype(int) - 128).astype(np.int8)
    return (
        photographs if name == "pretrainedResnet_quant" else photographs.repeat(3, axis=1).repeat(3, axis=2)
    )
