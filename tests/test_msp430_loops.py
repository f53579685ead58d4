"""The MSP430 assembly of the core against its C reference, in mspdebug's and in gdb's simulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tflm_unit.boards import simulators, toolchain

FIRMWARE = sorted(Path(__file__).parent.glob("msp430_loops*.c"))


@pytest.mark.parametrize("optimize", ["-O2", "-Os"])
@pytest.mark.parametrize("target", ["msp430_sim", "msp430_nomul_sim", "msp430fr5994_sim"])
def test_assembly_equals_c(tmp_path: Path, target: str, optimize: str) -> None:
    board = json.loads((toolchain.BOARDS / f"{target}.json").read_text(encoding="utf-8"))
    elf = tmp_path / "loops.elf"
    try:
        toolchain.toolchain(board)
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))
    toolchain.build(board, FIRMWARE, elf, optimize=optimize, work=tmp_path / "objects")
    run = simulators.run(board, elf, timeout=300)
    assert run.console == "done\n"
    assert run.status == 0
