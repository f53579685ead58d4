"""`tune`: searches the thresholds of a model."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from .. import api
from ..converter import container
from ..converter.dataset import Source
from ..converter.errors import UnitError
from ..converter.graph import Graph
from ..converter.pruning import Divider
from ..converter.targets import Target, as_target
from ..models import load_model, naming
from ..options import check_extra_flash, divider_for
from ..planning import Progress, check_schedule
from .bench import Bench
from .finals import Finals
from .judge import Metric
from .network import dataset, picked, quantized
from .outcome import outcome
from .result import TuneResult
from .search import SweepThenTpe
from .setup import Setup, content
from .space import Device
from .study import DEFAULT_STUDY, Study
from .wishes import wishes

TRIAL_SAMPLES = 384  # of the calibration data, in a trial
# Default number of trials: as many as take about so many MACs, within limits.
MACS, FEWEST, MOST = 8e12, 60, 300
VERSION = 3  # of the search: studies of another one are refused


def tune(
    model: Any,
    calibration: Source,
    validation: Source,
    labels: Any = None,
    *,
    max_drop: float | None = None,
    budget: float | None = None,
    target: str | Target | None = None,
    points: Sequence[str] | Mapping[str, float] = ("default",),
    trials: int | None = None,
    timeout: float | None = None,
    seed: int = 0,
    storage: str | PathLike[str] | None = None,
    study: str | None = None,
    metric: Metric | None = None,
    groups: str | int = "channel",
    divider: str | Divider | None = None,
    power_of_two: bool | None = None,
    schedule: str | None = None,
    extra_flash: float | None = None,
    fatrelu: bool = True,
    center: bool = True,
    test: Source | None = None,
    test_labels: Any = None,
    scale: float | None = None,
    offset: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TuneResult:
    """Finds the thresholds that skip most for the least loss (docs/tune.md).

    model, scale, offset, divider, power_of_two, schedule, extra_flash, center: as for `tflm_unit.convert`.
    calibration: samples from which thresholds and compensations are made; a few hundred to a few thousand.
    validation, labels: samples that judge them, not among those of calibration; class indices (N,) or one-hot rows.
        Without labels the agreement with the dense model is the judge.
    max_drop: what the last point may lose, as a fraction (default 0.01: one point of accuracy), at least cost.
    budget: instead, the cost that the last point may have, relative to the dense model; it then loses least.
    target: a board (docs/boards.md): cost is then the time that its cost model predicts; else the number of MACs.
    points: names of operating points, the last with the whole drop or saving and the others with even shares of it;
        or the limit of each by name.
    trials: finished trials at which the search ends, those of an earlier run and of other workers included; default:
        60 to 300, from the model's MACs. timeout: seconds after which no trial begins.
    seed: the same arguments and seed give the same bytes, whether or not the search was interrupted; not with
        several workers.
    storage: URL of a database (sqlite:///x.db) or path of a journal file, in which trials outlive this process and
        which several processes share; study: name in it.
    metric: called with (labels as given, outputs float32 (N, classes)), higher is better; it then judges instead, and
        max_drop is in its units.
    groups: 'channel', 'layer' or a number of output channels that share a threshold.
    fatrelu: whether small outputs of fused ReLUs may become 0.
    test, test_labels: samples that only the final figures come from; without labels these are agreements.
    progress: called with (what, steps done, steps).

    Raises ModelError for models that are not full-int8, DataError for data that does not fit, and UnitError for
    options out of range, for a graph that the batch engine cannot run, and for a study about something else.
    """
    wanted = wishes(points, max_drop, budget)
    check_schedule(schedule)
    check_extra_flash(extra_flash, schedule, target)
    _check_numbers(trials, timeout, seed)
    if study is not None and storage is None:
        raise UnitError(f"study is {study!r}, a name in storage, which is not given")
    if metric is not None and not callable(metric):
        raise UnitError(f"metric is {metric!r}; it takes a function of (labels, outputs)")
    board = None if target is None else as_target(target)
    device = Device(*divider_for(divider, power_of_two, board), groups)
    data = api.int8_bytes(model, calibration, scale, offset)
    with naming(model):
        base = load_model(container.strip(data))
    told = progress or (lambda what, done, total: None)
    samples, held_out = (quantized(x, base.graph, scale, offset) for x in (calibration, validation))
    if center:
        base = api.with_centers(base, dataset(picked(samples, TRIAL_SAMPLES), base.graph), threads)
    setup = Setup(base, threads, scale, offset, metric, seed, told)
    few, judge = picked(samples, TRIAL_SAMPLES), setup.judge(held_out, labels)
    exam = setup.exam(test, test_labels)

    def bench(calibrated_on: tuple[np.ndarray, ...]) -> Bench:
        machine: dict[str, Any] = {"target": board, "schedule": schedule, "extra_flash": extra_flash}
        return Bench(setup.network, calibrated_on, held_out, judge, device, **machine)

    trial_bench = bench(few)
    space = setup.space(trial_bench, samples, device, fatrelu)
    count = trials or _default_trials(base.graph, len(few[0]), len(held_out[0]))
    settings = {
        "target": board.name if board else None,
        "divider": device.divider.name.lower(),
        "power_of_two": device.power_of_two,
        "groups": groups,
        "schedule": schedule,
        "extra_flash": extra_flash,
        "fatrelu": fatrelu,
        "center": center,
        "seed": seed,
        "version": VERSION,
    }
    contents = {
        "model": content(base.data),
        "calibration": content(*samples),
        "validation": content(*held_out),
        "labels": None if labels is None else content(np.asarray(labels)),
        "judge": judge.name,
        "cost model": content(json.dumps(board.board, sort_keys=True).encode()) if board else None,
    }
    opened = Study(
        None if storage is None else str(storage),
        DEFAULT_STUDY if study is None else study,
        contents | settings,
        space.distributions,
        SweepThenTpe(space, wanted, seed),
    )
    opened.run(lambda p: trial_bench.measure(space.candidate(p)), _until(count, timeout, told))
    finished = opened.finished
    if not finished:
        raise UnitError("no trial has finished: give more time, or no timeout")
    final_bench = bench(samples)
    finals = Finals(final_bench, space, finished, dataset(samples, base.graph), told)
    planned, chosen = finals.choose(wanted)
    tested = None if exam is None else setup.test(planned, *exam)
    settings |= {
        "max_drop": None if wanted.by_cost else wanted.farthest,
        "budget": wanted.farthest if wanted.by_cost else None,
        "trials": count,
        "calibration_samples": len(samples[0]),
        "trial_samples": len(few[0]),
        "validation_samples": len(held_out[0]),
    }
    return outcome(base, board, settings, wanted, judge, final_bench, finals, planned, chosen, tested)


def _until(count: int, timeout: float | None, progress: Progress) -> Callable[[int], bool]:
    """Whether another trial begins after so many."""
    end = None if timeout is None else time.monotonic() + timeout

    def more(begun: int) -> bool:
        progress("search", min(begun, count), count)
        return begun < count and (end is None or time.monotonic() < end)

    return more


def _default_trials(graph: Graph, calibration: int, validation: int) -> int:
    """From the work of a trial alone, so that the same arguments give the same search."""
    macs = sum(graph.macs(x) for x in graph.mac_layers)
    passes = validation + calibration * (len(graph.prunable) + 1) / 2
    return int(np.clip(MACS / max(macs * passes, 1), FEWEST, MOST))


def _check_numbers(trials: Any, timeout: Any, seed: Any) -> None:
    if trials is not None and (isinstance(trials, bool) or not isinstance(trials, int) or trials < 1):
        raise UnitError(f"trials is {trials!r}; it takes a number >= 1")
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0
    ):
        raise UnitError(f"timeout is {timeout!r}; it takes seconds above 0")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UnitError(f"seed is {seed!r}; it takes a number >= 0")
