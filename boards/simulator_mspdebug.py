"""16-bit MSP430 machines on mspdebug's simulator: exact cycle counts, read where breakpoints stop it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from .process import SimulatorError, SimulatorRun, line_buffered, run_process, tail

PROGRAM = "mspdebug"
# Functions of machines/msp430/startup.S.
HALT, TRAP, MARK = "unit_machine_halt", "unit_machine_trap", "unit_machine_mark"
# From one stop at unit_machine_mark to the next, with nothing in between: RET and CALL #address.
MARK_CYCLES = 3 + 5
RUNNING = "Running. Press Ctrl+C"
REGISTERS = re.compile(r" {4}\( PC: ([0-9a-f]{5})\)  \( R4: .*\(R12: ([0-9a-f]{5})\)")
LABEL = re.compile(r"(\w+):$")
CYCLES = re.compile(r"MCLK:\s+(\d+)$")
REST = re.compile(r"Buffer: {9}(.*)$")


@dataclass
class _Stop:
    """A breakpoint that the firmware has reached."""

    pc: int
    r12: int
    label: str = ""
    cycles: int = 0


class _Transcript:
    """Tells the firmware's output from that of mspdebug, line by line."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self.console: list[str] = []
        self.stops: list[_Stop] = []
        self._on_line = on_line
        self._running = False

    def read(self, line: str) -> None:
        if self._running:
            self._read_firmware(line)
        elif line.startswith(RUNNING):
            self._running = True
        elif self.stops:
            self._read_stop(line.rstrip("\n"), self.stops[-1])

    def _read_firmware(self, line: str) -> None:
        registers = REGISTERS.search(line)
        self._write(line[: registers.start()] if registers else line)
        if registers:
            self._running = False
            self.stops.append(_Stop(int(registers[1], 16), int(registers[2], 16)))

    def _read_stop(self, line: str, stop: _Stop) -> None:
        if (label := LABEL.match(line)) and not stop.label:
            stop.label = label[1]
        elif cycles := CYCLES.match(line):
            stop.cycles = int(cycles[1])
        elif rest := REST.match(line):
            self._write(rest[1])

    def _write(self, text: str) -> None:
        if text:
            self.console.append(text)
            if self._on_line is not None:
                self._on_line(text)


def run(
    board: Mapping[str, Any],
    elf: Path,
    marks: int = 0,
    timeout: float = 120.0,
    on_line: Callable[[str], None] | None = None,
) -> SimulatorRun:
    """Runs `elf`; see simulators.run. mspdebug loses NUL bytes and what exceeds 4095 bytes of a line."""
    transcript = _Transcript(on_line)
    finished = run_process(
        [*line_buffered(_program()), "-n", "-q", "sim", *_commands(board, elf, marks)],
        timeout,
        transcript.read,
    )
    stops = transcript.stops
    output = tail(["".join(transcript.console)])
    if "sim:" in finished.stderr:
        raise SimulatorError(f"the firmware crashed: {finished.stderr.strip()}{output}")
    if finished.returncode != 0 or not stops:
        reason = finished.stderr.strip() or finished.stdout.strip()
        raise SimulatorError(f"the simulation failed: {reason}{output}")
    last = stops[-1]
    if last.label == MARK:
        raise SimulatorError(f"the firmware called {MARK}() more than {marks} times{output}")
    if last.label != HALT:
        raise SimulatorError(f"the firmware crashed: it went to 0x{last.pc:04x} {last.label}{output}")
    times = [stop.cycles for stop in stops if stop.label == MARK]
    counts = tuple(end - start - MARK_CYCLES for start, end in pairwise(times))
    return SimulatorRun("".join(transcript.console), counts, last.r12 & 0xFF)


def _commands(board: Mapping[str, Any], elf: Path, marks: int) -> list[str]:
    """What mspdebug is told. Runs beyond the end of the firmware stay where it has halted."""
    setup = ["simio add console con", "simio add timer tA", "simio config tA base 0x0160"]
    if board["tflm_unit"]["simulator"].get("hardware_multiplier"):
        setup.append("simio add hwmult mul")
    setup += ["simio add tracer tr 2", f"prog {elf}", "reset"]
    stops = [HALT, TRAP, *([MARK] if marks else [])]
    setup += [f"setbreak {stop}" for stop in stops]
    return [*setup, *(["run", "simio info tr"] * (marks + 1)), "simio info con"]


def _program() -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        raise SimulatorError(
            f"{PROGRAM} was not found; install it with: make setup-sim (or apt-get install mspdebug)"
        )
    return program
