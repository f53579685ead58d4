"""Tables of the page that a summary in a terminal shows as well: the points side by side, the search, memory."""

from __future__ import annotations

from rich.table import Table

from ..models import Model
from .memory import KINDS, Memory, memory
from .variants import Quality, Variant, variants


def summary_tables(model: Model) -> list[Table | str]:
    """What the model's report and file tell without data. Empty for a model without operating points."""
    if model.config is None:
        return []
    report, found = model.report or {}, memory(model)
    memory_table = [_memory(found)] if found.footprints else []
    if report.get("tuning"):
        from ..tuning.result import tuning_tables

        return [*tuning_tables(report["tuning"]), *memory_table]
    return [_points(variants(model, None, {}), (report.get("plan") or {}).get("unit")), *memory_table]


def _points(shown: tuple[Variant, ...], unit: str | None) -> Table:
    """Intervals and changes have columns only where some are known."""
    rows = [_row(v, shown[0]) for v in shown if v.kind != "zero_skip"]
    columns = ["point", "MACs computed", "accuracy", "95 %", "change", "95 %", unit or "cost", "of dense"]
    used = [i for i in range(len(columns)) if i < 2 or any(row[i] for row in rows)]
    table = empty_table("points side by side (calibration data)", [columns[i] for i in used])
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


def _memory(found: Memory) -> Table:
    title = f"bytes in generated C, code not counted; the .tflite file has {found.file_bytes:,}"
    table = empty_table(title, ["firmware", *KINDS, "flash", "RAM: arena"])
    for f in found.footprints:
        table.add_row(f.name, *(f"{b:,}" for b in f.constants), f"{f.flash:,}", f"{f.arena:,}")
    return table


def empty_table(title: str, columns: list[str]) -> Table:
    """The first column and those of points hold texts, the others numbers."""
    table = Table(title=title, title_justify="left")
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 or name == "point" else "right")
    return table
