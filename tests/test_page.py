"""The report page: its figures against `evaluate`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from classifier import CLASSES, LAYERS, classifier, images
from html_page import Page
from report_pages import LABELS, SAMPLES, converted

import tflm_unit
from tflm_unit import page
from tflm_unit.api import ConversionResult
from tflm_unit.converter import container


@pytest.fixture(scope="module")
def result() -> ConversionResult:
    return converted()


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return images(SAMPLES, seed=1)


@pytest.fixture(scope="module")
def html(result: ConversionResult, x: np.ndarray) -> str:
    return page.build(result.model, x, LABELS, name="net.tflite", data_name="data.npz")


def test_is_one_well_formed_page_that_needs_nothing_else(html: str) -> None:
    read = Page(html)
    assert {"html", "head", "main", "svg", "table"} <= set(read.tags)
    assert not {"script", "img", "link", "iframe", "object", "embed", "form"} & set(read.tags)
    assert len(set(read.ids)) == len(read.ids)
    assert not read.handlers
    assert read.references
    for reference in read.references:
        assert reference.startswith("#")
        assert reference[1:] in read.ids
    for style in read.styles:
        assert "@import" not in style
        assert all(re.fullmatch(r"url\(#[\w-]+\)", url) for url in re.findall(r"url\([^)]*\)", style))
    assert re.findall(r"url\(#([\w-]+)\)", html)
    assert set(re.findall(r"url\(#([\w-]+)\)", html)) <= set(read.ids)


def test_svgs_are_labelled_and_take_the_colours_of_the_page(html: str) -> None:
    charts = re.findall(r"<svg .*?</svg>", html, re.DOTALL)
    assert len(charts) == 2 + len(LAYERS)  # the frontier for two widths, a histogram per layer
    for chart in charts:
        assert 'role="img"' in chart
        assert re.search(r'aria-label="[^"]{20,}"', chart)
        assert "var(--text)" in chart or "var(--muted)" in chart
        assert not re.search(r"#[0-9a-f]{6}\b", chart)
        assert "font-family" not in chart
    for name in re.findall(r"var\((--[\w-]+)\)", html):
        assert f"{name}:" in html, name


@pytest.mark.parametrize("labelled", [True, False])
def test_figures_are_those_of_evaluate(result: ConversionResult, x: np.ndarray, labelled: bool) -> None:
    labels = LABELS if labelled else None
    collected = page.collect(result.model, x, labels)
    read = Page(page.render(collected))
    table = {row[0]: row for row in read.tables[0][1]}
    schedules = {"dense": "dense", "zero-skip": "zero_skip"}
    assert [v.name for v in collected.variants] == ["dense", "zero-skip", "full", "saver"]
    for variant in collected.variants:
        name = variant.name
        point = 0 if name in schedules else name
        expected = result.evaluate(x, labels, point=point, schedule=schedules.get(name, "unit"))
        quality = expected.accuracy if labelled else expected.agreement
        assert variant.accuracy is not None
        assert variant.accuracy.value == quality
        low, high = variant.accuracy.low, variant.accuracy.high
        assert low is not None
        assert high is not None
        assert low <= variant.accuracy.value <= high
        computed = expected.macs_total - expected.macs_skipped
        assert variant.kept == pytest.approx(computed / expected.macs_total)
        assert table[name][1] == f"{computed / SAMPLES:,.0f}"
        assert table[name][3].startswith(f"{quality * 100:.2f} ")
        if not labelled:
            assert variant.rmse == pytest.approx(expected.rmse)
            assert table[name][5] == f"{expected.rmse:.3g}"
        for row, layer in zip(variant.layers, expected.layers, strict=True):
            assert (row.name, row.op, row.macs * SAMPLES) == (layer.name, layer.op, layer.macs_total)
            assert row.skipped == pytest.approx(layer.macs_skipped / layer.macs_total)
    assert collected.judge == ("accuracy" if labelled else "agreement")


def test_layer_rows_split_skipped_macs(result: ConversionResult, x: np.ndarray, html: str) -> None:
    expected = result.evaluate(x, LABELS, point="saver")
    rows = Page(html).rows("layers")
    saver = rows[1 + len(LAYERS) + 1 :]
    pruned = 0
    for row, layer in zip(saver, expected.layers, strict=True):
        assert row[0].startswith(layer.name)
        if layer.thresholds is not None:
            assert layer.macs_zero is not None
            share = (layer.macs_skipped - layer.macs_zero) / layer.macs_total
            assert f"{share * 100:.1f}\u202f% pruned".replace("\u202f", " ") in row[1].replace("\u202f", " ")
            pruned += share > 0
    assert pruned


def test_costs_are_the_plans(result: ConversionResult, x: np.ndarray) -> None:
    collected = page.collect(result.model, x, LABELS)
    plan = (result.model.report or {})["plan"]
    dense, zero_skip, *points = collected.variants
    for variant, rows in zip(points, plan["points"], strict=True):
        assert variant.cost == pytest.approx(sum(r["cost"] for r in rows))
        assert dense.cost == pytest.approx(sum(r["dense"] for r in plan["points"][0]))
    # Predicted for the activations of the network without thresholds, which the plan knows nothing of.
    assert zero_skip.cost is not None
    assert zero_skip.cost > 0
    assert collected.unit == "instructions"


def test_confusion_matrices(result: ConversionResult, x: np.ndarray, html: str) -> None:
    collected = page.collect(result.model, x, LABELS, class_names=["a", "b", "c", "d", "<e>"])
    assert collected.confusion is not None
    assert collected.confusion.classes[-1] == "<e>"
    accuracies = [v.accuracy for v in collected.variants if v.kind != "zero_skip"]
    for counts, accuracy in zip(collected.confusion.counts, accuracies, strict=True):
        matrix = np.array(counts)
        assert accuracy is not None
        assert matrix.sum(axis=1).tolist() == np.bincount(LABELS).tolist()
        assert np.trace(matrix) / SAMPLES == accuracy.value
    rows = Page(page.render(collected)).rows("matrix")
    assert len(rows) == 6 * (1 + CLASSES)  # dense, point and difference at two points
    change = np.array(collected.confusion.counts[1]) - np.array(collected.confusion.counts[0])
    shown = [
        [int(v.replace("\u2212", "-")) for v in row[1:]] for row in rows[2 * (1 + CLASSES) + 1 :][:CLASSES]
    ]
    assert shown == change.tolist()
    assert rows[0][-1] == "<e>"


def test_histograms_hold_every_product(result: ConversionResult, x: np.ndarray) -> None:
    collected = page.collect(result.model, x, LABELS)
    expected = result.evaluate(x, LABELS, point=0)
    assert [h.layer for h in collected.histograms] == list(LAYERS)
    for histogram, layer in zip(collected.histograms, expected.layers, strict=True):
        assert layer.macs_zero is not None
        assert histogram.zero == pytest.approx(layer.macs_zero / layer.macs_total)
        for d in (histogram.activation, histogram.product):
            assert len(d.edges) == len(d.skipped) + 1
            assert min(*d.skipped, *d.kept) >= 0
            assert sum(d.skipped) + sum(d.kept) + histogram.zero == pytest.approx(1)
        skipped = sum(histogram.product.skipped)
        if layer.thresholds is not None:
            assert skipped + histogram.zero == pytest.approx(layer.macs_skipped / layer.macs_total)
        assert sum(histogram.activation.skipped) == pytest.approx(skipped)


def test_thresholds_mark_where_skipping_ends() -> None:
    """Under the exact divider nothing above the mark is skipped, and nothing below it is kept."""
    result = tflm_unit.convert(classifier(), images(64), thresholds=dict.fromkeys(LAYERS, 0.02))
    collected = page.collect(result.model, images(SAMPLES))
    scales = [result.model.graph.product_scale(x).max() for x in result.model.graph.prunable]
    for h, step in zip(collected.histograms, scales, strict=True):
        (mark,) = h.marks
        assert mark.product == pytest.approx((0.02, 0.02), abs=step)
        below = [
            kept for kept, end in zip(h.product.kept, h.product.edges[1:], strict=True) if end < 0.02 - step
        ]
        above = [
            s for s, start in zip(h.product.skipped, h.product.edges, strict=False) if start > 0.02 + step
        ]
        assert sum(below) == 0
        assert sum(above) == 0
        assert sum(h.product.skipped) > 0


def test_memory_is_that_of_the_export(result: ConversionResult, tmp_path: Path) -> None:
    found = page.collect(result.model).memory
    dense, pruned = found.footprints
    for footprint, forced in ((dense, {"schedule": "dense"}), (pruned, {})):
        exported = result.export(tmp_path / footprint.name.replace(" ", "_"), **forced)
        assert footprint.flash == exported.constant_bytes
        assert footprint.arena == exported.arena_bytes
    weights = sum(result.model.graph.weights(x).size for x in result.layers)
    assert dense.constants[0] == weights
    assert pruned.constants[2] > 0
    assert found.file_bytes == len(result.model.data)
    assert found.dense_file_bytes == len(container.strip(result.model.data))


def test_same_page_in_every_process(
    result: ConversionResult, x: np.ndarray, html: str, tmp_path: Path
) -> None:
    result.save(tmp_path / "net.tflite")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import sys, numpy as np, tflm_unit; folder = sys.argv[1]; "
        "tflm_unit.load(folder + '/net.tflite').report(folder + '/page.html', np.load(folder + '/x.npy'), "
        f"np.arange({SAMPLES}) % {CLASSES}, name='net.tflite', data_name='data.npz')"
    )
    settings = tmp_path / "matplotlibrc"
    settings.write_text("lines.linewidth: 9\nsvg.fonttype: path\nfont.size: 30\n")
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "TZ": f"UTC{seed}",
            "MATPLOTLIBRC": str(settings),
        }
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            check=True,
            env=environment,
            cwd=Path(__file__).parent,
        )
        assert (tmp_path / "page.html").read_text(encoding="utf-8") == html
