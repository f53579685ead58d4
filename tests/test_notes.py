"""What a conversion tells beside its tables: points that skip less than asked, models too large, zero_skip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from classifier import classifier
from planning import FREE, GRAPH, X, model_of

import tflm_unit
from tflm_unit import SkipRate
from tflm_unit.converter import planner
from tflm_unit.converter.targets import load_target
from tflm_unit.report import describe


def report_of(result: Any) -> dict[str, Any]:
    report: dict[str, Any] | None = result.model.report
    assert report is not None
    return report


def test_points_that_skip_less_than_asked_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dense is fastest for all layers, so that nothing is skipped."""
    monkeypatch.setattr(planner, "cost_model", lambda target: model_of(dense=FREE))
    points = {"skip70": SkipRate(0.7), "none": SkipRate(0.0)}
    result = tflm_unit.convert(classifier(), X, points=points, target="cortex_m0_sim")
    note = (
        "asked to skip 70% of the MACs, 'skip70' skips 0.0%: conv, strided, logits run dense, which is faster"
    )
    assert [point["notes"] for point in report_of(result)["points"]] == [[note], []]
    assert f"note: {note}" in " ".join(str(result).split())
    assert describe(result.model)["report"]["points"][0]["notes"] == [note]


def test_layers_that_skip_zero_products_alone_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "cost_model", lambda target: model_of(zero_skip=FREE))
    result = tflm_unit.convert(classifier(), X, skip=0.9, target="cortex_m0_sim")
    (note,) = report_of(result)["points"][0]["notes"]
    assert "asked to skip 90% of the MACs" in note
    assert note.endswith("conv, strided, logits run zero_skip, which is faster")
    layers = describe(result.model)["points"][0]["layers"]
    assert [layer["schedule"] for layer in layers] == ["zero_skip"] * 3
    first_table = str(result).split("predicted")[0]
    assert first_table.count("zero_skip") == 3
    assert "compare" not in first_table
    assert "exact" not in first_table


def test_limits_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(planned=FREE, dense={"calls": 2.0})
    monkeypatch.setattr(planner, "cost_model", lambda target: model)
    result = tflm_unit.convert(classifier(), X, skip=0.9, target="cortex_m0_sim", extra_flash=0)
    (note,) = report_of(result)["points"][0]["notes"]
    assert note.endswith("conv, strided, logits run dense, as there is no flash for plans")


def test_points_that_skip_what_was_asked_have_no_note() -> None:
    assert report_of(tflm_unit.convert(classifier(), X, skip=0.7))["points"][0]["notes"] == []


def test_models_too_large_for_their_target_are_converted_with_a_note() -> None:
    large = load_target("cortex_m0_sim")
    fits = tflm_unit.convert(classifier(), X, skip=0.7, target=large)
    assert report_of(fits)["notes"] == []
    small = replace(large, name="small", flash_bytes=2500)
    notes = report_of(tflm_unit.convert(classifier(), X, skip=0.7, target=small))["notes"]
    assert notes[0].startswith("generated C: model needs")
    assert "bytes of flash (constants" in notes[0]
    assert "more than the 2,500 of small" in notes[0]
    assert notes[1].startswith("the .tflite file takes")
    assert notes[1].endswith("small has 2,500 of flash")
    narrow = replace(large, name="narrow", ram_bytes=700)
    result = tflm_unit.convert(classifier(), X, skip=0.7, target=narrow)
    (note,) = report_of(result)["notes"]
    assert "bytes of RAM (arena" in note
    assert "more than the 700 of narrow" in note
    assert f"note: {note}" in " ".join(str(result).split())


def test_predicted_and_dense_totals_are_of_the_same_layers() -> None:
    """Under FATReLU a layer cannot run dense; what its dense kernel would take still counts."""
    result = tflm_unit.convert(classifier(), X, skip=0.7, target="cortex_m0_sim", fatrelu={"conv": 0.3})
    plan = report_of(result)["plan"]
    (rows,) = plan["points"]
    assert "dense" not in rows[0]["predicted"]
    assert len(rows) == len(GRAPH.prunable)
    totals = [sum(row[what] for row in rows) for what in ("cost", "dense")]
    text = " ".join(str(result).split())
    assert f"predicted: {totals[0]:,.0f} instructions, dense {totals[1]:,.0f} (error" in text
    old = {**plan, "points": [[{k: v for k, v in row.items() if k != "dense"} for row in rows]]}
    assert f"{totals[0]:,.0f} instructions (error" in title_of(old)  # as before a report had it


def title_of(plan: dict[str, Any]) -> str:
    from tflm_unit.report import _plan_table

    return str(_plan_table(plan, 0, "p").title)
