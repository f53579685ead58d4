"""The overrides inside the real TFLM: against the oracle, against stock TFLM, and over several models."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import models
import numpy as np
import oracle
import pytest
from example_layers import coarse_pruning, example_cases, expected
from hypothesis import given
from hypothesis import strategies as st
from strategies import CASES, FULLY_CONNECTED, LayerCase, layer_cases
from tiny_models import edited

from tflm_unit.converter.container import attach
from tflm_unit.converter.metadata_format import NAME
from tflm_unit.converter.pruning import LayerPruning, OperatingPoint, PruningConfig
from tflm_unit.converter.reader import read_graph
from tflm_unit.interpreter import Interpreter, LayerStats


def run(interpreter: Interpreter, *inputs: np.ndarray) -> list[np.ndarray]:
    for details, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]


def assert_counted(stats: LayerStats, want: oracle.Result) -> None:
    counted = (stats.macs_total, stats.macs_zero, stats.macs_skipped)
    assert counted == (want.macs_total, want.macs_zero, want.macs_skipped)


def zero_skip(channels: int) -> LayerPruning:
    return LayerPruning(np.zeros(1, np.int16), channels)


@pytest.mark.parametrize("op", CASES)
@given(data=st.data())
def test_outputs_and_counters_equal_the_oracle(op: str, data: st.DataObject) -> None:
    case = data.draw(CASES[op]())
    interpreter = Interpreter(models.build_pruned([case]))
    (output,) = run(interpreter, case.input)
    want = expected(case, case.pruning)
    np.testing.assert_array_equal(output, want.output)
    (stats,) = interpreter.stats()
    assert stats.weights == models.weights_index(0)
    assert_counted(stats, want)


@pytest.mark.parametrize("op", CASES)
@given(data=st.data())
def test_thresholds_of_zero_equal_stock(op: str, data: st.DataObject) -> None:
    case = data.draw(CASES[op]())
    case = replace(case, pruning=zero_skip(case.output_shape[-1]))
    model = models.build_pruned([case])
    interpreter = Interpreter(model)
    (output,), (stock,) = (
        run(interpreter, case.input),
        run(Interpreter(model, use_overrides=False), case.input),
    )
    np.testing.assert_array_equal(output, stock)
    (stats,) = interpreter.stats()
    assert stats.macs_skipped == stats.macs_zero


@given(layer_cases())
def test_without_metadata_the_overrides_are_stock(case: LayerCase) -> None:
    model = models.build([case])
    interpreter = Interpreter(model)
    (output,), (stock,) = (
        run(interpreter, case.input),
        run(Interpreter(model, use_overrides=False), case.input),
    )
    np.testing.assert_array_equal(output, stock)
    np.testing.assert_array_equal(output, expected(case, None).output)
    assert interpreter.stats() == []
    assert interpreter.points == ()
    assert interpreter.metadata_error is None


@given(CASES[FULLY_CONNECTED](), st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_fully_connected_takes_leading_dimensions_as_rows(case: LayerCase, leading: list[int]) -> None:
    rows = int(np.prod(leading))
    inputs = np.resize(case.input, (rows, case.input.shape[1]))
    shape = (*leading, case.input.shape[1])
    point = OperatingPoint("test", {models.weights_index(0): case.pruning})
    model = models.build([case], {NAME: models.pack_block([case], [point])}, input_shapes={0: shape})
    interpreter = Interpreter(model)
    (output,) = run(interpreter, inputs.reshape(shape))
    want = expected(replace(case, input=inputs, output_shape=(rows, case.output_shape[1])), case.pruning)
    np.testing.assert_array_equal(output, want.output.reshape(*leading, -1))
    assert_counted(interpreter.stats()[0], want)


# ---- Several operating points, layers, interpreters.


@pytest.fixture(scope="module")
def cases() -> list[LayerCase]:
    """One layer of each operator, of a size at which some MACs are skipped and some are not."""
    return example_cases()


@pytest.fixture(scope="module")
def model(cases: list[LayerCase]) -> bytes:
    """Point `all` prunes every layer, `second` only the second one, `none` no layer."""
    indices = [models.weights_index(i) for i in range(len(cases))]
    points = [
        OperatingPoint("all", {i: case.pruning for i, case in zip(indices, cases, strict=True)}, 0.5, 0.25),
        OperatingPoint("second", {indices[1]: coarse_pruning(cases[1])}),
        OperatingPoint("none"),
    ]
    return models.build(cases, {NAME: models.pack_block(cases, points)})


def at_point(cases: list[LayerCase], point: str) -> list[LayerPruning | None]:
    if point == "all":
        return [case.pruning for case in cases]
    return [coarse_pruning(case) if point == "second" and i == 1 else None for i, case in enumerate(cases)]


def check_point(interpreter: Interpreter, cases: list[LayerCase], point: str) -> None:
    """Outputs and counters of one invocation at `point`."""
    interpreter.reset_stats()
    outputs = run(interpreter, *(case.input for case in cases))
    stats = interpreter.stats()
    assert [s.weights for s in stats] == [models.weights_index(i) for i in range(len(cases))]
    for case, pruning, output, counted in zip(cases, at_point(cases, point), outputs, stats, strict=True):
        want = expected(case, pruning)
        np.testing.assert_array_equal(output, want.output)
        if pruning is None:
            assert counted.macs_total == counted.macs_zero == counted.macs_skipped == 0
        else:
            assert 0 < counted.macs_skipped < counted.macs_total
            assert_counted(counted, want)


def test_operating_points_switch_between_invocations(model: bytes, cases: list[LayerCase]) -> None:
    interpreter = Interpreter(model)
    assert interpreter.points == ("all", "second", "none")
    check_point(interpreter, cases, "all")
    for point in ("second", "none", 0, "second", "all"):
        interpreter.set_point(point)
        check_point(interpreter, cases, point if isinstance(point, str) else "all")


def test_the_first_point_may_be_chosen_at_construction(model: bytes, cases: list[LayerCase]) -> None:
    check_point(Interpreter(model, "second"), cases, "second")
    check_point(Interpreter(model, point=2), cases, "none")


def test_counters_add_up_until_they_are_reset(model: bytes, cases: list[LayerCase]) -> None:
    interpreter = Interpreter(model)
    inputs = [case.input for case in cases]
    for _ in range(3):
        run(interpreter, *inputs)
    thrice = [s.macs_skipped for s in interpreter.stats()]
    interpreter.reset_stats()
    assert all(s.macs_total == 0 for s in interpreter.stats())
    run(interpreter, *inputs)
    assert thrice == [3 * s.macs_skipped for s in interpreter.stats()]


def test_interpreters_do_not_affect_each_other(model: bytes, cases: list[LayerCase]) -> None:
    """Of one model's bytes at several points, of another model, and of stock TFLM; also while others end."""
    points = ["all", "second", "none"]
    alive = [Interpreter(model, point) for point in points]
    stock = Interpreter(model, use_overrides=False)
    other = Interpreter(models.build_pruned(cases[:1]))
    dense = [expected(case, None).output for case in cases]
    while alive:
        for point, interpreter in zip(points, alive, strict=True):
            check_point(interpreter, cases, point)
        check_point(other, cases[:1], "all")
        for output, want in zip(run(stock, *(case.input for case in cases)), dense, strict=True):
            np.testing.assert_array_equal(output, want)
        del alive[0], points[0]
        interpreter = None
        gc.collect()


