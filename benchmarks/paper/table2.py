"""Table 2: domain shift. Networks of two contexts, pruned on data of their own, tested in both.

Contexts: rooms of WiDar where it is there, else halves of the 30 subjects of UCI HAR, drawn anew for every repeat.
F1 is macro-averaged; figures are means over the repeats, intervals those of the mean loss (95 %, Student's t). The
search sees calibration and validation data of the context that the network was trained in. Beside it: the paper's
single percentile.

Examples:
  python benchmarks/paper/table2.py
  python benchmarks/paper/table2.py --repeats 3 --skip 0.7 --json --png table2.png
"""

from __future__ import annotations

import itertools
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
from scipy import stats
from sklearn.metrics import f1_score

from tflm_unit import ConversionResult, baselines, tune
from tflm_unit.page.charts import settings
from tflm_unit.page.style import colour
from tflm_unit.tuning import run as tuning
from tflm_unit.tuning.network import Network, quantized

SPARE = 0.03  # of the MACs: another context may skip less than the validation data do
METHODS = {"unit": "UnIT, one percentile", "tune": "tflm-unit tune"}


@dataclass(frozen=True)
class Row:
    """F1 of a network that was trained in one context and tested in another."""

    repeat: int
    method: str
    trained: str
    tested: str
    samples: int
    dense: float
    pruned: float
    skipped: float


@dataclass(frozen=True)
class Mean:
    """Of a combination's rows. lost: F1, dense - pruned; low, high: interval of its mean; least: skipped by a row."""

    method: str
    trained: str
    tested: str
    repeats: int
    dense: float
    pruned: float
    lost: float
    low: float | None
    high: float | None
    skipped: float
    least: float


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


def tested(
    result: ConversionResult, contexts: dict[str, Trained], repeat: int, method: str, trained: str
) -> list[Row]:
    """In every context."""
    network, rows = Network(result.model.graph), []
    for name, context in contexts.items():
        samples = quantized(context.data.x_test, network.graph, None, None)
        dense = network.run(samples, schedule="dense")
        pruned = network.run(samples, result.points[0])
        labels = context.data.y_test
        values = [f1_score(labels, run.answers.classes, average="macro") for run in (dense, pruned)]
        rows.append(Row(repeat, method, trained, name, len(samples[0]), *map(float, values), 1 - pruned.kept))
    return rows


def measure(skip: float, trials: int | None, repeats: int, console: Console) -> list[Row]:
    store, rows = Store(RESULTS / "table2.json"), []
    for repeat in range(1, repeats + 1):
        contexts = networks.contexts(repeat)
        for name, method in itertools.product(contexts, METHODS):

            def make(
                name: str = name,
                method: str = method,
                repeat: int = repeat,
                contexts: dict[str, Trained] = contexts,
            ) -> list[dict[str, Any]]:
                prefix = f"{repeat} of {repeats}, context {name}: "
                with console.status(prefix + METHODS[method]) as status:

                    def say(what: str, done: int, total: int) -> None:
                        status.update(f"{prefix}{what} {done}/{total}")

                    trained = contexts[name]
                    unit = method == "unit"
                    result = one_percentile(trained, skip) if unit else tuned(trained, skip, trials, say)
                    return [asdict(row) for row in tested(result, contexts, repeat, method, name)]

            about = {"skip": skip, "trials": trials, "version": tuning.VERSION, "method": method}
            models = [t.tflite for t in contexts.values()]
            rows += [Row(**row) for row in store.get(key_of(*models, name, about), make)]
    return rows


def means(rows: list[Row]) -> list[Mean]:
    """By combination and method; without an interval where there is one repeat."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.trained, row.tested, row.method), []).append(row)
    return [_mean(*key, group) for key, group in sorted(groups.items())]


def _mean(trained: str, tested: str, method: str, rows: list[Row]) -> Mean:
    dense, pruned, skipped = (np.array([getattr(r, n) for r in rows]) for n in ("dense", "pruned", "skipped"))
    lost, low, high = dense - pruned, None, None
    if len(rows) > 1:
        spread = stats.t.ppf(0.975, len(rows) - 1) * lost.std(ddof=1) / np.sqrt(len(rows))
        low, high = float(lost.mean() - spread), float(lost.mean() + spread)
    return Mean(
        method,
        trained,
        tested,
        len(rows),
        dense=float(dense.mean()),
        pruned=float(pruned.mean()),
        lost=float(lost.mean()),
        low=low,
        high=high,
        skipped=float(skipped.mean()),
        least=float(skipped.min()),
    )


def draw(rows: list[Mean]) -> Any:
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


def table(rows: list[Mean]) -> Table:
    title = (
        f"F1 (macro), percent, means of {rows[0].repeats}; lost: points, with the 95 % interval of the mean"
    )
    made = Table(title=title, title_justify="left")
    words = ("trained in", "tested in", "method")
    for column in (*words, "dense", "pruned", "lost", "interval", "skipped", "least"):
        made.add_column(column, justify="left" if column in words else "right")
    for r in rows:
        made.add_row(
            r.trained,
            r.tested,
            METHODS[r.method],
            f"{100 * r.dense:.2f}",
            f"{100 * r.pruned:.2f}",
            f"{100 * r.lost:.2f}",
            "-" if r.low is None or r.high is None else f"{100 * r.low:.2f} .. {100 * r.high:.2f}",
            f"{r.skipped:.1%}",
            f"{r.least:.1%}",
        )
    return made


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--skip", type=rate, default=0.6, help="share of the MACs (default: %(default)s)")
    made.add_argument("--trials", type=count, help="of the search (default: that of tune)")
    made.add_argument("--repeats", type=count, default=10, help="of everything (default: %(default)s)")
    options = made.parse_args()
    rows = measure(options.skip, options.trials, options.repeats, Console(stderr=True))
    found = means(rows)
    if options.png:
        with settings():
            save_figure(draw(found), options.png)
    if options.json:
        print(json.dumps({"means": [asdict(r) for r in found], "rows": [asdict(r) for r in rows]}, indent=1))
    else:
        Console(width=130).print(table(found))


if __name__ == "__main__":
    run(main)
