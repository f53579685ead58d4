"""Builds the firmware of a simulation, once per content."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._native import VERSION
from ..boards import toolchain
from ..converter.errors import UnitError
from ..converter.graph import Graph
from ..converter.targets import FOLDER, Target

MACHINES = FOLDER / "machines"
HARNESS = MACHINES / "harness"
KERNELS = FOLDER.parent / "kernels" / "src"
OPTIMIZE = "-O2"
NAME = "model"

# Samples of one run: a firmware serves any number of them, in several runs. More would start the simulator less
# often, and show progress less often.
MAX_CAPACITY = 8
# What startup, kernels and harness need at most beside the model's constants.
_CODE_BYTES = 24 * 1024
# GNU ld, and LLVM's.
_TOO_LARGE = re.compile("overflowed|will not fit|ranges? overlap|range overlaps")


class TooLargeError(UnitError):
    """Firmware that does not fit its machine."""


@dataclass(frozen=True)
class Program:
    """Generated sources in a folder. layers: the graph's index of each generated layer; schedules: of each of them,
    None without MACs."""

    folder: Path
    sources: tuple[Path, ...]
    layers: tuple[int, ...]
    schedules: tuple[str | None, ...]
    arena_bytes: int
    constant_bytes: int
    arena_in_fram: bool


@dataclass(frozen=True)
class Firmware:
    """elf: with room for `capacity` samples. compiler: its version line."""

    elf: Path
    capacity: int
    compiler: str


def cache_folder() -> Path:
    """$TFLM_UNIT_CACHE, else tflm_unit in the XDG cache folder."""
    given = os.environ.get("TFLM_UNIT_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tflm_unit"


def sample_bytes(graph: Graph) -> int:
    """Bytes of one sample, all inputs together."""
    return sum(_bytes(graph, t) for t in graph.inputs)


def build(program: Program, graph: Graph, machine: Target, *, counting: bool) -> Firmware:
    """The firmware that runs `program` on a simulated machine, from the cache if it is there.

    counting: with UNIT_ENABLE_COUNTERS. Raises TooLargeError when it does not fit, UnitError when the compiler is
    missing or fails.
    """
    in_flash = program.constant_bytes + _CODE_BYTES
    if program.arena_in_fram:
        in_flash += program.arena_bytes
    room = machine.flash_bytes - in_flash
    capacity = max(1, min(MAX_CAPACITY, room // max(1, sample_bytes(graph))))
    for size in (capacity, 1):
        try:
            return _build(program, graph, machine, counting, size)
        except toolchain.ToolchainError as error:
            too_large = _TOO_LARGE.search(str(error))
            if too_large and size > 1:  # the room was estimated too large
                continue
            if too_large:
                raise TooLargeError(
                    f"{machine.name}: the firmware does not fit {machine.flash_bytes:,} bytes of flash and "
                    f"{machine.ram_bytes:,} of RAM: constants {program.constant_bytes:,}, arena "
                    f"{program.arena_bytes:,}, and code; {error}"
                ) from error
            raise UnitError(f"{machine.name}: {error}") from error
    raise AssertionError


def _build(program: Program, graph: Graph, machine: Target, counting: bool, capacity: int) -> Firmware:
    board, header, compiler = machine.board, _model_header(graph, capacity), _compiler(machine.board)
    defines = [
        *(["UNIT_ARENA_IN_FRAM"] if program.arena_in_fram else []),
        *(["UNIT_ENABLE_COUNTERS"] if counting else []),
    ]
    core_key = _key([json.dumps(board, sort_keys=True), compiler, *defines], _core_files())
    elf = cache_folder() / f"{_key([core_key, header], sorted(program.folder.iterdir()))}.elf"
    if elf.is_file():
        return Firmware(elf, capacity, compiler)
    try:
        core = _compile_core(machine, core_key, defines)
        with tempfile.TemporaryDirectory(prefix="build-", dir=elf.parent) as work:
            folder = Path(work)
            (folder / "harness_model.h").write_text(header, encoding="utf-8")
            objects = toolchain.compile_sources(
                board,
                [*program.sources, *sorted(HARNESS.glob("*.c"))],
                defines=defines,
                includes=[folder, program.folder, HARNESS],
                optimize=OPTIMIZE,
                work=folder / "objects",
            )
            toolchain.link(board, [*objects, *core], folder / "firmware.elf")
            (folder / "firmware.elf").replace(elf)  # whole or not at all, whoever else builds the same
    except OSError as error:
        raise UnitError(
            f"cannot build in {elf.parent}: {error.strerror or error}; set TFLM_UNIT_CACHE to a folder that can be "
            "written"
        ) from error
    return Firmware(elf, capacity, compiler)


def _compile_core(machine: Target, key: str, defines: Sequence[str]) -> list[Path]:
    """Objects of start-up code and kernels, which all firmware of a machine shares."""
    sources = [*toolchain.toolchain(machine.board).sources, *toolchain.core_sources()]
    final = cache_folder() / key
    if not final.is_dir():
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=final.parent) as work:
            made = Path(work, "objects")
            toolchain.compile_sources(machine.board, sources, defines=defines, optimize=OPTIMIZE, work=made)
            try:
                made.rename(final)
            except OSError:  # somebody else was faster
                if not final.is_dir():
                    raise
    return sorted(final.iterdir())


def _bytes(graph: Graph, tensor: int) -> int:
    t = graph.tensors[tensor]
    return int(t.size * t.dtype.itemsize)


def _model_header(graph: Graph, capacity: int) -> str:
    """harness_model.h; see harness.h."""

    def ends(tensors: Sequence[int], function: str) -> str:
        calls = [f"{NAME}_{function}_{i}()" if i else f"{NAME}_{function}()" for i in range(len(tensors))]
        return ", ".join(f"{{{c}, {_bytes(graph, t)}}}" for c, t in zip(calls, tensors, strict=True))

    return (
        f'#include "{NAME}.h"\n'
        f"#define HARNESS_CAPACITY {capacity}\n"
        f"#define HARNESS_SAMPLE_BYTES {sample_bytes(graph)}\n"
        f"#define HARNESS_INPUTS {ends(graph.inputs, 'input')}\n"
        f"#define HARNESS_OUTPUTS {ends(graph.outputs, 'output')}\n"
    )


def _compiler(board: Mapping[str, Any]) -> str:
    """First line of the compiler's --version."""
    try:
        return _version(toolchain.toolchain(board).cc)
    except toolchain.ToolchainError as error:
        raise UnitError(str(error)) from error


@functools.cache
def _version(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnitError(f"the compiler does not run: {error}") from error
    return done.stdout.partition("\n")[0].strip()


def _core_files() -> list[Path]:
    """Whatever start-up code, kernels and the way they are compiled are made of."""
    files = [
        FOLDER / "toolchain.py",
        *MACHINES.rglob("*"),
        *KERNELS.glob("*.h"),
        *(KERNELS / "core").iterdir(),
    ]
    return sorted(path for path in files if path.is_file() and "__pycache__" not in path.parts)


def _key(texts: Iterable[str], files: Iterable[Path]) -> str:
    """Changes with any of the texts, with names and contents of the files, and with our version."""
    digest = hashlib.sha256()
    parts = [part for path in files for part in (path.name.encode(), path.read_bytes())]
    for part in (VERSION.encode(), OPTIMIZE.encode(), *(text.encode() for text in texts), *parts):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:40]
