"""Targets: the boards and simulated machines that boards/*.json describe."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tflm_unit import boards

from .errors import UnitError
from .pruning import Divider

FOLDER = Path(boards.__file__).resolve().parent


@dataclass(frozen=True)
class Target:
    """A machine that firmware is built for.

    flash_bytes, ram_bytes: what a program can use. clock_hz: of the CPU. divider: the one to prefer where the
    model does not say. simulated_by: the target whose simulator stands for it, itself for simulated machines.
    unit: what that simulator counts, 'cycles' or 'instructions'. board: the whole board file.
    """

    name: str
    title: str
    flash_bytes: int
    ram_bytes: int
    clock_hz: int
    divider: Divider
    simulated_by: str
    unit: str
    board: Mapping[str, Any] = field(repr=False)


def target_names() -> tuple[str, ...]:
    """Every target, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def as_target(target: str | Target) -> Target:
    """A target that is given by name, or as one. Raises UnitError."""
    if not isinstance(target, (str, Target)):
        raise UnitError(f"target is {target!r}; it takes a name or a Target")
    return load_target(target) if isinstance(target, str) else target


@functools.cache
def load_target(name: str) -> Target:
    """The target called `name`. Raises UnitError that lists the names when there is none."""
    names = target_names()
    if name not in names:
        raise UnitError(f"there is no target {name!r}; it takes one of {', '.join(names)}")
    board = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    extra = board["tflm_unit"]
    return Target(
        name=name,
        title=board["name"],
        flash_bytes=board["upload"]["maximum_size"],
        ram_bytes=board["upload"]["maximum_ram_size"],
        clock_hz=int(board["build"]["f_cpu"].rstrip("L")),
        divider=Divider[extra["divider"].upper()],
        simulated_by=extra["simulated_by"],
        unit=extra["unit"],
        board=board,
    )
