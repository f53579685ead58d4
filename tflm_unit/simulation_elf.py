"""Sizes of a firmware's ELF file, and data put into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .converter.errors import UnitError


@dataclass(frozen=True)
class Symbol:
    """Where a symbol's contents lie in the file. section: its number."""

    offset: int
    size: int
    section: int


@dataclass(frozen=True)
class Sizes:
    """Bytes of a firmware by where they end up.

    code: instructions, in flash. constants: read-only data, in flash. data: variables with an initial value, in
    RAM, with a copy in flash. zeros: variables that start as zero, in RAM; the stack is not among them.
    """

    code: int
    constants: int
    data: int
    zeros: int

    @property
    def flash(self) -> int:
        return self.code + self.constants + self.data

    @property
    def ram(self) -> int:
        return self.data + self.zeros


def _open(elf: Path) -> Any:
    try:
        from elftools.elf.elffile import ELFFile
    except ModuleNotFoundError as error:
        raise UnitError(
            "simulating needs the package pyelftools: run `pip install tflm-unit[firmware]`"
        ) from error
    return ELFFile(elf.open("rb"))


def find_symbol(elf: Path, name: str) -> Symbol:
    """A variable with contents in the file. Raises UnitError when there is none of that name."""
    file = _open(elf)
    with file.stream:
        for symbol in file.get_section_by_name(".symtab").iter_symbols():
            if symbol.name == name and isinstance(symbol["st_shndx"], int):
                section = file.get_section(symbol["st_shndx"])
                if section["sh_type"] == "SHT_PROGBITS":
                    offset = section["sh_offset"] + symbol["st_value"] - section["sh_addr"]
                    return Symbol(offset, symbol["st_size"], symbol["st_shndx"])
    raise UnitError(f"{elf} has no variable {name!r} with contents; please report this as a bug")


def patched(elf: Path, symbol: Symbol, contents: bytes) -> bytes:
    """The file with `contents`, at most the symbol's size, at the start of the symbol."""
    assert len(contents) <= symbol.size
    data = elf.read_bytes()
    return data[: symbol.offset] + contents + data[symbol.offset + len(contents) :]


def read_sizes(elf: Path) -> Sizes:
    """Sizes of what the file's allocated sections hold."""
    sizes = {"code": 0, "constants": 0, "data": 0, "zeros": 0}
    file = _open(elf)
    with file.stream:
        for section in file.iter_sections():
            flags, size = section["sh_flags"], section["sh_size"]
            write, alloc, execute = flags & 1, flags & 2, flags & 4
            if not alloc:
                continue
            if section["sh_type"] == "SHT_NOBITS":
                sizes["zeros"] += size
            else:
                sizes["code" if execute else "data" if write else "constants"] += size
    return Sizes(**sizes)
