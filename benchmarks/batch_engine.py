"""Speed and memory of the batch engine with counting.

Speed in billions of MACs per second and core: vectorised and core kernels, one thread and all cores, under
the compare schedule. Memory: by how much the peak grows during a run, for several numbers of samples, each
in a fresh process, inputs not included. Without --model: the trained MNIST LeNet at 72 % skipped, on MNIST's
images; with it: that model's first operating point on random inputs.
Example: python benchmarks/batch_engine.py --model pruned.tflite --json
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from data_files import EPILOG, count, run
from mnist_model import mnist, pruned_lenet
from rich.console import Console
from rich.table import Table

import tflm_unit
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.engine import KERNELS, Engine
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.pruning import OperatingPoint

MEMORY_SAMPLES = (1_000, 10_000, 60_000)
CORE_SHARE = 10  # the core kernels run every tenth sample: they are that much slower


@dataclass(frozen=True)
class Speed:
    """samples_per_second: of all threads together."""

    kernels: str
    threads: int
    gmacs_per_core: float
    samples_per_second: float
    skip_rate: float


def workload(path: Path) -> tuple[Graph, OperatingPoint | None]:
    loaded = tflm_unit.load(path)
    return loaded.model.graph, loaded.points[0] if loaded.points else None


def random_inputs(graph: Graph, count: int) -> list[np.ndarray]:
    """int8 inputs without temporaries, which would hide what the engine needs."""
    rng = np.random.default_rng(1)
    shapes = [graph.tensors[i].shape[1:] for i in graph.inputs]
    return [rng.integers(-128, 128, (count, *shape), dtype=np.int8) for shape in shapes]


def measure_speed(
    graph: Graph,
    point: OperatingPoint | None,
    kernels: str,
    threads: int,
    inputs: list[np.ndarray],
    repeat: int,
) -> Speed:
    """Best of `repeat` runs."""
    engine = Engine(graph, point, kernels=kernels, threads=threads)
    seconds = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        result = engine.run(*inputs)
        seconds = min(seconds, time.perf_counter() - start)
    total = sum(c.macs_total for c in result.counters.values())
    return Speed(
        kernels=kernels,
        threads=threads,
        gmacs_per_core=total / seconds / threads / 1e9,
        samples_per_second=len(inputs[0]) / seconds,
        skip_rate=sum(c.macs_skipped for c in result.counters.values()) / total,
    )


def print_memory_growth(model: Path, samples: int) -> None:
    """KiB by which the peak of this process grows during one run on all cores."""
    graph, point = workload(model)
    engine, inputs = Engine(graph, point), random_inputs(graph, samples)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine.run(*inputs)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def memory_growth(model: Path, samples: int) -> int:
    command = [sys.executable, __file__, "--memory-of", str(samples), "--model", str(model)]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def show(speeds: list[Speed], memory: dict[int, int]) -> None:
    table = Table("kernels", "threads", "G MAC/s per core", "samples/s", "MACs skipped")
    for s in speeds:
        table.add_row(
            s.kernels,
            str(s.threads),
            f"{s.gmacs_per_core:.2f}",
            f"{s.samples_per_second:,.0f}",
            f"{s.skip_rate:.1%}",
        )
    growth = Table("samples", "peak memory growth (MiB)")
    for samples, kib in memory.items():
        growth.add_row(f"{samples:,}", f"{kib / 1024:.2f}")
    console = Console()
    console.print(table, growth)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="an int8 .tflite model; its first operating point is run")
    parser.add_argument("--samples", type=count, default=10_000, help="for speed (default: %(default)s)")
    parser.add_argument(
        "--repeat", type=count, default=3, help="best of how many runs (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print_memory_growth(arguments.model, arguments.memory_of)
        return
    data = None if arguments.model else mnist()
    model = arguments.model or pruned_lenet(data)
    graph, point = workload(model)
    if data is None:
        inputs = random_inputs(graph, arguments.samples)
    else:
        inputs = list(next(iter(Dataset(data.x_test, graph, batch_size=arguments.samples))))
    fewer = [x[::CORE_SHARE] for x in inputs]
    cores = Engine(graph).threads
    speeds = [
        measure_speed(
            graph, point, kernels, threads, inputs if kernels == "vector" else fewer, arguments.repeat
        )
        for kernels in KERNELS
        for threads in sorted({1, cores})
    ]
    memory = {n: memory_growth(model, n) for n in MEMORY_SAMPLES}
    if arguments.json:
        print(json.dumps({"speed": [vars(s) for s in speeds], "memory_growth_kib": memory}, indent=2))
    else:
        show(speeds, memory)


if __name__ == "__main__":
    run(main)
