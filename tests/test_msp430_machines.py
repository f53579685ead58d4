"""The MSP430 machines: run-time helpers against Python, console, exit, marks, stack, and firmware that misbehaves."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msp430_arithmetic import (
    FLOAT_RESULTS,
    c_array,
    differs,
    float_operands,
    float_result,
    integer_operands,
    integer_result,
)

from tflm_unit.boards import simulator_msp430_run, simulators, toolchain

REPOSITORY = Path(__file__).resolve().parent.parent
HELPERS = REPOSITORY / "tests" / "msp430_helpers.c"


@dataclass(frozen=True)
class Machine:
    """A machine whose own sources are compiled already."""

    board: dict[str, Any]
    tools: toolchain.Toolchain
    objects: tuple[Path, ...]

    def compile(self, source: Path, item: Path, *warnings: str) -> Path:
        cxx = source.suffix == ".cc"
        command = [*self.tools.cxx, *self.tools.cxx_only] if cxx else [*self.tools.cc]
        includes = [f"-I{folder}" for folder in (source.parent, *self.tools.includes)]
        command += [*self.tools.cflags, "-O2", *warnings, *includes, "-c", str(source), "-o", str(item)]
        subprocess.run(command, check=True)
        return item

    def run(self, source: Path, timeout: float = 60.0, **options: Any) -> simulators.SimulatorRun:
        """Compiles, links beside the source, and simulates."""
        item, elf = self.compile(source, source.with_suffix(".o")), source.parent / "firmware.elf"
        link = [*self.tools.cc, *self.tools.ldflags, *map(str, (item, *self.objects))]
        subprocess.run([*link, *(f"-l{name}" for name in self.tools.libs), "-o", str(elf)], check=True)
        return simulators.run(self.board, elf, timeout=timeout, **options)


@pytest.fixture(scope="module", params=["msp430_sim", "msp430_nomul_sim", "msp430fr5994_sim"])
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    board = json.loads((REPOSITORY / "boards" / f"{request.param}.json").read_text(encoding="utf-8"))
    try:
        tools = toolchain.toolchain(board)
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))
    if board["tflm_unit"]["simulator"]["kind"] == "mspdebug" and shutil.which("mspdebug") is None:
        pytest.skip("mspdebug is not installed: make setup-sim")
    folder = tmp_path_factory.mktemp(request.param)
    empty = Machine(board, tools, ())
    warnings = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
    objects = [empty.compile(source, folder / f"{source.name}.o", *warnings) for source in tools.sources]
    return Machine(board, tools, tuple(objects))


def test_helpers_equal_python(machine: Machine, tmp_path: Path) -> None:
    integers, floats = integer_operands(), float_operands()
    tables = c_array("integers", integers) + c_array("floats", floats)
    (tmp_path / "operands.h").write_text("#include <stdint.h>\n" + tables)
    printed: dict[str, list[str]] = {}
    shutil.copy(HELPERS, tmp_path / "main.c")
    for line in machine.run(tmp_path / "main.c").console.split("\n"):
        name, *results = line.split() or [""]
        printed.setdefault(name, []).extend(results)
    del printed[""]
    assert len(printed) == 30 + len(FLOAT_RESULTS)
    wrong = []
    compiler = machine.board["tflm_unit"]["compiler"]
    for name, results in printed.items():
        expected, pairs = (float_result, floats) if name in FLOAT_RESULTS else (integer_result, integers)
        for (x, y), text in zip(pairs, results, strict=True):
            if differs(name, x, y, compiler):
                continue
            result, wanted = int(text, 16), expected(name, x, y) % 2**64
            if name.startswith("f32") and "to" not in name and (result & 0x7FFFFFFF) > 0x7F800000:
                result = 0x7FC00000
            if result != wanted:
                wrong.append(f"{name}({x:#x}, {y:#x}) = {result:#x}, not {wanted:#x}")
    assert not wrong, "\n".join(wrong[:20])


FIRMWARE = """
#include <string.h>
#include "unit_machine.h"

static volatile int16_t initialized[3] = {1, -2, 30000};
static volatile int32_t cleared[4];
static const char *const text[] = {"first line\\n", "no newline at the end"};

static void nops(void) { __asm__ volatile("nop\\nnop\\nnop\\nnop\\nnop"); }

static size_t deep(int levels) {
  volatile uint8_t local[100];
  memset((void *)local, levels, sizeof(local));
  return levels == 0 ? local[7] : local[99] + deep(levels - 1);
}

int main(void) {
  size_t before, after;
  unit_machine_write(text[0], strlen(text[0]));
  unit_machine_mark();
  unit_machine_mark();
  unit_machine_mark();
  __asm__ volatile("nop\\nnop\\nnop\\nnop\\nnop");
  unit_machine_mark();
  for (volatile uint32_t i = 0; i < 70000; i++) nops();
  unit_machine_mark();
  before = unit_machine_stack_used();
  if (deep(9) != 45) return 1;
  after = unit_machine_stack_used();
  if (before < 4 || before > 200 || after < before + 900 || after > before + 1400) return 2;
  if (initialized[0] != 1 || initialized[1] != -2 || initialized[2] != 30000) return 3;
  for (int i = 0; i < 4; i++) {
    if (cleared[i] != 0) return 4;
  }
  unit_machine_write(text[1], strlen(text[1]));
  return 107;
}
"""


def test_console_exit_marks_and_stack(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(FIRMWARE)
    lines: list[str] = []
    first = machine.run(tmp_path / "main.c", marks=5, on_line=lines.append)
    assert first.console == "first line\nno newline at the end"
    assert lines == first.console.splitlines(keepends=True)
    assert first.status == 107
    assert first.marks[:3] == (0, 0, 5)
    assert first.marks[3] > 70000 * 10
    assert simulators.run(machine.board, tmp_path / "firmware.elf", marks=5) == first
    assert simulators.run(machine.board, tmp_path / "firmware.elf").marks == ()


MEMORY_FUNCTIONS = """
#include <string.h>
#include "unit_machine.h"

