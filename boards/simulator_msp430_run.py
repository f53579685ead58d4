"""MSP430X on gdb's simulator, msp430-elf-run: instruction counts, from the timer of a device that it can attach.

The simulator has no cycles. It lets a tick pass per instruction, and its device "pal" has a timer in ticks, which
unit_machine_mark() (machines/msp430x/simulated.S) writes to standard error: four bytes, the highest first.
"""

from __future__ import annotations

import functools
import struct
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from .process import SimulatorError, SimulatorRun, line_buffered, run_process, tail
from .toolchain import INSTALL, find_program

PROGRAM = "msp430-elf-run"
COUNTER = ("--hw-device", "/pal@0x400/reg 0x400 0x40")
# What simulated.S writes to the timer: it counts down from there, again and again.
PERIOD = 0xFF000000
# From one reading of the timer to the next with nothing in between: RETA, CALLA and the mark's own.
MARK_INSTRUCTIONS = 6
# What the simulator says about firmware that went astray.
COMPLAINTS = (
    b"Fault: ",
    b"unimplemented HW MULT",
    b" XXX WRAPPING",
    b"program stopped with signal",
    b"msp430-elf-run:",
)


def run(
    board: Mapping[str, Any],
    elf: Path,
    marks: int = 0,
    timeout: float = 120.0,
    on_line: Callable[[str], None] | None = None,
) -> SimulatorRun:
    """Runs `elf`; see simulators.run. A simulator without that device counts nothing."""
    program = _program()
    counter = COUNTER if _counts(program) else ()
    with tempfile.TemporaryFile() as errors:
        finished = run_process([*line_buffered(program), *counter, elf], timeout, on_line, errors_to=errors)
        errors.seek(0)
        written = errors.read()
    output = tail([finished.stdout])
    for complaint in COMPLAINTS:
        if complaint in written:
            text = written[written.index(complaint) :].split(b"\n")[0].decode("ascii", "replace").strip()
            raise SimulatorError(f"the firmware crashed: {text}{output}")
    if finished.returncode < 0:
        raise SimulatorError(f"the simulator was ended by signal {-finished.returncode}{output}")
    if not counter:
        return SimulatorRun(finished.stdout, (), finished.returncode, counted=False)
    times = [time for (time,) in struct.iter_unpack(">I", written[: len(written) & ~3])]
    if marks and len(times) > marks:
        raise SimulatorError(f"the firmware called unit_machine_mark() more than {marks} times{output}")
    counts = tuple((start - end) % PERIOD - MARK_INSTRUCTIONS for start, end in pairwise(times))
    return SimulatorRun(finished.stdout, counts if marks else (), finished.returncode)


def _program() -> str:
    program = find_program(PROGRAM)
    if program is None:
        raise SimulatorError(f"{PROGRAM} was not found; install it with: {INSTALL['msp430-elf-gcc']}")
    return program


@functools.cache
def _counts(program: str) -> bool:
    """Whether this build of the simulator has devices."""
    command = [program, *COUNTER, "--version"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
