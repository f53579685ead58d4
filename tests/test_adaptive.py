"""Two operating points, the second where the first one's answer is not clear."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import CLASSES, classifier, images
from test_cli import run, succeed

import tflm_unit
from tflm_unit import Adaptive, DataError, UnitError
from tflm_unit.api import ConversionResult
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.pruning import OperatingPoint
from tflm_unit.tuning.judge import paired

COUNT = 150


@pytest.fixture(scope="module")
def result() -> ConversionResult:
    points: Any = {"full": tflm_unit.SkipRate(0.35), "middle": tflm_unit.SkipRate(0.6)}
    points["saver"] = tflm_unit.SkipRate(0.8)
    return tflm_unit.convert(classifier(), images(64), points=points)


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return images(COUNT, seed=5)


@pytest.fixture(scope="module")
def labels(result: ConversionResult, x: np.ndarray) -> np.ndarray:
    """What the dense network says, but for every tenth sample."""
    found = outputs(result.model.graph, x, None)[0].argmax(axis=1)
    return np.where(np.arange(COUNT) % 10, found, (found + 1) % CLASSES)


def outputs(graph: Graph, x: np.ndarray, point: OperatingPoint | None) -> tuple[np.ndarray, np.ndarray]:
    """int8 outputs, and the share of MACs kept for each sample."""
    levels = np.clip(np.rint(x * 255) - 128, -128, 127).astype(np.int8)
    answers, kept = [], []
    for sample in levels:
        done = Engine(graph, point, threads=1, schedule="compare" if point else "dense").run(sample[None])
        counts = done.counters.values()
        answers.append(done.outputs[0][0])
        kept.append(1 - sum(c.macs_skipped for c in counts) / sum(c.macs_total for c in counts))
    return np.array(answers), np.array(kept)


def margins(answers: np.ndarray) -> np.ndarray:
    ordered = np.sort(answers.astype(int), axis=1)
    return ordered[:, -1] - ordered[:, -2]


def test_figures_are_those_of_single_inferences(
    result: ConversionResult, x: np.ndarray, labels: np.ndarray
) -> None:
    found = tflm_unit.adapt(result, x, labels, max_drop=0.08, test=x[:40], test_labels=labels[:40])
    assert found.margin > 0
    points = {point.name: point for point in result.points}
    graph = result.model.graph
    (first, kept), (second, more) = (outputs(graph, x, points[name]) for name in (found.first, found.second))
    unclear = margins(first) < found.margin
    classes = np.where(unclear, second.argmax(axis=1), first.argmax(axis=1))
    right, dense = classes == labels, outputs(graph, x, None)[0].argmax(axis=1) == labels
    for figures, some in ((found.validation, slice(None)), (found.test, slice(40))):
        assert figures is not None
        assert figures.judge == "accuracy"
        assert figures.value == pytest.approx(right[some].mean())
        assert figures.dense == pytest.approx(dense[some].mean())
        assert figures.again == pytest.approx(unclear[some].mean())
        assert figures.kept == pytest.approx((kept + unclear * more)[some].mean())
        drop = paired(dense[some], right[some])
        assert (figures.drop, figures.low, figures.high) == (drop.value, drop.low, drop.high)
    assert found.alone[found.first].kept == pytest.approx(kept.mean())
    assert list(found.alone_test) == ["full", "middle", "saver"]


@pytest.mark.parametrize("max_drop", [0.05, 0.08, 0.15])
def test_the_pair_computes_least_of_those_that_keep_to_the_drop(
    result: ConversionResult, x: np.ndarray, labels: np.ndarray, max_drop: float
) -> None:
    found = tflm_unit.adapt(result, x, labels, max_drop=max_drop)
    graph = result.model.graph
    runs = [outputs(graph, x, point) for point in result.points]
    dense = outputs(graph, x, None)[0].argmax(axis=1) == labels
    best = np.inf
    for (first, kept), (second, more) in product(runs, repeat=2):
        for margin in range(257):
            unclear = margins(first) < margin
            right = np.where(unclear, second.argmax(axis=1), first.argmax(axis=1)) == labels
            changed, net = np.sum(dense != right), int(dense.sum()) - int(right.sum())
            error = np.sqrt(changed - net * net / COUNT) / COUNT
            if max(net / COUNT, 0) + error <= max_drop:
                best = min(best, kept.mean() + unclear.mean() * more.mean())
    validation = found.validation
    runs_of = {p.name: r for p, r in zip(result.points, runs, strict=True)}
    mean_kept = runs_of[found.first][1].mean() + validation.again * runs_of[found.second][1].mean()
    assert mean_kept == pytest.approx(best)


def test_one_point_may_be_enough(result: ConversionResult, x: np.ndarray) -> None:
    """Without labels, the drop is that of the agreement with the dense network."""
    found = tflm_unit.adapt(result, x, max_drop=1)
    assert (found.first, found.second, found.margin) == ("saver", "saver", 0)
    assert (found.validation.judge, found.validation.dense, found.validation.again) == ("agreement", 1, 0)
    assert found.validation == found.alone["saver"]
    assert "no pair of points computes less than saver alone" in str(found)


def lossy() -> ConversionResult:
    """No point of it agrees with the dense network on all samples."""
    points: Any = {"less": tflm_unit.SkipRate(0.75), "least": tflm_unit.SkipRate(0.85)}
    return tflm_unit.convert(classifier(), images(64), points=points)


def test_what_cannot_be_chosen(result: ConversionResult, x: np.ndarray, labels: np.ndarray) -> None:
    alone = tflm_unit.convert(classifier(), images(64), skip=0.5)
    for arguments, options, message in (
        ((alone, x), {}, "1 operating points, and a choice takes two"),
        ((classifier(), x), {}, "0 operating points"),
        ((result, x), {"max_drop": 1.5}, r"max_drop is 1.5; it takes .* 0 \.\. 1"),
        ((result, x), {"max_drop": "a"}, "max_drop is 'a'"),
        ((lossy(), x), {"max_drop": 0}, "the least, with its standard error, is"),
        ((result, x), {"test_labels": labels}, "test_labels are given without test"),
    ):
        with pytest.raises(UnitError, match=message):
            tflm_unit.adapt(*arguments, **options)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="labels"):
        tflm_unit.adapt(result, x, labels[:-1])


def test_command(result: ConversionResult, x: np.ndarray, labels: np.ndarray, tmp_path: Path) -> None:
    result.save(tmp_path / "net.tflite")
    arrays = {"x_val": x, "y_val": labels, "x_test": x[:40], "y_test": labels[:40]}
    np.savez(tmp_path / "data.npz", **arrays)
    given = ["adapt", tmp_path / "net.tflite", "--data", tmp_path / "data.npz", "--max-drop", 8]
    told = json.loads(succeed(*given, "--json"))
    found = tflm_unit.adapt(result, x, labels, max_drop=0.08, test=x[:40], test_labels=labels[:40])
    assert isinstance(found, Adaptive)
    assert told == {**found.to_json(), "data_notes": []}
    text = succeed(*given)
    assert f"{found.first}, then {found.second} below {found.margin}" in text
    assert "40 test samples" in text
    lossy().save(tmp_path / "lossy.tflite")
    done = run("adapt", tmp_path / "lossy.tflite", *given[2:-1], 0.001)
    assert done.returncode == 1
    assert "no point and no pair of points" in done.stderr
    assert "Example" in run("adapt", "--help").stdout
