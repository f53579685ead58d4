"""The table of `tflm-unit simulate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from ..converter.codegen import BASELINES, PRUNED
from ..converter.targets import load_target
from .result import LayerSimulation, Simulation

WIDTH = 160  # where no terminal has one
_SIMULATORS = {"qemu": "QEMU", "mspdebug": "mspdebug", "msp430_run": "gdb's simulator"}
_COLUMNS = {"zero_skip": "zero-skip", "unit": "UnIT", "activation_sorted": "sorted"}


def tables(result: Simulation) -> list[Table | str]:
    """Counts per layer, then memory, estimates and what to keep in mind."""
    what = f"point {result.point}" if result.point else "no thresholds"
    samples = f"{result.samples:,} sample" + ("s" if result.samples > 1 else "")
    facts = Table.grid(padding=(0, 2))
    for row in (*_memory(result), *_estimates(result), *_notes(result)):
        facts.add_row(*row)
    return [f"{result.target}, {what}, {samples}: {_unit(result)}", _layers(result), facts]


def _layers(result: Simulation) -> Table:
    """`*`: a schedule that was asked for, and that the layer cannot run."""
    table = Table()
    names = [name for name, total in result.counts.items() if total is not None]
    pruned = [name for name in names if name not in BASELINES]
    ratio = ("unit" if "unit" in pruned else pruned[0]) if pruned and "dense" in names else ""
    runs = "unit" in names
    for column in ("layer", "operator", *(("runs",) if runs else ())):
        table.add_column(column)
    for column in (*map(_column, names), *((f"{_column(ratio)}/dense",) if ratio else ()), "MACs", "kept"):
        table.add_column(column, justify="right")

    def row(
        first: Sequence[str], texts: Sequence[str], relative: str, total: float | None, kept: float | None
    ) -> None:
        share = f"{kept / total:.1%}" if total and kept is not None else ""
        table.add_row(*first, *texts, *((relative,) if ratio else ()), _number(total), share)

    for x in result.layers:
        texts = [_number(x.counts[n]) + ("*" if _differs(x, n) else "") for n in names]
        first = (x.name, x.op, *((_column(x.schedule or ""),) if runs else ()))
        row(first, texts, _relative(x.counts, ratio), x.macs_total, x.macs_kept)
    table.add_section()
    total, kept = (sum(getattr(x, n) or 0 for x in result.layers) for n in ("macs_total", "macs_kept"))
    texts, first = [_number(result.counts[n]) for n in names], ("all", *("" for _ in range(1 + runs)))
    row(first, texts, _relative(result.counts, ratio), total, kept)
    if ratio and len(pruned) > 1:
        first = ("all/dense", *first[1:])
        row(first, [_relative(result.counts, n) for n in names], "", None, None)
    return table


def _column(schedule: str) -> str:
    return _COLUMNS.get(schedule, schedule)


def _relative(counts: Mapping[str, float | None], schedule: str) -> str:
    """To dense."""
    value, base = counts.get(schedule), counts.get("dense")
    return f"{value / base:.2f}" if value is not None and base else ""


def _differs(layer: LayerSimulation, schedule: str) -> bool:
    """Whether a layer with thresholds ran another schedule than the one that was forced."""
    return schedule in PRUNED and layer.schedules[schedule] not in (schedule, "dense", None)


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
    counts = {_column(name): n for name, n in result.counts.items() if n is not None}
    if not counts:
        return []
    rows = []
    for label, factor, unit in (
        ("time", e.milliseconds_per_count, "ms"),
        ("energy", e.microjoules_per_count, "µJ"),
    ):
        parts = [f"{column} {_digits(n * factor)} {unit}" for column, n in counts.items()]
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
    counted = any(n is not None and name not in BASELINES for name, n in result.counts.items())
    if counted and set(result.dividers) - {preferred, "bit_shift"}:
        notes.append(
            f"thresholds made for divider {', '.join(result.dividers)}, not for {result.target}: "
            f"tflm-unit convert --target {result.target}"
        )
    if result.random_inputs:
        notes.append("random inputs: how much of them is skipped says little about real data; give --data")
    if any(_differs(layer, name) for layer in result.layers for name in layer.schedules):
        notes.append("* ran compare: the layer cannot run the schedule that was asked for")
    rows = [("note", text) for text in notes]
    if result.macs_not_compared:
        names = ", ".join(map(_column, result.macs_not_compared))
        text = f"MAC counts of {names} were not compared: the firmware with counters does not fit the machine"
        rows.append(("check", text))
    if result.match:
        what = "outputs" if len(result.macs_not_compared) == len(result.counts) else "outputs and MAC counts"
        rows.append(("check", f"{what} equal the batch engine's, bit for bit"))
    return rows + [("check", f"MISMATCH: {text}") for text in result.mismatches]
