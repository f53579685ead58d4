"""Plans that are damaged, or made for another layer, inside the real TFLM. The converter refuses them all."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

import models
import numpy as np
import pytest
from example_layers import expected, scheduled
from test_tflm_schedules import PLANNED, check, every_case

from tflm_unit.converter.errors import MetadataError
from tflm_unit.converter.metadata import unpack
from tflm_unit.converter.metadata_format import CHECKED_FROM, ENTRY, NAME, PLAN
from tflm_unit.converter.pruning import OperatingPoint
from tflm_unit.converter.reader import read_graph
from tflm_unit.interpreter import Interpreter

FALLBACK = "runs compare: its schedule does not fit"
CASES_PLANNED = [scheduled(case, PLANNED, taps=2) for case in every_case()]
BLOCK = models.pack_block(
    CASES_PLANNED,
    [OperatingPoint("p", {models.weights_index(i): c.pruning for i, c in enumerate(CASES_PLANNED)})],
)
ENTRIES_AT = struct.unpack_from("<I", BLOCK, struct.unpack_from("<I", BLOCK, 24)[0] + 24)[0]
GRAPH = read_graph(models.build(CASES_PLANNED))
DENSE_LAYER = 2
PRUNINGS = [case.pruning for case in CASES_PLANNED]


def plan_at(layer: int) -> int:
    return int(np.frombuffer(BLOCK, ENTRY, len(CASES_PLANNED), ENTRIES_AT)["plan"][layer])


def plan_of(layer: int) -> np.void:
    plan: np.void = np.frombuffer(BLOCK, PLAN, 1, plan_at(layer))[0]
    return plan


def with_bytes(offset: int, contents: bytes) -> bytes:
    """BLOCK with other contents at an offset, and their checksum."""
    block = bytearray(BLOCK)
    block[offset : offset + len(contents)] = contents
    return bytes(block[:12]) + struct.pack("<I", zlib.crc32(block[CHECKED_FROM:])) + bytes(block[16:])


def with_array(layer: int, name: str, index: int, change: int) -> bytes:
    at = int(plan_of(layer)[name]) + index
    return with_bytes(at, bytes([(BLOCK[at] + change) % 256]))


def with_field(layer: int, name: str, change: int) -> bytes:
    at = plan_at(layer)
    records = np.frombuffer(BLOCK, PLAN, 1, at).copy()
    records[name] = int(records[name][0]) + change
    return with_bytes(at, records.tobytes())


def swapped_firsts(layer: int) -> bytes:
    plan = plan_of(layer)
    first = np.frombuffer(BLOCK, "<u4", int(plan["firsts"]), int(plan["first"]))
    return with_bytes(int(plan["first"]), first[::-1].tobytes())


def descending_counts(layer: int) -> bytes:
    plan = plan_of(layer)
    shape = int(plan["lists"]), int(plan["classes"])
    count = np.frombuffer(BLOCK, np.uint8, shape[0] * shape[1], int(plan["count"])).reshape(shape).copy()
    row = int(np.argmax(count[:, -1]))
    count[row, 0] = count[row, -1] + 1
    return with_bytes(int(plan["count"]), count.tobytes())


def repeated_at(layer: int) -> bytes:
    """Two entries of one list for the same accumulator."""
    plan = plan_of(layer)
    lists, classes = int(plan["lists"]), int(plan["classes"])
    lengths = np.frombuffer(BLOCK, np.uint8, lists * classes, int(plan["count"])).reshape(lists, classes)[
        :, -1
    ]
    row = int(np.argmax(lengths))
    at = int(plan["at"]) + int(lengths[:row].astype(int).sum())
    return with_bytes(at, bytes([BLOCK[at + 1]]))


ENTRY_FAULTS = [
    ("schedule", "schedule", 3),
    ("schedule", "schedule", 2),
    ("entry.reserved", "reserved", 1),
    ("plan", "schedule", 0),
    ("plan", "plan", 0),
    ("plan", "plan", 34),
    ("plan", "plan", len(BLOCK) - 40),
]
FAR = 2**32 - 4
PLAN_FAULTS = [
    ("plan.weight", "weight", 0),
    ("plan.weight", "entries", FAR),
    ("plan.at", "at", len(BLOCK)),
    ("plan.critical", "critical", FAR),
    ("plan.count", "count", 31),
    ("plan.count", "lists", FAR),
    ("plan.firsts", "first", 0),
    ("plan.firsts", "firsts", 0),
    ("plan.first", "first", 34),
    ("plan.first", "firsts", 2**30),
    ("plan.class_of", "class_of", len(BLOCK) - 255),
    ("plan.classes", "classes", 0),
    ("plan.classes", "classes", 17),
    ("plan.taps", "taps", 32768),
    ("plan.outputs", "outputs", 0),
    ("plan.outputs", "outputs", 65),
    ("plan.reserved", "reserved", 1),
]


def assert_refused(block: bytes, fault: str) -> None:
    """The model runs dense, and both readers name the field."""
    with pytest.warns(UserWarning, match=f"TFLM_UNIT metadata refused \\({fault}\\)"):
        interpreter = Interpreter(models.build(CASES_PLANNED, {NAME: block}))
    assert interpreter.metadata_error == fault
    check(interpreter, CASES_PLANNED, [None] * len(CASES_PLANNED))
    with pytest.raises(MetadataError, match=fault):
        unpack(block, GRAPH)


@pytest.mark.parametrize(("fault", "field", "value"), ENTRY_FAULTS)
def test_an_entry_out_of_range_is_refused(fault: str, field: str, value: int) -> None:
    at = ENTRIES_AT + DENSE_LAYER * ENTRY.itemsize
    entry = np.frombuffer(BLOCK, ENTRY, 1, at).copy()
    entry[field] = value
    assert_refused(with_bytes(at, entry.tobytes()), fault)


@pytest.mark.parametrize(("fault", "field", "value"), PLAN_FAULTS)
def test_a_plan_out_of_range_is_refused(fault: str, field: str, value: int) -> None:
    plan = np.frombuffer(BLOCK, PLAN, 1, plan_at(0)).copy()
    plan[field] = value
    assert_refused(with_bytes(plan_at(0), plan.tobytes()), fault)


DAMAGES: dict[str, Callable[[int], bytes]] = {
    "at between accumulators": lambda layer: with_array(layer, "at", 0, 1),
    "at outside the window": lambda layer: with_array(layer, "at", 0, 252 - BLOCK[int(plan_of(layer)["at"])]),
    "at twice in a list": repeated_at,
    "one entry less": lambda layer: with_field(layer, "entries", -1),
    "one list less": lambda layer: with_field(layer, "lists", -1),
    "a longer list": lambda layer: with_array(layer, "count", int(plan_of(layer)["classes"]) - 1, 1),
    "counts that descend": descending_counts,
    "a class too many": lambda layer: with_array(layer, "class_of", 0, 200),
    "another layer": lambda layer: with_field(layer, "layer_crc32", 1),
    "other blocks": lambda layer: with_field(layer, "outputs", 1 if plan_of(layer)["outputs"] == 1 else -1),
    "first of convolutions: an index less": lambda layer: with_field(layer, "firsts", -1),
    "first of convolutions: other indices": swapped_firsts,
    "first of convolutions: no taps": lambda layer: with_field(layer, "taps", -int(plan_of(layer)["taps"])),
}


@pytest.mark.parametrize(
    ("damage", "layer"),
    [
        (damage, layer)
        for damage in DAMAGES
        for layer in range(len(CASES_PLANNED))
        if layer != DENSE_LAYER or "convolutions" not in damage
    ],
)
def test_a_plan_that_does_not_fit_runs_compare(
    damage: str, layer: int, capfd: pytest.CaptureFixture[str]
) -> None:
    block = DAMAGES[damage](layer)
    assert block != BLOCK
    interpreter = Interpreter(models.build(CASES_PLANNED, {NAME: block}))
    assert interpreter.metadata_error is None
    log = capfd.readouterr().err
    assert log.count(f"weight tensor {models.weights_index(layer)} {FALLBACK}") == 1
    check(interpreter, CASES_PLANNED, PRUNINGS)
    with pytest.raises(MetadataError, match="is not that of its thresholds"):
        unpack(block, GRAPH)


def test_sound_plans_are_used(capfd: pytest.CaptureFixture[str]) -> None:
    """With another weight in the plan, each layer computes something else."""
    interpreter = Interpreter(models.build(CASES_PLANNED, {NAME: BLOCK}))
    check(interpreter, CASES_PLANNED, PRUNINGS)
    for layer, case in enumerate(CASES_PLANNED):
        plan = plan_of(layer)
        weights = bytes(int(plan["entries"]))
        block = with_bytes(int(plan["weight"]), weights)
        changed = Interpreter(models.build(CASES_PLANNED, {NAME: block}))
        changed.set_tensor(changed.get_input_details()[layer]["index"], case.input)
        changed.invoke()
        output = changed.get_tensor(changed.get_output_details()[layer]["index"])
        zeroed = expected(replace(case, weights=np.zeros_like(case.weights)), case.pruning)
        np.testing.assert_array_equal(output, zeroed.output)
    assert "runs" not in capfd.readouterr().err


@pytest.mark.parametrize("field", ["stride", "dilation"])
def test_a_plan_for_another_window_runs_compare(field: str, capfd: pytest.CaptureFixture[str]) -> None:
    """As when somebody edits the operators of a converted model."""
    case = CASES_PLANNED[-1]
    other = replace(case, params=replace(case.params, **{field: (1, 1)}))  # type: ignore[arg-type]
    reach = [(k - 1) * d for k, d in zip(case.weights.shape[1:3], other.params.dilation, strict=True)]  # type: ignore[union-attr]
    sizes = [
        (n - r - 1) // s + 1
        for n, r, s in zip(case.input.shape[1:3], reach, other.params.stride, strict=True)  # type: ignore[union-attr]
    ]
    other = replace(other, output_shape=(1, *sizes, case.output_shape[3]))
    cases = [*CASES_PLANNED[:-1], other]
    interpreter = Interpreter(models.build(cases, {NAME: BLOCK}))
    assert f"weight tensor {models.weights_index(len(cases) - 1)} {FALLBACK}" in capfd.readouterr().err
    check(interpreter, cases, [c.pruning for c in cases])
