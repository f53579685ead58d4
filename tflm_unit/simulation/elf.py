"""Sizes of a firmware's ELF file, and data put into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..converter.errors import UnitError

_WRITE, _ALLOC = 1, 2  # SHF_*


@dataclass(frozen=True)
class Symbol:
    """Where a symbol's contents lie in the file. section: its number."""

    offset: int
    size: int
    section: int


@dataclass(frozen=True)
class Sizes:
    """Bytes of a firmware by where they end up. fram: of flash, variables that live there (MSP430FR: flash is FRAM).

    flash: code, constants and initial values. ram: variables without the stack.
    """

    flash: int
    ram: int
    fram: int


def _open(elf: Path) -> Any:
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ModuleNotFoundError as error:
        raise UnitError(
            "simulating needs the package pyelftools: run `pip install tflm-unit[firmware]`"
        ) from error
    try:
        return ELFFile(elf.open("rb"))
    except ELFError as error:
        raise UnitError(f"{elf} is damaged ({error}); delete it") from error


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
    raise UnitError(f"{elf} has no variable {name!r} with contents; delete the cache and build again")


def patched(elf: Path, symbol: Symbol, contents: bytes) -> bytes:
    """The file with `contents`, at most the symbol's size, at the start of the symbol."""
    assert len(contents) <= symbol.size
    data = elf.read_bytes()
    return data[: symbol.offset] + contents + data[symbol.offset + len(contents) :]


def read_sizes(elf: Path) -> Sizes:
    """Sizes of what the file's allocated sections hold."""
    flash = ram = fram = 0
    file = _open(elf)
    with file.stream:
        for section in file.iter_sections():
            flags, size = section["sh_flags"], section["sh_size"]
            # .stack: what the linker script reserves, not what is used.
            if not flags & _ALLOC or section.name == ".stack":
                continue
            variables = flags & _WRITE and not section.name.startswith(".upper")
            ram += size if variables else 0
            if section["sh_type"] != "SHT_NOBITS":
                flash += size
            elif not variables:
                fram += size
    return Sizes(flash + fram, ram, fram)
