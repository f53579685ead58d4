"""convert, load, evaluate and their mistakes, on a small int8 model without TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import CLASSES, LAYERS, classifier, images

import tflm_unit
from tflm_unit import DataError, ModelError, SkipRate, UnitError
from tflm_unit.converter.engine import Engine
from tflm_unit.models import load_model

HERE = Path(__file__).parent
X, X_TEST = images(96), images(40, seed=1)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    """What the dense model says, so that its accuracy is 1."""
    graph = load_model(classifier()).graph
    from tflm_unit.converter.dataset import Dataset

    return Engine(graph).run(*next(iter(Dataset(X_TEST, graph)))).outputs[0].argmax(axis=1)


@pytest.fixture(scope="module")
def result() -> tflm_unit.ConversionResult:
    points = {"full": SkipRate(0.6), "saver": SkipRate(0.85)}
    return tflm_unit.convert(classifier(), X, points=points)


def test_baselines_and_points(result: tflm_unit.ConversionResult, labels: np.ndarray) -> None:
    dense = result.evaluate(X_TEST, labels, schedule="dense")
    zero = result.evaluate(X_TEST, labels, schedule="zero_skip")
    full, saver = (result.evaluate(X_TEST, labels, point=p) for p in ("full", "saver"))
    assert dense.accuracy == zero.accuracy == 1.0
    assert dense.macs_skipped == 0
    assert 0 < zero.macs_skipped == zero.macs_zero == dense.macs_zero
    assert zero.skip_rate < full.skip_rate < saver.skip_rate
    assert full.skip_rate == pytest.approx(0.6, abs=0.05)
    assert [x.name for x in full.layers] == list(LAYERS)
    assert result.points[1].name == "saver"


def test_refit_moves_compensations_alone_and_counts_again() -> None:
    plain, refitted = (tflm_unit.convert(classifier(), X, skip=0.7, refit=r) for r in (False, True))
    before, after = plain.points[0], refitted.points[0]
    for index, entry in after.layers.items():
        np.testing.assert_array_equal(entry.thresholds, before.layers[index].thresholds)
    assert any(
        not np.array_equal(e.compensation, before.layers[i].compensation) for i, e in after.layers.items()
    )
    evaluation = refitted.evaluate(X)
    assert after.skip_rate == pytest.approx(evaluation.skip_rate, abs=1e-6)
    assert refitted.model.report is not None
    for stored, layer in zip(refitted.model.report["points"][0]["layers"], evaluation.layers, strict=True):
        assert (stored["macs_zero"], stored["macs_skipped"]) == (layer.macs_zero, layer.macs_skipped)


def test_both_engines_agree(result: tflm_unit.ConversionResult, labels: np.ndarray) -> None:
    for schedule in ("dense", "zero_skip", "unit"):
        batch = result.evaluate(X_TEST, labels, schedule=schedule, engine="batch", point=1)
        tflm = result.evaluate(X_TEST, labels, schedule=schedule, engine="tflm", point=1)
        assert (batch.engine, tflm.engine) == ("batch", "tflm")
        assert batch.accuracy == tflm.accuracy
        assert batch.macs_skipped == tflm.macs_skipped
        assert batch.macs_total == tflm.macs_total
        if schedule != "dense":
            assert batch.macs_zero == tflm.macs_zero


def test_without_labels_the_agreement_is_reported(result: tflm_unit.ConversionResult) -> None:
    evaluation = result.evaluate(X_TEST, point="full")
    assert evaluation.accuracy is None
    assert evaluation.agreement is not None
    assert 0.5 < evaluation.agreement <= 1
    assert evaluation.rmse is not None
    assert evaluation.rmse > 0
    dense = result.evaluate(X_TEST, schedule="dense")
    assert (dense.agreement, dense.rmse) == (1, 0)


def test_save_and_load(result: tflm_unit.ConversionResult, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    result.save(path)
    loaded = tflm_unit.load(path)
    assert loaded.summary() == result.summary() == str(result)
    for name in LAYERS:
        assert name in loaded.summary()
    assert [x.name for x in tmp_path.iterdir()] == ["model.tflite"]
    with pytest.raises(UnitError, match="nowhere"):
        result.save(tmp_path / "nowhere" / "model.tflite")


def test_same_input_same_bytes_and_converting_again_replaces() -> None:
    first = tflm_unit.convert(classifier(), X, skip=0.7)
    assert tflm_unit.convert(classifier(), X, skip=0.7).model.data == first.model.data
    other = tflm_unit.convert(first.model.data, X, percentile=30)
    again = tflm_unit.convert(other.model.data, X, skip=0.7)
    assert again.model.data == first.model.data


def test_labels_store_each_points_accuracy(labels: np.ndarray) -> None:
    result = tflm_unit.convert(classifier(), X_TEST, skip=0.75, labels=labels)
    measured = result.evaluate(X_TEST, labels)
    (point,) = tflm_unit.load(result.model.data).points
    assert point.accuracy == pytest.approx(measured.accuracy, abs=1e-6)
    assert point.skip_rate == pytest.approx(measured.skip_rate, abs=1e-6)


def test_target_brings_shifts_and_powers_of_two() -> None:
    """Divider and power_of_two override that; the board's own divider is for other thresholds."""

    def entries(name: str, **options: Any) -> list[Any]:
        """Of all layers: none runs dense."""
        result = tflm_unit.convert(classifier(), X[:8], target=name, schedule="compare", **options)
        return list(result.points[0].layers.values())

    for name in ("msp430_sim", "cortex_m3_sim"):
        rounded, own = entries(name), entries(name, power_of_two=False)
        assert len(rounded) == len(own) == len(LAYERS)
        assert all(p.divider.name == "BIT_SHIFT" and is_rounded(p.thresholds) for p in rounded)
        assert {p.divider for p in own} == {tflm_unit.load_target(name).divider}
        assert not all(is_rounded(p.thresholds) for p in own)
    assert {p.divider.name for p in entries("msp430_sim", divider="bit_mask")} == {"BIT_MASK"}
    with pytest.raises(UnitError, match="no target 'msp431'"):
        entries("msp431")


