"""Schedules and plans in the TFLM_UNIT block: round trips, bytes, and refusal of every plan that is not ours."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np
import pytest
from test_metadata import BLOCK, CHANNELS, ENTRIES, GRAPH, INDEX, POINTS, patched, pruning, replaced, same

from tflm_unit.converter.dividers import complete
from tflm_unit.converter.errors import MetadataError
from tflm_unit.converter.graph import ConvParams
from tflm_unit.converter.metadata import pack, unpack
from tflm_unit.converter.metadata_format import ENTRY, HEADER, LAYER, PLAN, POINT
from tflm_unit.converter.plans import make_plans
from tflm_unit.converter.pruning import Divider, LayerPruning, OperatingPoint, PruningConfig, Schedule


def planned(entry: LayerPruning, taps: int = 0, shift: int = 0) -> LayerPruning:
    """Under PLANNED, which takes no thresholds below 0, with all thresholds divided by 2^shift."""
    thresholds = np.maximum(entry.thresholds, 0) >> shift
    entry = dataclasses.replace(entry, thresholds=thresholds, tree=None, table=None, table_row=None)
    return complete(dataclasses.replace(entry, schedule=Schedule.PLANNED, taps=taps), np.ones(256))


def scheduled(divider: Divider = Divider.EXACT) -> PruningConfig:
    """Every layer under every schedule."""
    first, last = ([pruning(c, divider, 2, seed) for c in CHANNELS] for seed in (1, 2))
    mixed = [
        dataclasses.replace(first[0], schedule=Schedule.ACTIVATION_SORTED),
        planned(last[1], taps=2),
        last[2],
    ]
    points = {
        "planned": [planned(entry) for entry in first],
        "scaled": [planned(entry, shift=3) for entry in first],
        "mixed": mixed,
    }
    return PruningConfig(
        tuple(OperatingPoint(name, dict(zip(INDEX, x, strict=True))) for name, x in points.items())
    )


@pytest.mark.parametrize("divider", Divider)
def test_round_trip(divider: Divider) -> None:
    original = scheduled(divider)
    block = pack(original, GRAPH)
    assert same(unpack(block, GRAPH), original)
    assert pack(unpack(block, GRAPH), GRAPH) == block


def test_plans_are_those_of_the_format_page() -> None:
    layer = GRAPH.prunable[0]
    entry = planned(pruning(CHANNELS[0], group_size=4), taps=3)
    (plan,) = make_plans(GRAPH, layer, [entry]) or []
    block = pack(PruningConfig((OperatingPoint("p", {INDEX[0]: entry}),)), GRAPH)
    entries = int(np.frombuffer(block[72:76], "<u4")[0])
    assert block[entries + 32 : entries + 36] == bytes([1, 0, 3, 0])
    at = int(np.frombuffer(block[entries + 36 : entries + 40], "<u4")[0])
    offsets = np.frombuffer(block[at : at + 24], "<u4").tolist()
    for offset, array in zip(
        offsets, (plan.weight, plan.at, plan.critical, plan.count, plan.first, plan.class_of), strict=True
    ):
        if array is None:
            assert offset == 0
        else:
            assert offset % array.itemsize == 0
            assert block[offset : offset + array.nbytes] == array.tobytes()
    assert plan.first is not None
    lengths = [len(plan.weight), len(plan.count), len(plan.first)]
    assert np.frombuffer(block[at + 24 : at + 36], "<u4").tolist() == lengths
    counts = [plan.count.shape[1], plan.taps, plan.outputs]
    assert np.frombuffer(block[at + 36 : at + 42], "<u2").tolist() == counts
    assert isinstance(layer.params, ConvParams)
    # 3 x 3 x 1 x 4, stride and dilation 1.
    numbers = [3, 1, 4, 1, 3, 3, 1, 1, 1, 1, -layer.params.input_offset]
    crc32 = zlib.crc32(np.array(numbers, "<i4").tobytes())
    assert np.frombuffer(block[at + 40 : at + 48], "<u4").tolist() == [plan.outputs, crc32]


def test_points_that_scale_thresholds_share_the_lists() -> None:
    entry = dataclasses.replace(
        pruning(CHANNELS[1], Divider.BIT_SHIFT, CHANNELS[1]), thresholds=np.array([2047], np.int16)
    )
    points = [OperatingPoint(f"p{shift}", {INDEX[1]: planned(entry, shift=shift)}) for shift in (0, 2)]
    block = pack(PruningConfig(tuple(points)), GRAPH)
    at = [
        int(np.frombuffer(block, ENTRY, 1, int(offset))["plan"][0])
        for offset in np.frombuffer(block, POINT, 2, HEADER.itemsize + LAYER.itemsize)["entries_offset"]
    ]
    first, second = (np.frombuffer(block, PLAN, 1, offset)[0] for offset in at)
    assert [first[name] == second[name] for name in ("weight", "at", "first")] == [True] * 3
    assert [first[name] == second[name] for name in ("count", "class_of")] == [False] * 2


NEVER = np.full(4, -1, np.int16)
SORTED_DENSE = dataclasses.replace(pruning(CHANNELS[2]), schedule=Schedule.ACTIVATION_SORTED)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (replaced(taps=-1), "taps is -1"),
        (replaced(taps=32768), "taps is 32768"),
        (replaced(schedule=Schedule.PLANNED, thresholds=NEVER), "'conv1' cannot be planned"),
        (PruningConfig((OperatingPoint("p", {INDEX[2]: SORTED_DENSE}),)), "no schedule ACTIVATION_SORTED"),
    ],
)
def test_pack_refuses(bad: PruningConfig, message: str) -> None:
    with pytest.raises(MetadataError, match=message):
        pack(bad, GRAPH)


PLANNED = pack(scheduled(), GRAPH)
PLANNED_ENTRIES = int(np.frombuffer(PLANNED, POINT, 1, POINTS)["entries_offset"][0])
PLAN_AT = int(np.frombuffer(PLANNED, ENTRY, 1, PLANNED_ENTRIES)["plan"][0])
(PLAN_RECORD,) = np.frombuffer(PLANNED, PLAN, 1, PLAN_AT)
DENSE_PLAN = int(np.frombuffer(PLANNED, ENTRY, 3, PLANNED_ENTRIES)["plan"][2])  # of FULLY_CONNECTED
OURS = "plan of layer 'conv1' at point 'planned' is not that of its thresholds"


def poked(offset: int, change: int = 1) -> bytes:
    """PLANNED with another byte at the offset."""
    data = bytearray(PLANNED)
    data[offset] = (data[offset] + change) % 256
    return patched(bytes(data), HEADER, 0)


@pytest.mark.parametrize(
    ("block", "field"),
    [
        (patched(BLOCK, ENTRY, ENTRIES, schedule=3), "schedule is 3"),
        (patched(BLOCK, ENTRY, ENTRIES, schedule=1), "plan 0"),
        (patched(BLOCK, ENTRY, ENTRIES + 80, schedule=2), "schedule is 2 for FULLY_CONNECTED"),
        (patched(BLOCK, ENTRY, ENTRIES, reserved=1), "entry.reserved"),
        (patched(BLOCK, ENTRY, ENTRIES, plan=32), "plan of another schedule"),
        (patched(BLOCK, ENTRY, ENTRIES, taps=32768), "taps is 32768"),
        (patched(PLANNED, ENTRY, PLANNED_ENTRIES, plan=len(PLANNED) - 40), "plan"),
        (patched(PLANNED, ENTRY, PLANNED_ENTRIES, plan=PLAN_AT + 2), "plan"),
        (patched(PLANNED, PLAN, PLAN_AT, weight=0), "plan.weight"),
        (patched(PLANNED, PLAN, PLAN_AT, at=len(PLANNED)), "plan.at"),
        (patched(PLANNED, PLAN, PLAN_AT, critical=len(PLANNED)), "plan.critical"),
        (patched(PLANNED, PLAN, PLAN_AT, count=31), "plan.count"),
        (patched(PLANNED, PLAN, PLAN_AT, first=PLAN_RECORD["first"] + 2), "plan.first"),
        (patched(PLANNED, PLAN, PLAN_AT, first=0), "plan.firsts"),
        (patched(PLANNED, PLAN, PLAN_AT, firsts=0), "plan.firsts"),
        (patched(PLANNED, PLAN, PLAN_AT, class_of=len(PLANNED) - 255), "plan.class_of"),
        (patched(PLANNED, PLAN, PLAN_AT, entries=2**32 - 1), "plan.weight"),
        (patched(PLANNED, PLAN, PLAN_AT, lists=2**32 - 1), "plan.count"),
        (patched(PLANNED, PLAN, PLAN_AT, classes=0), "plan.classes is 0"),
        (patched(PLANNED, PLAN, PLAN_AT, classes=17), "plan.classes is 17"),
        (patched(PLANNED, PLAN, PLAN_AT, taps=32768), "plan.taps is 32768"),
        (patched(PLANNED, PLAN, PLAN_AT, outputs=0), "plan.outputs is 0"),
        (patched(PLANNED, PLAN, PLAN_AT, outputs=65), "plan.outputs is 65"),
        (patched(PLANNED, PLAN, PLAN_AT, reserved=1), "plan.reserved"),
        (patched(PLANNED, PLAN, PLAN_AT, outputs=PLAN_RECORD["outputs"] - 1), OURS),
        (patched(PLANNED, PLAN, PLAN_AT, taps=PLAN_RECORD["taps"] - 1), OURS),
        (patched(PLANNED, PLAN, PLAN_AT, lists=PLAN_RECORD["lists"] - 1), OURS),
        (patched(PLANNED, PLAN, PLAN_AT, entries=PLAN_RECORD["entries"] - 1), OURS),
        (patched(PLANNED, PLAN, PLAN_AT, firsts=PLAN_RECORD["firsts"] + 1), OURS),
        (patched(PLANNED, PLAN, PLAN_AT, layer_crc32=PLAN_RECORD["layer_crc32"] + 1), OURS),
        (poked(int(PLAN_RECORD["weight"])), OURS),
        (poked(int(PLAN_RECORD["at"]), 4), OURS),
        (poked(int(PLAN_RECORD["count"])), OURS),
        (poked(int(PLAN_RECORD["first"])), OURS),
        (poked(int(PLAN_RECORD["class_of"]) + 100), OURS),
        (patched(PLANNED, ENTRY, PLANNED_ENTRIES, plan=DENSE_PLAN), OURS),
    ],
)
def test_unpack_refuses_plans(block: bytes, field: str) -> None:
    with pytest.raises(MetadataError, match=field):
        unpack(block, GRAPH)
