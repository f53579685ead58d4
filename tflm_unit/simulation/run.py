"""Runs a firmware on all samples, as many at a time as it has room for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..boards import simulators
from ..converter.errors import UnitError
from ..converter.targets import Target
from .console import Console, read_console
from .elf import find_symbol, patched
from .firmware import Firmware, TooLargeError

SAMPLES = "harness_samples"
START_SECONDS = 30.0  # of the simulator, beside what the inferences take


@dataclass(frozen=True)
class Batch:
    """One run. first: index of its first sample. counts: per sample and layer, None where the simulator has none."""

    first: int
    size: int
    console: Console
    counts: tuple[tuple[int, ...], ...] | None


def run(
    firmware: Firmware,
    machine: Target,
    rows: Sequence[bytes],
    *,
    layers: int,
    timeout: float,
    done: Callable[[int], None],
) -> list[Batch]:
    """Runs the samples `rows`. timeout: seconds per sample. done: called with the number of samples of each finished
    run. Raises TooLargeError when the stack needs more RAM than there is left, UnitError when the simulator is
    missing, or the firmware hangs or fails.
    """
    symbol = find_symbol(firmware.elf, SAMPLES)
    batches = []
    for first in range(0, len(rows), firmware.capacity):
        part = rows[first : first + firmware.capacity]
        contents = len(part).to_bytes(4, "little") + b"".join(part)
        expected = len(part) * (layers + 1)
        with tempfile.TemporaryDirectory() as folder:
            elf = Path(folder, "firmware.elf")
            elf.write_bytes(patched(firmware.elf, symbol, contents))
            try:
                result = simulators.run(
                    machine.board, elf, marks=expected, timeout=START_SECONDS + timeout * len(part)
                )
            except simulators.SimulatorError as error:
                raise UnitError(f"{machine.name}: {error}") from error
        if result.status == simulators.STACK_OVERFLOW:
            raise TooLargeError(
                f"{machine.name}: the firmware's stack needs more RAM than its variables leave; take a smaller "
                "model, a schedule with less scratch memory or another target"
            )
        console = read_console(result.console, len(part))
        counts = _counts(result.marks, len(part), layers)
        batches.append(Batch(first, len(part), console, counts))
        done(len(part))
    return batches


def _counts(marks: Sequence[int], samples: int, layers: int) -> tuple[tuple[int, ...], ...] | None:
    """Per sample and layer; each sample makes a mark before every layer and one after the last."""
    if not marks:
        return None
    expected = samples * (layers + 1) - 1
    if len(marks) != expected:
        raise UnitError(
            f"the simulator measured {len(marks)} intervals instead of {expected}; please report this"
        )
    return tuple(tuple(marks[i * (layers + 1) :][:layers]) for i in range(samples))