def test_a_target_chooses_schedules() -> None:
    """Thresholds that skip nearly everything, and flash for every plan."""
    result = tflm_unit.convert(classifier(), X, skip=0.95, target="cortex_m0_sim", extra_flash=9)
    graph, (point,), report = result.model.graph, result.points, result.model.report
    assert report is not None
    plan = report["plan"]
    assert plan["target"] == "cortex_m0_sim"
    chosen = []
    for layer, row in zip(graph.prunable, plan["points"][0], strict=True):
        entry = point.layers.get(graph.weights(layer).index)
        chosen.append(entry.schedule.name.lower() if entry else "dense")
        assert row["schedule"] in (chosen[-1], "zero_skip")
        assert row["cost"] == min(row["predicted"].values())
    assert set(chosen) - {"dense"}
    assert plan["extra_flash_bytes"] <= plan["extra_flash_limit"]
    assert all(row["schedule"] in result.summary() for row in plan["points"][0])
    assert tflm_unit.load(result.model.data).summary() == result.summary()


def is_rounded(thresholds: np.ndarray) -> bool:
    return bool(np.all((thresholds.astype(int) + 1) & thresholds == 0))


def test_default_is_the_papers_percentile() -> None:
    default = tflm_unit.convert(classifier(), X)
    assert default.model.data == tflm_unit.convert(classifier(), X, percentile=20).model.data


