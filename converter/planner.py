"""Chooses how each layer runs on a target: dense, zero_skip, compare, activation_sorted or planned.

Each candidate's time is predicted by the target's cost model from the activations of calibration data. Plans take
flash and sorted planes RAM: what saves most time per byte goes first, while the limits allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from .activity import Activity
from .codegen.fused_pools import fuse_pools
from .codegen.scratch import scratch_bytes
from .cost_model import cost_model
from .engine import entries_of
from .graph import Graph, Layer
from .plan_limits import CODE_BYTES, Selection, limits_of
from .plan_options import LayerTable, Settled, extra_flash_of, plan_of
from .plan_report import LayerChoice, PlanReport, reason
from .prune import zero_skip_entry
from .pruning import LayerPruning, OperatingPoint, Schedule
from .targets import Target

__all__ = ["CODE_BYTES", "choose", "force"]


def choose(
    graph: Graph,
    points: Sequence[OperatingPoint],
    target: Target,
    activity: Sequence[Mapping[int, Activity]],
    *,
    extra_flash: float | None = None,
    settled: Settled | None = None,
) -> tuple[tuple[OperatingPoint, ...], PlanReport]:
    """The points with schedule and taps of every layer set, and why.

    activity: per point, by layer index. extra_flash: bytes that plans may take beyond the dense weights that they
    replace, over the dense weights of all layers; None: as plan_limits.py says. settled: choices of an earlier round,
    which stay.

    Layers whose cheapest candidate is dense lose their entry, those for which it is zero_skip get thresholds of 0:
    what follows them has to be calibrated again, and chosen again with these choices settled.

    Raises UnitError when the target has no cost model.
    """
    model, settled = cost_model(target), settled or {}
    graph = fuse_pools(graph, [entries_of(graph, point) for point in points])
    layers = graph.prunable
    tables = [LayerTable(graph, x, points, activity, model, settled) for x in layers]
    dense = [sum(table.dense[p] for table in tables) for p in range(len(points))]
    limits = limits_of(graph, target, extra_flash, sum(dense))
    selection = Selection(graph, layers, [table.options() for table in tables], limits)
    report = PlanReport(
        target=target.name,
        unit=model.unit,
        error=model.error,
        extra_flash_bytes=selection.flash,
        extra_flash_limit=limits.flash,
        arena_bytes=selection.arena_bytes,
        points=tuple(
            tuple(
                settled.get((p, x.index)) or _choice(x, table, selection, (number, p), dense[p])
                for number, (x, table) in enumerate(zip(layers, tables, strict=True))
            )
            for p in range(len(points))
        ),
    )
    return tuple(_applied(graph, point, report.points[p]) for p, point in enumerate(points)), report


def _choice(
    layer: Layer, table: LayerTable, selection: Selection, place: tuple[int, int], dense_cost: float
) -> LayerChoice:
    """place: number of the layer and of the point. dense_cost: of all layers at that point."""
    number, point = place
    option, candidates = selection.chosen[number], table.candidates[point]
    chosen, best = option.choices[point], min(candidates, key=lambda c: c.cost)
    limited = None if chosen.cost <= best.cost else selection.refusal(number, point, best)
    predicted = {c.name: c.cost for c in candidates}
    return LayerChoice(
        name=layer.name,
        op=layer.op,
        schedule=chosen.schedule,
        taps=chosen.taps,
        predicted=predicted,
        cost=chosen.cost,
        dense=table.dense[point],
        extra_flash_bytes=option.flash,
        scratch_bytes=chosen.scratch,
        limited=limited,
        reason=reason(chosen.name, predicted, limited, dense_cost),
    )


def _applied(graph: Graph, point: OperatingPoint, choices: Iterable[LayerChoice]) -> OperatingPoint:
    """The point with its layers run as `choices`, in the order of graph.prunable, say."""
    entries = dict(point.layers)
    for layer, choice in zip(graph.prunable, choices, strict=True):
        weights = graph.weights(layer).index
        if weights in entries and choice.schedule == "dense":
            del entries[weights]
        elif weights in entries:
            entries[weights] = _scheduled(graph, layer, entries[weights], choice)
    return replace(point, layers=entries)


def _scheduled(graph: Graph, layer: Layer, entry: LayerPruning, choice: LayerChoice) -> LayerPruning:
    if choice.schedule == "zero_skip":
        return zero_skip_entry(graph, layer, entry.fatrelu_min)
    return replace(entry, schedule=Schedule[choice.schedule.upper()], taps=choice.taps)


def force(
    graph: Graph, points: Sequence[OperatingPoint], schedule: str, extra_flash: float | None = None
) -> tuple[tuple[OperatingPoint, ...], tuple[str, ...]]:
    """The points with `schedule` (compare, planned, activation_sorted) wherever a layer can run it, and notes.

    Other layers with thresholds run compare. extra_flash: what plans may take, as for `choose`; None: no limit. The
    layers with most MACs per byte of their plans get them.
    """
    names = {x.index: [_possible(graph, x, point, schedule) for point in points] for x in graph.prunable}
    notes: tuple[str, ...] = ()
    if schedule == "planned" and extra_flash is not None:
        limit = int(extra_flash * sum(graph.weights(x).size for x in graph.prunable))
        refused = _beyond(graph, points, names, limit)
        names |= {x.index: ["compare"] * len(points) for x in refused}
        if refused:
            notes = (
                f"{', '.join(x.name for x in refused)}: compare, as plans would exceed the extra flash of {limit:,} "
                "bytes",
            )
    forced = []
    for p, point in enumerate(points):
        entries = dict(point.layers)
        for layer in graph.prunable:
            weights = graph.weights(layer).index
            if weights in entries:
                named = Schedule[names[layer.index][p].upper()]
                entries[weights] = replace(entries[weights], schedule=named, taps=0)
        forced.append(replace(point, layers=entries))
    return tuple(forced), notes


def _possible(graph: Graph, layer: Layer, point: OperatingPoint, schedule: str) -> str:
    """`schedule` or, where the layer cannot run it, compare."""
    entry = point.layers.get(graph.weights(layer).index)
    if entry is None:
        return "compare"
    plan = plan_of(graph, layer, replace(entry, taps=0)) if schedule == "planned" else None
    possible = scratch_bytes(layer, graph, schedule, plan) is not None
    return schedule if possible else "compare"


def _beyond(
    graph: Graph, points: Sequence[OperatingPoint], names: Mapping[int, Sequence[str]], limit: int
) -> list[Layer]:
    """Layers whose plans do not fit `limit` bytes, in the order of the graph."""
    sizes = {}
    for x in graph.prunable:
        weights = graph.weights(x).index
        planned = [
            replace(point.layers[weights], taps=0) if name == "planned" else None
            for point, name in zip(points, names[x.index], strict=True)
        ]
        if any(planned):
            sizes[x.index] = extra_flash_of(graph, x, planned)
    refused, used = [], 0
    for index, size in sorted(sizes.items(), key=lambda item: item[1] / graph.macs(graph.layers[item[0]])):
        if used + size <= limit:
            used += size
        else:
            refused.append(index)
    return [graph.layers[index] for index in sorted(refused)]
