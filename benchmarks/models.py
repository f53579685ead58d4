"""Whole models on simulated cores: dense, zero-skip, compare and the planner's choice; how good that choice is.

Totals are cycles or instructions of one inference, mean over test samples. Per layer with MACs: what the planner
chose, its cost as predicted on calibration data and as simulated on test data, against dense and against the fastest
schedule that its limits of flash and RAM allow. Outputs and MAC counts are checked against the batch engine. A
schedule whose firmware does not fit a target is left out.

Examples:
  python benchmarks/models.py --model lenet_mnist --target cortex_m3_sim msp430_sim --skip 0.8
  python benchmarks/models.py --json > models.json        everything, in about an hour
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
from data_files import EPILOG, count, rate, run
from rich.console import Console
from rich.table import Table
from zoo import SUBJECTS, Subject

from tflm_unit import UnitError, convert, simulate
from tflm_unit.converter.codegen.schedules import BASELINES, PRUNED
from tflm_unit.files import spread
from tflm_unit.simulation import Simulation

TARGETS = (
    "cortex_m0_sim",
    "cortex_m3_sim",
    "cortex_m4_sim",
    "cortex_m7_sim",
    "cortex_m33_sim",
    "msp430_sim",
    "msp430_nomul_sim",
    "msp430fr5994_sim",
)
MAX_OF_DENSE, MAX_OF_BEST = 1.02, 1.05  # layers beyond are listed


@dataclass(frozen=True)
class LayerResult:
    """counts: measured, by schedule. chosen: by the planner; measured: what that costs. refused: the schedule that
    would be faster by prediction, but exceeds a limit, which `limited` names."""

    name: str
    op: str
    macs: int
    chosen: str
    taps: int
    predicted: float
    measured: float
    counts: dict[str, float]
    predictions: dict[str, float]
    limited: str | None
    refused: str | None

    @property
    def error(self) -> float:
        return self.predicted / self.measured - 1

    @property
    def of_dense(self) -> float:
        return self.measured / self.counts["dense"]

    @property
    def best(self) -> str:
        """The fastest schedule that the limits allow."""
        allowed = {**{k: v for k, v in self.counts.items() if k != self.refused}, self.chosen: self.measured}
        return min(allowed, key=lambda name: allowed[name])

    @property
    def of_best(self) -> float:
        return 1.0 if self.best == self.chosen else self.measured / self.counts[self.best]


@dataclass(frozen=True)
class ModelResult:
    """totals: counts of whole inferences by schedule; 'unit' is the planner's choice. left_out: why, by schedule."""

    model: str
    target: str
    unit: str
    samples: int
    skipped: float
    totals: dict[str, float]
    dense_weights: int
    extra_flash_bytes: int
    arena_bytes: int
    layers: tuple[LayerResult, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def error(self) -> float:
        """Of the prediction for all layers with MACs."""
        return sum(x.predicted for x in self.layers) / sum(x.measured for x in self.layers) - 1

    def to_json(self) -> dict[str, Any]:
        layers = [
            {**asdict(x), **{name: getattr(x, name) for name in ("error", "of_dense", "best", "of_best")}}
            for x in self.layers
        ]
        return {**asdict(self), "error": self.error, "layers": layers}


def measure(name: str, subject: Subject, target: str, options: argparse.Namespace) -> ModelResult:
    """The planner's conversion, as it is and under every schedule.

    Layers that it runs without their thresholds get the other counts from a conversion in which all layers have them.
    """
    test, scaling = spread(subject.test, options.samples), subject.options
    make = partial(convert, subject.model, subject.calibration, skip=options.skip, **scaling)
    runs = partial(simulate, target=target, x=test, samples=len(test), timeout=1800, **scaling)
    planned = make(target=target, extra_flash=options.extra_flash)
    chosen = runs(planned, schedule="unit")
    left_out: dict[str, str] = {}
    forced = _forced(partial(runs, planned), (*BASELINES, *PRUNED), left_out)
    report = (planned.model.report or {})["plan"]
    unpruned = {row["name"] for row in report["points"][0] if row["schedule"] in BASELINES}
    others: dict[str, Simulation] = {}
    if unpruned:
        every = make(divider="bit_shift", power_of_two=True)
        others = _forced(partial(runs, every), PRUNED, left_out)
    for simulated in (chosen, *forced.values(), *others.values()):
        if not simulated.match:
            raise SystemExit(f"{name} on {target}: {simulated.mismatches}")
    ran = {row.name: row for row in chosen.layers}
    layers = []
    for row in report["points"][0]:
        best = min(row["predicted"], key=lambda name: row["predicted"][name])
        sources = {**forced, **others} if row["name"] in unpruned else forced
        layers.append(
            LayerResult(
                name=row["name"],
                op=row["op"],
                macs=ran[row["name"]].macs_total or 0,
                chosen=row["schedule"],
                taps=row["taps"],
                predicted=row["cost"],
                measured=ran[row["name"]].unit or 0.0,
                counts=_counts(row["name"], sources),
                predictions=row["predicted"],
                limited=row["limited"],
                refused=best.split()[0] if row["limited"] else None,
            )
        )
    total, kept = (
        sum(getattr(row, what) or 0 for row in chosen.layers) for what in ("macs_total", "macs_kept")
    )
    graph = planned.model.graph
    totals = {schedule: simulated.counts[schedule] or 0.0 for schedule, simulated in forced.items()}
    return ModelResult(
        model=name,
        target=target,
        unit=chosen.unit,
        samples=len(test),
        skipped=1 - kept / total,
        totals={**totals, "unit": chosen.counts["unit"] or 0.0},
        dense_weights=sum(graph.weights(layer).size for layer in graph.prunable),
        extra_flash_bytes=report["extra_flash_bytes"],
        arena_bytes=chosen.arena_bytes,
        layers=tuple(layers),
        left_out=left_out,
    )


def _forced(runs: Any, schedules: tuple[str, ...], left_out: dict[str, str]) -> dict[str, Simulation]:
    """By schedule; those that do not fit the target go to `left_out`."""
    found = {}
    for schedule in schedules:
        try:
            found[schedule] = runs(schedule=schedule)
        except UnitError as error:
            left_out[schedule] = str(error)
    return found


def _counts(layer: str, forced: dict[str, Simulation]) -> dict[str, float]:
    """Of one layer, under the schedules that it can run."""
    rows = {
        schedule: row
        for schedule, simulated in forced.items()
        for row in simulated.layers
        if row.name == layer and row.schedules[schedule] == schedule
    }
    return {schedule: row.counts[schedule] or 0.0 for schedule, row in rows.items()}


def table(result: ModelResult) -> Table:
    dense = result.totals.get("dense")
    totals = ", ".join(
        f"{k} {v:,.0f}" + (f" ({dense / v:.2f}x)" if dense else "") for k, v in result.totals.items()
    )
    made = Table(
        title=f"{result.model} on {result.target}, {result.skipped:.1%} skipped, {result.unit}: {totals}; "
        f"predicted {result.error:+.1%}; flash {result.extra_flash_bytes:+,} on {result.dense_weights:,}, "
        f"arena {result.arena_bytes:,}",
        title_justify="left",
    )
    for column in (
        "layer",
        "chosen",
        "predicted",
        "simulated",
        "error",
        "of dense",
        "of best",
        "best",
        "limit",
    ):
        made.add_column(column, justify="left" if column in ("layer", "chosen", "best", "limit") else "right")
    for x in result.layers:
        made.add_row(
            x.name,
            f"{x.chosen} {x.taps or ''}",
            f"{x.predicted:,.0f}",
            f"{x.measured:,.0f}",
            f"{x.error:+.1%}",
            f"{x.of_dense:.2f}" if "dense" in x.counts else "",
            f"{x.of_best:.2f}",
            x.best,
            f"{x.limited}: {x.refused}" if x.limited else "",
        )
    return made


def verdict(results: list[ModelResult]) -> str:
    """The planner over everything that ran."""
    layers = [(r, x) for r in results for x in r.layers]
    dense = [(x.of_dense, r, x) for r, x in layers if "dense" in x.counts]
    errors = np.abs([r.error for r in results])
    lines = [
        f"{len(layers)} layers: predicted cost of whole models off by {errors.mean():.1%} in the mean, "
        f"{errors.max():.1%} at most; of a layer {np.mean([abs(x.error) for _, x in layers]):.1%}; "
        f"worst choice {max((v for v, _, _ in dense), default=0):.3f} of dense, "
        f"{max(x.of_best for _, x in layers):.2f} of the best schedule"
    ]
    lines += [
        f"{v:.3f} of dense: {r.model} on {r.target}, {x.name}, {x.chosen}"
        for v, r, x in dense
        if v > MAX_OF_DENSE
    ]
    lines += [
        f"{x.of_best:.3f} of {x.best}: {r.model} on {r.target}, {x.name}, {x.chosen}"
        for r, x in layers
        if x.of_best > MAX_OF_BEST
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="+", choices=tuple(SUBJECTS), default=tuple(SUBJECTS))
    parser.add_argument("--target", nargs="+", default=TARGETS, help=f"(default: {' '.join(TARGETS)})")
    parser.add_argument("--skip", type=rate, default=0.8, help="share of the MACs (default: %(default)s)")
    parser.add_argument("--extra-flash", type=float, help="as of tflm-unit convert (default: its default)")
    parser.add_argument(
        "--samples", type=count, default=8, help="test samples, evenly spread (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    progress, out, results = Console(stderr=True), Console(width=160), []
    for name in arguments.model:
        subject = SUBJECTS[name]()
        for target in arguments.target:
            progress.print(f"{name} on {target}")
            try:
                results.append(measure(name, subject, target, arguments))
            except UnitError as error:
                progress.print(f"  left out: {error}")
                continue
            for schedule, why in results[-1].left_out.items():
                progress.print(f"  {schedule} is left out: {why}")
            if not arguments.json:
                out.print(table(results[-1]))
    if not results:
        sys.exit(1)
    if arguments.json:
        print(json.dumps([r.to_json() for r in results], indent=1))
    (progress if arguments.json else out).print(verdict(results))


if __name__ == "__main__":
    run(main)