@pytest.mark.parametrize("operator", ["LOGISTIC", "HARD_SWISH"])
def test_operators_outside_the_batch_engine_use_tflm(operator: str, labels: np.ndarray) -> None:
    result = tflm_unit.convert(classifier(operator), X[:24], skip=0.75)
    reference = tflm_unit.convert(classifier(), X[:24], skip=0.75)
    assert result.model.graph.unsupported[0].op == operator
    # The extra operator follows the last layer: thresholds are the same, found through TFLM's activations.
    for ours, theirs in zip(
        result.points[0].layers.values(), reference.points[0].layers.values(), strict=True
    ):
        np.testing.assert_array_equal(ours.thresholds, theirs.thresholds)
        np.testing.assert_array_equal(ours.compensation, theirs.compensation)
    evaluation = result.evaluate(X_TEST, labels)
    assert evaluation.macs_skipped == reference.evaluate(X_TEST, labels).macs_skipped
    with pytest.raises(UnitError, match=f"cannot run layer .*{operator}.*use engine='tflm'"):
        result.evaluate(X_TEST, labels, engine="batch")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skip": 0.5, "percentile": 20}, "exclude each other"),
        ({"skip": 1.5}, r"skip rate is 1\.5; it takes a share of the MACs, 0 \.\. 1"),
        ({"percentile": "a"}, "percentile is 'a'; it takes percent"),
        ({"percentile": [3]}, r"percentile is \[3\]"),
        ({"points": [SkipRate(0.5)]}, "it takes rules by name"),
        ({"points": {3: SkipRate(0.5)}}, "point 3: a name takes 1 to 15 printable bytes"),
        ({"points": {"a\n": SkipRate(0.5)}}, "1 to 15 printable"),
        ({"points": {"": SkipRate(0.5)}}, "1 to 15 printable"),
        ({"points": {"dense": SkipRate(0.5)}}, "point 'dense': reports call a baseline that"),
        ({"points": {"zero-skip": SkipRate(0.5)}}, "reports call a baseline that"),
        (
            {"refit": True, "compensation": False},
            "refit moves compensations, and compensation=False makes none",
        ),
        ({"target": 3}, "target is 3; it takes a name or a Target"),
        ({"points": {}}, "points is empty"),
        ({"points": {"1": SkipRate(0.5)}}, "point '1': numbers and 'all' select points"),
        ({"points": {"all": SkipRate(0.5)}}, "point 'all': numbers"),
        ({"points": {"a_name_of_17_byte": SkipRate(0.5)}}, "a_name_of_17_byte"),
        ({"thresholds": {"conv": "x"}}, "threshold of layer 'conv' is 'x'"),
        ({"thresholds": {"conv": float("nan")}}, "threshold of layer 'conv' is nan"),
        ({"points": {"a": 0.5}}, "point 'a' is 0.5; it takes SkipRate"),
        ({"divider": 3}, "divider is 3"),
        ({"divider": "newton"}, "divider is 'newton'; it takes one of exact, bit_shift"),
        ({"groups": "rows"}, "groups is 'rows'"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        tflm_unit.convert(classifier(), X, **options)


def test_rules_take_numbers() -> None:
    assert SkipRate(np.float32(0.5)).value == 0.5
    for value in ("a", True, float("nan"), None):
        with pytest.raises(UnitError, match="skip rate is"):
            SkipRate(value)  # type: ignore[arg-type]


def test_bad_names_are_found_before_any_data() -> None:
    with pytest.raises(UnitError, match="a name takes"):
        tflm_unit.convert(classifier(), lambda: 1 / 0, points={"a_name_of_17_byte": SkipRate(0.5)})


def test_functions_take_results(result: tflm_unit.ConversionResult, tmp_path: Path) -> None:
    assert tflm_unit.evaluate(result, X_TEST, point=1) == result.evaluate(X_TEST, point=1)
    assert tflm_unit.Interpreter(result, point="saver").points == ("full", "saver")
    with pytest.raises(ModelError, match="the model is of type int; it takes a"):
        tflm_unit.evaluate(3, X_TEST)  # type: ignore[arg-type]
    with pytest.raises(UnitError, match="target is 3; it takes a name or a Target"):
        result.export(tmp_path, target=3)  # type: ignore[arg-type]


def test_refit_needs_the_batch_engine() -> None:
    with pytest.raises(UnitError, match=r"refit needs the batch engine.*'extra' \(LOGISTIC\)"):
        tflm_unit.convert(classifier("LOGISTIC"), X, refit=True)


def test_bad_evaluations(result: tflm_unit.ConversionResult) -> None:
    with pytest.raises(UnitError, match=r"no operating point 'night'; it has 0 \(full\), 1 \(saver\)"):
        result.evaluate(X_TEST, point="night")
    with pytest.raises(UnitError, match="no operating point 2"):
        result.evaluate(X_TEST, point=2)
    with pytest.raises(UnitError, match="engine is 'gpu'"):
        result.evaluate(X_TEST, engine="gpu")
    with pytest.raises(UnitError, match="schedule is 'fast'"):
        result.evaluate(X_TEST, schedule="fast")
    with pytest.raises(DataError, match=f"label {CLASSES} of sample 3"):
        result.evaluate(X_TEST, [0, 0, 0, CLASSES] + [0] * 36)
    for options in ({}, {"limit": 5}):
        with pytest.raises(DataError, match="41 labels for 40 samples"):
            result.evaluate(X_TEST, [0] * 41, **options)
    assert result.evaluate(lambda: iter(X_TEST), [0] * 40, limit=5).samples == 5
    with pytest.raises(DataError, match="100 labels for 96 samples"):
        tflm_unit.convert(classifier(), X, labels=[0] * 100, progress=lambda *_: pytest.fail("too late"))
    with pytest.raises(ModelError, match=r"cannot read .*nothing\.tflite"):
        tflm_unit.evaluate("nothing.tflite", X_TEST)


def test_more_than_one_batch(result: tflm_unit.ConversionResult) -> None:
    """The data is streamed in batches of 256; sums must not depend on that."""
    x = images(300)
    whole = result.evaluate(x, point=1)
    parts = [result.evaluate(x[rows], point=1) for rows in (slice(0, 256), slice(256, 300))]
    assert whole.samples == 300
    assert whole.macs_skipped == sum(p.macs_skipped for p in parts)
    assert whole.macs_zero == sum(p.macs_zero or 0 for p in parts)
    batch, tflm = (
        tflm_unit.convert(classifier(op), x, skip=0.8).points[0].layers for op in (None, "LOGISTIC")
    )
    for index, entry in batch.items():
        np.testing.assert_array_equal(entry.thresholds, tflm[index].thresholds)


def test_import_is_fast_and_without_tensorflow() -> None:
    """Modules, not seconds, so that a busy machine does not fail it: 0.3 s are for NumPy and the rest."""
    code = "import sys, tflm_unit, json; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.check_output([sys.executable, "-c", code], text=True, cwd=HERE))
    heavy = {"tensorflow", "keras", "tflite_micro", "ai_edge_litert", "matplotlib", "rich", "typer", "numpy"}
    assert not heavy & set(modules)
    assert tflm_unit.__version__.count(".") == 2
    assert set(tflm_unit.__all__) <= set(dir(tflm_unit))
    for name in tflm_unit.__all__:
        assert getattr(tflm_unit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'convrt'"):
        _ = tflm_unit.convrt
