"""The model that a search ends with, and its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from .. import api
from ..converter import container
from ..converter.pruning import PruningConfig
from ..converter.targets import Target
from ..models import Model, load_model
from ..notes import too_large
from ..planning import Planned
from .bench import Bench, Measured
from .finals import Final, Finals
from .frontier import frontier
from .judge import Judge
from .result import FrontierPoint, Test, TuneResult, figure, test_json
from .trials import Trial
from .wishes import Wishes


def outcome(
    base: Model,
    board: Target | None,
    settings: Mapping[str, Any],
    wanted: Wishes,
    judge: Judge,
    bench: Bench,
    finals: Finals,
    planned: Planned,
    chosen: Mapping[str, Final],
    tested: Test | None,
) -> TuneResult:
    """chosen: the points of `planned`, by name. bench: that they were measured on."""
    row = _frontier(finals.trials, finals, chosen)
    notes = _notes(wanted, chosen, judge)
    tuning = {
        "judge": judge.name,
        "cost": board.unit if board and settings["schedule"] is None else "macs",
        "target": settings["target"],
        "dense": {"judge": judge.dense_value, "cost": bench.dense_cost},
        "settings": {**settings, "by_cost": wanted.by_cost, "finished": len(finals.trials)},
        "points": [_point(name, wanted, final, judge) for name, final in chosen.items()],
        "frontier": [asdict(point) for point in row],
        "test": test_json(tested),
        "notes": notes,
    }
    model = _saved(base, planned, chosen, judge, tuning)
    missing = too_large(model, board) if board else ()
    if missing:
        model = _saved(base, planned, chosen, judge, {**tuning, "notes": [*notes, *missing]})
    return TuneResult(model, row, tested)


def _saved(
    base: Model, planned: Planned, chosen: Mapping[str, Final], judge: Judge, tuning: dict[str, Any]
) -> Model:
    accuracies = {n: f.measured.judge if judge.name == "accuracy" else None for n, f in chosen.items()}
    points = tuple(replace(p, accuracy=accuracies[p.name]) for p in planned.points)
    config = PruningConfig(points, base.graph.centers)
    report = {**api.report_of(config, planned, tuning["settings"]), "tuning": tuning}
    return load_model(container.attach(base.data, config, report))


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


def _notes(wanted: Wishes, final: Mapping[str, Final], judge: Judge) -> list[str]:
    notes = []
    if judge.name == "agreement":
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
            found, allowed = (figure(x, {"judge": judge.name}, wanted.by_cost) for x in (got, limit))
            notes.append(
                f"point {name!r} has {found}, above its limit of {allowed}: nothing found keeps to it"
            )
    return notes
