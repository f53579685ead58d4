"""boards/: the files, compilers and simulators that are missing or fail, and exact counts on QEMU's machines."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from firmware import BOARDS, REPOSITORY, load_board, run_source, without_programs

import tflm_unit
from tflm_unit.boards import process, simulators, toolchain
from tflm_unit.converter.pruning import Divider
from tflm_unit.converter.targets import load_target

DOCUMENT = (REPOSITORY / "docs" / "boards.md").read_text(encoding="utf-8")
NAMES = sorted(path.stem for path in BOARDS.glob("*.json"))
CORTEX_M = [
    name for name in NAMES if load_board(name)["tflm_unit"].get("simulator", {}).get("kind") == "qemu"
]
SKETCH_MACHINES = ["cortex_m0_sim", "cortex_m4_sim", "msp430_sim", "msp430fr5994_sim"]
TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("core", "simulated_by", "multiplier", "divider", "status"), str),
    **dict.fromkeys(("fpu", "clz", "divide"), bool),
    **dict.fromkeys(("cost", "energy"), dict),
    "compiler": (str, type(None)),
}
# What a program is built from, where the board names a compiler.
BUILD_TYPES: dict[str, type] = {
    **dict.fromkeys(("cflags", "ldflags", "sources", "includes"), list),
    "linker_script": str,
}
# In assembly, so that each region's instructions are known: none, 3, and 1 + 2 per turn.
TURNS = (1, 1000, 25_000_000)
LOOPS = f"""
#include "unit_machine.h"

void measure(void);
__asm__(
    ".syntax unified\\n .thumb\\n .text\\n .thumb_func\\n .type measure, %function\\n"
    "measure:\\n push {{r4, lr}}\\n bl unit_machine_mark\\n bl unit_machine_mark\\n"
    "nop\\n nop\\n nop\\n bl unit_machine_mark\\n"
    "ldr r0, ={TURNS[0]}\\n 1: subs r0, #1\\n bne 1b\\n bl unit_machine_mark\\n"
    "ldr r0, ={TURNS[1]}\\n 1: subs r0, #1\\n bne 1b\\n bl unit_machine_mark\\n"
    "ldr r0, ={TURNS[2]}\\n 1: subs r0, #1\\n bne 1b\\n bl unit_machine_mark\\n"
    "pop {{r4, pc}}\\n .ltorg\\n");

