"""`simulate`: a model's firmware in a simulator, checked against the batch engine."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..api import ConversionResult
from ..converter.codegen import BASELINES, PRUNED, SCHEDULES, export
from ..converter.dataset import Source
from ..converter.errors import UnitError
from ..converter.targets import Target, as_target
from ..models import Model, load_model, point_of
from .check import Expected, expect
from .firmware import NAME, OPTIMIZE, Program
from .inputs import random_inputs, take
from .result import Counts, Estimate, LayerSimulation, Simulation
from .schedule import Job, Progress, Run, Steps, run_schedule

ALL = ("dense", "zero_skip", "unit")


def simulate(
    model: str | PathLike[str] | bytes | Model | ConversionResult,
    target: str | Target,
    *,
    x: Source | None = None,
    samples: int = 1,
    point: int | str = 0,
    schedule: str | Sequence[str] = "all",
    scale: float | None = None,
    offset: float | None = None,
    seed: int = 0,
    timeout: float = 300.0,
    progress: Progress | None = None,
) -> Simulation:
    """Exports the model as C, builds firmware for `target`, runs it in a simulator and checks it.

    Each schedule is built twice: without counters to be measured, and with counters to compare its MAC counts.
    Builds are kept in $TFLM_UNIT_CACHE (default: the XDG cache folder), keyed by content.

    model: a .tflite file, its bytes, or what `convert` returned. target: a Target, or a name in boards/*.json; a real
    board is stood in for by the simulated machine closest to it. x: data as for `evaluate`, of which the first
    `samples` run; None: random inputs made of `seed`. point: operating point, index or name. schedule: one or several
    of 'dense', 'zero_skip', 'unit' (every layer as `point` says), 'all' (these three), and 'compare', 'planned',
    'activation_sorted': the thresholds of `point` under that schedule wherever a layer can run it, see `export`.
    timeout: seconds that one inference may take. progress: called with (what, steps done, steps).

    Raises UnitError for a model that does not fit the target or cannot be exported, for a forced schedule of a model
    without thresholds, and when compiler or simulator are missing or fail; DataError when the data do not fit.
    Differences are no error: see Simulation.match.
    """
    names = _names(schedule)
    if samples < 1:
        raise UnitError(f"samples is {samples}; it takes a number >= 1")
    if not timeout > 0:
        raise UnitError(f"timeout is {timeout}; it takes seconds > 0")
    loaded = load_model(model)
    wanted = as_target(target)
    chosen = point_of(loaded, point)
    forced = [name for name in names if name in PRUNED]
    if forced and chosen is None:
        raise UnitError(f"schedule {forced[0]!r} needs thresholds, and the model has none: convert it first")
    with tempfile.TemporaryDirectory() as folder:
        # First, because it refuses what cannot run before anything else takes time.
        programs = {name: _export(loaded, wanted, Path(folder, name), point, name) for name in names}
        if x is None:
            inputs = random_inputs(loaded.graph, samples, seed)
        else:
            inputs = take(x, loaded.graph, samples, scale, offset)
        job = Job(loaded.graph, chosen, wanted, inputs, timeout, Steps(progress, len(names), len(inputs[0])))
        runs: dict[str, Run] = {}
        expected: dict[str, list[Expected]] = {}
        for name, program in programs.items():
            engine = name if name in BASELINES else "compare"
            if engine not in expected:
                expected[engine] = expect(loaded.graph, chosen, engine, inputs)
            runs[name] = run_schedule(job, name, program, expected[engine])
    return _result(job, runs, x is None)


def _names(schedule: str | Sequence[str]) -> tuple[str, ...]:
    """Each schedule once."""
    given = (schedule,) if isinstance(schedule, str) else tuple(schedule)
    unknown = [name for name in given if name not in (*SCHEDULES, "all")]
    if unknown or not given:
        wrong = repr(unknown[0]) if unknown else "empty"
        raise UnitError(f"schedule is {wrong}; it takes one or several of {', '.join((*SCHEDULES, 'all'))}")
    return tuple(dict.fromkeys(n for name in given for n in (ALL if name == "all" else (name,))))


def _export(model: Model, target: Target, folder: Path, point: int | str, schedule: str) -> Program:
    done = export(model.graph, model.config, folder, name=NAME, target=target, point=point, schedule=schedule)
    sources = tuple(path for path in done.files if path.suffix == ".c")
    return Program(
        folder=folder,
        sources=sources,
        layers=done.layers,
        schedules=tuple(names[0] if names else None for names in done.schedules),
        arena_bytes=done.arena_bytes,
        constant_bytes=done.constant_bytes,
        arena_in_fram=done.arena_in_fram,
    )


def _result(job: Job, runs: Mapping[str, Run], random: bool) -> Simulation:
    pruned = [name for name in runs if name not in BASELINES]
    main = runs["unit" if "unit" in runs else (pruned or list(runs))[0]]
    board = job.target.board["tflm_unit"]
    point = job.point if pruned else None
    mismatches = tuple(text for run in runs.values() for text in run.mismatches)
    totals = {name: None if run.counts is None else sum(run.counts) for name, run in runs.items()}
    return Simulation(
        target=job.target.name,
        unit=job.machine.unit,
        samples=job.samples,
        match=not mismatches,
        mismatches=mismatches,
        macs_not_compared=tuple(name for name, run in runs.items() if not run.compared),
        point=point.name if point else None,
        totals=_counts(totals),
        counts=totals,
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
        dividers=tuple(
            sorted({e.divider.name.lower() for e in point.layers.values() if e.thresholds.max() > 0})
        )
        if point
        else (),
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
    return LayerSimulation(
        layer.name,
        layer.op,
        **dataclasses.asdict(_counts(counts)),
        **macs,
        schedule=main.program.schedules[number],
        counts=counts,
        schedules={name: run.program.schedules[number] for name, run in runs.items()},
    )


def _estimate(target: Target, totals: Mapping[str, float | None]) -> Estimate:
    """Time and energy of one inference from the board file's cost model."""
    board = target.board["tflm_unit"]
    cost, energy = board["cost"], board["energy"]

    per_count = {
        "milliseconds": cost["cycles_per_count"] / target.clock_hz * 1e3,
        "microjoules": cost["cycles_per_count"] * energy["nanojoules_per_cycle"] * 1e-3,
    }
    scaled = {
        what: _counts({name: None if n is None else n * factor for name, n in totals.items()})
        for what, factor in per_count.items()
    }
    return Estimate(
        **scaled,
        milliseconds_per_count=per_count["milliseconds"],
        microjoules_per_count=per_count["microjoules"],
        cycles_per_count=cost["cycles_per_count"],
        nanojoules_per_cycle=energy["nanojoules_per_cycle"],
        clock_hz=target.clock_hz,
        sources=(cost["source"], energy["source"]),
    )
