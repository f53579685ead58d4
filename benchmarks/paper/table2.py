"""Table 2: domain shift. Networks of two contexts, pruned on data of their own, tested in both.

Contexts: rooms of WiDar where it is there, else subjects 1 .. 15 and 16 .. 30 of UCI HAR. F1 is macro-averaged;
intervals are those of its loss on the same samples (95 %, paired bootstrap). The search sees calibration and
validation data of the context that the network was trained in. Beside it: the paper's single percentile.

Examples:
  python benchmarks/paper/table2.py
  python benchmarks/paper/table2.py --skip 0.7 --json --png table2.png
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import networks
import numpy as np
from common import Store, count, key_of, parser, rate, run, save_figure
from methods import RESULTS
from networks import Trained
from rich.console import Console
from rich.table import Table
from sklearn.metrics import f1_score

from tflm_unit import ConversionResult, baselines, tune
from tflm_unit.page.charts import settings
from tflm_unit.page.style import colour
from tflm_unit.tuning import run as tuning
from tflm_unit.tuning.judge import Judge
from tflm_unit.tuning.network import Network, quantized

SPARE = 0.03  # of the MACs: another context may skip less than the validation data do
METHODS = {"unit": "UnIT, one percentile", "tune": "tflm-unit tune"}


@dataclass(frozen=True)
class Row:
    """F1 of a network that was trained in one context and tested in another. low, high: of dense - pruned."""

    method: str
    trained: str
    tested: str
    samples: int
    dense: float
    pruned: float
    low: float
    high: float
    skipped: float

    @property
    def lost(self) -> float:
        return self.dense - self.pruned


def f1(labels: np.ndarray | None, outputs: np.ndarray) -> float:
    """Macro-averaged, as `tune` takes metrics."""
    return float(f1_score(labels, outputs.argmax(axis=1), average="macro", zero_division=0))


def tuned(trained: Trained, skip: float, trials: int | None, say: Any) -> ConversionResult:
    """By a search whose trials outlive this process."""
    data = trained.data
    RESULTS.mkdir(parents=True, exist_ok=True)
    return tune(
        trained.tflite,
        trained.calibration,
        data.x_val,
        data.y_val,
        budget=1 - skip - SPARE,
        trials=trials,
        storage=RESULTS / "trials_table2.journal",
        study=key_of(trained.tflite, {"skip": skip, "version": tuning.VERSION}),
        progress=say,
    )


def one_percentile(trained: Trained, skip: float) -> ConversionResult:
    """The least percentile, in steps of 2.5, that skips enough of the validation data."""
    for percentile in np.arange(2.5, 100, 2.5):
        result = baselines.unit(trained.tflite, trained.calibration, float(percentile))
        if result.evaluate(trained.data.x_val).skip_rate >= skip + SPARE:
            return result
    raise ValueError(f"no percentile skips {skip}")


def tested(result: ConversionResult, method: str, contexts: dict[str, Trained], trained: str) -> list[Row]:
    """In every context."""
    network, rows = Network(result.model.graph), []
    for name, context in contexts.items():
        samples = quantized(context.data.x_test, network.graph, None, None)
        dense = network.run(samples, schedule="dense").answers
        judge = Judge(dense, context.data.y_test, network.loss, metric=f1)
        pruned = network.run(samples, result.points[0])
        drop = judge.drop_estimate(pruned.answers)
        figures = (judge.dense_value, judge.value(pruned.answers), drop.low, drop.high)
        rows.append(Row(method, trained, name, len(samples[0]), *figures, 1 - pruned.kept))
    return rows


def measure(skip: float, trials: int | None, console: Console) -> list[Row]:
    contexts, store, rows = networks.contexts(), Store(RESULTS / "table2.json"), []
    for name, trained in contexts.items():
        for method in METHODS:

            def make(
                name: str = name, method: str = method, trained: Trained = trained
            ) -> list[dict[str, Any]]:
                with console.status(f"context {name}: {METHODS[method]}") as status:

                    def say(what: str, done: int, total: int) -> None:
                        status.update(f"context {name}: {what} {done}/{total}")

                    unit = method == "unit"
                    result = one_percentile(trained, skip) if unit else tuned(trained, skip, trials, say)
                    return [asdict(row) for row in tested(result, method, contexts, name)]

            about = {"skip": skip, "trials": trials, "version": tuning.VERSION, "method": method}
            models = [t.tflite for t in contexts.values()]
            rows += [Row(**row) for row in store.get(key_of(*models, name, about), make)]
    return rows


def draw(rows: list[Row]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.4))
    axes = figure.subplots()
    pairs = list(dict.fromkeys((r.trained, r.tested) for r in rows))
    bars = [("dense", "kept", {(r.trained, r.tested): r.dense for r in rows})]
    for method, role in (("unit", "point0"), ("tune", "pruned")):
        own = {(r.trained, r.tested): r.pruned for r in rows if r.method == method}
        bars.append((METHODS[method], role, own))
    for number, (label, role, values) in enumerate(bars):
        place = np.arange(len(pairs)) + (number - 1) * 0.27
        axes.bar(place, [100 * values[p] for p in pairs], 0.25, color=colour(role), label=label)
    axes.set_xticks(range(len(pairs)), [f"trained in {a},\ntested in {b}" for a, b in pairs])
    axes.set_ylabel("F1, %")
    axes.grid(visible=False, axis="x")
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def table(rows: list[Row]) -> Table:
    made = Table(title="F1 (macro), percent; lost: points, with their 95 % interval", title_justify="left")
    for column in (
        "trained in",
        "tested in",
        "samples",
        "method",
        "dense",
        "pruned",
        "lost",
        "interval",
        "skipped",
    ):
        made.add_column(
            column, justify="left" if column in ("trained in", "tested in", "method") else "right"
        )
    for r in rows:
        made.add_row(
            r.trained,
            r.tested,
            f"{r.samples:,}",
            METHODS[r.method],
            f"{100 * r.dense:.2f}",
            f"{100 * r.pruned:.2f}",
            f"{100 * r.lost:.2f}",
            f"{100 * r.low:.2f} .. {100 * r.high:.2f}",
            f"{r.skipped:.1%}",
        )
    return made


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--skip", type=rate, default=0.6, help="share of the MACs (default: %(default)s)")
    made.add_argument("--trials", type=count, help="of the search (default: that of tune)")
    options = made.parse_args()
    rows = measure(options.skip, options.trials, Console(stderr=True))
    if options.png:
        with settings():
            save_figure(draw(rows), options.png)
    if options.json:
        print(json.dumps([{**asdict(r), "lost": r.lost} for r in rows], indent=1))
    else:
        Console(width=130).print(table(rows))


if __name__ == "__main__":
    run(main)
