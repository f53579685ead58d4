"""Runs firmware on a board's simulator. As a program: python simulators.py BOARD.json firmware.elf."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

if not __package__:  # run as a program: this folder is a package all the same
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "boards"

from .process import SimulatorError, SimulatorRun

__all__ = ["STACK_OVERFLOW", "SimulatorError", "SimulatorRun", "run"]

STACK_OVERFLOW = 253  # exit status of firmware for MSP430 (machines/msp430/stack.c)
STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    board: Mapping[str, Any],
    elf: Path,
    *,
    marks: int = 0,
    timeout: float = 120.0,
    on_line: Callable[[str], None] | None = None,
) -> SimulatorRun:
    """Runs `elf` on the simulator that the board file names.

    marks: how many times the firmware will call unit_machine_mark(). timeout: seconds of this machine's time.
    on_line: gets what the firmware writes line by line, newlines included, early where the simulator allows it.
    Raises SimulatorError when there is no such simulator, and when the firmware crashes or does not end.
    """
    section = board["tflm_unit"]
    if "simulator" not in section:
        raise SimulatorError(f"{board['name']} has no simulator; {section['simulated_by']} stands for it")
    simulator = importlib.import_module(f".simulator_{section['simulator']['kind']}", __package__)
    result: SimulatorRun = simulator.run(board, elf, marks, timeout, on_line)
    if result.counted and result.status == 0 and len(result.marks) != max(marks - 1, 0):
        raise SimulatorError(f"the firmware made {len(result.marks)} of {max(marks - 1, 0)} measurements")
    return result


def seconds(text: str) -> float:
    """What --timeout takes."""
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError
    return value


def _stop(number: int, frame: FrameType | None) -> None:
    """Ends this program, and the simulator with it (run_process), as a signal would: also for Ctrl-C, silently."""
    for each in STOPPED_BY:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> int:
    """The command line: prints what the firmware writes; its exit status."""
    parser = argparse.ArgumentParser(description="Run firmware on a board's simulator.")
    parser.add_argument("board", type=Path, help="boards/<target>.json")
    parser.add_argument("elf", type=Path, help="the linked program")
    parser.add_argument("--timeout", type=seconds, default=120.0, help="seconds until a simulation is ended")
    arguments = parser.parse_args()
    for number in STOPPED_BY:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _stop)
    board = json.loads(arguments.board.read_text(encoding="utf-8"))
    try:
        result = run(
            board,
            arguments.elf,
            timeout=arguments.timeout,
            on_line=lambda line: print(line, end="", flush=True),
        )
    except SimulatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return result.status


if __name__ == "__main__":
    sys.exit(main())
