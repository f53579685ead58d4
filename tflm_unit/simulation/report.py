"""The table of `tflm-unit simulate`."""

from __future__ import annotations

from rich.table import Table

from ..converter.targets import load_target
from .result import Counts, LayerSimulation, Simulation

_SIMULATORS = {"qemu": "QEMU", "mspdebug": "mspdebug", "msp430_run": "gdb's simulator"}
_COLUMNS = {"dense": "dense", "zero_skip": "zero-skip", "unit": "UnIT"}


def tables(result: Simulation) -> list[Table | str]:
    """Counts per layer, then memory, estimates and what to keep in mind."""
    what = f"point {result.point}" if result.point else "no thresholds"
    samples = f"{result.samples:,} sample" + ("s" if result.samples > 1 else "")
    facts = Table.grid(padding=(0, 2))
    for row in (*_memory(result), *_estimates(result), *_notes(result)):
        facts.add_row(*row)
    return [f"{result.target}, {what}, {samples}: {_unit(result)}", _layers(result), facts]


def _layers(result: Simulation) -> Table:
    table = Table()
    for name in ("layer", "operator"):
        table.add_column(name)
    names = [name for name in _COLUMNS if getattr(result.totals, name) is not None]
    ratio = {"dense", "unit"} <= set(names)
    for name in (*(_COLUMNS[n] for n in names), *(("UnIT/dense",) if ratio else ()), "MACs", "kept"):
        table.add_column(name, justify="right")

    def row(
        name: str, op: str, counts: LayerSimulation | Counts, total: float | None, kept: float | None
    ) -> None:
        values = [getattr(counts, n) for n in names]
        relative = [_ratio(counts.unit, counts.dense)] if ratio else []
        share = f"{kept / total:.1%}" if total and kept is not None else ""
        table.add_row(name, op, *map(_number, values), *relative, _number(total), share)

    for x in result.layers:
        row(x.name, x.op, x, x.macs_total, x.macs_kept)
    table.add_section()
    total, kept = (sum(getattr(x, n) or 0 for x in result.layers) for n in ("macs_total", "macs_kept"))
    row("all", "", result.totals, total, kept)
    return table


def _ratio(value: float | None, base: float | None) -> str:
    return f"{value / base:.2f}" if value is not None and base else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _unit(result: Simulation) -> str:
    """What was counted, and by whom."""
    name = _SIMULATORS.get(result.simulator, result.simulator)
    counts = "cycles" if result.unit == "cycles" else "instructions (not cycles)"
    return f"{counts} per inference, counted by {name}"


def _memory(result: Simulation) -> list[tuple[str, str]]:
    in_fram = result.fram_variable_bytes >= result.arena_bytes
    variables = f", variables {result.fram_variable_bytes:,}" if result.fram_variable_bytes else ""
    place = "arena in FRAM" if in_fram else f"arena {result.arena_bytes:,} of them"
    flash = (
        f"{result.flash_bytes:,} bytes: model's constants {result.constant_bytes:,}, code and the rest "
        f"{result.code_bytes:,}{variables}"
    )
    return [
        ("FRAM" if variables else "flash", flash),
        ("RAM", f"{result.ram_bytes:,} bytes, {place}; and stack {result.stack_bytes:,}"),
    ]


def _estimates(result: Simulation) -> list[tuple[str, str]]:
    e = result.estimate
    if result.totals == Counts(None, None, None):
        return []
    rows = []
    for label, counts, unit in (("time", e.milliseconds, "ms"), ("energy", e.microjoules, "µJ")):
        values = [(column, getattr(counts, name)) for name, column in _COLUMNS.items()]
        parts = [f"{column} {_digits(value)} {unit}" for column, value in values if value is not None]
        rows.append((label, f"{', '.join(parts)} (estimate)"))
    cycles = "cycles" if result.unit == "cycles" else f"{e.cycles_per_count:g} cycles per instruction"
    return [
        *rows,
        ("", f"clock: {e.clock_hz / 1e6:g} MHz"),
        ("", f"{cycles}: {e.sources[0]}"),
        ("", f"{e.nanojoules_per_cycle:g} nJ per cycle: {e.sources[1]}"),
    ]


def _digits(value: float) -> str:
    """Three digits, more where they stand before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _notes(result: Simulation) -> list[tuple[str, str]]:
    notes = []
    if result.simulated_by != result.target:
        notes.append(
            f"{result.simulated_by} ran the firmware in place of {result.target}, whose memory, clock and energy "
            f"apply; {result.status}"
        )
    preferred = load_target(result.target).divider.name.lower()
    if result.totals.unit is not None and set(result.dividers) - {preferred}:
        notes.append(
            f"thresholds made for divider {', '.join(result.dividers)}; {result.target} prefers {preferred}: "
            f"tflm-unit convert --target {result.target}"
        )
    if result.random_inputs:
        notes.append("random inputs: how much of them is skipped says little about real data; give --data")
    rows = [("note", text) for text in notes]
    if result.match:
        rows.append(("check", "outputs and MAC counts equal the batch engine's, bit for bit"))
    return rows + [("check", f"MISMATCH: {text}") for text in result.mismatches]
