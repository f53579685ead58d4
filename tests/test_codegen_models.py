"""Exports of whole models from real life: MLPerf Tiny. Skips without the data folder."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from generated_c import GeneratedModel

import tflm_unit
from tflm_unit import SkipRate
from tflm_unit.converter.codegen.arena import plan_arena
from tflm_unit.converter.graph import Graph
from tflm_unit.models import load_model

MLPERF = {  # arena of the dense model and the least that any plan can need: two or three live tensors
    "ad01_int8": 768,
    "pretrainedResnet_quant": 49_152,
    "kws_ref_model": 16_000,
    "vww_96_int8": 55_296,
}


def load(data_dir: Path, name: str) -> bytes:
    path = data_dir / "mlperf_tiny" / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path.read_bytes()


def inputs(graph: Graph, count: int) -> np.ndarray:
    shape = (count, *graph.tensors[graph.inputs[0]].shape[1:])
    return np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)


@pytest.mark.parametrize("name", MLPERF)
def test_mlperf_tiny_dense(counting: ctypes.CDLL, data_dir: Path, tmp_path: Path, name: str) -> None:
    graph = load_model(load(data_dir, name)).graph
    model = GeneratedModel(tmp_path, counting, graph)
    assert model.exported.arena_bytes == MLPERF[name]
    assert sum(graph.tensors[x.inputs[1]].size for x in graph.mac_layers) <= model.exported.constant_bytes
    model.check([inputs(graph, 2)])


@pytest.mark.slow
@pytest.mark.parametrize("name", MLPERF)
@pytest.mark.parametrize("schedule", ["unit", "planned", "activation_sorted"])
@pytest.mark.parametrize("divider", ["exact", "bit_shift", "binary_tree", "bit_mask", "table"])
def test_mlperf_tiny_pruned(
    counting: ctypes.CDLL, data_dir: Path, tmp_path: Path, name: str, divider: str, schedule: str
) -> None:
    data = load(data_dir, name)
    x = inputs(load_model(data).graph, 8)
    points = {"full": SkipRate(0.5), "saver": SkipRate(0.85)}
    result = tflm_unit.convert(data, x, points=points, divider=divider, fatrelu=0.2)
    GeneratedModel(tmp_path, counting, result.model.graph, result.points, schedule).check([x])


def test_residual_blocks_add_in_place(data_dir: Path) -> None:
    graph = load_model(load(data_dir, "pretrainedResnet_quant")).graph
    arena = plan_arena(graph, {})
    adds = {layer.name for layer in graph.layers if layer.op == "ADD"}
    assert adds <= {row.name for row in arena.rows if row.in_place}
