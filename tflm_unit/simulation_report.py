"""The table of `tflm-unit simulate`."""

from __future__ import annotations

from rich.table import Table

from .simulation_result import Counts, LayerSimulation, Simulation

_SIMULATORS = {"qemu": "QEMU", "mspdebug": "mspdebug", "msp430_run": "gdb's simulator"}


def tables(result: Simulation) -> list[Table]:
    """Counts per layer, then memory, estimates and what to keep in mind."""
    facts = Table.grid(padding=(0, 2))
    for row in (*_memory(result), *_estimates(result), *_notes(result)):
        facts.add_row(*row)
    return [_layers(result), facts]


def _layers(result: Simulation) -> Table:
    what = f"point {result.point}" if result.point else "no thresholds"
    title = f"{result.target}, {what}, {_count(result.samples, 'sample')}: {_unit(result)} per inference"
    table = Table(title=title, title_justify="left")
    for name in ("layer", "operator"):
        table.add_column(name)
    for name in ("dense", "zero-skip", "UnIT", "UnIT/dense", "MACs", "kept"):
        table.add_column(name, justify="right")
    for layer in result.layers:
        table.add_row(*_row(layer))
    table.add_section()
    macs = [x for x in result.layers if x.macs_total is not None]
    total = result.totals
    table.add_row(
        *_row(
            LayerSimulation(
                "all",
                "",
                total.dense,
                total.zero_skip,
                total.unit,
                sum(x.macs_total or 0 for x in macs),
                sum(x.macs_zero or 0 for x in macs),
                sum(x.macs_kept or 0 for x in macs),
            )
        )
    )
    return table


def _row(x: LayerSimulation) -> tuple[str, ...]:
    ratio = "" if x.dense is None or x.unit is None or not x.dense else f"{x.unit / x.dense:.2f}"
    kept = "" if x.macs_kept is None or not x.macs_total else f"{x.macs_kept / x.macs_total:.1%}"
    counts = (_number(x.dense), _number(x.zero_skip), _number(x.unit))
    return (x.name, x.op, *counts, ratio, _number(x.macs_total), kept)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _unit(result: Simulation) -> str:
    """What was counted, and by whom."""
    name = _SIMULATORS.get(result.simulator, result.simulator)
    return f"cycles, {name}" if result.unit == "cycles" else f"instructions, not cycles, {name}"


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
        values = (("dense", counts.dense), ("zero-skip", counts.zero_skip), ("UnIT", counts.unit))
        parts = [f"{name} {_digits(value)} {unit}" for name, value in values if value is not None]
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
    if result.random_inputs:
        notes.append("random inputs: how much of them is skipped says little about real data; give --data")
    rows = [("note", text) for text in notes]
    if result.match:
        rows.append(("check", "outputs and MAC counts equal the batch engine's, bit for bit"))
    return rows + [("check", f"MISMATCH: {text}") for text in result.mismatches]
