"""tune with metrics of the user's own: their units, labels, names and intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_tune import X_VAL, Y_VAL, points_of, tune

from tflm_unit import UnitError
from tflm_unit.converter.engine import Engine
from tflm_unit.tuning.network import quantized


def worst_class(labels: np.ndarray | None, outputs: np.ndarray) -> float:
    """Accuracy of the class that fares worst, times 100."""
    assert labels is not None
    assert outputs.dtype == np.float32
    right = outputs.argmax(axis=1) == labels
    return 100 * min(float(right[labels == c].mean()) for c in np.unique(labels))


def test_a_metric_judges_in_its_own_units() -> None:
    found = tune(metric=worst_class, max_drop=20.0)
    tuning, point = found.to_json(), points_of(found)["default"]
    assert tuning["judge"] == "worst_class"
    assert tuning["dense"]["judge"] == 100
    outputs = Engine(found.model.graph, found.points[0]).run(*quantized(X_VAL, found.model.graph, None, None))
    assert point["judge"] == pytest.approx(worst_class(Y_VAL, outputs.outputs[0].astype(np.float32)))
    assert 0 < point["drop"] <= 20
    assert point["drop_low"] < point["drop"] < point["drop_high"]


def accuracy(labels: np.ndarray | None, outputs: np.ndarray) -> float:
    """In percent: not what the report calls accuracy."""
    return 100 * float(np.mean(outputs.argmax(axis=1) == labels))


def closeness(labels: np.ndarray | None, outputs: np.ndarray) -> float:
    """Of a regression; many resamples have no label above 0.99 and so no figure."""
    assert labels is not None
    assert labels.dtype == np.float64
    rows = labels > 0.99
    return -float(np.square(outputs[rows, 0] - labels[rows]).mean()) if rows.any() else float("nan")


def test_metrics_take_labels_of_any_kind_and_names_that_are_taken() -> None:
    found = tune(metric=accuracy, trials=17, max_drop=10.0)
    assert found.to_json()["judge"] == "accuracy (metric)"
    assert found.points[0].accuracy is None
    real = np.where(np.arange(len(X_VAL)) == 7, 1.0, 0.5)
    point = points_of(tune(metric=closeness, labels=real, trials=17, max_drop=1.0))["default"]
    assert point["drop_low"] <= point["drop"] <= point["drop_high"]


def test_a_limit_that_is_missed_is_told_in_units_of_the_metric() -> None:
    dense: list[np.ndarray] = []  # what is asked first

    def similarity(labels: np.ndarray | None, outputs: np.ndarray) -> float:
        dense.append(outputs)
        return -float(np.abs(outputs - dense[0]).sum())

    found = tune(metric=similarity, trials=17, max_drop=0.0)
    drop = points_of(found)["default"]["drop"]
    assert drop > 1
    (note,) = [note for note in found.to_json()["notes"] if "nothing found keeps to it" in note]
    assert f"has {drop:.4g}, above its limit of 0:" in note


@pytest.mark.parametrize(
    ("value", "message"), [(float("nan"), "finite"), ("much", "takes a number"), (None, "takes a number")]
)
def test_a_metric_that_returns_no_number(value: Any, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        tune(metric=lambda labels, outputs: value)
