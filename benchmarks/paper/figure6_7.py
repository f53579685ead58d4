"""Figures 6 and 7: latency and energy on the MSP430FR5994 model: dense, zero-skip, the paper's UnIT and ours.

Firmware of the same network runs test samples in gdb's simulator, bit-exact with the batch engine. Cycles are counted
instructions times the board's cycles per instruction, energy is cycles times its energy per cycle (boards/
msp430fr5994_sim.json names both sources). Of the cycles, those that move data are counted in the simulator's memory
trace: one for each read or write of FRAM or RAM. The paper's UnIT takes the schedule `compare` with the board's own
divider and the percentile that the validation data allow at a drop of 1 point (Speech Commands: 0.48), ours is tuned
for the board at the same drop.

Examples:
  python benchmarks/paper/figure6_7.py --png docs/figures/msp430.png
  python benchmarks/paper/figure6_7.py --dataset mnist --trials 20 --samples 1      a try
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import networks
import numpy as np
from common import Store, count, key_of, parser, run, save_figure, write_json
from curves import Curve
from figure5 import TITLES
from lines import ALLOWED
from methods import METHODS, RESULTS, Subject, Work, run_tune
from rich.console import Console
from rich.table import Table
from traffic import Traffic, traffic

from tflm_unit import ConversionResult, baselines, simulate
from tflm_unit.converter.targets import load_target
from tflm_unit.files import spread
from tflm_unit.page.charts import settings
from tflm_unit.page.style import colour

TARGET = "msp430fr5994_sim"
VARIANTS = {
    "dense": "dense",
    "zero_skip": "zero-skip",
    "unit": "UnIT, as in the paper",
    "tune": "tflm-unit tune",
}
ROLES = {"dense": "kept", "zero_skip": "search", "unit": "point0", "tune": "pruned"}


@dataclass(frozen=True)
class Run:
    """One variant; means per inference. drop: of accuracy on the test data. skipped: share of the MACs that the
    simulated samples skip. moving: cycles that move data. flash, ram: bytes of the firmware."""

    dataset: str
    variant: str
    drop: float
    skipped: float
    cycles: float
    moving: float
    milliseconds: float
    microjoules: float
    flash: int
    ram: int
    traffic: dict[str, float]

    @property
    def microjoules_moving(self) -> float:
        return self.microjoules * self.moving / self.cycles


def measure(name: str, options: Namespace, status: Any) -> list[Run]:
    trained = networks.network(name)
    subject = Subject(name, trained, Work(None, options.trials), status.update)
    limit = min(ALLOWED.get(name, (0.01,))) if name == "speech_commands" else 0.01
    unit, tuned = _paper(subject, limit), run_tune(subject, trained, target=TARGET, points={"default": limit})
    x, store = spread(trained.data.x_test, options.samples), Store(RESULTS / f"msp430_{name}.json")
    board = json.dumps(load_target(TARGET).board, sort_keys=True)
    found = []
    for variant, result, schedule in (
        ("dense", unit, "dense"),
        ("zero_skip", unit, "zero_skip"),
        ("unit", unit, "compare"),
        ("tune", tuned, "unit"),
    ):

        def make(variant: str = variant, result: ConversionResult = result, schedule: str = schedule) -> Any:
            status.update(f"{name}: simulating {VARIANTS[variant]}")
            return asdict(_simulated(subject, variant, result, schedule, x))

        key = key_of(result.model.data, x.tobytes(), board, variant)
        found.append(Run(**(make() if options.again else store.get(key, make))))
    return found


def _paper(subject: Subject, limit: float) -> ConversionResult:
    """UnIT with the percentile that the validation data allow."""
    (start,) = METHODS["zero_skip"](subject)
    chosen = Curve(METHODS["unit"](subject), start).allowed(limit).settings
    divider = load_target(TARGET).board["tflm_unit"]["divider"]
    trained = subject.trained
    percentile = chosen.get("percentile", 0)
    return baselines.unit(trained.tflite, trained.calibration, percentile, divider=divider)


def _simulated(subject: Subject, variant: str, result: ConversionResult, schedule: str, x: np.ndarray) -> Run:
    done = simulate(result, TARGET, x=x, samples=len(x), schedule=schedule, timeout=3600)
    if not done.match:
        raise SystemExit(f"{subject.name}: {done.mismatches}")
    counts, cost = done.counts[schedule], done.estimate
    assert counts is not None
    accesses = [traffic(result, TARGET, schedule, x[i : i + 1]) for i in range(len(x))]
    total, kept = (sum(getattr(row, n) or 0 for row in done.layers) for n in ("macs_total", "macs_kept"))
    unpruned = variant in ("dense", "zero_skip")  # which lose nothing
    return Run(
        dataset=subject.name,
        variant=variant,
        drop=0.0 if unpruned else subject.measured(result, {}).test.drop,
        skipped=1 - kept / total,
        cycles=counts * cost.cycles_per_count,
        moving=float(np.mean([a.data for a in accesses])),
        milliseconds=counts * cost.milliseconds_per_count,
        microjoules=counts * cost.microjoules_per_count,
        flash=done.flash_bytes,
        ram=done.ram_bytes,
        traffic={n: float(np.mean([getattr(a, n) for a in accesses])) for n in Traffic.__annotations__},
    )


def draw(runs: Sequence[Run]) -> Any:
    """Latency above, energy below; one column per data set, of each bar the part that moves data darker."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(r.dataset for r in runs))
    figure = Figure(figsize=(2.9 * max(len(names), 2), 5.2))
    panels = figure.subplots(2, len(names), squeeze=False)
    for column, name in enumerate(names):
        rows = [r for r in runs if r.dataset == name]
        shades = [colour(ROLES[r.variant]) for r in rows]
        for axes, total, moving in (
            (
                panels[0][column],
                [r.milliseconds for r in rows],
                [r.milliseconds * r.moving / r.cycles for r in rows],
            ),
            (panels[1][column], [r.microjoules for r in rows], [r.microjoules_moving for r in rows]),
        ):
            labels = [VARIANTS[r.variant] for r in rows]
            bars = axes.bar(labels, total, color=shades, label=labels)
            axes.bar(labels, moving, color=shades, hatch="////", edgecolor="white", linewidth=0)
            axes.bar_label(bars, [f"{total[0] / value:.1f}x" if i else "" for i, value in enumerate(total)])
            axes.set_xticks([])
            axes.grid(visible=False, axis="x")
        panels[0][column].set_title(TITLES[name])
    panels[0][0].set_ylabel("latency, ms")
    panels[1][0].set_ylabel("energy, \u00b5J")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper left", ncols=4, title="hatched: moving data", alignment="left"
    )
    return figure


