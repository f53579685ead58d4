"""Whole models with centers: what convert, evaluate, simulate, inspect and the report page make of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from classifier import classifier, images
from firmware import load_board, require

import tflm_unit
from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.reader import read_graph
from tflm_unit.models import zero_skip_point
from tflm_unit.page import build, collect
from tflm_unit.page.costs import zero_skip_costs


def bright(count: int, seed: int = 0) -> np.ndarray:
    """The images of the classifier on a bright ground."""
    return (0.6 + 0.4 * images(count, seed)).astype(np.float32)


def half_bright(count: int, seed: int = 0) -> np.ndarray:
    """With zeros, which a baseline skips."""
    x = bright(count, seed)
    return x * (np.random.default_rng(seed).random(x.shape) < 0.5)


@pytest.fixture(scope="module")
def converted() -> tflm_unit.ConversionResult:
    points = {"full": tflm_unit.SkipRate(0.4), "saver": tflm_unit.SkipRate(0.7)}
    return tflm_unit.convert(classifier(), bright(80), points=points)


def test_convert_centers_by_default(converted: tflm_unit.ConversionResult) -> None:
    assert converted.model.config is not None
    assert converted.model.config.centers
    assert converted.model.report is not None
    assert converted.model.report["settings"]["center"] is True
    plain = tflm_unit.convert(classifier(), bright(80), skip=0.4, center=False)
    assert plain.model.config is not None
    assert not plain.model.config.centers


def test_engines_agree(converted: tflm_unit.ConversionResult) -> None:
    x = bright(10, seed=1)
    for point in ("full", "saver"):
        batch = tflm_unit.evaluate(converted.model, x, engine="batch", point=point)
        assert batch.macs_skipped > 0
        device = tflm_unit.evaluate(converted.model, x, engine="tflm", point=point)
        assert replace(device, engine="batch") == batch


def test_a_centered_layer_that_runs_dense_at_a_point() -> None:
    """Generated C has the center at that point as well; TFLM's own kernel knows nothing of it."""
    points = {"saver": tflm_unit.SkipRate(0.6), "late": tflm_unit.Explicit({"logits": 0.02})}
    result = tflm_unit.convert(classifier(), bright(80), points=points)
    (centered,) = result.model.graph.centers
    assert [centered in point.layers for point in result.points] == [True, False]
    x = bright(10, seed=1)
    for name in points:
        batch, device = (tflm_unit.evaluate(result.model, x, engine=e, point=name) for e in ("batch", "tflm"))
        assert batch.macs_skipped == device.macs_skipped > 0
        assert batch.rmse == device.rmse
    require(load_board("cortex_m3_sim"))
    run = tflm_unit.simulate(result.model, "cortex_m3_sim", x=x, point="late", schedule="unit")
    assert run.match, run.mismatches


def test_models_that_only_tflm_runs() -> None:
    x = bright(40)
    models = (classifier(), classifier("LOGISTIC"))
    batch, device = (tflm_unit.convert(model, x, skip=0.6) for model in models)
    assert device.model.graph.unsupported
    assert device.model.graph.centers == batch.model.graph.centers != {}
    np.testing.assert_equal(
        [vars(e) for e in device.points[0].layers.values()],
        [vars(e) for e in batch.points[0].layers.values()],
    )


def test_converting_again_changes_nothing(converted: tflm_unit.ConversionResult) -> None:
    points = {"full": tflm_unit.SkipRate(0.4), "saver": tflm_unit.SkipRate(0.7)}
    again = tflm_unit.convert(converted.model.data, bright(80), points=points)
    assert again.model.data == converted.model.data


def test_thresholds_of_zero_change_no_output(converted: tflm_unit.ConversionResult) -> None:
    zeros = converted.model.with_point(zero_skip_point(converted.model.graph))
    assert zeros.config is not None
    assert zeros.config.centers
    for engine in ("batch", "tflm"):
        assert tflm_unit.evaluate(zeros, bright(40), engine=engine).rmse == 0


