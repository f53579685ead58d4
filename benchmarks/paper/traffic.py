"""Data accesses of firmware for the MSP430FR5994, from the memory trace of gdb's simulator.

Counted is every read and write of an inference, instructions aside: each occupies the bus for one cycle, twice where
it is of 20 bits (MSP430x5xx family guide, SLAU367, chapter CPUX). FRAM's wait states above 8 MHz are not counted, as
they depend on its cache.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile

from tflm_unit import ConversionResult, UnitError
from tflm_unit.boards.simulator_msp430_run import COUNTER, _program
from tflm_unit.converter.codegen import export
from tflm_unit.converter.targets import load_target
from tflm_unit.simulation.elf import find_symbol, patched
from tflm_unit.simulation.firmware import NAME, Program, build
from tflm_unit.simulation.inputs import take
from tflm_unit.simulation.run import SAMPLES

# Datasheet SLASE54, memory organization: where RAM and FRAM begin; below are the registers of peripherals.
RAM, FRAM = 0x1C00, 0x4000
MARK, MARK_BYTES = "unit_machine_mark", 20
ACCESS = re.compile(r"memory:\s+0x([0-9a-f]+)\s+-(GET|PUT): \[0x([0-9a-f]+)\]\.(\d+)")


@dataclass(frozen=True)
class Traffic:
    """Bus cycles of one inference. registers: of peripherals, which are those of the multiplier."""

    fram_reads: int
    fram_writes: int
    ram_reads: int
    ram_writes: int
    registers: int

    @property
    def data(self) -> int:
        """All that move data; operands of the multiplier count as computing."""
        return self.fram_reads + self.fram_writes + self.ram_reads + self.ram_writes


def counted(lines: Iterable[str], mark: int) -> Traffic:
    """From the first to the last call of the function at address `mark`."""
    between: Counter[tuple[str, str]] = Counter()
    since: Counter[tuple[str, str]] = Counter()
    begun = False
    for line in lines:
        found = ACCESS.search(line)  # a mark writes its four bytes into the trace
        if found is None:
            continue
        counter, operation, address, bits = found.groups()
        if mark <= int(counter, 16) < mark + MARK_BYTES:
            if begun:
                between += since
            begun = True
            since.clear()
            continue
        place = int(address, 16)
        region = "fram" if place >= FRAM else "ram" if place >= RAM else "registers"
        since[region, operation] += 2 if bits == "20" else 1
    if not begun:
        raise UnitError("the simulator wrote no memory trace: its build does not have --trace-memory")
    registers = between["registers", "GET"] + between["registers", "PUT"]
    return Traffic(*(between[r, o] for r in ("fram", "ram") for o in ("GET", "PUT")), registers)


def traffic(result: ConversionResult, target: str, schedule: str, x: np.ndarray) -> Traffic:
    """Of one inference, sample x (1, ...), at operating point 0. Takes some 20 times as long as a simulation."""
    model, machine = result.model, load_target(target)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = {"name": NAME, "target": machine, "schedule": schedule}
        done = export(model.graph, model.config, folder / "model", **options)
        program = Program(
            folder=folder / "model",
            sources=tuple(path for path in done.files if path.suffix == ".c"),
            layers=done.layers,
            schedules=tuple(names[0] if names else None for names in done.schedules),
            arena_bytes=done.arena_bytes,
            constant_bytes=done.constant_bytes,
            arena_in_fram=done.arena_in_fram,
        )
        firmware = build(program, model.graph, machine, counting=False)
        inputs = take(x, model.graph, 1, None, None)
        contents = (1).to_bytes(4, "little") + b"".join(np.ascontiguousarray(i[0]).tobytes() for i in inputs)
        elf = folder / "firmware.elf"
        elf.write_bytes(patched(firmware.elf, find_symbol(firmware.elf, SAMPLES), contents))
        command = [str(_program()), "--trace-memory", *COUNTER, str(elf)]
        with elf.open("rb") as stream:
            (symbol,) = ELFFile(stream).get_section_by_name(".symtab").get_symbol_by_name(MARK)
            mark = int(symbol["st_value"])
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            assert process.stderr is not None
            return counted((line.decode("ascii", "replace") for line in process.stderr), mark)
