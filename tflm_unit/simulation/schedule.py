"""One schedule of a simulation: built twice, run on all samples, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..converter.errors import UnitError
from ..converter.graph import Graph
from ..converter.pruning import OperatingPoint
from ..converter.targets import Target, load_target
from .check import Expected, difference
from .elf import Sizes, find_symbol, read_sizes
from .firmware import Firmware, Program, TooLargeError, build
from .run import SAMPLES, Batch, run

Progress = Callable[[str, int, int], None]


class Steps:
    """Progress over the builds and samples of all schedules."""

    def __init__(self, progress: Progress | None, schedules: int, samples: int) -> None:
        self._progress = progress or (lambda what, done, total: None)
        self._done, self._total = 0, schedules * 2 * (1 + samples)

    def start(self, what: str) -> None:
        self._what = what
        self.advance(0)

    def advance(self, steps: int) -> None:
        self._done += steps
        self._progress(self._what, self._done, self._total)


@dataclass(frozen=True)
class Job:
    """What all schedules share."""

    graph: Graph
    point: OperatingPoint | None
    target: Target
    inputs: tuple[np.ndarray, ...]
    timeout: float
    steps: Steps

    @property
    def machine(self) -> Target:
        return load_target(self.target.simulated_by)

    @property
    def samples(self) -> int:
        return len(self.inputs[0])


@dataclass(frozen=True)
class Run:
    """One schedule. counts: per layer of the program, mean over samples; None: not countable.

    compared: whether MAC counts were. A machine may lack the room for counting and the weights that it needs
    beside a plan.
    """

    program: Program
    firmware: Firmware
    sizes: Sizes
    stack_bytes: int
    counts: list[float] | None
    expected: list[Expected]
    mismatches: list[str]
    compared: bool


def run_schedule(job: Job, schedule: str, program: Program, expected: list[Expected]) -> Run:
    """Runs all samples twice, measured and with counters, and compares both with the batch engine.

    Raises TooLargeError when the firmware that is measured does not fit.
    """
    measured, batches = _run(job, program, schedule, counting=False)
    sizes, stack = _sizes(measured), max(batch.console.stack_bytes for batch in batches)
    _check_memory(job.target, sizes, stack)
    differences = {schedule: difference(job.graph, expected, batches, None)}
    try:
        _, counted = _run(job, program, schedule, counting=True)
    except TooLargeError:
        compared = False
        job.steps.advance(1 + job.samples)
    else:
        compared = True
        found = difference(job.graph, expected, counted, program.layers)
        differences[f"{schedule} with MAC counters"] = found
    mismatches = [f"{what}: {text}" for what, text in differences.items() if text]
    return Run(program, measured, sizes, stack, _mean(batches), expected, mismatches, compared)


def _run(job: Job, program: Program, schedule: str, *, counting: bool) -> tuple[Firmware, list[Batch]]:
    what = f"{schedule} with MAC counters" if counting else schedule
    job.steps.start(f"building {what}")
    firmware = build(program, job.graph, job.machine, counting=counting)
    if not counting:  # counters are no part of a product
        _check_memory(job.target, _sizes(firmware))
    job.steps.advance(1)
    job.steps.start(f"running {what}")
    rows = [b"".join(np.ascontiguousarray(x[i]).tobytes() for x in job.inputs) for i in range(job.samples)]
    layers = len(program.layers)
    return firmware, run(
        firmware, job.machine, rows, layers=layers, timeout=job.timeout, done=job.steps.advance
    )


def _sizes(firmware: Firmware) -> Sizes:
    """Of the firmware without the samples."""
    sizes, samples = read_sizes(firmware.elf), find_symbol(firmware.elf, SAMPLES)
    return replace(sizes, flash=sizes.flash - samples.size)


def _check_memory(target: Target, sizes: Sizes, stack: int = 0) -> None:
    """Raises UnitError when the firmware exceeds the target; the machine that stands in may have more memory."""
    for what, used, limit in (
        ("flash", sizes.flash, target.flash_bytes),
        ("RAM", sizes.ram + stack, target.ram_bytes),
    ):
        if used > limit:
            raise UnitError(
                f"the firmware needs {used:,} bytes of {what}, {used - limit:,} more than {target.name} has; take a "
                "smaller model or another target"
            )


def _mean(batches: Sequence[Batch]) -> list[float] | None:
    """Counts per layer, the mean over all samples."""
    rows: list[tuple[int, ...]] = []
    for batch in batches:
        if batch.counts is None:
            return None
        rows.extend(batch.counts)
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]
