"""Whole models on simulated cores: dense, zero-skip, compare and the planner's choice; how good that choice is.

Totals are cycles or instructions of one inference, mean over test samples. Per layer with MACs: what the planner
chose, its cost as predicted on calibration data and as simulated on test data, against dense and against the fastest
schedule that was tried ("best": dense, zero_skip, compare, activation_sorted, planned, whatever memory they take).
Outputs and MAC counts are checked against the batch engine.

Examples:
  python benchmarks/models.py --model lenet_mnist --target cortex_m3_sim msp430_sim --skip 0.8
  python benchmarks/models.py --json > models.json        everything, in about half an hour
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass

import numpy as np
from rich.console import Console
from rich.table import Table
from zoo import SUBJECTS, Subject

from tflm_unit import UnitError, convert, simulate
from tflm_unit.files import spread

TARGETS = (
    "cortex_m0_sim",
    "cortex_m3_sim",
    "cortex_m4_sim",
    "cortex_m7_sim",
    "msp430_sim",
    "msp430_nomul_sim",
    "msp430fr5994_sim",
)
SCHEDULES = ("dense", "zero_skip", "compare", "activation_sorted", "planned")


@dataclass(frozen=True)
class LayerResult:
    """counts: measured, by schedule. chosen: by the planner; measured: what that costs."""

    name: str
    op: str
    macs: int
    chosen: str
    taps: int
    predicted: float
    measured: float
    counts: dict[str, float]
    predictions: dict[str, float]

    @property
    def error(self) -> float:
        return self.predicted / self.measured - 1

    @property
    def of_dense(self) -> float:
        return self.measured / self.counts["dense"]

    @property
    def best(self) -> str:
        return min(self.counts, key=lambda name: self.counts[name])


@dataclass(frozen=True)
class ModelResult:
    """totals: counts of whole inferences by schedule; 'unit' is the planner's choice."""

    model: str
    target: str
    unit: str
    skipped: float
    totals: dict[str, float]
    dense_weights: int
    extra_flash_bytes: int
    arena_bytes: int
    layers: tuple[LayerResult, ...]


def measure(name: str, subject: Subject, target: str, skip: float, samples: int) -> ModelResult:
    """Two conversions: every layer with thresholds, for all schedules, and the planner's."""
    x, test, options = subject.calibration, spread(subject.test, samples), subject.options
    every = convert(
        subject.model,
        x,
        skip=skip,
        divider="bit_shift",
        power_of_two=True,
        schedule="compare",
        **options,
    )
    planned = convert(subject.model, x, skip=skip, target=target, **options)
    forced = simulate(every, target, x=test, samples=len(test), schedule=SCHEDULES, timeout=1800, **options)
    chosen = simulate(planned, target, x=test, samples=len(test), schedule="unit", timeout=1800, **options)
    for simulated in (forced, chosen):
        if not simulated.match:
            raise SystemExit(f"{name} on {target}: {simulated.mismatches}")
    report = (planned.model.report or {})["plan"]
    tried = {row.name: row for row in forced.layers}
    ran = {row.name: row for row in chosen.layers}
    layers = []
    for row in report["points"][0]:
        counts = {
            schedule: count
            for schedule, count in tried[row["name"]].counts.items()
            if count and tried[row["name"]].schedules[schedule] == schedule
        }
        layers.append(
            LayerResult(
                name=row["name"],
                op=row["op"],
                macs=ran[row["name"]].macs_total or 0,
                chosen=row["schedule"],
                taps=row["taps"],
                predicted=row["cost"],
                measured=ran[row["name"]].unit or 0.0,
                counts=counts,
                predictions=row["predicted"],
            )
        )
    total, kept = (
        sum(getattr(row, what) or 0 for row in chosen.layers) for what in ("macs_total", "macs_kept")
    )
    graph = planned.model.graph
    return ModelResult(
        model=name,
        target=target,
        unit=chosen.unit,
        skipped=1 - kept / total,
        totals={**{k: v or 0.0 for k, v in forced.counts.items()}, "unit": chosen.counts["unit"] or 0.0},
        dense_weights=sum(graph.weights(layer).size for layer in graph.prunable),
        extra_flash_bytes=report["extra_flash_bytes"],
        arena_bytes=chosen.arena_bytes,
        layers=tuple(layers),
    )


def table(result: ModelResult) -> Table:
    dense = result.totals["dense"]
    totals = ", ".join(f"{k} {v:,.0f} ({dense / v:.2f}x)" for k, v in result.totals.items())
    error = sum(x.predicted for x in result.layers) / sum(x.measured for x in result.layers) - 1
    made = Table(
        title=f"{result.model} on {result.target}, {result.skipped:.1%} skipped, {result.unit}: {totals}; "
        f"predicted {error:+.1%}; flash {result.extra_flash_bytes:+,} on {result.dense_weights:,}, "
        f"arena {result.arena_bytes:,}",
        title_justify="left",
    )
    for column in ("layer", "chosen", "predicted", "simulated", "error", "of dense", "of best", "best"):
        made.add_column(column, justify="left" if column in ("layer", "chosen", "best") else "right")
    for x in result.layers:
        made.add_row(
            x.name,
            f"{x.chosen} {x.taps or ''}",
            f"{x.predicted:,.0f}",
            f"{x.measured:,.0f}",
            f"{x.error:+.1%}",
            f"{x.of_dense:.2f}",
            f"{x.measured / x.counts[x.best]:.2f}",
            x.best,
        )
    return made


def verdict(results: list[ModelResult]) -> str:
    """The planner over everything that ran."""
    layers = [x for result in results for x in result.layers]
    errors = [sum(x.predicted for x in r.layers) / sum(x.measured for x in r.layers) - 1 for r in results]
    return (
        f"{len(layers)} layers: predicted cost of whole models off by {np.mean(np.abs(errors)):.1%} in the mean, "
        f"{max(np.abs(errors)):.1%} at most; of a layer {np.mean([abs(x.error) for x in layers]):.1%}; "
        f"worst choice {max(x.of_dense for x in layers):.3f} of dense, "
        f"{max(x.measured / x.counts[x.best] for x in layers):.2f} of the best schedule"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="+", choices=tuple(SUBJECTS), default=tuple(SUBJECTS))
    parser.add_argument("--target", nargs="+", default=TARGETS, help=f"(default: {' '.join(TARGETS)})")
    parser.add_argument("--skip", type=float, default=0.8, help="share of the MACs (default: %(default)s)")
    parser.add_argument(
        "--samples", type=int, default=8, help="test samples, evenly spread (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    progress, out, results = Console(stderr=True), Console(width=160), []
    for name in arguments.model:
        subject = SUBJECTS[name]()
        for target in arguments.target:
            progress.print(f"{name} on {target}")
            try:
                results.append(measure(name, subject, target, arguments.skip, arguments.samples))
            except UnitError as error:
                progress.print(f"  left out: {error}")
                continue
            if not arguments.json:
                out.print(table(results[-1]))
    if not results:
        sys.exit(1)
    if arguments.json:
        print(json.dumps([asdict(r) for r in results], indent=1))
    else:
        out.print(verdict(results))


if __name__ == "__main__":
    main()
