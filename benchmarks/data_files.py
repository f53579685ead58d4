"""What the benchmarks' commands share: where data are, types of arguments, errors in one line."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

from tflm_unit import UnitError
from tflm_unit.converter.errors import DataError

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TFLM_UNIT_DATA") or ROOT.parent / "shared" / "data")
EPILOG = f"Data are read from the folder that the environment variable TFLM_UNIT_DATA names (now: {DATA})."


def data_file(name: str) -> Path:
    """Path of a file of the data folder. Raises DataError, which says what to set, when it is not there."""
    path = DATA / name
    if not path.is_file():
        raise DataError(f"{path} is missing: set TFLM_UNIT_DATA to a folder with {name}")
    return path


def rate(text: str) -> float:
    """Type of an argument: a share, 0 .. 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not in 0 .. 1")
    return value


def count(text: str) -> int:
    """Type of an argument: a whole number from 1."""
    value = int(text)
    if value < 1:
        raise ArgumentTypeError(f"{text} is less than 1")
    return value


def run(main: Callable[[], None]) -> None:
    """Runs a benchmark; errors of ours and of the system end it with one line and exit code 1."""
    try:
        main()
    except (UnitError, ImportError, OSError) as error:
        sys.exit(f"error: {error}")
