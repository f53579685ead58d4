"""Cortex-M machines on QEMU: exact instruction counts in virtual time."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .process import SimulatorError, SimulatorRun, run_process, tail

PROGRAM = "qemu-system-arm"
# Each instruction takes 2^7 ns of virtual time: more than two ticks of the machines' timers, so that rounding
# ticks to instructions is exact. The board file's ticks_per_instruction follows from it.
ICOUNT_SHIFT = 7
# Instructions from the end of one mark to the clock reading of the next: machines/cortex_m/mark.S.
MARK_INSTRUCTIONS = 5
# What machines/cortex_m writes between the lines of the firmware.
RECORD = re.compile("\x1e([mfo])([0-9a-f ]*)\n")


def run(
    board: Mapping[str, Any],
    elf: Path,
    marks: int = 0,
    timeout: float = 120.0,
    on_line: Callable[[str], None] | None = None,
) -> SimulatorRun:
    """Runs `elf`; see simulators.run. `on_line` gets the firmware's output while it runs."""
    simulator = board["tflm_unit"]["simulator"]
    finished = run_process(
        [
            *(_program(), "-M", simulator["machine"], "-kernel", elf, "-nographic", "-monitor", "none"),
            *("-serial", "none", "-chardev", "stdio,id=console", "-icount", f"shift={ICOUNT_SHIFT}"),
            *("-semihosting-config", "enable=on,target=native,chardev=console"),
        ],
        timeout,
        on_line,
        RECORD,
    )
    console = RECORD.sub("", finished.stdout)
    records = RECORD.findall(finished.stdout)
    _check(finished.returncode, finished.stderr, dict(records), tail([console]))
    ticks = [int(text, 16) for kind, text in records if kind == "m"][1:]
    counts = tuple(_instructions(count, simulator["ticks_per_instruction"]) for count in ticks)
    return SimulatorRun(console, counts, finished.returncode)


def _check(status: int, message: str, records: Mapping[str, str], output: str) -> None:
    """Raises SimulatorError when the machine did not end by itself."""
    if "o" in records:
        raise SimulatorError(f"the firmware crashed: its stack overflowed{output}")
    if "f" in records:
        pc, lr = records["f"].split()
        raise SimulatorError(f"the firmware crashed: HardFault at 0x{pc}, called from 0x{lr}{output}")
    if "Lockup" in message:
        raise SimulatorError(
            f"the firmware crashed: the CPU locked up, as it does when the stack overflows{output}"
        )
    if status < 0 or (status > 0 and message):
        reason = message.strip().splitlines()[0] if message.strip() else f"signal {-status}"
        raise SimulatorError(f"the simulation failed: {reason}{output}")


def _instructions(ticks: int, ticks_per_instruction: float) -> int:
    return round(ticks / ticks_per_instruction) - MARK_INSTRUCTIONS


def _program() -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        raise SimulatorError(
            f"{PROGRAM} was not found; install it with: make setup-sim (or apt-get install qemu-system-arm)"
        )
    return program
