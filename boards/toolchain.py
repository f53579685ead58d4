"""Compiler commands from a board file. `build` runs them; PlatformIO's builder takes them from here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOARDS = Path(__file__).resolve().parent
# `make setup-sim` unpacks toolchains here; beside an installed package there is no such folder.
TOOLCHAINS = BOARDS.parent / ".toolchains"
KERNELS = BOARDS.parent / "kernels" / "src"

COMMON_FLAGS = ("-ffunction-sections", "-fdata-sections")
C_FLAGS = ("-std=c99",)
# Neither libstdc++ nor unwinding on machines of a few KiB.
CXX_FLAGS = ("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
LINK_FLAGS = ("-Wl,--gc-sections",)

INSTALL = {
    "arm-none-eabi-gcc": "make setup-sim (or apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi)",
    "msp430-elf-gcc": "make setup-sim MSP430_TOOLCHAIN=ARCHIVE, or put TI's msp430-gcc on PATH",
    "zig": "pip install ziglang",
}


class ToolchainError(Exception):
    """A compiler is missing (the message says how to install it) or failed (the message is its own)."""


@dataclass(frozen=True)
class Toolchain:
    """How programs for a board are compiled.

    cc, cxx, ar, ranlib: commands; cc links as well. size: binutils' program, where there is one. cflags: for C, C++
    and assembly. c_only, cxx_only: for one of them. ldflags: with the linker script. libs: as in -lNAME. sources: the
    machine's. includes: folders.
    """

    cc: tuple[str, ...]
    cxx: tuple[str, ...]
    ar: tuple[str, ...]
    ranlib: tuple[str, ...]
    size: str | None
    cflags: tuple[str, ...]
    c_only: tuple[str, ...]
    cxx_only: tuple[str, ...]
    ldflags: tuple[str, ...]
    libs: tuple[str, ...]
    sources: tuple[Path, ...]
    includes: tuple[Path, ...]


def toolchain(board: Mapping[str, Any]) -> Toolchain:
    """The toolchain of a board file. Raises ToolchainError when its compiler is not installed."""
    section = board["tflm_unit"]
    compiler = section["compiler"]
    if compiler is None:
        raise ToolchainError(
            f"{board['name']} is built by PlatformIO with the Arduino framework; "
            f"{section['simulated_by']} stands for it in simulations"
        )
    script = BOARDS / section["linker_script"]
    cc, cxx, ar, ranlib = _commands(compiler)
    return Toolchain(
        cc=cc,
        cxx=cxx,
        ar=ar,
        ranlib=ranlib,
        size=_size_program(cc[0]),
        cflags=(*section["cflags"], *COMMON_FLAGS),
        c_only=C_FLAGS,
        cxx_only=CXX_FLAGS,
        ldflags=(
            *section["cflags"],
            *section["ldflags"],
            *LINK_FLAGS,
            f"-L{script.parent}",
            f"-Wl,-T,{script}",
        ),
        libs=tuple(section.get("libs", ())),
        sources=tuple(BOARDS / source for source in section["sources"]),
        includes=(KERNELS, BOARDS / "machines", *(BOARDS / folder for folder in section["includes"])),
    )


def core_sources() -> tuple[Path, ...]:
    """The kernels in C and assembly. PlatformIO takes them from the library tflm_unit instead."""
    return tuple(sorted(path for path in (KERNELS / "core").iterdir() if path.suffix in (".c", ".S")))


def build(
    board: Mapping[str, Any],
    sources: Sequence[Path],
    output_elf: Path,
    *,
    defines: Iterable[str] = (),
    includes: Iterable[Path] = (),
    optimize: str = "-O2",
    work: Path,
) -> None:
    """Compiles `sources` with the machine's start-up code and the core, and links them to `output_elf`.

    See `compile_sources`.
    """
    everything = [*sources, *toolchain(board).sources, *core_sources()]
    link(
        board,
        compile_sources(board, everything, defines=defines, includes=includes, optimize=optimize, work=work),
        output_elf,
    )


def compile_sources(
    board: Mapping[str, Any],
    sources: Sequence[Path],
    *,
    defines: Iterable[str] = (),
    includes: Iterable[Path] = (),
    optimize: str = "-O2",
    work: Path,
) -> list[Path]:
    """Object files of C, C++ and assembly, in the folder `work`.

    defines: "NAME" or "NAME=value". includes: folders beside those of the board. Raises ToolchainError when the
    compiler is missing or refuses, with its message.
    """
    tools = toolchain(board)
    flags = [*tools.cflags, optimize, *(f"-D{name}" for name in defines)]
    flags += [f"-I{folder}" for folder in (*includes, *tools.includes)]
    work.mkdir(parents=True, exist_ok=True)

    def compile_one(index: int, source: Path) -> Path:
        item = work / f"{index}_{source.name}.o"
        if source.suffix in (".cc", ".cpp"):
            command = [*tools.cxx, *tools.cxx_only]
        else:
            command = [*tools.cc, *(tools.c_only if source.suffix == ".c" else ())]
        _run([*command, *flags, "-c", str(source), "-o", str(item)], work)
        return item

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, range(len(sources)), sources))


def link(board: Mapping[str, Any], objects: Sequence[Path], output_elf: Path) -> None:
    """Links a whole program. Raises ToolchainError."""
    tools = toolchain(board)
    libs = [f"-l{lib}" for lib in tools.libs]
    _run([*tools.cc, *tools.ldflags, *map(str, objects), *libs, "-o", str(output_elf)], output_elf.parent)


def find_program(name: str) -> str | None:
    """A program on PATH or in a toolchain that `make setup-sim` has unpacked."""
    folders = sorted(TOOLCHAINS.glob("*/bin"))
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, folders)))


def _commands(compiler: str) -> list[tuple[str, ...]]:
    """The commands cc, cxx, ar and ranlib."""
    program = find_program(compiler)
    if compiler == "zig":
        if program is None and importlib.util.find_spec("ziglang") is None:
            raise ToolchainError(_missing(compiler))
        zig = (sys.executable, "-m", "ziglang") if program is None else (program,)
        return [(*zig, command) for command in ("cc", "c++", "ar", "ranlib")]
    if program is None:
        raise ToolchainError(_missing(compiler))
    stem = program.removesuffix("gcc")
    return [(stem + command,) for command in ("gcc", "g++", "ar", "ranlib")]


def _size_program(cc: str) -> str | None:
    """GCC's own; beside Zig, which has none, any that reads 32-bit ELF files."""
    if cc.endswith("gcc"):
        return find_program(cc.removesuffix("gcc") + "size")
    return find_program("msp430-elf-size") or find_program("arm-none-eabi-size")


def _missing(compiler: str) -> str:
    return f"the compiler {compiler} was not found; install it with: {INSTALL[compiler]}"


def _run(command: Sequence[str], folder: Path) -> None:
    """Runs a compiler that writes to `folder`."""
    finished = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if finished.returncode != 0:
        message = finished.stderr.strip() or finished.stdout.strip()
        compiler = "zig" if "ziglang" in command else Path(command[0]).name
        message = message or f"no message; is there space left in {folder}?"
        raise ToolchainError(f"{compiler} failed:\n{message}")
