"""All schedules of single layers at several skip rates on simulated cores: a table, JSON and a plot.

The layers of the LeNets for MNIST and CIFAR-10 with the activations that they have on test images, so with their real
clustering. Every layer skips the same share of its MACs, or its zero products where these are more. Cycles or
instructions per dense MAC, requantization included, mean over the images. "planned" has the layout that fits at once;
the planner may find a better one. CMSIS-NN: see cmsis_nn.py. FC 400->120 is a layer of the CIFAR-10 model.

Thresholds are integers that hold for calibration samples, so that a layer misses its rate by a point or two. --exact
measures around each rate and interpolates to the rate itself.

Examples:
  python benchmarks/kernels.py --model cifar10 --target cortex_m3_sim --rate 0.8 --exact
  python benchmarks/kernels.py --target cortex_m3_sim --json
  python benchmarks/kernels.py --target cortex_m0_sim cortex_m4_sim --rate 0.8 --samples 1
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from cifar_model import calibration as cifar_calibration
from cifar_model import cifar, cifar_lenet
from cmsis_nn import per_mac
from data_files import EPILOG, ROOT, count, rate, run
from mnist_model import lenet, mnist
from rich.console import Console
from rich.table import Table

from tflm_unit import UnitError, convert, simulate
from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.graph import Graph, Layer
from tflm_unit.converter.prune import PruneOptions, prune
from tflm_unit.converter.pruning import Divider
from tflm_unit.converter.thresholds import Explicit, solve
from tflm_unit.demo import calibration
from tflm_unit.files import spread
from tflm_unit.models import load_model

TARGETS = (
    "cortex_m0_sim",
    "cortex_m3_sim",
    "cortex_m4_sim",
    "cortex_m7_sim",
    "msp430_sim",
    "msp430_nomul_sim",
)
MODELS = ("mnist", "cifar10")
RATES = (0.0, 0.5, 0.7, 0.8, 0.9)
AROUND = (-0.02, 0.0, 0.02)  # of a rate, what --exact measures
SCHEDULES = ("dense", "zero_skip", "compare", "activation_sorted", "planned")


@dataclass(frozen=True)
class Row:
    """One layer on one target at one rate. skipped: share of its MACs; per_mac: counts per dense MAC by schedule;
    between: the two measured shares between which these were interpolated, None for what was measured."""

    target: str
    unit: str
    model: str
    layer: str
    macs: int
    rate: float
    skipped: float
    per_mac: dict[str, float]
    cmsis_nn: float | None
    between: tuple[float, float] | None = None


def explicit(data: bytes, x: np.ndarray, rate: float) -> dict[str, float]:
    """Real thresholds under which every layer skips `rate` of its MACs, layer by layer on pruned inputs."""
    graph = load_model(data).graph
    source = Calibrator(graph, Dataset(x, graph))
    values: dict[str, float] = {}
    for layer in graph.prunable:
        point = None
        if values:
            options = PruneOptions(Explicit(values), divider=Divider.BIT_SHIFT, power_of_two=True)
            point, _ = prune(graph, source, options, "rate")
        statistics = source.collect([layer], point)[layer.index]
        wanted = np.array([rate * statistics.macs_total.sum()], float)
        channels, scale = graph.output_channels(layer), graph.product_scale(layer)
        values[layer.name] = float(solve(wanted, statistics, channels, scale, Divider.BIT_SHIFT, True)[0])
    return values


def shape_of(graph: Graph, layer: Layer) -> str:
    """For example 'conv 28x28x1->6 5x5' or 'FC 256->10'."""
    weights, image = graph.weights(layer).shape, graph.tensors[layer.inputs[0]].shape
    if layer.op == "FULLY_CONNECTED":
        return f"FC {weights[1]}->{weights[0]}"
    return f"conv {image[1]}x{image[2]}x{image[3]}->{weights[0]} {weights[1]}x{weights[2]}"


def measure(
    target: str, name: str, data: bytes, x: np.ndarray, images: np.ndarray, share: float
) -> Iterator[Row]:
    result = convert(
        data,
        x,
        thresholds=explicit(data, x, share),
        divider="bit_shift",
        power_of_two=True,
        schedule="compare",
        center=False,  # the thresholds are for products around zero points
    )
    simulated = simulate(result, target, x=images, samples=len(images), schedule=SCHEDULES)
    if not simulated.match:
        raise SystemExit(f"{name} on {target}: {simulated.mismatches}")
    measured = {row.name: row for row in simulated.layers}
    graph = result.model.graph
    for layer in graph.prunable:
        row, shape = measured[layer.name], shape_of(graph, layer)
        total = row.macs_total or 1
        counts = {
            schedule: count / total
            for schedule, count in row.counts.items()
            if count is not None and row.schedules[schedule] == schedule
        }
        skipped = 1 - (row.macs_kept or 0) / total
        yield Row(target, simulated.unit, name, shape, total, share, skipped, counts, per_mac(target, shape))


def exactly(rows: Sequence[Row], rate: float) -> Row | None:
    """One layer on one target when it skips exactly `rate` of its MACs: linear between the nearest of its measured
    rows. None when all of these skip more or all less."""
    below = max((r for r in rows if r.skipped <= rate), key=lambda r: r.skipped, default=None)
    above = min((r for r in rows if r.skipped >= rate), key=lambda r: r.skipped, default=None)
    if below is None or above is None:
        return None
    shares = below.skipped, above.skipped
    per_mac = {
        schedule: float(np.interp(rate, shares, (count, above.per_mac[schedule])))
        for schedule, count in below.per_mac.items()
        if schedule in above.per_mac
    }
    return replace(below, rate=rate, skipped=rate, per_mac=per_mac, between=shares)


def all_exactly(rows: Sequence[Row], rates: Sequence[float], progress: Console) -> list[Row]:
    """Every layer on every target at every rate that its measured rows enclose."""
    found = []
    for target, name, layer in dict.fromkeys((r.target, r.model, r.layer) for r in rows):
        own = [r for r in rows if (r.target, r.model, r.layer) == (target, name, layer)]
        for share in rates:
            row = exactly(own, share)
            if row is None:
                reached = ", ".join(f"{r.skipped:.1%}" for r in own)
                progress.print(f"{layer} on {target}: {share:.0%} is not between what it skipped: {reached}")
            else:
                found.append(row)
    return found


def model(name: str, samples: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Model, calibration samples, test images."""
    if name == "mnist":
        digits = mnist()
        return lenet(digits), calibration(digits)[0], spread(digits.x_test, samples)
    colours = cifar()
    return cifar_lenet(colours), cifar_calibration(colours), spread(colours.x_test, samples)