def test_baselines_are_those_of_the_plain_model(converted: tflm_unit.ConversionResult) -> None:
    x = half_bright(10, seed=1)
    for schedule in ("dense", "zero_skip"):
        for engine in ("batch", "tflm"):
            plain, found = (
                tflm_unit.evaluate(m, x, engine=engine, schedule=schedule)
                for m in (classifier(), converted.model)
            )
            assert found == plain
            assert schedule == "dense" or found.layers[0].macs_skipped > 0


def test_predicted_cost_of_zero_skip_is_that_of_the_plain_model(
    converted: tflm_unit.ConversionResult,
) -> None:
    model, plain = converted.model, read_graph(classifier())
    x = half_bright(10, seed=1)
    wanted, found = (
        zero_skip_costs(graph, Calibrator(graph, Dataset(x, plain)), "cortex_m3_sim")
        for graph in (plain, model.graph)
    )
    assert found == wanted


def test_inspect_and_the_page_tell_centers(converted: tflm_unit.ConversionResult) -> None:
    model = converted.model
    (distance,) = model.graph.centers.values()
    row = next(line for line in str(converted).splitlines() if line.startswith("\u2502 conv "))
    assert f" {distance:+} " in row
    histograms = collect(model, bright(20)).histograms
    scale = float(model.graph.tensors[model.graph.inputs[0]].scale[0])
    assert [h.center for h in histograms] == [pytest.approx(distance * scale), 0, 0]
    html = build(model, bright(20))
    assert f"center {distance * scale:.3g}<" in html
    assert f"|activation \u2212 {distance * scale:.3g}|" in html


def test_layers_without_thresholds_have_no_center() -> None:
    model, x = classifier(), bright(60)
    zeros, plain = (tflm_unit.convert(model, x, percentile=0, center=c) for c in (True, False))
    assert zeros.model.config is not None
    assert not zeros.model.config.centers
    assert [p.layers for p in zeros.points] == [p.layers for p in plain.points]
    one = tflm_unit.convert(model, x, thresholds={"conv": 0.02})
    assert one.model.config is not None
    first = one.model.graph.weights(one.model.graph.prunable[0]).index
    assert list(one.model.config.centers) == [first]


def test_a_planned_layer_that_ends_as_a_baseline_has_no_center() -> None:
    """A target for which thresholds never pay: every layer is planned once more, around its zero point."""
    x = bright(60)
    made = [
        tflm_unit.convert(classifier(), x, skip=0.01, target="cortex_m3_sim", center=c) for c in (True, False)
    ]
    first, second = ((m.model.report or {})["plan"] for m in made)
    assert {row["schedule"] for row in second["points"][0]} <= {"dense", "zero_skip"}
    assert first == second
    assert not made[0].model.graph.centers


def test_centers_lower_the_error(converted: tflm_unit.ConversionResult) -> None:
    x = bright(80, seed=2)
    plain = tflm_unit.convert(classifier(), bright(80), skip=0.4, center=False)
    without, found = (tflm_unit.evaluate(m.model, x).rmse for m in (plain, converted))
    assert found is not None
    assert without is not None
    assert found < 0.8 * without


@pytest.mark.parametrize("target", ["cortex_m3_sim", "msp430_sim"])
@pytest.mark.parametrize("schedule", ["unit", "planned", "activation_sorted", "zero_skip"])
def test_firmware(converted: tflm_unit.ConversionResult, target: str, schedule: str) -> None:
    require(load_board(target))
    result = tflm_unit.simulate(converted.model, target, x=bright(1), schedule=schedule)
    assert result.match, result.mismatches


def test_files_are_the_same_every_time(converted: tflm_unit.ConversionResult, tmp_path: Path) -> None:
    points = {"full": tflm_unit.SkipRate(0.4), "saver": tflm_unit.SkipRate(0.7)}
    again = tflm_unit.convert(classifier(), bright(80), points=points)
    assert again.model.data == converted.model.data
    converted.save(tmp_path / "model.tflite")
    assert tflm_unit.load(tmp_path / "model.tflite").model.graph.centers == converted.model.graph.centers