int main(void) {{
  measure();
  return unit_machine_millis() == {2 * TURNS[2]} / CYCLES_PER_MS ? 7 : 1;
}}
"""


@pytest.mark.parametrize("name", NAMES)
def test_board_files_are_complete(name: str) -> None:
    board = load_board(name)
    section = board["tflm_unit"]
    assert {"name", "vendor", "url", "build", "upload"} <= board.keys()
    for key, expected in TYPES.items():
        assert isinstance(section[key], expected), key
    assert section["cost"]["cycles_per_count"] > 0
    assert 0.01 < section["energy"]["nanojoules_per_cycle"] < 10
    assert len(section["cost"]["source"]) > 20
    assert len(section["energy"]["source"]) > 20
    assert section["unit"] in ("cycles", "instructions")
    simulated = load_board(section["simulated_by"])["tflm_unit"]
    assert simulated["status"] == "simulated"
    assert simulated["simulated_by"] == section["simulated_by"]
    assert ("simulator" in section) == (section["simulated_by"] == name)
    assert section["status"] == ("simulated" if "simulator" in section else "nobody ran this on hardware yet")
    if section["compiler"] is not None:
        for key, expected in BUILD_TYPES.items():
            assert isinstance(section[key], expected), key
        for file in (section["linker_script"], *section["sources"], *section["includes"]):
            assert (BOARDS / file).exists(), file


@pytest.mark.parametrize("name", NAMES)
def test_targets_read_board_files(name: str) -> None:
    board = load_board(name)
    target = load_target(name)
    assert target.flash_bytes == board["upload"]["maximum_size"]
    assert target.ram_bytes == board["upload"]["maximum_ram_size"]
    assert 1_000_000 <= target.clock_hz <= 250_000_000
    assert target.divider is Divider[board["tflm_unit"]["divider"].upper()]


def test_the_version_is_the_same_everywhere() -> None:
    library = json.loads((REPOSITORY / "kernels" / "library.json").read_text())
    platform = json.loads((BOARDS / "platform" / "platform.json").read_text())
    properties = (REPOSITORY / "kernels" / "library.properties").read_text()
    assert library["version"] == platform["version"] == tflm_unit.__version__
    assert re.search(r"^version=(.*)$", properties, re.MULTILINE).group(1) == tflm_unit.__version__  # type: ignore[union-attr]


def test_the_table_of_the_documentation_is_that_of_the_board_files() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*, (\d+) MHz \| (.*) / (.*) \|.*\| (\w+) \|$", DOCUMENT, re.MULTILINE)
    assert sorted(row[0] for row in rows) == NAMES
    for name, clock, flash, ram, divider in rows:
        target = load_target(name)
        sizes = [int(text.replace(" MiB", "")) * (1 << 20 if "MiB" in text else 1) for text in (flash, ram)]
        assert sizes == [target.flash_bytes, target.ram_bytes], name
        assert (int(clock) * 1_000_000, divider) == (target.clock_hz, target.divider.name.lower()), name


def test_ticks_per_instruction_follow_from_the_clock() -> None:
    """QEMU's timers count the machine's clock; each instruction takes 128 ns."""
    for name in CORTEX_M:
        simulator = load_board(name)["tflm_unit"]["simulator"]
        assert simulator["ticks_per_instruction"] == load_target(name).clock_hz * 128e-9


@pytest.mark.parametrize("name", CORTEX_M)
def test_instruction_counts_are_exact(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    define = f"CYCLES_PER_MS={load_target(name).clock_hz // 1000}"
    result = run_source(name, tmp_path, LOOPS, marks=6, defines=[define])
    assert result.marks == (0, 3, *(1 + 2 * turns for turns in TURNS))
    assert result.status == 7
    again = simulators.run(board, tmp_path / name / "firmware.elf", marks=6)
    assert again == result


@pytest.mark.parametrize("name", SKETCH_MACHINES)
def test_the_arduino_shim_prints_what_arduino_prints(name: str, tmp_path: Path) -> None:
    sketch = """
#include <Arduino.h>
struct Constructed { int value; Constructed() : value(42) {} ~Constructed() { value = 0; } };
static Constructed constructed;
static int count;
void setup() {
  Serial.begin(115200);
  Serial.print('c'); Serial.print(" text "); Serial.print(F("flash "));
  Serial.println(constructed.value);
  Serial.println(-32768); Serial.println(2147483647L); Serial.println(-2147483647L - 1);
  Serial.println(4294967295UL); Serial.println((unsigned char)200);
  Serial.println(255, HEX); Serial.println(5u, BIN); Serial.println(8L, OCT);
  Serial.println(3.14159f, 4); Serial.println(-0.999f); Serial.println(0.5, 0); Serial.println(1e10f);
  Serial.write((uint8_t)'A'); Serial.write("BC"); Serial.write((const uint8_t *)"DEF", 2);
  Serial.println();
  Serial.println(Serial.available() + Serial.read());
  const unsigned long start = millis();
  delay(3);
  Serial.println(millis() - start >= 3 && micros() / 1000 >= start);
}
void loop() { Serial.println(++count); }
"""
    result = run_source(name, tmp_path, sketch, defines=["UNIT_SHIM_LOOPS=2"])
    assert result.console.split() == [
        *("c", "text", "flash", "42", "-32768", "2147483647", "-2147483648", "4294967295", "200"),
        *("FF", "101", "10", "3.1416", "-1.00", "1", "ovf", "ABCDE", "-1", "1", "1", "2"),
    ]
    assert result.console.endswith("\n1\n2\n")
    assert result.status == 0


def test_output_arrives_while_firmware_runs(tmp_path: Path) -> None:
    source = '#include "unit_machine.h"\nint main(void) { unit_machine_mark(); unit_machine_write("a\\nb", 3); %s }'
    lines: list[str] = []
    with pytest.raises(simulators.SimulatorError, match=r"still running after 2 s.*its last output:\n  a"):
        run_source("cortex_m3_sim", tmp_path, source % "for (;;) {}", timeout=2.0, on_line=lines.append)
    assert lines == ["a\n", "b"]
    result = run_source("cortex_m3_sim", tmp_path, source % "return 3;")
    assert (result.console, result.status, result.marks) == ("a\nb", 3, ())


def test_firmware_that_does_not_stop_writing_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "LARGEST_OUTPUT", 1 << 16)
    source = '#include "unit_machine.h"\nint main(void) { for (;;) unit_machine_write("more\\n", 5); }'
    with pytest.raises(simulators.SimulatorError, match=r"did not stop writing.*\n  more"):
        run_source("cortex_m3_sim", tmp_path, source)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "*(volatile int *)0xF0000000 = 1;",
            r"crashed: HardFault at 0x[0-9a-f]{8}, called from 0x[0-9a-f]{8}",
        ),
        ("return deep(3);", r"crashed: .*stack overflow"),
    ],
)
@pytest.mark.parametrize("name", ["cortex_m0_sim", "cortex_m33_sim"])
def test_firmware_that_crashes_says_how(name: str, code: str, message: str, tmp_path: Path) -> None:
    source = f"""
