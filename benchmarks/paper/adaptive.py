"""Two operating points against one: `tune` makes points for several drops, `adapt` picks two of them and a margin.

Points and margin come from validation data alone, figures from test data. Results are kept in
build/benchmarks/paper/results/; the search is that of figure 5.

Examples:
  python benchmarks/paper/adaptive.py --dataset mnist
  python benchmarks/paper/adaptive.py --dataset mnist har --json
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import networks
from common import Store, count, key_of, parser, run
from methods import RESULTS, Subject, Work, run_tune
from rich.console import Console
from rich.table import Table

from tflm_unit import UnitError, adapt
from tflm_unit.adaptive import Figures
from tflm_unit.tuning import run as tuning

DROPS = {"mnist": (0.004, 0.01), "speech_commands": (0.0048, 0.01)}  # that are allowed; else 1 point alone
FURTHER = (0.002, 0.02, 0.04, 0.08)  # of points that take part in pairs


@dataclass(frozen=True)
class Row:
    """alone: the point that tune makes for this drop. again: share of the test samples that run twice."""

    dataset: str
    allowed: float
    alone: Figures
    pair: Figures
    first: str
    second: str
    margin: int

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "fewer": self.alone.kept / self.pair.kept}


def measure(name: str, trials: int | None, console: Console) -> list[dict[str, Any]]:
    trained = networks.network(name)
    drops = DROPS.get(name, (0.01,))
    limits = {f"{100 * x:g}%": x for x in sorted({*drops, *FURTHER})}
    about = {"limits": limits, "trials": trials or 0, "version": tuning.VERSION}

    def make() -> list[dict[str, Any]]:
        with console.status(name) as status:
            subject = Subject(name, trained, Work(trials=trials), status.update)
            result = run_tune(subject, trained, points=limits)
            (x, y), (x_test, y_test) = (subject.parts[part] for part in ("val", "test"))
            rows = []
            for drop in drops:
                try:
                    found = adapt(result, x, y, max_drop=drop, test=x_test, test_labels=y_test)
                except UnitError as error:
                    console.print(f"{name}: {error}", markup=False)
                    continue
                assert found.test is not None
                alone = found.alone_test[f"{100 * drop:g}%"]
                names = (found.first, found.second, found.margin)
                rows.append(Row(name, drop, alone, found.test, *names).to_json())
            return rows

    return list(Store(RESULTS / "adaptive.json").get(key_of(trained.tflite, about), make))


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table(
        title="test data; points are named by the drop that they were made for", title_justify="left"
    )
    for name in ("data set", "allowed", "one point: MACs", "lost", "two points", "margin", "run twice"):
        made.add_column(name, justify="left" if name in ("data set", "two points") else "right")
    for name in ("MACs", "lost", "interval", "fewer MACs"):
        made.add_column(name, justify="right")
    for r in rows:
        alone, pair = r["alone"], r["pair"]
        made.add_row(
            r["dataset"],
            f"{100 * r['allowed']:.2f}",
            f"{alone['kept']:.1%}",
            f"{100 * alone['drop']:.2f}",
            f"{r['first']}, {r['second']}",
            str(r["margin"]),
            f"{pair['again']:.1%}",
            f"{pair['kept']:.1%}",
            f"{100 * pair['drop']:.2f}",
            f"{100 * pair['low']:.2f} .. {100 * pair['high']:.2f}",
            f"{r['fewer']:.2f}x",
        )
    return made


def main() -> None:
    made = parser(__doc__, draws=False)
    made.add_argument("--dataset", nargs="+", choices=tuple(networks.RECIPES), default=networks.NAMES)
    made.add_argument("--trials", type=count, help="of the search (default: that of tune)")
    options = made.parse_args()
    console = Console(stderr=True)
    rows = [row for name in options.dataset for row in measure(name, options.trials, console)]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        Console(width=140).print(table(rows))


if __name__ == "__main__":
    run(main)
