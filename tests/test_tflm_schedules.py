"""The schedules of the overrides inside the real TFLM: planned and activation_sorted do what compare does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import models
import numpy as np
import pytest
from classifier import classifier, images
from example_layers import coarse_pruning, example_cases, expected, scheduled, strided_cases
from hypothesis import given
from hypothesis import strategies as st
from strategies import CASES, CONV, DEPTHWISE, FULLY_CONNECTED, LayerCase

import tflm_unit
from tflm_unit.converter.container import attach, strip
from tflm_unit.converter.metadata_format import NAME
from tflm_unit.converter.pruning import LayerPruning, OperatingPoint, PruningConfig, Schedule
from tflm_unit.converter.reader import read_graph
from tflm_unit.interpreter import Interpreter

SORTED, PLANNED, COMPARE = Schedule.ACTIVATION_SORTED, Schedule.PLANNED, Schedule.COMPARE
FALLBACK = "runs compare: its schedule does not fit"


def check(interpreter: Interpreter, cases: list[LayerCase], prunings: list[LayerPruning | None]) -> None:
    """Outputs and counters of one invocation, for these prunings of the layers."""
    interpreter.reset_stats()
    for details, case in zip(interpreter.get_input_details(), cases, strict=True):
        interpreter.set_tensor(details["index"], case.input)
    interpreter.invoke()
    outputs = [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]
    stats = {s.weights: (s.macs_total, s.macs_zero, s.macs_skipped) for s in interpreter.stats()}
    for i, (case, pruning, output) in enumerate(zip(cases, prunings, outputs, strict=True)):
        want = expected(case, pruning)
        np.testing.assert_array_equal(output, want.output)
        if pruning is not None:
            counted = (want.macs_total, want.macs_zero, want.macs_skipped)
            assert stats[models.weights_index(i)] == counted


@pytest.mark.parametrize(
    ("op", "schedule"),
    [
        (CONV, PLANNED),
        (DEPTHWISE, PLANNED),
        (FULLY_CONNECTED, PLANNED),
        (CONV, SORTED),
        (DEPTHWISE, SORTED),
    ],
)
@given(data=st.data())
def test_outputs_and_counters_equal_the_oracle(op: str, schedule: Schedule, data: st.DataObject) -> None:
    case = scheduled(data.draw(CASES[op]()), schedule)
    check(Interpreter(models.build_pruned([case])), [case], [case.pruning])


def every_case() -> list[LayerCase]:
    return [*example_cases(), *strided_cases()]


def all_points(cases: list[LayerCase]) -> dict[str, list[LayerPruning | None]]:
    """Points that differ in their schedules, and in which layers they prune and how."""

    def under(schedule: Schedule, case: LayerCase) -> LayerPruning:
        return scheduled(
            case, COMPARE if case.op == FULLY_CONNECTED and schedule is SORTED else schedule
        ).pruning

    points: dict[str, list[LayerPruning | None]] = {
        schedule.name.lower()[:15]: [under(schedule, case) for case in cases] for schedule in Schedule
    }
    points["mixed"] = [under(Schedule((i + 1) % 3), case) for i, case in enumerate(cases)]
    coarse = [replace(case, pruning=coarse_pruning(case)) for case in cases]
    points["coarse"] = [scheduled(case, PLANNED, taps=1).pruning for case in coarse]
    points["few"] = [p if i % 2 else None for i, p in enumerate(points["planned"])]
    return points


def test_points_switch_between_schedules() -> None:
    cases = every_case()
    points = all_points(cases)
    block = models.pack_block(
        cases,
        [
            OperatingPoint(
                name, {models.weights_index(i): p for i, p in enumerate(prunings) if p is not None}
            )
            for name, prunings in points.items()
        ],
    )
    interpreter = Interpreter(models.build(cases, {NAME: block}))
    for name in (*points, *reversed(points), "mixed", "compare", "planned"):
        interpreter.set_point(name)
        check(interpreter, cases, points[name])


def test_lenet_under_every_schedule() -> None:
    """Converted, then with schedules set by hand: each is what the batch engine computes."""
    x = images(64)
    points = {"full": tflm_unit.SkipRate(0.6), "saver": tflm_unit.SkipRate(0.85)}
    converted = tflm_unit.convert(classifier(), x, points=points)
    data, config = converted.model.data, converted.model.config
    assert config is not None
    graph = read_graph(data)

    def reschedule(schedule: Callable[[str], Schedule]) -> PruningConfig:
        return PruningConfig(
            tuple(
                replace(
                    point,
                    layers={
                        graph.weights(layer).index: replace(
                            point.layers[graph.weights(layer).index], schedule=schedule(layer.op)
                        )
                        for layer in graph.prunable
                    },
                )
                for point in config.points
            )
        )

    schedules: list[Callable[[str], Schedule]] = [
        lambda op: PLANNED,
        lambda op: SORTED if op != FULLY_CONNECTED else PLANNED,
    ]
    for schedule in schedules:
        model = attach(strip(data), reschedule(schedule))
        for point in range(2):
            want = tflm_unit.evaluate(data, x, engine="batch", point=point)
            found = tflm_unit.evaluate(model, x, engine="tflm", point=point)
            assert replace(found, engine="batch") == want
