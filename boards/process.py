"""What the simulators have in common: the result, the error, and a process that cannot hang.

simulators.py calls `run(board, elf, marks, timeout, on_line) -> SimulatorRun` of the module simulator_<kind>.py.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# Characters: firmware in an endless loop of messages is ended before it fills the memory.
LARGEST_OUTPUT = 1 << 25
LONGEST_LINE = 1 << 16


class SimulatorError(Exception):
    """A simulator is missing (the message says how to install it), hung or crashed."""


@dataclass(frozen=True)
class SimulatorRun:
    """What a firmware did.

    console: what it wrote. marks[i]: cycles or instructions, as the board's "unit" says, between its calls i and
    i + 1 of unit_machine_mark(), without what the marks themselves cost. status: what main() returned, 0..255.
    counted: the simulator can count; else marks is empty.
    """

    console: str
    marks: tuple[int, ...]
    status: int
    counted: bool = True


def run_process(
    command: Sequence[str | Path],
    timeout: float,
    on_line: Callable[[str], None] | None = None,
    records: re.Pattern[str] | None = None,
    errors_to: IO[bytes] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a simulator to its end. `on_line` gets each line of its output, newline included, as it arrives, without
    what matches `records`. `errors_to` takes its standard error instead of the result.

    Raises SimulatorError with the last lines of the output when it still runs after `timeout` seconds; then
    everything that it started has been killed.
    """
    process = subprocess.Popen(
        [*tied_to_this_process(), *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if errors_to is None else errors_to,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    output: list[str] = []
    errors: list[str] = []

    def follow() -> None:
        assert process.stdout is not None
        if not _collect(process.stdout, output, on_line, records):
            _end(process)

    def follow_errors() -> None:
        if process.stderr is not None:
            errors.append(process.stderr.read())

    threads = [threading.Thread(target=target, daemon=True) for target in (follow, follow_errors)]
    try:
        for thread in threads:
            thread.start()
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        raise SimulatorError(
            f"the firmware was still running after {timeout:g} s, so the simulation was ended{tail(output, records)}"
        ) from None
    finally:
        _end(process)
        for thread in threads:
            if thread.is_alive():  # not so when a signal came before it started
                thread.join()
    if sum(map(len, output)) > LARGEST_OUTPUT:
        raise SimulatorError(
            f"the firmware did not stop writing, so the simulation was ended{tail(output, records)}"
        )
    return subprocess.CompletedProcess(process.args, process.returncode, "".join(output), "".join(errors))


def _collect(
    stream: IO[str],
    output: list[str],
    on_line: Callable[[str], None] | None,
    records: re.Pattern[str] | None,
) -> bool:
    """Appends the lines of a stream to `output`. False when there was too much of it to go on."""
    size = 0
    for line in iter(lambda: stream.readline(LONGEST_LINE), ""):
        output.append(line)
        size += len(line)
        if size > LARGEST_OUTPUT:
            return False
        text = records.sub("", line) if records else line
        if text and on_line is not None:
            on_line(text)
    return True


def line_buffered(program: str) -> list[str]:
    """The command for a simulator that would keep its output until it ends: firmware that hangs is ended before."""
    stdbuf = shutil.which("stdbuf")
    return [program] if stdbuf is None else [stdbuf, "-oL", program]


def tied_to_this_process() -> list[str]:
    """What to put before a command so that it does not outlive this process, however that ends."""
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", "KILL"]


def tail(output: Iterable[str], records: re.Pattern[str] | None = None) -> str:
    """The end of an output, without what matches `records`, as the end of an error message."""
    text = "".join(output)
    lines = (records.sub("", text) if records else text).splitlines()[-10:]
    return (
        "; its last output:" + "".join(f"\n  {line}" for line in lines)
        if lines
        else "; it had written nothing"
    )


def _end(process: subprocess.Popen[str]) -> None:
    """Kills a process that was started in a process group of its own, and that group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
