"""Fits the planner's cost models (boards/*.json, tflm_unit.cost.model) in the simulators.

Small random networks run under every schedule, 50 to 95 % of their MACs skipped. Per operator and schedule,
non-negative constants over the counts of converter/cost_features.py are fitted to the layers' cycles or instructions;
relative errors count. The error that is stored is that of layers of networks which were left out of the fit.

Examples:
  python benchmarks/fit_cost_model.py                        all simulated machines, a few minutes
  python benchmarks/fit_cost_model.py cortex_m3_sim --dry    shows errors, leaves the board file alone
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cost_layers import networks
from rich.console import Console
from rich.table import Table
from scipy.optimize import nnls

from tflm_unit import SkipRate, UnitError, convert, simulate
from tflm_unit.boards.toolchain import BOARDS
from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.codegen.fused_pools import fuse_pools
from tflm_unit.converter.cost_features import LayerCounts
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.engine import entries_of
from tflm_unit.converter.plan_options import taps_of
from tflm_unit.converter.plans import make_plans
from tflm_unit.converter.pruning import OperatingPoint
from tflm_unit.converter.targets import load_target, target_names
from tflm_unit.models import Model

RATES = ((0.5, 0.9), (0.7, 0.95), (0.6, 0.8))  # of one network after the other
BASELINES = ("dense", "zero_skip")
MIN_SHARE = 0.003  # constants that make up less of every layer's time are left out


@dataclass(frozen=True)
class Row:
    """One layer under one schedule. measured: cycles or instructions."""

    network: str
    layer: str
    op: str
    schedule: str
    counts: dict[str, float]
    measured: float


def measure(target: str, name: str, data: bytes, x: np.ndarray, rates: Sequence[float]) -> Iterator[Row]:
    """Every layer of a network under every schedule."""
    points = {str(rate): SkipRate(rate) for rate in rates}
    result = convert(data, x, points=points, divider="bit_shift", power_of_two=True)
    model, sample = result.model, x[:1]
    yield from _rows(target, name, model, OperatingPoint("dense"), BASELINES, sample)
    for point in result.points:
        yield from _rows(target, name, model, point, ("compare", "activation_sorted"), sample)
        for which in (0, -1):  # the fewest columns per list that are tried, and the most
            yield from _rows(
                target, name, model, _with_taps(model, point, which), ("planned",), sample, which
            )


def _with_taps(model: Model, point: OperatingPoint, which: int) -> OperatingPoint:
    taps = {w: taps_of(model.graph.by_weights[w], model.graph)[which] for w in point.layers}
    return replace(point, layers={w: replace(entry, taps=taps[w]) for w, entry in point.layers.items()})


def _rows(
    target: str,
    name: str,
    model: Model,
    point: OperatingPoint,
    schedules: Sequence[str],
    x: np.ndarray,
    which: int = 0,
) -> Iterator[Row]:
    """which: -1 leaves out layers that have no choice of taps, because 0 measures them."""
    graph = model.graph if point.layers else model.graph.uncentered  # as baselines run
    simulated = simulate(model.with_point(point if point.layers else None), target, x=x, schedule=schedules)
    if not simulated.match:
        raise SystemExit(f"{name} on {target}: {simulated.mismatches}")
    activity = Calibrator(graph, Dataset(x, graph)).activity(graph.prunable, point)
    measured = {layer.name: layer for layer in simulated.layers}
    generated = fuse_pools(graph, [entries_of(graph, point)])
    for layer in generated.prunable:
        counts = LayerCounts(generated, layer, activity[layer.index])
        entry = point.layers.get(graph.weights(layer).index)
        for schedule in schedules:
            row = measured[layer.name]
            if row.schedules[schedule] != schedule:  # the layer cannot run it
                continue
            if which and len(taps_of(layer, generated)) == 1:
                continue
            plans = make_plans(generated, layer, (entry,)) if schedule == "planned" and entry else None
            found = counts.of(schedule, entry, plans[0] if plans else None)
            yield Row(name, layer.name, layer.op, schedule, found, row.counts[schedule] or 0)


def fit(rows: Sequence[Row]) -> dict[str, float]:
    """Constants by count for the rows of one operator and schedule."""
    names = sorted({name for row in rows for name in row.counts})
    table = np.array([[row.counts.get(name, 0.0) for name in names] for row in rows])
    measured = np.array([row.measured for row in rows])
    relative = table / measured[:, None]
    kept = np.ones(len(names), bool)
    while True:
        constants = np.zeros(len(names))
        constants[kept] = nnls(relative[:, kept], np.ones(len(rows)))[0]
        unused = kept & ((relative * constants).max(axis=0) < MIN_SHARE)
        if not unused.any():
            return {name: float(f"{c:.5g}") for name, c in zip(names, constants, strict=True) if c > 0}
        kept &= ~unused


def error(rows: Sequence[Row], constants: dict[str, float]) -> list[float]:
    """|predicted / measured - 1| of each row."""
    return [
        abs(sum(c * row.counts.get(name, 0.0) for name, c in constants.items()) / row.measured - 1)
        for row in rows
    ]


def model_of(rows: Sequence[Row]) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, list[float]]]:
    """Constants by operator and schedule, and by 'operator schedule' the errors of networks that were left out."""
    constants: dict[str, dict[str, dict[str, float]]] = {}
    errors: dict[str, list[float]] = {}
    for op, schedule in sorted({(row.op, row.schedule) for row in rows}):
        some = [row for row in rows if (row.op, row.schedule) == (op, schedule)]
        constants.setdefault(op, {})[schedule] = fit(some)
        for left_out in {row.network for row in some}:
            others = [row for row in some if row.network != left_out]
            tested = [row for row in some if row.network == left_out]
            errors.setdefault(f"{op} {schedule}", []).extend(error(tested, fit(others)))
    return constants, errors


def store(target: str, constants: dict[str, dict[str, dict[str, float]]], mean_error: float) -> None:
    """Writes the model into the board file and leaves the rest of it as it is."""
    path = BOARDS / f"{target}.json"
    board = json.loads(path.read_text(encoding="utf-8"))
    board["tflm_unit"]["cost"]["model"] = {
        "fitted_by": "benchmarks/fit_cost_model.py",
        "error": round(mean_error, 4),
        "constants": constants,
    }
    path.write_text(json.dumps(board, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def run(target: str, console: Console, write: bool, rows_file: Path | None) -> None:
    rows: list[Row] = []
    for index, (name, (data, x)) in enumerate(networks().items()):
        console.print(f"{target}: {name}", end="\r")
        try:
            rows += measure(target, name, data, x, RATES[index % len(RATES)])
        except UnitError as problem:
            console.print(f"{target}: {name} is left out: {problem}")
    constants, errors = model_of(rows)
    every = [e for some in errors.values() for e in some]
    if rows_file:
        rows_file.write_text(json.dumps([vars(row) for row in rows]), encoding="utf-8")
    table = Table(
        title=f"{target}: error of layers left out of the fit, mean {np.mean(every):.1%}",
        title_justify="left",
    )
    for name in ("operator and schedule", "layers", "mean", "largest", "constants"):
        table.add_column(name)
    for name, some in errors.items():
        op, schedule = name.split()
        text = ", ".join(f"{k} {v:g}" for k, v in constants[op][schedule].items())
        table.add_row(name, str(len(some)), f"{np.mean(some):.1%}", f"{max(some):.1%}", text)
    console.print(table)
    if write:
        store(target, constants, float(np.mean(every)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    simulated = [name for name in target_names() if load_target(name).simulated_by == name]
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(simulated)}; default: all")
    parser.add_argument("--dry", action="store_true", help="do not write the board files")
    parser.add_argument(
        "--rows", type=Path, help="also write the measurements of the last target to this JSON file"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.targets) - set(simulated))
    if unknown:
        sys.exit(f"{unknown[0]} is no simulated machine; it takes {', '.join(simulated)}")
    console = Console(width=160)
    for target in arguments.targets or simulated:
        run(target, console, not arguments.dry, arguments.rows)


if __name__ == "__main__":
    main()
