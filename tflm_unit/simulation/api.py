"""`simulate`: a model's firmware in a simulator, checked against the batch engine."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from ..api import ConversionResult
from ..converter.codegen import export
from ..converter.dataset import Source
from ..converter.errors import UnitError
from ..converter.targets import Target, load_target
from ..models import Model, load_model, point_of
from .firmware import NAME, OPTIMIZE, Program
from .inputs import random_inputs, take
from .result import Counts, Estimate, LayerSimulation, Simulation
from .schedule import Job, Progress, Run, Steps, run_schedule

SCHEDULES = ("dense", "zero_skip", "unit")


def simulate(
    model: str | PathLike[str] | bytes | Model | ConversionResult,
    target: str,
    *,
    x: Source | None = None,
    samples: int = 1,
    point: int | str = 0,
    schedule: str = "all",
    scale: float | None = None,
    offset: float | None = None,
    seed: int = 0,
    timeout: float = 300.0,
    progress: Progress | None = None,
) -> Simulation:
    """Exports the model as C, builds firmware for `target`, runs it in a simulator and checks it.

    Each schedule is built twice: without counters to be measured, and with counters to compare its MAC counts.
    Builds are kept in $TFLM_UNIT_CACHE (default: the XDG cache folder), keyed by content.

    model: a .tflite file, its bytes, or what `convert` returned. target: a name in boards/*.json; a real board is
    stood in for by the simulated machine closest to it. x: data as for `evaluate`, of which the first `samples`
    run; None: random inputs made of `seed`. point: operating point, index or name. schedule: 'dense', 'zero_skip',
    'unit' (the thresholds of `point`), or 'all' of them. timeout: seconds that one inference may take.
    progress: called with (what, steps done, steps).

    Raises UnitError for a model that does not fit the target or cannot be exported, and when compiler or simulator
    are missing or fail; DataError when the data do not fit. Differences are no error: see Simulation.match.
    """
    if schedule not in (*SCHEDULES, "all"):
        raise UnitError(f"schedule is {schedule!r}; it takes one of {', '.join((*SCHEDULES, 'all'))}")
    if samples < 1:
        raise UnitError(f"samples is {samples}; it takes a number >= 1")
    if not timeout > 0:
        raise UnitError(f"timeout is {timeout}; it takes seconds > 0")
    loaded = _loaded(model)
    wanted = load_target(target)
    chosen = point_of(loaded, point)
    names = SCHEDULES if schedule == "all" else (schedule,)
    with tempfile.TemporaryDirectory() as folder:
        # First, because it refuses what cannot run before anything else takes time.
        programs = {name: _export(loaded, wanted, Path(folder, name), point, name) for name in names}
        if x is None:
            inputs = random_inputs(loaded.graph, samples, seed)
        else:
            inputs = take(x, loaded.graph, samples, scale, offset)
        job = Job(loaded.graph, chosen, wanted, inputs, timeout, Steps(progress, len(names), len(inputs[0])))
        runs = {name: run_schedule(job, name, program) for name, program in programs.items()}
    return _result(job, runs, x is None)


def _loaded(model: str | PathLike[str] | bytes | Model | ConversionResult) -> Model:
    if isinstance(model, ConversionResult):
        return model.model
    return model if isinstance(model, Model) else load_model(model)


def _export(model: Model, target: Target, folder: Path, point: int | str, schedule: str) -> Program:
    done = export(model.graph, model.config, folder, name=NAME, target=target, point=point, schedule=schedule)
    sources = tuple(path for path in done.files if path.suffix == ".c")
    return Program(folder, sources, done.layers, done.arena_bytes, done.constant_bytes, done.arena_in_fram)


def _result(job: Job, runs: Mapping[str, Run], random: bool) -> Simulation:
    main = runs.get("unit") or next(iter(runs.values()))
    board = job.target.board["tflm_unit"]
    point = job.point if "unit" in runs else None
    mismatches = tuple(text for run in runs.values() for text in run.mismatches)
    totals = {name: None if run.counts is None else sum(run.counts) for name, run in runs.items()}
    return Simulation(
        target=job.target.name,
        unit=job.machine.unit,
        samples=job.samples,
        match=not mismatches,
        mismatches=mismatches,
        point=point.name if point else None,
        totals=_counts(totals),
        layers=tuple(_layer(job, runs, main, number) for number in range(len(main.program.layers))),
        flash_bytes=main.sizes.flash,
        code_bytes=main.sizes.flash - main.sizes.fram - main.program.constant_bytes,
        constant_bytes=main.program.constant_bytes,
        fram_variable_bytes=main.sizes.fram,
        ram_bytes=main.sizes.ram,
        arena_bytes=main.program.arena_bytes,
        stack_bytes=max(run.stack_bytes for run in runs.values()),
        estimate=_estimate(job.target, totals),
        simulated_by=job.machine.name,
        simulator=job.machine.board["tflm_unit"]["simulator"]["kind"],
        random_inputs=random,
        dividers=tuple(sorted({e.divider.name.lower() for e in point.layers.values()})) if point else (),
        compiler=main.firmware.compiler,
        flags=(OPTIMIZE, *job.machine.board["tflm_unit"]["cflags"]),
        status=board["status"],
    )


def _counts(values: Mapping[str, float | None]) -> Counts:
    return Counts(values.get("dense"), values.get("zero_skip"), values.get("unit"))


def _layer(job: Job, runs: Mapping[str, Run], main: Run, number: int) -> LayerSimulation:
    index = main.program.layers[number]
    layer = job.graph.layers[index]
    counts = {name: None if run.counts is None else run.counts[number] for name, run in runs.items()}
    macs: dict[str, Any] = {"macs_total": None, "macs_zero": None, "macs_kept": None}
    rows = [expected.counters[index] for expected in main.expected if index in expected.counters]
    if rows:
        total, zero, skipped = (sum(column) / len(rows) for column in zip(*rows, strict=True))
        macs = {"macs_total": rows[0][0], "macs_zero": zero, "macs_kept": total - skipped}
    return LayerSimulation(layer.name, layer.op, **dataclasses.asdict(_counts(counts)), **macs)


def _estimate(target: Target, totals: Mapping[str, float | None]) -> Estimate:
    """Time and energy of one inference from the board file's cost model."""
    board = target.board["tflm_unit"]
    cost, energy = board["cost"], board["energy"]

    def scaled(factor: float) -> Counts:
        return _counts({name: None if n is None else n * factor for name, n in totals.items()})

    cycles = cost["cycles_per_count"]
    return Estimate(
        milliseconds=scaled(cycles / target.clock_hz * 1e3),
        microjoules=scaled(cycles * energy["nanojoules_per_cycle"] * 1e-3),
        cycles_per_count=cycles,
        nanojoules_per_cycle=energy["nanojoules_per_cycle"],
        clock_hz=target.clock_hz,
        sources=(cost["source"], energy["source"]),
    )
