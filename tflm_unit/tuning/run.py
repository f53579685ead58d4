"""`tune`: searches the thresholds of a model."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from typing import Any

import numpy as np

from .. import api
from ..converter import container
from ..converter.dataset import Source, check_labels
from ..converter.engine import Engine
from ..converter.errors import UnitError
from ..converter.graph import Graph
from ..converter.pruning import Divider, PruningConfig
from ..converter.sensitivity import sensitivity
from ..converter.targets import Target, load_target
from ..models import Model, load_model, naming
from ..planning import Planned, Progress, check_schedule
from .bench import Bench, Measured
from .finals import Final, Finals
from .frontier import frontier
from .judge import Judge, Metric
from .network import Network, dataset, picked, quantized
from .result import FrontierPoint, Test, Tested, TuneResult, test_json
from .search import SweepThenTpe
from .space import Device, Space, with_relu
from .study import DEFAULT_STUDY, Study
from .trials import Trial
from .wishes import Wishes, wishes

TRIAL_SAMPLES = 384  # of the calibration data, in a trial
FATRELU_SAMPLES = 64
# Default number of trials: as many as take about so many MACs, within limits.
MACS, FEWEST, MOST = 8e12, 60, 400
VERSION = 2  # of the search: studies of another one are refused


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
    test: Source | None = None,
    test_labels: Any = None,
    scale: float | None = None,
    offset: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TuneResult:
    """Finds the thresholds that skip most for the least loss (docs/tune.md).

    model, scale, offset, divider, power_of_two, schedule, extra_flash: as for `tflm_unit.convert`.
    calibration: samples from which thresholds and compensations are made; a few hundred to a few thousand.
    validation, labels: samples that judge them, not among those of calibration; class indices (N,) or one-hot rows.
        Without labels the agreement with the dense model is the judge.
    max_drop: what the last point may lose, as a fraction (default 0.01: one point of accuracy), at least cost.
    budget: instead, the cost that the last point may have, relative to the dense model; it then loses least.
    target: a board (docs/boards.md): cost is then the time that its cost model predicts; else the number of MACs.
    points: names of operating points, the last with the whole drop or saving and the others with even shares of it;
        or the limit of each by name.
    trials: finished trials at which the search ends, those of an earlier run and of other workers included; default:
        60 to 400, from the model's MACs. timeout: seconds after which no trial begins.
    seed: the same arguments and seed give the same bytes, whether or not the search was interrupted; not with
        several workers.
    storage: URL of a database (sqlite:///x.db) or path of a journal file, in which trials outlive this process and
        which several processes share; study: name in it.
    metric: called with (labels, outputs float32 (N, classes)), higher is better; it then judges instead, and max_drop
        is in its units.
    groups: 'channel', 'layer' or a number of output channels that share a threshold.
    fatrelu: whether small outputs of fused ReLUs may become 0.
    test, test_labels: samples that only the final figures come from.
    progress: called with (what, steps done, steps).

    Raises ModelError for models that are not full-int8, DataError for data that does not fit, and UnitError for
    options out of range, for a graph that the batch engine cannot run, and for a study about something else.
    """
    wanted = wishes(points, max_drop, budget)
    check_schedule(schedule)
    api._check_extra_flash(extra_flash, schedule, target)
    _check_numbers(trials, timeout, seed)
    board = load_target(target) if isinstance(target, str) else target
    chosen, rounded = api._divider(divider, power_of_two, board)
    device = Device(chosen, rounded, groups)
    data = api._int8_bytes(model, calibration, scale, offset)
    with naming(model):
        base = load_model(container.strip(data))
    setup = _Setup(base, threads, scale, offset, metric, seed, progress or (lambda what, done, total: None))
    samples = quantized(calibration, base.graph, scale, offset)
    held_out = quantized(validation, base.graph, scale, offset)
    judge = setup.judge(held_out, labels)
    machine: dict[str, Any] = {"target": board, "schedule": schedule, "extra_flash": extra_flash}
    few = picked(samples, TRIAL_SAMPLES)
    bench = Bench(setup.network, few, held_out, judge, device, **machine)
    space = setup.space(bench, samples, device, fatrelu)
    count = trials or _default_trials(base.graph, len(few[0]), len(held_out[0]))
    about = {
        "model": _hash(base.data),
        "calibration": _hash(*samples),
        "validation": _hash(*held_out),
        "labels": None if labels is None else _hash(np.asarray(labels)),
        "judge": judge.name,
        "target": board.name if board else None,
        "divider": chosen.name.lower(),
        "power_of_two": rounded,
        "groups": groups,
        "schedule": schedule,
        "extra_flash": extra_flash,
        "fatrelu": fatrelu,
        "seed": seed,
        "version": VERSION,
    }
    sampler = SweepThenTpe(space, wanted, seed)
    place = None if storage is None else str(storage)
    opened = Study(place, study or DEFAULT_STUDY, about, space.distributions, sampler)
    end = None if timeout is None else time.monotonic() + timeout

    def more(begun: int) -> bool:
        setup.progress("search", min(begun, count), count)
        return begun < count and (end is None or time.monotonic() < end)

    opened.run(lambda p: bench.measure(space.candidate(p)), more)
    finished = opened.finished
    if not finished:
        raise UnitError("no trial has finished: give more time, or no timeout")
    full = Bench(setup.network, samples, held_out, judge, device, **machine)
    finals = Finals(full, space, finished, dataset(samples, base.graph), setup.say_final)
    planned, final = finals.choose(wanted)
    tested = None if test is None else setup.test(planned, test, test_labels)
    row = _frontier(finished, finals, final)
    tuning = {
        "judge": judge.name,
        "cost": board.unit if board and schedule is None else "macs",
        "target": about["target"],
        "dense": {"judge": judge.dense_value, "cost": full.dense_cost},
        "settings": {
            **{
                k: v
                for k, v in about.items()
                if k not in ("model", "calibration", "validation", "labels", "judge")
            },
            "by_cost": wanted.by_cost,
            "max_drop": None if wanted.by_cost else wanted.farthest,
            "budget": wanted.farthest if wanted.by_cost else None,
            "trials": count,
            "finished": len(finished),
            "calibration_samples": len(samples[0]),
            "trial_samples": len(few[0]),
            "validation_samples": len(held_out[0]),
        },
        "points": [_point(name, wanted, f, judge) for name, f in final.items()],
        "frontier": [asdict(p) for p in row],
        "test": test_json(tested),
        "notes": _notes(wanted, final, judge, labels is None and metric is None),
    }
    saved = _saved(base, planned, final, judge, tuning)
    return TuneResult(saved, row, tested)


@dataclass(frozen=True)
class _Setup:
    base: Model
    threads: int | None
    scale: float | None
    offset: float | None
    metric: Metric | None
    seed: int
    progress: Progress

    @property
    def network(self) -> Network:
        return Network(self.base.graph, self.threads)

    def judge(self, samples: tuple[np.ndarray, ...], labels: Any) -> Judge:
        network = self.network
        dense = network.run(samples, schedule="dense").answers
        if labels is not None:
            labels = check_labels(labels, len(dense.outputs), dense.outputs.shape[1])
        return Judge(dense, labels, network.loss, metric=self.metric, seed=self.seed)

    def space(self, bench: Bench, samples: tuple[np.ndarray, ...], device: Device, fatrelu: bool) -> Space:
        graph = self.base.graph
        if not graph.prunable:
            raise UnitError(
                "no CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED layer has int8 weights of its own"
            )
        fisher = sensitivity(graph, dataset(samples, graph), threads=self.threads, progress=self.progress)
        outputs = {i: graph.layers[i].outputs[0] for i in with_relu(graph)} if fatrelu else {}
        some = picked(samples, FATRELU_SAMPLES)
        kept = Engine(graph, threads=self.threads).run(*some, keep=list(outputs.values())).kept
        statistics = bench.calibrator.collect(graph.prunable, None)
        cost = {x.index: bench.layer_costs[x.index] / graph.macs(x) for x in graph.prunable}
        relu = {i: kept[t] for i, t in outputs.items()}
        return Space(graph, device, fisher, cost, statistics, relu)

    def say_final(self, point: str) -> None:
        self.progress(f"choosing {point}", 0, 0)

    def test(self, planned: Planned, test: Source, labels: Any) -> Test:
        network, samples = self.network, quantized(test, self.base.graph, self.scale, self.offset)
        judge = self.judge(samples, labels)

        def tested(run: Any) -> Tested:
            value, drop = judge.estimate(run.answers), judge.drop_estimate(run.answers)
            return Tested(value.value, value.low, value.high, drop.value, drop.low, drop.high, run.kept)

        points = {p.name: tested(network.run(samples, p)) for p in planned.points}
        return Test(len(samples[0]), tested(network.run(samples, schedule="dense")), points)


def _default_trials(graph: Graph, calibration: int, validation: int) -> int:
    """From the work of a trial alone, so that the same arguments give the same search."""
    macs = sum(graph.macs(x) for x in graph.mac_layers)
    passes = validation + calibration * (len(graph.prunable) + 1) / 2
    return int(np.clip(MACS / max(macs * passes, 1), FEWEST, MOST))


def _frontier(
    trials: Sequence[Trial], finals: Finals, final: Mapping[str, Final]
) -> tuple[FrontierPoint, ...]:
    """Of trials, refitted trials and the points, which stay even where a trial beats them."""
    found: list[tuple[Measured, tuple[int, str | None]]] = [(t.measured, (t.number, None)) for t in trials]
    found += [(measured, (number, None)) for (number, *_), measured in finals.measured.items()]
    points = [(f.measured, (f.pick.trial.number, name)) for name, f in final.items()]
    row = [pair for pair in frontier(found) if pair[0] not in [m for m, _ in points]] + points
    row.sort(key=lambda pair: (-pair[0].cost, pair[0].loss))
    return tuple(
        FrontierPoint(number, m.kept, m.cost, m.judge, m.drop, m.loss, name) for m, (number, name) in row
    )


def _point(name: str, wanted: Wishes, final: Final, judge: Judge) -> dict[str, Any]:
    drop = judge.drop_estimate(final.run.answers)
    return {
        "name": name,
        "limit": wanted.limits[name],
        "trial": final.pick.trial.number,
        "compensation": "refit" if final.pick.refit else "mean",
        **asdict(final.measured),
        "drop_low": drop.low,
        "drop_high": drop.high,
        "layers": final.run.layers,
    }


def _notes(wanted: Wishes, final: Mapping[str, Final], judge: Judge, unlabelled: bool) -> list[str]:
    notes = []
    if unlabelled:
        notes.append("no labels: agreement with the dense model is the judge")
    for name, f in final.items():
        drop, limit = judge.drop_estimate(f.run.answers), wanted.limits[name]
        if (
            not wanted.by_cost
            and drop.high - drop.low > 2 * limit
            and judge.name in ("accuracy", "agreement")
        ):
            notes.append(
                f"point {name!r}: {len(f.run.answers.outputs):,} validation samples tell its drop only as "
                f"{drop.low:.2%} .. {drop.high:.2%} (95 %), too "
                f"wide for a limit of {limit:.2%}; give more samples"
            )
        got = f.measured.cost if wanted.by_cost else f.measured.drop
        if got > limit + 1e-9:
            notes.append(
                f"point {name!r} has {got:.2%}, above its limit of {limit:.2%}: nothing found keeps to it"
            )
    return notes


def _saved(
    base: Model, planned: Planned, final: Mapping[str, Final], judge: Judge, tuning: dict[str, Any]
) -> Model:
    accuracies = {n: f.measured.judge if judge.name == "accuracy" else None for n, f in final.items()}
    config = PruningConfig(tuple(replace(p, accuracy=accuracies[p.name]) for p in planned.points))
    report = {**api._report(config, planned, tuning["settings"]), "tuning": tuning}
    return load_model(container.attach(base.data, config, report))


def _check_numbers(trials: Any, timeout: Any, seed: Any) -> None:
    if trials is not None and (isinstance(trials, bool) or not isinstance(trials, int) or trials < 1):
        raise UnitError(f"trials is {trials!r}; it takes a number >= 1")
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0
    ):
        raise UnitError(f"timeout is {timeout!r}; it takes seconds above 0")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UnitError(f"seed is {seed!r}; it takes a number >= 0")


def _hash(*parts: bytes | np.ndarray) -> str:
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype}{part.shape}".encode())
            part = np.ascontiguousarray(part).tobytes()
        found.update(part)
    return found.hexdigest()