#define SIZE 24
static uint8_t bytes[SIZE], expected[SIZE];
static volatile uint8_t start[SIZE];
static volatile size_t zero;

static void reset(void) {
  for (size_t i = 0; i < SIZE; i++) bytes[i] = expected[i] = start[i] = (uint8_t)(17 * i + 1);
}

static int differ(void) {
  for (size_t i = 0; i < SIZE; i++) {
    if (bytes[i] != expected[i]) return 1;
  }
  return 0;
}

static int check(size_t to, size_t from, size_t size) {
  reset();
  for (size_t i = 0; i < size; i++) expected[to + i] = start[from + i];
  if (memmove(bytes + to, bytes + from, size) != bytes + to || differ()) return 1;
  if (memcmp(bytes, expected, SIZE + zero) != 0) return 2;
  for (size_t i = 0; i < size; i++) expected[to + i] = (uint8_t)(size + 200);
  if (memset(bytes + to, (int)size + 200, size) != bytes + to || differ()) return 3;
  reset();
  for (size_t i = 0; i < size; i++) expected[to + i] = start[i + 1];
  if (memcpy(bytes + to, (const void *)(start + 1), size) != bytes + to || differ()) return 4;
  bytes[from] = 0x80;
  expected[from] = 0x7f;
  if (memcmp(bytes, expected, from + 1) <= 0 || memcmp(expected, bytes, from + 1) >= 0) return 5;
  if (memcmp(bytes, expected, from) != 0) return 6;
  bytes[to + size] = 0;
  return size > 0 && strlen((const char *)bytes + to) > size ? 7 : 0;
}

int main(void) {
  for (size_t to = 0; to < 8; to++) {
    for (size_t from = 0; from < 8; from++) {
      for (size_t size = 0; size < 12; size++) {
        const int failed = check(to, from, size + zero);
        if (failed) return failed;
      }
    }
  }
  return (int)strlen("twelve bytes") - 12;
}
"""


def test_memory_functions(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(MEMORY_FUNCTIONS)
    assert machine.run(tmp_path / "main.c").status == 0


def test_static_constructors_run(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "main.cc").write_text(
        """
        #include "unit_machine.h"
        struct Base { virtual int value() const = 0; };
        struct Derived : Base {
          volatile int number;
          explicit Derived(int start) : number(start + 1) {}
          int value() const override { return number; }
        };
        Derived one(40);
        static Derived two(80);
        extern "C" int main(void) {
          static Derived three(1);
          const Base *all[] = {&one, &two, &three};
          int sum = 0;
          for (const Base *item : all) sum += item->value();
          return sum;
        }
        """
    )
    assert machine.run(tmp_path / "main.cc").status == 41 + 81 + 2


def test_clock_follows_the_counts(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(
        """
        #include "unit_machine.h"
        int main(void) {
          uint32_t start, milliseconds;
          unit_machine_mark();
          start = unit_machine_millis();
          do milliseconds = unit_machine_millis() - start; while (milliseconds < 100);
          unit_machine_mark();
          return (int)milliseconds;
        }
        """
    )
    result = machine.run(tmp_path / "main.c", marks=2)
    per_count, step = (1, 1) if machine.board["tflm_unit"]["unit"] == "cycles" else (2, 9)
    passed = result.marks[0] * per_count * 1000 / int(machine.board["build"]["f_cpu"].rstrip("L"))
    assert abs(result.status - passed) <= step


BAD_FIRMWARE = {
    "hangs": (
        'for (;;) __asm__ volatile("nop");',
        r"still running after 2 s(.|\n)*\n  before$",
    ),
    "goes to 0": ("((void (*)(void))zero)();", "the firmware crashed"),
    "marks too often": ("for (int i = 0; i < 3; i++) unit_machine_mark();", "more than 2 times"),
    "marks too seldom": ("unit_machine_mark();", "made 0 of 1 measurements"),
}


@pytest.mark.parametrize("fault", BAD_FIRMWARE)
def test_firmware_that_misbehaves(machine: Machine, fault: str, tmp_path: Path) -> None:
    statement, message = BAD_FIRMWARE[fault]
    (tmp_path / "main.c").write_text(
        '#include "unit_machine.h"\nvolatile uintptr_t zero;\n'
        f'int main(void) {{ unit_machine_write("before\\n", 7); {statement} return 0; }}\n'
    )
    with pytest.raises(simulators.SimulatorError, match=message):
        machine.run(tmp_path / "main.c", marks=2, timeout=2.0)


def test_stack_overflow_is_reported(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(
        '#include "unit_machine.h"\nextern uint16_t __stack_bottom[];\n'
        "int main(void) { __stack_bottom[0] = 1; return 0; }\n"
    )
    result = machine.run(tmp_path / "main.c")
    assert (result.status, result.console) == (simulators.STACK_OVERFLOW, "stack overflow\n")


@pytest.mark.parametrize("machine", ["msp430fr5994_sim"], indirect=True)
def test_simulator_that_cannot_count(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator_msp430_run, "_counts", lambda program: False)
    (tmp_path / "main.c").write_text(FIRMWARE)
    result = machine.run(tmp_path / "main.c", marks=5)
    assert result.console == "first line\nno newline at the end"
    assert (result.status, result.marks, result.counted) == (107, (), False)
