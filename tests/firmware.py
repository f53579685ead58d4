"""Small programs for the machines of boards/, without the kernels."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tflm_unit.boards import simulators, toolchain

REPOSITORY = Path(__file__).resolve().parent.parent
BOARDS = REPOSITORY / "boards"
SHIM = BOARDS / "machines" / "arduino"
SIMULATORS = {"qemu": "qemu-system-arm", "mspdebug": "mspdebug", "msp430_run": "msp430-elf-run"}


def load_board(name: str) -> dict[str, Any]:
    return json.loads((BOARDS / f"{name}.json").read_text(encoding="utf-8"))


def require(board: dict[str, Any]) -> None:
    """Skips the test when the board's compiler or simulator is not installed."""
    program = SIMULATORS[board["tflm_unit"]["simulator"]["kind"]]
    if toolchain.find_program(program) is None:
        pytest.skip(f"{program} is not installed: run `make setup-sim`")
    try:
        toolchain.toolchain(board)
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))


def run_source(
    name: str,
    folder: Path,
    source: str,
    *,
    defines: Iterable[str] = (),
    optimize: str = "-O2",
    **options: Any,
) -> simulators.SimulatorRun:
    """Builds C code, or a sketch when it includes Arduino.h, and runs it on the machine `name`."""
    board = load_board(name)
    require(board)
    sketch = "#include <Arduino.h>" in source
    main = folder / ("main.cpp" if sketch else "main.c")
    main.write_text(source, encoding="utf-8")
    sources = [main, *toolchain.toolchain(board).sources]
    if sketch:
        sources += [path for path in sorted(SHIM.iterdir()) if path.suffix != ".h"]
    objects = toolchain.compile_sources(
        board, sources, defines=defines, includes=[SHIM], optimize=optimize, work=folder / name
    )
    elf = folder / name / "firmware.elf"
    toolchain.link(board, objects, elf)
    return simulators.run(board, elf, **{"timeout": 60.0, **options})


def endless_simulator(folder: Path) -> dict[str, str]:
    """The environment variables of a machine whose QEMU writes the number of its process and does not end."""
    program = folder / "qemu-system-arm"
    program.write_text("#!/bin/sh\necho $$\nexec sleep 600\n")
    program.chmod(0o755)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def ends(process: int) -> bool:
    """Waits for a process that has been killed, not by us, to be gone."""
    for _ in range(300):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def without_programs(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Makes `names` impossible to find."""
    which = shutil.which

    def hidden(name: str, *arguments: Any, **options: Any) -> str | None:
        return None if name in names else which(name, *arguments, **options)

    monkeypatch.setattr(shutil, "which", hidden)