def table(runs: Sequence[Run]) -> Table:
    made = Table(title=f"{TARGET}, per inference", title_justify="left")
    for name in ("data set", "variant"):
        made.add_column(name)
    for name in ("points lost", "skipped", "cycles", "of dense", "moving data", "ms", "\u00b5J", "moving"):
        made.add_column(name, justify="right")
    for name in ("flash", "RAM"):
        made.add_column(name, justify="right")
    dense = {r.dataset: r.cycles for r in runs if r.variant == "dense"}
    for r in runs:
        made.add_row(
            r.dataset,
            VARIANTS[r.variant],
            f"{100 * r.drop:.2f}",
            f"{r.skipped:.1%}",
            f"{r.cycles:,.0f}",
            f"{r.cycles / dense[r.dataset]:.2f}",
            f"{r.moving / r.cycles:.0%}",
            f"{r.milliseconds:,.1f}",
            f"{r.microjoules:,.0f}",
            f"{r.microjoules_moving:,.0f}",
            f"{r.flash:,}",
            f"{r.ram:,}",
        )
    return made


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--dataset", nargs="+", choices=tuple(networks.RECIPES), default=networks.NAMES)
    made.add_argument(
        "--samples", type=count, default=2, help="test samples simulated (default: %(default)s)"
    )
    made.add_argument("--trials", type=count, help="of the search (default: that of tune)")
    made.add_argument("--again", action="store_true", help="simulate once more, as after changes of kernels")
    options = made.parse_args()
    runs: list[Run] = []
    with Console(stderr=True).status("") as status:
        for name in options.dataset:
            runs += measure(name, options, status)
    write_json(RESULTS / "figure6_7.json", [asdict(r) for r in runs])
    if options.png:
        with settings():
            save_figure(draw(runs), options.png)
    if options.json:
        print(json.dumps([asdict(r) for r in runs], indent=1))
    else:
        Console(width=160).print(table(runs))


if __name__ == "__main__":
    run(main)
