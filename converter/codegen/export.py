"""C export: a model as constants, a memory plan and calls of the core kernels (docs/export.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import entries_of
from ..errors import UnitError
from ..graph import Graph
from ..pruning import OperatingPoint, PruningConfig
from ..targets import Target
from .arena import PlanRow
from .c_source import check_name
from .files import core_files, write_files
from .header import header
from .model import build_model
from .schedules import BASELINES, SCHEDULES
from .source import data_header, data_source, source
from .target_fit import arena_in_fram


@dataclass(frozen=True)
class Export:
    """What an export wrote.

    files: paths. arena_bytes: static RAM of activations and scratch. constant_bytes: of weights and other
    arrays in flash, in a build without counters. plan: the arena. layers: index in the graph of each generated layer.
    schedules: of each of them, per operating point; empty for layers without MACs. points: names.
    arena_in_fram: the target holds the arena only in FRAM; define UNIT_ARENA_IN_FRAM when compiling.
    """

    files: tuple[Path, ...]
    arena_bytes: int
    constant_bytes: int
    plan: tuple[PlanRow, ...]
    layers: tuple[int, ...]
    schedules: tuple[tuple[str, ...], ...]
    points: tuple[str, ...]
    arena_in_fram: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "files": [str(path) for path in self.files],
            "arena_bytes": self.arena_bytes,
            "constant_bytes": self.constant_bytes,
            "arena_in_fram": self.arena_in_fram,
            "points": list(self.points),
            "layers": list(self.layers),
            "schedules": [list(names) for names in self.schedules],
            "plan": [vars(row) for row in self.plan],
        }


def export(
    graph: Graph,
    config: PruningConfig | None,
    folder: str | PathLike[str],
    *,
    name: str = "model",
    target: Target | None = None,
    point: int | str = "all",
    schedule: str = "unit",
    with_core: bool = False,
    report: Mapping[str, Any] | None = None,
) -> Export:
    """Writes <name>.h, <name>.c, <name>_data.h and <name>_data.c into `folder`.

    name: prefix of files and functions, a C identifier. target: whose flash and RAM are checked. point:
    operating point by index or name, or 'all'. schedule: 'unit' as the points say; 'zero_skip' and 'dense'
    force that schedule on every prunable layer, without thresholds; 'compare', 'planned' and 'activation_sorted'
    force it on every layer with thresholds that can run it, the others of these run compare. with_core: write the
    core's sources beside. report: the model's, for the expected skip rates in comments.

    Raises UnitError for operators that cannot be generated, a schedule of a point that its layer cannot run, a
    model too large for the target, files in the way that were not generated, and arguments out of range;
    MetadataError when thresholds do not fit their layer.
    """
    check_name(name)
    if schedule not in SCHEDULES:
        raise UnitError(f"schedule is {schedule!r}; it takes one of {', '.join(SCHEDULES)}")
    _check_operators(graph)
    chosen = _points(config, point)
    if schedule in BASELINES:
        graph, chosen = graph.uncentered, {0: OperatingPoint(schedule)}
    model = build_model(
        name,
        graph,
        tuple(chosen.values()),
        [entries_of(graph, p) for p in chosen.values()],
        schedule,
        schedule if schedule in BASELINES else "dense",
        {} if schedule in BASELINES else _expected(report, list(chosen)),
    )
    in_fram = target is not None and arena_in_fram(model, target)
    files = {
        f"{name}.h": header(model),
        f"{name}.c": source(model),
        f"{name}_data.h": data_header(model),
        f"{name}_data.c": data_source(model),
    }
    paths = write_files(Path(folder), {**files, **(core_files() if with_core else {})})
    return Export(
        files=paths,
        arena_bytes=model.arena.bytes,
        constant_bytes=model.constant_bytes,
        plan=model.arena.rows,
        layers=tuple(generated.layer.index for generated in model.layers),
        schedules=tuple(tuple(s.name for s in generated.schedules) for generated in model.layers),
        points=tuple(p.name for p in model.points),
        arena_in_fram=in_fram,
    )


def _check_operators(graph: Graph) -> None:
    if graph.unsupported:
        rows = [f"{layer.name!r} ({layer.op}): {layer.unsupported}" for layer in graph.unsupported]
        raise UnitError("no C can be generated for these layers:\n  " + "\n  ".join(rows))
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in (graph.tensors[t] for t in indices):
            if tensor.dtype not in (np.int8, np.float32):
                raise UnitError(
                    f"{what} {tensor.name!r} is {tensor.dtype}; generated C takes int8 and float32 alone"
                )


def _points(config: PruningConfig | None, point: int | str) -> dict[int, OperatingPoint]:
    """The operating points to generate by their index in the model."""
    points = (config.points if config else ()) or (OperatingPoint("dense"),)
    if point == "all":
        return dict(enumerate(points))
    for index, candidate in enumerate(points):
        if point in (index, candidate.name):
            return {index: candidate}
    names = ", ".join(f"{i} ({p.name})" for i, p in enumerate(points))
    raise UnitError(f"the model has no operating point {point!r}; it has {names}")


def _expected(report: Mapping[str, Any] | None, indices: list[int]) -> dict[tuple[int, str], float]:
    """Share of skipped MACs by (generated point, layer name), as the converter measured it."""
    measured = (report or {}).get("points", [])
    return {
        (number, row["name"]): row["macs_skipped"] / row["macs_total"]
        for number, index in enumerate(indices)
        if index < len(measured)
        for row in measured[index]["layers"]
        if row["macs_total"]
    }