def table(target: str, rows: Sequence[Row]) -> Table:
    made = Table(title=f"{target}: {rows[0].unit} per dense MAC", title_justify="left")
    for column in ("layer", "rate", "skipped", *SCHEDULES, "CMSIS-NN", "best of CMSIS-NN"):
        made.add_column(column, justify="left" if column == "layer" else "right")
    for row in rows:
        cells = [f"{row.per_mac[s]:.2f}" if s in row.per_mac else "" for s in SCHEDULES]
        best = min(row.per_mac.values())
        other = ["", ""] if row.cmsis_nn is None else [f"{row.cmsis_nn:.2f}", f"{row.cmsis_nn / best:.2f}x"]
        made.add_row(row.layer, f"{row.rate:.0%}", f"{row.skipped:.1%}", *cells, *other)
    return made


def draw(path: Path, rows: Sequence[Row]) -> None:
    """A panel per target and layer: counts per MAC against the share of skipped MACs."""
    from matplotlib.figure import Figure

    targets, layers = (list(dict.fromkeys(getattr(r, k) for r in rows)) for k in ("target", "layer"))
    figure = Figure(figsize=(3 * len(layers), 2.6 * len(targets)), layout="constrained")
    panels = figure.subplots(len(targets), len(layers), squeeze=False)
    for target, line in zip(targets, panels, strict=True):
        for layer, axes in zip(layers, line, strict=True):
            some = sorted(
                (r for r in rows if (r.target, r.layer) == (target, layer)), key=lambda r: r.skipped
            )
            for schedule in SCHEDULES:
                points = [(100 * r.skipped, r.per_mac[schedule]) for r in some if schedule in r.per_mac]
                if points:
                    axes.plot(*zip(*points, strict=True), "o-", markersize=3, label=schedule)
            if some and some[0].cmsis_nn is not None:
                axes.axhline(some[0].cmsis_nn, color="black", linestyle=":", label="CMSIS-NN")
            axes.set_title(f"{layer}, {target}", fontsize=7)
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.25)
    panels[0][0].legend(fontsize=6)
    figure.supxlabel("MACs skipped (%)")
    figure.supylabel("cycles or instructions per dense MAC")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", nargs="+", default=TARGETS, help=f"(default: {' '.join(TARGETS)})")
    parser.add_argument("--rate", nargs="+", type=rate, default=RATES, help="share of skipped MACs")
    parser.add_argument("--exact", action="store_true", help="interpolate to the rates themselves")
    parser.add_argument("--model", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument(
        "--samples", type=count, default=8, help="test images, evenly spread (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--png", type=Path, default=ROOT / "build" / "benchmarks" / "kernels.png")
    arguments = parser.parse_args()
    progress, rows = Console(stderr=True), []
    shares = sorted(
        {min(max(r + d, 0.0), 1.0) for r in arguments.rate for d in AROUND if d == 0 or arguments.exact}
    )
    for name in arguments.model:
        data, x, images = model(name, arguments.samples)
        for target in arguments.target:
            for share in shares:
                progress.print(f"{name} on {target}, {share:.0%}")
                try:
                    rows += measure(target, name, data, x, images, share)
                except UnitError as error:  # CIFAR's weights do not fit an MSP430
                    progress.print(f"{name} on {target}: {error}")
                    break
    if not rows:
        sys.exit(1)
    shown = all_exactly(rows, arguments.rate, progress) if arguments.exact else rows
    if arguments.json:
        print(json.dumps([asdict(row) for row in shown], indent=1))
    else:
        for target in dict.fromkeys(row.target for row in shown):
            Console(width=150).print(table(target, [row for row in shown if row.target == target]))
    draw(arguments.png, rows)
    progress.print(f"wrote {arguments.png}")


if __name__ == "__main__":
    run(main)
