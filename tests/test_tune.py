"""tune: points within their limits, figures that `evaluate` confirms, the same result however it is reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import CLASSES, LAYERS, classifier, images
from tiny_models import zoo

import tflm_unit
from tflm_unit import DataError, ModelError, UnitError, page
from tflm_unit.converter.engine import Engine
from tflm_unit.evaluation import Evaluation
from tflm_unit.models import load_model
from tflm_unit.tuning.network import quantized

MODEL = classifier()
X, X_VAL, X_TEST = images(48), images(160, seed=1), images(90, seed=2)
TRIALS = 20


def dense_classes(x: np.ndarray) -> np.ndarray:
    """What the dense model says, so that its accuracy is 1."""
    graph = load_model(MODEL).graph
    return Engine(graph).run(*quantized(x, graph, None, None)).outputs[0].argmax(axis=1)


Y_VAL, Y_TEST = dense_classes(X_VAL), dense_classes(X_TEST)


def tune(**options: Any) -> tflm_unit.TuneResult:
    return tflm_unit.tune(MODEL, X, X_VAL, **{"labels": Y_VAL, "trials": TRIALS, **options})


@pytest.fixture(scope="module")
def result() -> tflm_unit.TuneResult:
    return tune(max_drop=0.1, points=("full", "saver"), test=X_TEST, test_labels=Y_TEST)


def points_of(result: tflm_unit.TuneResult) -> dict[str, dict[str, Any]]:
    return {p["name"]: p for p in result.to_json()["points"]}


def kept(evaluation: Evaluation) -> float:
    return 1 - evaluation.skip_rate


def test_points_keep_to_their_drops_and_evaluate_confirms_them(result: tflm_unit.TuneResult) -> None:
    points = points_of(result)
    assert [p.name for p in result.points] == list(points) == ["full", "saver"]
    assert [p["limit"] for p in points.values()] == [0.05, 0.1]
    for name, p in points.items():
        measured = result.evaluate(X_VAL, Y_VAL, point=name)
        assert p["judge"] == measured.accuracy
        assert p["kept"] == p["cost"] == pytest.approx(kept(measured))
        assert p["drop"] == pytest.approx(1 - p["judge"])
        assert p["drop"] <= p["limit"]
        assert p["drop_low"] <= p["drop"] <= p["drop_high"]
        for layer in measured.layers:
            share = 1 - layer.macs_skipped / layer.macs_total
            assert p["layers"][layer.name] == pytest.approx(share)
    assert points["saver"]["cost"] < points["full"]["cost"] < 1
    zero_skip = result.evaluate(X_VAL, Y_VAL, schedule="zero_skip")
    assert points["saver"]["kept"] < 0.95 * kept(zero_skip), "pruning skips more than zeros alone"


def test_test_data_give_the_final_figures(result: tflm_unit.TuneResult) -> None:
    assert result.test is not None
    assert result.test.samples == len(X_TEST)
    assert result.test.dense.accuracy == 1
    for name, tested in result.test.points.items():
        measured = result.evaluate(X_TEST, Y_TEST, point=name)
        assert tested.accuracy == measured.accuracy
        assert tested.kept == pytest.approx(kept(measured))
        assert tested.low < tested.accuracy <= tested.high
        assert tested.drop_low <= tested.drop == pytest.approx(1 - tested.accuracy)
    assert result.to_json()["test"]["points"].keys() == {"full", "saver"}


def test_the_search_sees_neither_test_data_nor_points_limits_of_others(
    result: tflm_unit.TuneResult,
) -> None:
    without = tune(max_drop=0.1, points=("full", "saver"))
    assert without.test is None
    assert without.to_json()["test"] is None
    for a, b in zip(result.points, without.points, strict=True):
        assert a.layers.keys() == b.layers.keys()
        for entry in a.layers:
            np.testing.assert_array_equal(a.layers[entry].thresholds, b.layers[entry].thresholds)
    assert result.frontier == without.frontier


def test_frontier_falls_and_holds_the_points(result: tflm_unit.TuneResult) -> None:
    row = [p for p in result.frontier if p.point is None]
    costs, losses = [p.cost for p in row], [p.loss for p in row]
    assert costs == sorted(costs, reverse=True)
    assert losses == sorted(losses)
    assert {p.point for p in result.frontier} == {None, "full", "saver"}
    stored = result.to_json()["frontier"]
    assert [p["cost"] for p in stored] == [p.cost for p in result.frontier]


def test_the_model_carries_what_was_found(result: tflm_unit.TuneResult, tmp_path: Path) -> None:
    result.save(tmp_path / "tuned.tflite")
    loaded = tflm_unit.load(tmp_path / "tuned.tflite")
    assert loaded.model.report is not None
    assert loaded.model.report["tuning"] == json.loads(json.dumps(result.to_json()))
    assert [p.accuracy for p in loaded.points] == pytest.approx(
        [p["judge"] for p in points_of(result).values()]
    )
    text = " ".join(result.summary().split())
    rate, accuracy = loaded.points[0].skip_rate, loaded.points[0].accuracy
    assert (
        f"point 0: full, {rate:.1%} of MACs skipped (calibration data), accuracy {accuracy:.2%} (validation"
        in text
    )
    for word in (*LAYERS, "full", "saver", "frontier", "90 test samples"):
        assert word in text


def test_same_arguments_same_bytes_and_another_seed_other_trials(result: tflm_unit.TuneResult) -> None:
    again = tune(max_drop=0.1, points=("full", "saver"), test=X_TEST, test_labels=Y_TEST, threads=1)
    assert again.model.data == result.model.data
    other = tune(max_drop=0.1, points=("full", "saver"), seed=1)
    assert other.frontier != result.frontier


def test_budget_is_kept_to(result: tflm_unit.TuneResult) -> None:
    saver = points_of(result)["saver"]
    budget = saver["cost"] + 0.02
    found = tune(budget=budget, points=("half", "whole"))
    points = points_of(found)
    assert points["whole"]["limit"] == budget
    assert points["half"]["limit"] == pytest.approx((1 + budget) / 2)
    for name, p in points.items():
        assert p["cost"] <= p["limit"]
        assert p["cost"] == pytest.approx(kept(found.evaluate(X_VAL, Y_VAL, point=name)))
    assert points["whole"]["cost"] > 0.9 * budget, "the budget is used"
    assert points["whole"]["loss"] <= 1.1 * saver["loss"], "as good as a search for that drop"


def test_without_labels_agreement_is_the_judge() -> None:
    found = tune(labels=None, max_drop=0.1, test=X_TEST)
    tuning = found.to_json()
    assert tuning["judge"] == "agreement"
    assert tuning["dense"]["judge"] == 1
    assert points_of(found)["default"]["judge"] == found.evaluate(X_VAL).agreement
    assert any("no labels" in note for note in tuning["notes"])
    assert found.test is not None
    assert found.test.points["default"].accuracy == found.evaluate(X_TEST).agreement
    assert found.points[0].accuracy is None


def test_test_data_without_labels_give_agreements() -> None:
    found = tune(trials=17, max_drop=0.1, test=X_TEST)
    tuning = found.to_json()
    assert (tuning["judge"], tuning["test"]["judge"]) == ("accuracy", "agreement")
    assert tuning["test"]["points"]["default"]["accuracy"] == found.evaluate(X_TEST).agreement
    assert "dense: agreement 100.00%" in " ".join(found.summary().split())
    assert page.collect(found.model).judge == "agreement"


def test_test_data_are_checked_before_the_search() -> None:
    seen: list[str] = []
    for options, message in (
        ({"test": X_TEST[:, :4]}, "image"),
        ({"test": X_TEST, "test_labels": Y_TEST[:5]}, "5 labels for 90 samples"),
        ({"test_labels": Y_TEST}, "test_labels are given without test"),
    ):
        with pytest.raises(UnitError, match=message):
            tune(**options, progress=lambda what, done, total: seen.append(what))
    assert not seen


def test_a_target_costs_what_its_planner_predicts() -> None:
    found = tune(max_drop=0.1, target="cortex_m0_sim")
    tuning, report = found.to_json(), found.model.report
    assert report is not None
    assert (tuning["cost"], tuning["target"]) == ("instructions", "cortex_m0_sim")
    plan = report["plan"]["points"][0]
    dense = sum(layer["predicted"]["dense"] for layer in plan if "dense" in layer["predicted"])
    point = points_of(found)["default"]
    assert point["cost"] * tuning["dense"]["cost"] == pytest.approx(sum(layer["cost"] for layer in plan))
    assert tuning["dense"]["cost"] >= dense > 0
    assert point["kept"] == pytest.approx(kept(found.evaluate(X_VAL, Y_VAL)))
    settings = tuning["settings"]
    assert (settings["divider"], settings["power_of_two"]) == ("bit_shift", True)
    for entry in found.points[0].layers.values():
        positive = entry.thresholds[entry.thresholds >= 0].astype(int)
        assert ((positive + 1) & positive == 0).all()


def test_a_point_that_may_lose_more_costs_no_more() -> None:
    """Found apart from each other, the second of these points would cost more than the first and lose more."""
    options = {"labels": np.arange(100) % CLASSES, "target": "cortex_m0_sim", "trials": 18}
    found = tflm_unit.tune(
        MODEL, images(100), images(100, seed=1), max_drop=0.1, points=("a", "b"), **options
    )
    first, second = points_of(found).values()
    assert second["cost"] <= first["cost"] + 1e-9
    assert first["drop"] <= 0.05
    assert second["drop"] <= 0.1


@pytest.mark.parametrize("groups", ["layer", 3])
def test_groups_share_thresholds(groups: str | int) -> None:
    found = tune(groups=groups, trials=18, max_drop=0.1, fatrelu=False)
    report = found.model.report
    assert report is not None
    counts = [len(layer["real_thresholds"]) for layer in report["points"][0]["layers"]]
    assert counts == ([1, 1, 1] if groups == "layer" else [2, 3, 2])
    assert all(entry.fatrelu_min == -128 for entry in found.points[0].layers.values())


def test_too_few_validation_samples_are_told() -> None:
    found = tflm_unit.tune(MODEL, X, X_VAL[:40], Y_VAL[:40], trials=17, max_drop=0.01)
    assert any("40 validation samples" in note and "1.00%" in note for note in found.to_json()["notes"])


MISTAKES: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "both limits": ({"max_drop": 0.1, "budget": 0.3}, UnitError, "exclude each other"),
    "negative drop": ({"max_drop": -0.1}, UnitError, "max_drop is -0.1"),
    "budget of 0": ({"budget": 0.0}, UnitError, "budget is 0.0"),
    "budget in percent": ({"budget": 30}, UnitError, "budget is 30"),
    "two limits": (
        {"points": {"a": 0.1}, "max_drop": 0.2},
        UnitError,
        "max_drop is 0.2, but the limits of points",
    ),
    "two budgets": (
        {"points": {"a": 0.5}, "budget": 0.2},
        UnitError,
        "budget is 0.2, but the limits of points",
    ),
    "no points": ({"points": ()}, UnitError, r"points is \(\)"),
    "points in one string": ({"points": "full,saver"}, UnitError, "points is 'full,saver'"),
    "point twice": ({"points": ("a", "a")}, UnitError, "'a' twice"),
    "long name": ({"points": ("a" * 16,)}, UnitError, "1 to 15 printable bytes"),
    "name of a baseline": ({"points": ("dense",)}, UnitError, "reports call a baseline that"),
    "number as a name": ({"points": ("7",)}, UnitError, "choose another name"),
    "limit of a point": ({"points": {"a": "much"}}, UnitError, "limit of point 'a'"),
    "trials": ({"trials": 0}, UnitError, "trials is 0"),
    "timeout": ({"timeout": -1}, UnitError, "timeout is -1"),
    "seed": ({"seed": 1.5}, UnitError, "seed is 1.5"),
    "groups": ({"groups": "channels"}, UnitError, "groups is 'channels'"),
    "divider": ({"divider": "magic"}, UnitError, "divider is 'magic'"),
    "schedule": ({"schedule": "dense"}, UnitError, "schedule is 'dense'"),
    "target": ({"target": "toaster"}, UnitError, "no target 'toaster'"),
    "no target": ({"target": 5}, UnitError, "target is 5"),
    "metric": ({"metric": "f1"}, UnitError, "metric is 'f1'"),
    "more labels": ({"labels": np.zeros(200, int)}, DataError, "200 labels for 160 samples"),
    "labels": ({"labels": Y_VAL[:7]}, DataError, "7 labels for 160 samples"),
    "label": ({"labels": Y_VAL + CLASSES}, DataError, "out of range"),
    "study": ({"study": "mine"}, UnitError, "study is 'mine', a name in storage, which is not given"),
    "storage": ({"storage": "nonsense://x"}, UnitError, "study 'tflm_unit' cannot be opened in nonsense://x"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake: str) -> None:
    options, error, message = MISTAKES[mistake]
    with pytest.raises(error, match=message):
        tune(**options)


def test_wrong_data_and_models_are_named() -> None:
    with pytest.raises(DataError, match="image"):
        tflm_unit.tune(MODEL, X, X_VAL[:, :4], Y_VAL)
    with pytest.raises(ModelError):
        tflm_unit.tune(b"nonsense", X, X_VAL, Y_VAL)
    with pytest.raises(UnitError, match="the model has 2 outputs"):
        tflm_unit.tune(zoo(), np.zeros((4, 9, 8, 3), np.float32), np.zeros((4, 9, 8, 3), np.float32))
    with pytest.raises(UnitError, match=r"tune needs the batch engine.*'extra' \(LOGISTIC\)"):
        tflm_unit.tune(classifier("LOGISTIC"), X, X_VAL, Y_VAL)