#include "unit_machine.h"
int deep(int x) {{ volatile int data[500]; data[x] = x; return deep(data[x] + 1) + data[x]; }}
int main(void) {{ unit_machine_write("before", 6); {code} return 0; }}
"""
    with pytest.raises(simulators.SimulatorError, match=message) as error:
        run_source(name, tmp_path, source, optimize="-O0", timeout=20.0)
    assert "before" in str(error.value)


def test_missing_marks_are_an_error(tmp_path: Path) -> None:
    source = (
        '#include "unit_machine.h"\nint main(void) { unit_machine_mark(); unit_machine_mark(); return 0; }'
    )
    with pytest.raises(simulators.SimulatorError, match="made 1 of 4 measurements"):
        run_source("cortex_m3_sim", tmp_path, source, marks=5)


def test_the_compilers_message_is_the_error(tmp_path: Path) -> None:
    with pytest.raises(
        toolchain.ToolchainError, match=r"arm-none-eabi-gcc failed:\n(.*\n)*.*'oops' undeclared"
    ):
        run_source("cortex_m3_sim", tmp_path, "int main(void) { return oops; }")


def test_a_compiler_that_fails_without_a_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "zig"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(toolchain, "find_program", lambda name: str(program))
    (tmp_path / "main.c").touch()
    board, work = load_board("msp430_sim"), tmp_path / "work"
    expected = f"^zig failed:\nno message; is there space left in {re.escape(str(work))}\\?$"
    with pytest.raises(toolchain.ToolchainError, match=expected):
        toolchain.compile_sources(board, [tmp_path / "main.c"], work=work)
    with pytest.raises(toolchain.ToolchainError, match=expected):
        toolchain.link(board, [tmp_path / "main.o"], work / "firmware.elf")


@pytest.mark.parametrize(
    ("name", "program", "command"),
    [
        ("cortex_m3_sim", "arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi"),
        ("msp430fr5994_sim", "msp430-elf-gcc", "make setup-sim MSP430_TOOLCHAIN="),
        ("msp430_sim", "zig", "pip install ziglang"),
    ],
)
def test_a_missing_compiler_names_what_installs_it(
    name: str, program: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_programs(monkeypatch, program)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        toolchain.ToolchainError, match=f"{program} was not found; install it with: .*{command}"
    ):
        toolchain.toolchain(load_board(name))


def test_a_missing_simulator_names_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    without_programs(monkeypatch, "qemu-system-arm")
    with pytest.raises(simulators.SimulatorError, match=r"qemu-system-arm was not found; .*make setup-sim"):
        simulators.run(load_board("cortex_m3_sim"), Path("firmware.elf"))


def test_boards_that_nothing_simulates_name_the_machine_that_does() -> None:
    board = load_board("pico_m0")
    with pytest.raises(simulators.SimulatorError, match="cortex_m0_sim stands for it"):
        simulators.run(board, Path("firmware.elf"))
    with pytest.raises(toolchain.ToolchainError, match="cortex_m0_sim stands for it"):
        toolchain.toolchain(board)


def test_toolchains_are_found_where_setup_sim_unpacks_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "any" / "bin" / "msp430-elf-gcc"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(toolchain, "TOOLCHAINS", tmp_path)
    tools: Any = toolchain.toolchain(load_board("msp430fr5994_sim"))
    assert tools.cc == (str(program),)
    assert tools.ar == (str(program.with_name("msp430-elf-ar")),)
    assert tools.size is None