def test_an_interpreter_outlives_its_unit_model(model: bytes, cases: list[LayerCase]) -> None:
    interpreter = Interpreter(model)
    check_point(interpreter, cases, "all")
    interpreter._unit = None
    gc.collect()
    for case, output in zip(cases, run(interpreter, *(case.input for case in cases)), strict=True):
        np.testing.assert_array_equal(output, expected(case, None).output)


def test_layers_may_share_their_weights(cases: list[LayerCase]) -> None:
    """Both are pruned, and counted together."""
    case = cases[0]

    def share(file: Any) -> None:
        first, second = file.subgraphs[0].operators
        second.inputs = [second.inputs[0], first.inputs[1], second.inputs[2]]

    interpreter = Interpreter(edited(models.build_pruned([case, case]), share))
    want = expected(case, case.pruning)
    for output in run(interpreter, case.input, case.input):
        np.testing.assert_array_equal(output, want.output)
    (stats,) = (s for s in interpreter.stats() if s.weights == models.weights_index(0))
    assert stats.macs_skipped == 2 * want.macs_skipped


# ---- Whole models.


@pytest.mark.parametrize("name", ["ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "vww_96_int8"])
def test_thresholds_of_zero_equal_stock_on_mlperf_tiny(data_dir: Path, name: str) -> None:
    path = data_dir / "mlperf_tiny" / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"no {path}")
    dense = path.read_bytes()
    graph = read_graph(dense)
    layers = {graph.weights(x).index: zero_skip(graph.output_channels(x)) for x in graph.prunable}
    pruned = Interpreter(attach(dense, PruningConfig((OperatingPoint("zero", layers),))))
    stock = Interpreter(dense, use_overrides=False)
    shape = stock.get_input_details()[0]["shape"]
    rng = np.random.default_rng(0)
    for _ in range(8):
        x = np.clip(np.rint(rng.normal(0, rng.uniform(5, 90), shape)), -128, 127).astype(np.int8)
        np.testing.assert_array_equal(run(pruned, x)[0], run(stock, x)[0])
    stats = pruned.stats()
    assert [s.weights for s in stats] == list(layers)
    assert [s.name for s in stats] == [x.name for x in graph.prunable]
    assert all(s.macs_total > 0 and s.macs_skipped == s.macs_zero for s in stats)
