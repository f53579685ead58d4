"""Tables of the page that a summary in a terminal shows as well: the points side by side, the search, memory."""

from __future__ import annotations

from rich.table import Table

from ..models import Model
from .frontier import Frontier, frontier
from .memory import KINDS, Memory, memory
from .variants import Quality, Variant, variants

MAX_ENTRIES = 20  # of a frontier; the page and `inspect --json` have all


def summary_tables(model: Model) -> list[Table]:
    """What the model's report and file tell without data. Empty for a model without operating points."""
    if model.config is None:
        return []
    report = model.report or {}
    tuning = report.get("tuning")
    shown = variants(model, None, {})
    found = frontier(tuning, shown, None, None)
    footprint = memory(model)
    tables = [_points(shown, (report.get("plan") or {}).get("unit"), bool(tuning and tuning.get("test")))]
    tables += [_search(found)] if found and found.searched else []
    return tables + ([_memory(footprint)] if footprint.footprints else [])


def _points(shown: tuple[Variant, ...], unit: str | None, tested: bool) -> Table:
    """Intervals and changes have columns only where some are known."""
    data = "test data that the search never saw" if tested else "calibration data"
    rows = [_row(v, shown[0]) for v in shown if v.kind != "zero_skip"]
    columns = ["point", "MACs computed", "accuracy", "95 %", "change", "95 %", unit or "cost", "of dense"]
    used = [i for i in range(len(columns)) if i < 2 or any(row[i] for row in rows)]
    table = _table(f"points side by side ({data})", [columns[i] for i in used])
    for row in rows:
        table.add_row(*(row[i] for i in used))
    return table


def _row(v: Variant, dense: Variant) -> list[str]:
    drop = v.drop and Quality(-v.drop.value, *(None if x is None else -x for x in (v.drop.high, v.drop.low)))
    kept = "" if v.kept is None else f"{v.kept:.1%}"
    cost = "" if v.cost is None else f"{v.cost:,.0f}"
    relative = "" if v.cost is None or not dense.cost else f"{v.cost / dense.cost:.2f}"
    return [v.name, kept, *_quality(v.accuracy, ""), *_quality(drop, "+"), cost, relative]


def _quality(quality: Quality | None, sign: str) -> tuple[str, str]:
    """In percent, and its interval."""
    if quality is None:
        return "", ""
    value = f"{quality.value * 100:{sign}.2f}"
    if quality.low is None or quality.high is None:
        return value, ""
    return value, f"{quality.low * 100:{sign}.2f} .. {quality.high * 100:{sign}.2f}"


def _search(found: Frontier) -> Table:
    """All of a short frontier; of a long one the chosen points and others evenly spread."""
    entries = found.searched
    step = -(-len(entries) // MAX_ENTRIES)
    listed = [e for i, e in enumerate(entries) if i % step == 0 or e.point is not None]
    more = f", {len(listed)} of {len(entries)} trade-offs" if len(listed) < len(entries) else ""
    cost = [f"{found.cost} of dense"] if found.has_cost else []
    title = f"frontier of the search on validation data{more}"
    table = _table(
        title, ["trial", "MACs computed", *cost, found.judge, "lost", "point"]
    )
    for e in listed:
        cells = ["" if e.trial is None else str(e.trial), f"{e.kept:.1%}"]
        cells += ["" if e.cost is None else f"{e.cost:.2f}"] if cost else []
        table.add_row(*cells, f"{e.judge * 100:.2f}", f"{e.drop * 100:+.2f}", e.point or "")
    return table


def _memory(found: Memory) -> Table:
    title = f"bytes in generated C, code not counted; the .tflite file has {found.file_bytes:,}"
    table = _table(title, ["firmware", *KINDS, "flash", "RAM: arena"])
    for f in found.footprints:
        table.add_row(f.name, *(f"{b:,}" for b in f.constants), f"{f.flash:,}", f"{f.arena:,}")
    return table


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 or name == "point" else "right")
    return table
