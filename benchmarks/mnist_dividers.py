"""Accuracy of the int8 MNIST LeNet under each divider at the same skip rates (exact counts, 10,000 images).

"power_of_two": bit_shift with thresholds rounded to powers of two minus one.

Example: python benchmarks/mnist_dividers.py --json
"""

from __future__ import annotations

import argparse
import json

from data_files import EPILOG, run
from mnist_model import lenet, mnist
from rich.console import Console
from rich.table import Table

from tflm_unit.converter.pruning import Divider
from tflm_unit.demo import sweep
from tflm_unit.evaluation import evaluate

RATES = (0.6, 0.7, 0.8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    data = mnist()
    model = lenet(data)
    dense = evaluate(model, data.x_test, data.y_test, schedule="dense").accuracy or 0
    results = {d.name.lower(): sweep(model, data, RATES, divider=d)[1] for d in Divider}
    results["power_of_two"] = sweep(model, data, RATES, divider=Divider.BIT_SHIFT, power_of_two=True)[1]
    if arguments.json:
        points = {
            k: [{"skip_rate": e.skip_rate, "accuracy": e.accuracy} for e in v] for k, v in results.items()
        }
        print(json.dumps({"dense": dense, "dividers": points}, indent=1))
        return
    table = Table(title=f"dense {dense:.2%}; accuracy drop in points (MACs skipped)")
    table.add_column("divider")
    for rate in RATES:
        table.add_column(f"{rate:.0%}", justify="right")
    for name, evaluations in results.items():
        cells = [f"{100 * (dense - (e.accuracy or 0)):.2f} ({e.skip_rate:.1%})" for e in evaluations]
        table.add_row(name, *cells)
    Console(width=110).print(table)


if __name__ == "__main__":
    run(main)
