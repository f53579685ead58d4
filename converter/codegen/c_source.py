"""Pieces of C source text: identifiers, literals, comments, and the pool of constant arrays."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ..errors import UnitError

MAX_NAME = 63  # significant characters of an identifier in C99
_KEYWORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class
    co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype
    default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline
    int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch
    template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using
    virtual void volatile wchar_t while xor xor_eq"""
_HEADERS = """
    arduino assert complex ctype errno fenv inttypes iso646 limits locale math memory setjmp signal stdalign stdarg
    stdatomic stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar
    unistd wchar wctype"""
_COMMENT_WIDTH = 94
_PER_LINE = {1: 16, 2: 12, 4: 8}  # by bytes of an element


def check_name(name: str) -> None:
    """Raises UnitError unless `name` can prefix identifiers and name files of generated C and C++."""
    if not re.fullmatch(r"[A-Za-z](_?[A-Za-z0-9])*", name):
        raise UnitError(
            f"name is {name!r}; it takes a C identifier: letters, digits and single underscores between them, a "
            "letter first"
        )
    if name in _KEYWORDS.split():
        raise UnitError(f"name is {name!r}, a keyword of C or C++")
    if name.lower() in _HEADERS.split():
        raise UnitError(f"name is {name!r}, and {name}.h would hide the system's header")
    if len(name) > MAX_NAME:
        raise UnitError(f"name has {len(name)} characters; it takes at most {MAX_NAME}")
    if re.match(r"(unit|tflm_unit|run)(_|$)", name, re.IGNORECASE):
        raise UnitError(
            f"name is {name!r}; 'unit', 'tflm_unit' and 'run' begin names of the core and of generated functions"
        )


def identifiers(names: Iterable[str]) -> list[str]:
    """A unique part of an identifier for each name, lower case."""
    result: list[str] = []
    for name in names:
        base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "layer"
        candidate, number = base, 2
        while candidate in result:
            candidate, number = f"{base}_{number}", number + 1
        result.append(candidate)
    return result


def in_comment(text: str) -> str:
    """Any text as part of a comment: printable ASCII that neither ends nor opens one."""
    ascii_text = "".join(c if " " <= c <= "~" else "?" for c in text)
    return re.sub(r"\*(?=/)|/(?=\*)|\?(?=\?)|\\", r"\g<0> ", ascii_text)


def comment(lines: Iterable[str]) -> str:
    """A comment of these lines, broken where they are too long."""
    pieces = [
        piece
        for line in lines
        for piece in textwrap.wrap(in_comment(line), _COMMENT_WIDTH, subsequent_indent="  ") or [""]
    ]
    return "/* " + "\n".join(f" * {piece}".rstrip() for piece in pieces)[3:] + " */"


def string_literal(text: str) -> str:
    """A C string of the text's UTF-8 bytes."""
    plain = set(range(0x20, 0x7F)) - set(b'"\\?')
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def float_literal(value: float) -> str:
    """The shortest literal of a finite float32."""
    return f"{np.float32(value)!s}f"


def integer(value: int) -> str:
    return "INT32_MIN" if value == -(2**31) else str(value)


@dataclass(frozen=True)
class ConstantArray:
    """notes: what it is, for every place that uses it. counting: only builds with UNIT_ENABLE_COUNTERS have it."""

    symbol: str
    values: np.ndarray
    notes: tuple[str, ...]
    counting: bool = False

    @property
    def _declarator(self) -> str:
        return f"const {self.values.dtype.name}_t {self.symbol}[{self.values.size}]"

    def _guarded(self, text: str) -> str:
        return f"#ifdef UNIT_ENABLE_COUNTERS\n{text}#endif\n" if self.counting else text

    def declaration(self) -> str:
        return self._guarded(f"extern {self._declarator} UNIT_CONSTANT;\n")

    def definition(self) -> str:
        """One comment, and the values in rows."""
        step = _PER_LINE[self.values.dtype.itemsize]
        flat = self.values.ravel().tolist()
        rows = [", ".join(map(integer, flat[i : i + step])) for i in range(0, len(flat), step)]
        body = ",\n".join(f"    {row}" for row in rows)
        text = f"{comment(['; also '.join(self.notes)])}\n{self._declarator} UNIT_CONSTANT = {{\n{body}}};\n"
        return self._guarded(text)


@dataclass
class ConstantPool:
    """Constant arrays of a model; equal ones are stored once."""

    prefix: str
    _arrays: dict[tuple[str, bytes], ConstantArray] = field(default_factory=dict)
    _rows: dict[bytes, int] = field(default_factory=dict)

    def add(self, name: str, values: np.ndarray, note: str, *, counting: bool = False) -> str:
        """Symbol of an array with these integer values. counting: only counting builds use it here."""
        key = values.dtype.name, values.tobytes()
        known = self._arrays.get(key)
        symbol, notes = (known.symbol, known.notes) if known else (f"{self.prefix}_{name}", ())
        counting = counting and (known is None or known.counting)
        self._arrays[key] = ConstantArray(symbol, values, (*notes, note), counting)
        return symbol

    def add_quotients(self, table: np.ndarray, table_row: np.ndarray) -> np.ndarray:
        """Collects rows of the divider table, uint8 (rows, 256), for one table that all layers share.

        Returns table_row, uint16 (groups,), in terms of that table, which is called `<prefix>_quotients`.
        """
        rows = [self._rows.setdefault(table[i].tobytes(), len(self._rows)) for i in table_row.tolist()]
        if len(self._rows) > 2**16:
            raise UnitError(f"{len(self._rows)} thresholds have a row of quotients each; at most 65536 can")
        return np.array(rows, np.uint16)

    def finish(self) -> tuple[ConstantArray, ...]:
        """All arrays, the shared table included."""
        arrays = tuple(self._arrays.values())
        if not self._rows:
            return arrays
        values = np.frombuffer(b"".join(self._rows), np.uint8)
        note = f"Divider table: {len(self._rows)} rows of UNIT_TABLE_ROW quotients"
        return (*arrays, ConstantArray(f"{self.prefix}_quotients", values, (note,)))
