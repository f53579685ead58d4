"""Which schedule runs a layer with MACs at each operating point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import UnitError
from ..graph import Graph, Layer
from ..plans import WeightPlan, make_plans
from ..pruning import LayerPruning, Schedule
from .scratch import scratch_bytes

BASELINES = ("dense", "zero_skip")  # need no thresholds
PRUNED = tuple(schedule.name.lower() for schedule in Schedule)
SCHEDULES = ("unit", *BASELINES, *PRUNED)


@dataclass(frozen=True)
class PointSchedule:
    """How a layer runs at one operating point.

    name: as in the kernels' names. entry: thresholds; None for a baseline. plan: of 'planned'.
    """

    name: str
    entry: LayerPruning | None = None
    plan: WeightPlan | None = None


def schedules_of(
    graph: Graph, layer: Layer, entries: Sequence[LayerPruning | None], schedule: str, baseline: str
) -> tuple[PointSchedule, ...]:
    """Per operating point. entries: the layer's thresholds at each; None: runs `baseline`.

    schedule: 'unit': what each entry says; any other of PRUNED: that one where the layer can run it, else compare.
    Raises UnitError when an entry says a schedule that the layer cannot run.
    """
    wanted = {
        point: entry.schedule.name.lower() if schedule == "unit" else schedule
        for point, entry in enumerate(entries)
        if entry
    }
    plans = _plans(graph, layer, {i: e for i, e in enumerate(entries) if e and wanted[i] == "planned"})
    result = []
    for point, entry in enumerate(entries):
        name = wanted.get(point, baseline)
        if scratch_bytes(layer, graph, name, plans.get(point)) is None:
            if schedule == "unit":
                raise UnitError(
                    f"layer {layer.name!r} ({layer.op}) cannot run schedule {name}, as operating point {point} says; "
                    "force compare"
                )
            name = "compare"
        if schedule == "unit" and name == "compare" and entry and entry.skips_zeros_alone:
            name = "zero_skip"  # the same outputs and counts, without comparing
        result.append(PointSchedule(name, entry, plans.get(point)))
    return tuple(result)


def _plans(graph: Graph, layer: Layer, entries: Mapping[int, LayerPruning]) -> dict[int, WeightPlan]:
    """By operating point, of those that can be planned; made together, so that they share arrays."""
    if not entries:
        return {}
    plans = make_plans(graph, layer, tuple(entries.values()))
    if plans is not None:
        return dict(zip(entries, plans, strict=True))
    possible = {i: e for i, e in entries.items() if make_plans(graph, layer, (e,)) is not None}
    return _plans(graph, layer, possible) if len(possible) < len(entries) else {}
