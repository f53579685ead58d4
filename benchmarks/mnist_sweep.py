"""Accuracy against skipped MACs of the int8 MNIST LeNet, with and without compensation.

Counts are exact, on the 10,000 test images. Example: python benchmarks/mnist_sweep.py --groups channel
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from data_files import EPILOG, ROOT, run
from mnist_model import lenet, mnist
from rich.console import Console
from rich.table import Table

from tflm_unit.demo import SWEEP, sweep
from tflm_unit.evaluation import Evaluation, evaluate


def draw(path: Path, dense: float, curves: dict[bool, list[Evaluation]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for compensated, style in ((True, "o-"), (False, "s--")):
        points = [(e.skip_rate * 100, 100 * (dense - (e.accuracy or 0))) for e in curves[compensated]]
        axes.plot(
            *zip(*points, strict=True), style, label=f"{'with' if compensated else 'without'} compensation"
        )
    axes.set(xlabel="MACs skipped (%)", ylabel="accuracy drop (points)", title="MNIST LeNet, int8")
    axes.grid(alpha=0.25)
    axes.legend()
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--groups", default="layer", help="layer, channel or a number (default: layer)")
    parser.add_argument("--divider", default="exact")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--png", type=Path, default=ROOT / "build" / "benchmarks" / "mnist_sweep.png")
    arguments = parser.parse_args()
    groups = int(arguments.groups) if arguments.groups.isdecimal() else arguments.groups
    data = mnist()
    model = lenet(data)
    baselines = {s: evaluate(model, data.x_test, data.y_test, schedule=s) for s in ("dense", "zero_skip")}
    if baselines["zero_skip"].macs_skipped == 0:
        raise SystemExit("zero-skip skipped nothing: is this the trained model?")
    curves = {
        compensated: sweep(
            model, data, SWEEP, groups=groups, divider=arguments.divider, compensation=compensated
        )[1]
        for compensated in (True, False)
    }
    dense = baselines["dense"].accuracy or 0
    draw(arguments.png, dense, curves)
    if arguments.json:
        named = {"compensated": curves[True], "uncompensated": curves[False]}
        points = {k: [e.to_json() for e in v] for k, v in named.items()}
        print(json.dumps({"baselines": {k: v.to_json() for k, v in baselines.items()}, **points}, indent=1))
        return
    table = Table(
        title=f"dense {dense:.2%}; zero-skip skips {baselines['zero_skip'].skip_rate:.1%} at no loss"
    )
    for column in ("target", "skipped", "drop with compensation", "skipped", "drop without"):
        table.add_column(column, justify="right")
    for rate, on, off in zip(SWEEP, curves[True], curves[False], strict=True):
        drops = [f"{100 * (dense - (e.accuracy or 0)):.2f}" for e in (on, off)]
        table.add_row(f"{rate:.0%}", f"{on.skip_rate:.1%}", drops[0], f"{off.skip_rate:.1%}", drops[1])
    Console(width=110).print(table)
    print(f"plot: {arguments.png}")


if __name__ == "__main__":
    run(main)
