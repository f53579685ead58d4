"""Schedules that the user forces: which layers run them, and that they change time alone."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import classifier
from engine_graphs import network, prune_all, samples
from generated_c import GeneratedModel
from planning import GRAPH, X, points_at

import tflm_unit
from tflm_unit import UnitError
from tflm_unit.converter.plan_options import extra_flash_of
from tflm_unit.converter.planner import force
from tflm_unit.converter.prune import zero_skip_entry
from tflm_unit.converter.pruning import LayerPruning, OperatingPoint, Schedule


def test_a_forced_schedule_changes_no_result() -> None:
    results = {
        name: tflm_unit.convert(classifier(), X, skip=0.8, divider="bit_shift", schedule=name)
        for name in ("compare", "planned", "activation_sorted")
    }
    graph = results["compare"].model.graph
    runs: dict[str, list[str]] = {}
    for name, result in results.items():
        entries = [result.points[0].layers[graph.weights(x).index] for x in graph.prunable]
        runs[name] = [entry.schedule.name.lower() for entry in entries]
        for entry, other in zip(entries, results["compare"].points[0].layers.values(), strict=True):
            np.testing.assert_array_equal(entry.thresholds, other.thresholds)
    assert runs["planned"] == ["planned"] * 3
    assert runs["activation_sorted"] == ["activation_sorted", "activation_sorted", "compare"]


def test_forced_plans_stay_within_the_extra_flash() -> None:
    """Without a limit all layers are planned; with one, the layers that are not run compare, and a note says so."""
    pruned = points_at(0.7, 0.9)
    (full, saver), notes = force(GRAPH, pruned, "planned")
    assert set(schedules_of(full)) == set(schedules_of(saver)) == {Schedule.PLANNED}
    assert notes == ()
    dense = sum(GRAPH.weights(x).size for x in GRAPH.prunable)
    sizes = [
        extra_flash_of(
            GRAPH, x, [replace(p.layers[GRAPH.weights(x).index], schedule=Schedule.PLANNED) for p in pruned]
        )
        for x in GRAPH.prunable
    ]
    assert min(sizes) > 0
    for limit in (0, min(sizes), sum(sizes) - 1, sum(sizes)):
        limited, notes = force(GRAPH, pruned, "planned", (limit + 0.5) / dense)
        for point in limited:
            planned = [s is Schedule.PLANNED for s in schedules_of(point)]
            assert sum(size for size, is_planned in zip(sizes, planned, strict=True) if is_planned) <= limit
            assert all(planned) is (limit >= sum(sizes))
        refused = [x.name for x, s in zip(GRAPH.prunable, schedules_of(limited[0]), strict=True) if not s]
        assert [text.split(": compare")[0] for text in notes] == ([", ".join(refused)] if refused else [])


def schedules_of(point: OperatingPoint) -> list[Schedule]:
    return [point.layers[GRAPH.weights(x).index].schedule for x in GRAPH.prunable]


def test_convert_tells_which_plans_do_not_fit() -> None:
    result = tflm_unit.convert(
        classifier(), X, skip=0.8, divider="bit_shift", schedule="planned", extra_flash=0
    )
    assert {entry.schedule for entry in result.points[0].layers.values()} == {Schedule.COMPARE}
    note = "conv, strided, logits: compare, as plans would exceed the extra flash of 0 bytes"
    assert note in " ".join(str(result).split())
    assert (result.model.report or {})["notes"] == [note]


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({}, "give a target"),
        ({"schedule": "compare", "target": "cortex_m3_sim"}, "schedule 'compare': leave one of them out"),
        ({"schedule": "activation_sorted"}, "schedule 'activation_sorted'"),
    ],
)
def test_extra_flash_without_plans_is_refused(options: dict[str, Any], remedy: str) -> None:
    with pytest.raises(UnitError, match=f"extra_flash limits plans, and none are made.*{remedy}"):
        tflm_unit.convert(classifier(), X, skip=0.8, extra_flash=1, **options)


def test_thresholds_that_never_skip_cannot_be_planned() -> None:
    conv = GRAPH.weights(GRAPH.prunable[0]).index
    point = OperatingPoint("p", {conv: LayerPruning(np.array([-1], np.int16), 6)})
    assert force(GRAPH, (point,), "planned")[0][0].layers[conv].schedule is Schedule.COMPARE


def test_thresholds_of_zero_run_zero_skip(counting: ctypes.CDLL, tmp_path: Path) -> None:
    """In generated C; a point with other thresholds runs compare beside it."""
    graph = network()
    pruned = prune_all(graph)
    zero = OperatingPoint(
        "zero",
        {w: zero_skip_entry(graph, graph.by_weights[w], e.fatrelu_min) for w, e in pruned.layers.items()},
    )
    model = GeneratedModel(tmp_path, counting, graph, [zero, pruned])
    assert {names for names in model.exported.schedules if names} == {("zero_skip", "compare")}
    model.check(samples(3))
