"""The outcome of `tune`, as tables and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from ..api import ConversionResult
from ..page.tables import empty_table
from ..report import render, tables


@dataclass(frozen=True)
class FrontierPoint:
    """A trial that no other beats in both cost and loss, on the validation data.

    kept: share of the MACs. cost: relative to the dense network. judge, drop: accuracy, agreement or metric, and how
    much less it is than the dense network's. point: name of the operating point that was made from it, or None.
    """

    trial: int
    kept: float
    cost: float
    judge: float
    drop: float
    loss: float
    point: str | None = None


@dataclass(frozen=True)
class Tested:
    """A network on the test data; limits are those of 95 % intervals. drop: from the dense one, on the same samples.

    accuracy: what the judge says: agreement without labels, or the metric.
    """

    accuracy: float
    low: float
    high: float
    drop: float
    drop_low: float
    drop_high: float
    kept: float


@dataclass(frozen=True)
class Test:
    """judge: what the figures are: accuracy, agreement or a metric."""

    samples: int
    judge: str
    dense: Tested
    points: dict[str, Tested]


@dataclass(frozen=True)
class TuneResult(ConversionResult):
    """A ConversionResult with the frontier that its points were picked from, the most expensive first.

    test: None without test data.
    """

    frontier: tuple[FrontierPoint, ...] = field(default=(), repr=False)
    test: Test | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """What is stored in the model as report['tuning']."""
        report = self.model.report or {}
        return dict(report["tuning"])

    def tables(self) -> list[Table | str]:
        """Each point's layers, then the chosen points, test figures and the frontier."""
        return tables(self.model)

    def summary(self) -> str:
        return render(*self.tables())


def test_json(test: Test | None) -> dict[str, Any] | None:
    if test is None:
        return None
    dense = {name: getattr(test.dense, name) for name in ("accuracy", "low", "high")}
    figures = {"samples": test.samples, "judge": test.judge, "dense": dense}
    return {**figures, "points": {n: asdict(t) for n, t in test.points.items()}}


def tuning_tables(tuning: dict[str, Any]) -> list[Table | str]:
    """Tables of a model's report['tuning']."""
    found: list[Table | str] = [_points(tuning)]
    if tuning["test"]:
        found.append(_test(tuning["test"], tuning["test"].get("judge", tuning["judge"])))
    found.append(_frontier(tuning))
    return found + [f"note: {note}" for note in tuning["notes"]]


def _points(tuning: dict[str, Any]) -> Table:
    dense, settings = tuning["dense"], tuning["settings"]
    title = (
        f"points on {settings['validation_samples']:,} validation samples, after {settings['finished']:,} trials; "
        f"dense: {tuning['judge']} {figure(dense['judge'], tuning)}"
    )
    table = empty_table(
        title, ["point", "limit", "MACs kept", _cost(tuning), tuning["judge"], "drop", "95 % interval"]
    )
    for p in tuning["points"]:
        limit = (
            f"{'cost' if settings['by_cost'] else 'drop'} {figure(p['limit'], tuning, settings['by_cost'])}"
        )
        figures = (
            _share(p["kept"]),
            _share(p["cost"]),
            figure(p["judge"], tuning),
            figure(p["drop"], tuning),
        )
        interval = f"{figure(p['drop_low'], tuning)} .. {figure(p['drop_high'], tuning)}"
        table.add_row(p["name"], limit, *figures, interval)
    return table


def _test(test: dict[str, Any], judge: str) -> Table:
    tuning = {"judge": judge}
    dense = test["dense"]
    title = (
        f"{test['samples']:,} test samples that the search never saw; dense: {judge} "
        f"{figure(dense['accuracy'], tuning)} ({figure(dense['low'], tuning)} .. {figure(dense['high'], tuning)})"
    )
    table = empty_table(title, ["point", "MACs kept", judge, "95 % interval", "drop", "95 % interval of it"])
    for name, p in test["points"].items():
        spans = [
            f"{figure(p[a], tuning)} .. {figure(p[b], tuning)}"
            for a, b in (("low", "high"), ("drop_low", "drop_high"))
        ]
        table.add_row(
            name,
            _share(p["kept"]),
            figure(p["accuracy"], tuning),
            spans[0],
            figure(p["drop"], tuning),
            spans[1],
        )
    return table


def _frontier(tuning: dict[str, Any]) -> Table:
    few = tuning["settings"]["trial_samples"]
    title = f"frontier: trials, with {few:,} calibration samples, and points, with all"
    table = empty_table(
        title, ["trial", "MACs kept", _cost(tuning), tuning["judge"], "drop", "loss", "point"]
    )
    for p in tuning["frontier"]:
        figures = (
            _share(p["kept"]),
            _share(p["cost"]),
            figure(p["judge"], tuning),
            figure(p["drop"], tuning),
        )
        table.add_row(str(p["trial"]), *figures, f"{p['loss']:.4f}", p["point"] or "")
    return table


def _cost(tuning: dict[str, Any]) -> str:
    return "of dense MACs" if tuning["cost"] == "macs" else f"of dense {tuning['cost']}"


def _share(value: float) -> str:
    return f"{value:.1%}"


def figure(value: float, tuning: dict[str, Any], as_share: bool = False) -> str:
    """Shares in percent, metrics as they are."""
    if as_share or tuning["judge"] in ("accuracy", "agreement"):
        return f"{value:.2%}"
    return f"{value:.4g}"
