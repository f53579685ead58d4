"""Figure 5: accuracy drop against remaining MACs on the test sets, all methods; and what ours has over the others.

Thresholds and strengths come from calibration and validation data alone, figures from test data. A method's curve
joins those of its points that no other beats on the validation data. Results, trials of the search included, are kept
in build/benchmarks/paper/results/: an interrupted run goes on where it was.

Examples:
  python benchmarks/paper/figure5.py --dataset mnist --png mnist.png
  python benchmarks/paper/figure5.py --markdown --png docs/figures/frontier.png      everything, in hours
  python benchmarks/paper/figure5.py --dataset har --samples 300 --trials 20 --method unit ours      a try
  python benchmarks/paper/figure5.py --again --markdown --png frontier.png       what the last runs of all found
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import networks
from common import count, parser, run, save_figure, write_json
from curves import Curve, Point
from lines import markdown, summary, tables
from methods import METHODS, PERCENTILES, RESULTS, Subject, Work
from rich.console import Console

from tflm_unit.converter.errors import DataError
from tflm_unit.page.charts import settings
from tflm_unit.page.style import colour

RATES = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
LABELS = {
    "unit": "UnIT, one percentile (paper)",
    "fatrelu": "FATReLU",
    "fatrelu_unit": "FATReLU + UnIT",
    "train_time": "pruned while training",
    "train_time_unit": "pruned while training + UnIT",
    "ours": "tflm-unit tune",
    "train_time_ours": "pruned while training + tune",
}
# Colour, line and marker.
STYLES = {
    "unit": ("point0", "-", "o"),
    "fatrelu": ("point3", "--", "s"),
    "fatrelu_unit": ("point3", "-", "s"),
    "train_time": ("point2", "--", "^"),
    "train_time_unit": ("point2", "-", "^"),
    "ours": ("pruned", "-", "D"),
    "train_time_ours": ("point1", "-", "v"),
}
TITLES = {
    "mnist": "MNIST",
    "cifar10": "CIFAR-10 (from JPEG)",
    "speech_commands": "Speech Commands",
    "har": "UCI HAR",
    "widar": "WiDar",
}
HIGHEST = 5.0  # points of drop that are drawn


def measure(name: str, options: Namespace, console: Console) -> dict[str, Any]:
    """Points of all methods and what follows from them, as JSON types."""
    trained = networks.network(name)
    work = Work(
        options.samples, options.trials, options.sparsity, sorted(options.percentile), not options.near
    )
    with console.status(f"{TITLES[name]}: dense") as status:
        subject = Subject(name, trained, work, status.update)
        points = {m: METHODS[m](subject) for m in ("zero_skip", *options.method)}
    return {
        "dataset": name,
        "accuracy": subject.accuracy,
        "macs": subject.macs,
        "test_samples": len(subject.parts["test"][0]),
        "validation_samples": len(subject.parts["val"][0]),
        "points": {m: [p.to_json() for p in found] for m, found in points.items()},
    }


def found_before(name: str) -> dict[str, Any]:
    """What `measure` gave in the last run of a data set; DataError when there was none."""
    try:
        return dict(json.loads(result_file(name).read_text()))
    except OSError as error:
        raise DataError(f"{name} has not been measured: run figure5.py --dataset {name} first") from error


def result_file(name: str) -> Path:
    return RESULTS / f"figure5_{name}.json"


def curves(result: Mapping[str, Any]) -> dict[str, Curve]:
    points = {m: [Point.from_json(p) for p in found] for m, found in result["points"].items()}
    (start,) = points["zero_skip"]
    return {m: Curve(found, start) for m, found in points.items() if m != "zero_skip"}


def draw(results: Sequence[Mapping[str, Any]]) -> Any:
    """One panel per data set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.4, 0.9 + 3.4 * -(-len(results) // 2)))
    rows = -(-len(results) // 2)
    panels = figure.subplots(rows, min(len(results), 2), squeeze=False).ravel()
    for panel in panels[len(results) :]:
        panel.set_visible(False)
    for panel, result in zip(panels, results, strict=False):
        _panel(panel, result)
    handles = {n: h for p in panels for h, n in zip(*p.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=4, handlelength=2.2)
    return figure


def _panel(axes: Any, result: Mapping[str, Any]) -> None:
    axes.axhline(0, color=colour("muted"), linewidth=0.8)
    for method, curve in curves(result).items():
        role, line, marker = STYLES[method]
        kept = [100 * p.test.kept for p in curve.points]
        drops = [100 * p.test.drop for p in curve.points]
        thick = method in ("unit", "ours")
        look = {"linewidth": 2.0 if thick else 1.1, "markersize": 5 if thick else 3.5, "zorder": 3 + thick}
        axes.plot(kept, drops, line, marker=marker, color=colour(role), label=LABELS[method], **look)
        if method == "ours":
            low, high = ([100 * getattr(p.test, n) for p in curve.points] for n in ("low", "high"))
            axes.fill_between(kept, low, high, color=colour(role), alpha=0.15, linewidth=0)
    axes.set_xlim(0, 100 * max(p["test"]["kept"] for p in result["points"]["zero_skip"]) * 1.02)
    axes.set_ylim(-0.08 * HIGHEST, HIGHEST)
    axes.set(xlabel="MACs computed, % of all", ylabel="accuracy lost, points")
    axes.set_title(f"{TITLES[result['dataset']]}: dense {result['accuracy']:.1%}")


def main() -> None:
    made = parser(__doc__)
    choices = [m for m in METHODS if m != "zero_skip"]
    usual = [m for m in choices if m != "train_time_ours"]
    made.add_argument("--dataset", nargs="+", choices=tuple(networks.RECIPES), default=networks.NAMES)
    made.add_argument("--method", nargs="+", choices=choices, default=usual)
    made.add_argument(
        "--sparsity", nargs="+", type=float, default=Work.sparsities, help="of train-time pruning"
    )
    made.add_argument("--percentile", nargs="+", type=int, default=PERCENTILES, help="of UnIT alone")
    made.add_argument(
        "--near", action="store_true", help="of tune, only the points for the drops that are asked for"
    )
    made.add_argument("--samples", type=count, help="validation and test samples of each (default: all)")
    made.add_argument("--trials", type=count, help="of the search (default: that of tune)")
    made.add_argument("--again", action="store_true", help="measure nothing: show what the last runs found")
    made.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    options = made.parse_args()
    console, results = Console(stderr=True), []
    for name in options.dataset:
        if options.again:
            results.append(found_before(name))
            continue
        results.append(measure(name, options, console))
        write_json(result_file(name), results[-1])
    if options.png:
        with settings():
            save_figure(draw(results), options.png)
    rows = [summary(r, curves(r), RATES) for r in results]
    if options.json:
        print(json.dumps([{**r, "summary": s} for r, s in zip(results, rows, strict=True)], indent=1))
    elif options.markdown:
        print(markdown(rows))
    else:
        out = Console(width=150)
        for table in tables(rows):
            out.print(table)


if __name__ == "__main__":
    run(main)
