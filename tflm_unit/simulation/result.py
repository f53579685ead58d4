"""What `simulate` returns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Counts:
    """Cycles or instructions per inference, the mean over all samples; None: not run, or not countable."""

    dense: float | None
    zero_skip: float | None
    unit: float | None


@dataclass(frozen=True)
class LayerSimulation:
    """One layer of the generated code. macs_*: per inference, of the model as it is (schedule 'unit') if that ran,
    else of the first schedule with thresholds, else of the first; macs_kept: MACs that were not skipped; None for
    layers without MACs. schedule: what the layer ran then. counts, schedules: of every schedule that was asked for;
    schedules tells what the layer ran instead where it cannot.
    """

    name: str
    op: str
    dense: float | None
    zero_skip: float | None
    unit: float | None
    macs_total: int | None
    macs_zero: float | None
    macs_kept: float | None
    schedule: str | None
    counts: dict[str, float | None]
    schedules: dict[str, str | None]


@dataclass(frozen=True)
class Estimate:
    """Of one inference: counts x cycles_per_count, over the clock, x nanojoules_per_cycle; and of one count.

    sources: where the board file has its figures from.
    """

    milliseconds: Counts
    microjoules: Counts
    milliseconds_per_count: float
    microjoules_per_count: float
    cycles_per_count: float
    nanojoules_per_cycle: float
    clock_hz: int
    sources: tuple[str, str]


@dataclass(frozen=True)
class Simulation:
    """Result of `simulate`.

    unit: what is counted, 'cycles' or 'instructions'. match: whether outputs and MAC counts of every sample and
    schedule equal the batch engine's, bit for bit; mismatches: the first difference of each firmware.
    macs_not_compared: schedules of which only outputs were, as their firmware with counters does not fit the machine.
    counts: the totals of every schedule that was asked for. simulated_by: the target that stood in when `target` is
    a real board, else `target` itself. random_inputs: no data was given. flash_bytes: of the whole firmware without
    the samples; of schedule 'unit' if that ran, else of the one that LayerSimulation's macs_* are of.
    constant_bytes: of the model; code_bytes: all other contents; fram_variable_bytes: variables in FRAM, which
    counts as flash. ram_bytes: the other variables, stack excluded; the arena is in one of them. arena_bytes: of the
    generated code. stack_bytes: the deepest use while a sample ran.
    """

    target: str
    unit: str
    samples: int
    match: bool
    mismatches: tuple[str, ...]
    macs_not_compared: tuple[str, ...]
    point: str | None
    totals: Counts
    counts: dict[str, float | None]
    layers: tuple[LayerSimulation, ...]
    flash_bytes: int
    code_bytes: int
    constant_bytes: int
    fram_variable_bytes: int
    ram_bytes: int
    arena_bytes: int
    stack_bytes: int
    estimate: Estimate
    simulated_by: str
    simulator: str
    random_inputs: bool
    dividers: tuple[str, ...]
    compiler: str
    flags: tuple[str, ...]
    status: str

    def to_json(self) -> dict[str, Any]:
        """As JSON types; counts that do not exist are null."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        from ..report import render
        from .report import WIDTH, tables

        return render(*tables(self), width=WIDTH)
