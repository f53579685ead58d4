"""Estimates the cycles per instruction of a Cortex-M program: what boards/*.json state as `cycles_per_count`.

Runs a linked program on QEMU, one instruction at a time, and weighs each with the timing that Arm's Technical
Reference Manual of the core states, for memory without wait states. Code that only starts up or prints is left out.

    pio run -e cortex_m3_sim && python benchmarks/cycles_per_instruction.py cortex_m3_sim
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRACED = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", re.MULTILINE)
DISASSEMBLED = re.compile(r"^\s*([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)\s*(.*)$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
SETUP = re.compile(
    r"Reset_Handler|main|setup|loop|delay|unit_machine_|unit_clock_|semihosting|.*Serial|__udivmod|__aeabi_uldiv"
)
# Name: cycles of a taken branch, a multiply with 64-bit result, multiply-accumulate, a store.
CORES = {"Cortex-M0": (2, 1, 1, 2), "Cortex-M3": (3, 4, 2, 1), "Cortex-M4": (3, 1, 1, 1)}


class Instruction:
    """One instruction of the program. size: bytes."""

    def __init__(self, function: str, code: str, mnemonic: str, operands: str) -> None:
        self.function = function
        self.size = len(code.replace(" ", "")) // 2
        self.name = mnemonic.split(".")[0]
        self.operands = operands

    def registers(self) -> int:
        """How many a load or store of several has."""
        count = 0
        for part in re.sub(r".*\{|\}.*", "", self.operands).split(","):
            first, _, last = part.strip().partition("-")
            count += int(last[1:]) - int(first[1:]) + 1 if last else 1
        return count

    def cycles(self, core: str, taken: bool, after_load: bool) -> int:
        """taken: the program goes on elsewhere. after_load: M3 and M4 overlap a load with the one before."""
        branch, long_multiply, accumulate, store = CORES[core]
        jump = branch - 1 if taken else 0
        if self.name in ("push", "pop") or re.match(r"v?(ldm|stm|push|pop)", self.name):
            return 1 + self.registers() + jump
        if re.match(r"(ldr|str)d", self.name):
            return 3
        if re.match(r"v?ldr", self.name):
            return (1 if after_load and core != "Cortex-M0" else 2) + jump
        if re.match(r"v?str", self.name):
            return store
        if re.match(r"[su]ml?al|[su]mull", self.name):
            return long_multiply
        if self.name in ("mla", "mls"):
            return accumulate
        if self.name in ("sdiv", "udiv"):
            return 7  # 2 to 12
        return 3 if self.name == "bl" else 1 + jump


def disassemble(elf: Path) -> dict[int, Instruction]:
    """The instructions of a program by address."""
    command = ["arm-none-eabi-objdump", "-d", str(elf)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[int, Instruction] = {}
    function = ""
    for line in listing.splitlines():
        if match := FUNCTION.match(line):
            function = match[1]
        elif match := DISASSEMBLED.match(line):
            found[int(match[1], 16)] = Instruction(function, *match.groups()[1:])
    return found


def trace(machine: str, elf: Path) -> Counter[tuple[int, int]]:
    """How often each instruction was followed by each other, by address."""
    command = [
        *("qemu-system-arm", "-M", machine, "-kernel", str(elf), "-nographic", "-monitor", "none"),
        *("-serial", "none", "-chardev", "null,id=console", "-singlestep", "-d", "exec,nochain"),
        *("-semihosting-config", "enable=on,target=native,chardev=console", "-D", "/dev/stdout"),
    ]
    steps: Counter[tuple[int, int]] = Counter()
    previous = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if match := TRACED.match(line):
                address = int(match[1], 16)
                steps[previous, address] += 1
                previous = address
    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("target", choices=["cortex_m0_sim", "cortex_m3_sim", "cortex_m4_sim"])
    parser.add_argument("elf", type=Path, nargs="?", help="default: what pio run has built")
    arguments = parser.parse_args()
    section = json.loads((ROOT / "boards" / f"{arguments.target}.json").read_text())["tflm_unit"]
    elf = arguments.elf or ROOT / ".pio" / "build" / arguments.target / "program.elf"
    program = disassemble(elf)
    instructions = cycles = 0
    for (address, following), count in trace(section["simulator"]["machine"], elf).items():
        step = program.get(address)
        if step is None or SETUP.match(step.function):
            continue
        neighbours = [(size, program.get(address - size)) for size in (2, 4)]
        after_load = any(
            other is not None and other.size == size and re.match("ldr|str", other.name)
            for size, other in neighbours
        )
        instructions += count
        cycles += count * step.cycles(section["core"], following != address + step.size, after_load)
    print(
        f"{arguments.target}: {instructions} instructions, about {cycles} cycles: {cycles / instructions:.2f} each"
    )


if __name__ == "__main__":
    main()
