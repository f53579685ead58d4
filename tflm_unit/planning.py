"""From rules to operating points: thresholds and, for a target, the schedule of every layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .converter.codegen.schedules import BASELINES, PRUNED
from .converter.errors import UnitError
from .converter.graph import Graph
from .converter.plan_report import LayerChoice, PlanReport
from .converter.planner import choose, force
from .converter.prune import LayerReport, PruneOptions, Statistics, prune
from .converter.pruning import OperatingPoint
from .converter.targets import Target
from .converter.thresholds import SkipRate
from .notes import shortfall

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Planned:
    """points; layers: what each does on the calibration data, per point; plan: None where nothing was chosen.

    notes: what a user should know about all of them, and about each.
    """

    points: tuple[OperatingPoint, ...]
    layers: tuple[tuple[LayerReport, ...], ...]
    plan: PlanReport | None
    notes: tuple[str, ...] = ()
    point_notes: tuple[tuple[str, ...], ...] = ()


def check_schedule(schedule: str | None) -> None:
    if schedule is not None and schedule not in PRUNED:
        raise UnitError(f"schedule is {schedule!r}; it takes one of {', '.join(PRUNED)}, or None to choose")


def make_points(
    graph: Graph,
    source: Statistics,
    options: Mapping[str, PruneOptions],
    *,
    target: Target | None,
    schedule: str | None,
    extra_flash: float | None,
    progress: Progress | None,
) -> Planned:
    """options: by name of the operating point. schedule: for every layer that can run it; None: the cheapest for
    `target`, and without a target compare. extra_flash: see planner.choose and planner.force.

    Layers that are to run without thresholds change what the layers behind them see, so thresholds are then chosen
    once more; what was decided stays.
    """
    dense = None
    if any(isinstance(o.rule, SkipRate) for o in options.values()):
        dense = source.collect(graph.prunable, None)
    settled: dict[tuple[int, int], LayerChoice] = {}
    while True:
        points, reports = [], []
        for number, (name, option) in enumerate(options.items()):
            baselines = {layer: choice.schedule for (p, layer), choice in settled.items() if p == number}
            point, layers = prune(graph, source, option, name, dense, _named(progress, name), baselines)
            points.append(point)
            reports.append(layers)
        missed = tuple(
            shortfall(graph, point, option, {layer: c for (p, layer), c in settled.items() if p == number})
            for number, (point, option) in enumerate(zip(points, options.values(), strict=True))
        )
        if schedule is not None:
            forced, notes = force(graph, points, schedule, extra_flash)
            return Planned(forced, tuple(reports), None, notes, missed)
        if target is None:
            return Planned(tuple(points), tuple(reports), None, (), missed)
        activity = [source.activity(graph.prunable, point) for point in points]
        chosen, plan = choose(graph, points, target, activity, extra_flash=extra_flash, settled=settled)
        decided = {
            (p, layer.index): choice
            for p, choices in enumerate(plan.points)
            for layer, choice in zip(graph.prunable, choices, strict=True)
            if choice.schedule in BASELINES and graph.weights(layer).index in points[p].layers
        }
        if decided.keys() <= settled.keys():
            return Planned(chosen, tuple(reports), plan, (), missed)
        settled |= decided


def _named(progress: Progress | None, point: str) -> Progress | None:
    if progress is None:
        return None
    return lambda layer, done, total: progress(f"{point}: {layer}" if layer else point, done, total)
