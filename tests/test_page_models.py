"""The report page of models that lack something, or have foreign names."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import CLASSES, LAYERS, classifier, images
from html_page import Page
from report_pages import LABELS, SAMPLES, converted
from tiny_models import Builder, edited, options

import tflm_unit
from tflm_unit import DataError, UnitError, page
from tflm_unit.api import ConversionResult
from tflm_unit.converter import container
from tflm_unit.models import load_model


@pytest.fixture(scope="module")
def result() -> ConversionResult:
    return converted()


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return images(SAMPLES, seed=1)


# Layer names are what stands between slashes and semicolons of tensor names.
HOSTILE = (
    "<script>alert(1)",
    '"><img src=x onerror=alert(1)>&amp {{ 7*7 }}{% raw %}',
    "_<style>-->$\\frac{1}{0}$ ]]> " + "long" * 60,
)


def hostile_model() -> bytes:
    """Tensors, and so layers, with names that would end or open something if they were not escaped."""
    names = dict(zip(LAYERS, HOSTILE, strict=True))

    def rename(file: Any) -> None:
        for tensor in file.subgraphs[0].tensors:
            layer, _, rest = tensor.name.decode().partition("/")
            if layer in names:
                tensor.name = names[layer] + (f"/{rest}" if rest else "")
            elif tensor.name == b"image":
                tensor.name = "<script>image"

    return edited(classifier(), rename)


def test_foreign_names_are_text(tmp_path: Path) -> None:
    model = hostile_model()
    layers = load_model(model).graph.prunable
    assert sorted(layer.name for layer in layers) == sorted(HOSTILE)
    rules: Any = {"_<i>$": tflm_unit.SkipRate(0.7), "unit": tflm_unit.SkipRate(0.8)}
    result = tflm_unit.convert(model, images(64), points=rules, target="cortex_m0_sim")
    names = [f"<b>{i}" for i in range(CLASSES)]
    options: dict[str, Any] = {"name": "</title><script>.tflite", "data_name": "<i>", "class_names": names}
    html = page.build(result.model, images(SAMPLES), LABELS, **options)
    read = Page(html)
    assert "script" not in read.tags
    assert "img" not in read.tags
    assert not read.handlers
    assert "</title><script>.tflite" in read.text
    for layer in layers:
        assert " ".join(layer.name.split()) in read.text
    assert "{{ 7*7 }}" in read.text
    from tflm_unit.page.figures import write_figures

    collected = page.collect(result.model, images(SAMPLES), LABELS, **options)
    files = write_figures(collected, tmp_path / "figures")
    assert {path.parent for path in files} == {tmp_path / "figures"}
    assert all(re.fullmatch(r"[a-z0-9_]+\.(png|svg|pdf)", path.name) for path in files)


@pytest.mark.parametrize("argument", ["y", "class_names", "scale", "offset", "limit"])
def test_what_belongs_to_data_needs_it(result: ConversionResult, argument: str) -> None:
    values: dict[str, Any] = {"y": LABELS, "class_names": ["a"] * CLASSES, "scale": 1.0, "offset": 1.0}
    with pytest.raises(UnitError, match=f"{argument} belongs to x, which is not given"):
        page.collect(result.model, **{argument: values.get(argument, 5)})


def test_class_names_are_one_for_each_class(result: ConversionResult) -> None:
    with pytest.raises(DataError, match=f"class_names has 3 names for the model's {CLASSES} classes"):
        page.collect(result.model, images(SAMPLES), LABELS, class_names=["a", "b", "c"])


def test_without_data(result: ConversionResult) -> None:
    collected = page.collect(result.model)
    assert collected.judge is None
    assert collected.frontier is None
    assert collected.confusion is None
    assert not collected.histograms
    full = collected.points[0]
    reported = (result.model.report or {})["points"][0]
    assert full.kept == pytest.approx(1 - reported["skip_rate"])
    read = Page(page.render(collected))
    assert "No accuracy is known" in read.text
    assert not {"frontier", "histograms", "confusion"} & set(read.ids)
    assert all(reference[1:] in read.ids for reference in read.references)
    # What the report knows of zeros is not the dense network's, so that nothing is said.
    assert "zero-skip" not in [row[0] for row in read.rows("figures")]


def test_without_report(result: ConversionResult, x: np.ndarray) -> None:
    model = result.model
    assert model.config is not None
    bare = load_model(container.attach(container.strip(model.data), model.config))
    assert bare.report is None
    for data in ((), (x, LABELS)):
        collected = page.collect(bare, *data)
        assert collected.unit is None
        assert collected.points[0].kept is not None
        assert "says nothing about how it was made" in Page(page.render(collected)).text


def test_without_thresholds(x: np.ndarray) -> None:
    dense = tflm_unit.load(classifier()).model
    read = Page(page.build(dense))
    assert "No thresholds: it runs dense." in read.text
    collected = page.collect(dense, x, LABELS)
    assert not collected.points
    assert len(collected.histograms) == len(LAYERS)
    assert collected.confusion is not None
    read = Page(page.render(collected))
    assert len(read.rows("matrix")) == 1 + CLASSES
    assert {"histograms", "confusion"} <= set(read.ids)


def test_accuracy_of_the_calibration_data() -> None:
    result = tflm_unit.convert(classifier(), images(64), skip=0.7, labels=np.arange(64) % CLASSES)
    collected = page.collect(result.model)
    (point,) = collected.points
    assert (collected.judge, collected.figures_of) == ("accuracy", "the calibration data")
    assert point.accuracy is not None
    assert point.accuracy.value == result.points[0].accuracy
    assert point.accuracy.low is None
    assert collected.command == "tflm-unit convert MODEL -o OUT.tflite --data DATA.npz --skip 0.7"
    assert f"{(result.points[0].accuracy or 0) * 100:.2f}" in Page(page.render(collected)).text


def test_models_that_only_tflm_runs(tmp_path: Path) -> None:
    result = tflm_unit.convert(classifier("HARD_SWISH"), images(32), skip=0.6)
    collected = page.collect(result.model, images(12), np.arange(12) % CLASSES)
    expected = result.evaluate(images(12), np.arange(12) % CLASSES)
    assert expected.engine == "tflm"
    assert collected.points[0].accuracy is not None
    assert collected.points[0].accuracy.value == expected.accuracy
    assert collected.points[0].kept == pytest.approx(1 - expected.skip_rate)
    assert len(collected.histograms) == len(LAYERS)
    assert not collected.memory.footprints
    assert "HARD_SWISH" in Page(page.render(collected)).text


def test_many_points_and_a_group_that_never_skips() -> None:
    """More points than colours; a negative threshold keeps zero products."""
    rules: Any = {f"p{i}": tflm_unit.SkipRate(0.4 + 0.05 * i) for i in range(8)}
    rules["p8"] = tflm_unit.Explicit({"conv": [-1.0, *[0.01] * 5], "logits": 0.02})
    result = tflm_unit.convert(classifier(), images(64), points=rules, groups="channel")
    collected = page.collect(result.model, images(20), LABELS[:20])
    never = collected.points[8].layers[0]
    expected = result.evaluate(images(20), LABELS[:20], point="p8").layers[0]
    assert never.skipped == pytest.approx(expected.macs_skipped / expected.macs_total)
    read = Page(page.render(collected))
    assert all(f"p{i}" in read.text for i in range(9))


def test_frozen_values_are_json(result: ConversionResult, x: np.ndarray) -> None:
    import json

    collected = page.collect(result.model, x, LABELS)
    assert json.loads(json.dumps(dataclasses.asdict(collected), allow_nan=False))["macs"] == collected.macs


def test_no_layer_can_carry_thresholds() -> None:
    """Layers that share their weights run dense: nothing to skip, nothing to draw."""
    builder = Builder()
    tensors = [builder.activation(name, (1, 4)) for name in "xyz"]
    weights = builder.constant("weights", np.eye(4, dtype=np.int8) * 50, 0.02)
    for before, after in pairwise(tensors):
        builder.operator("FULLY_CONNECTED", [before, weights], [after], options("FullyConnected"))
    model = load_model(builder.build(tensors[:1], tensors[-1:]))
    assert not model.graph.prunable
    for data in ((), (np.eye(4, dtype=np.float32), np.arange(4))):
        collected = page.collect(model, *data)
        assert [v.kept for v in collected.variants] == [1, 1]
        assert "2 layers with 32 MACs" in Page(page.render(collected)).text
