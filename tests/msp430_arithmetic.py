"""Operands for the run-time helpers of the MSP430 machines, and what Python makes of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

F32 = np.float32


def integer_operands() -> list[tuple[int, int]]:
    """Edge cases in all pairs, then random numbers of every width."""
    powers = [1 << n for n in (7, 8, 15, 16, 31, 32, 63)]
    edges = [0, 1, 3, *powers, *(p - 1 for p in powers), *(2**64 - p for p in (1, 2, *powers))]
    rng = random.Random(1)
    wide = [rng.getrandbits(rng.randint(1, 64)) * rng.choice((1, -1)) % 2**64 for _ in range(240)]
    return [(a, b) for a in edges[::2] for b in edges] + list(zip(wide[::2], wide[1::2], strict=True))


def float_operands() -> list[tuple[int, int]]:
    """Zeros, subnormals, infinities, NaN, ties, and random numbers whose exponents lie close together."""
    edges = [0, 1, 0x7FFFFF, 0x800000, 0x3F800000, 0x3F800001, 0x4B800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000]
    edges += [0x4EFFFFFF, 0x4F000000, 0x4F800000, 0x5F000000, 0x3F000000]
    edges += [bits | 1 << 31 for bits in edges]
    rng = random.Random(2)

    def near(bits: int) -> int:
        exponent = (bits >> 23 & 255) + rng.randint(-26, 26)
        return min(max(exponent, 0), 254) << 23 | rng.getrandbits(23) | rng.getrandbits(1) << 31

    pairs = [(a, b) for a in edges for b in edges[::3]]
    for _ in range(150):
        a = rng.getrandbits(32)
        pairs.append((a, rng.choice((near(a), near(0x3F800000 * 2 - a & 0x7FFFFFFF)))))
    return pairs


def signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def divide(a: int, b: int, lowest: int) -> tuple[int, int]:
    """C's quotient and remainder; 0 where they are undefined."""
    if b == 0 or (a == lowest and b == -1):
        return 0, 0
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient, a - quotient * b


def integer_result(name: str, x: int, y: int) -> int:
    """What msp430_helpers.c prints for an integer operation."""
    kind, bits, operation = name[0], int(name[1:3]), name[4:]
    mask = (1 << bits) - 1
    a, b = (signed(x, bits), signed(y, bits)) if kind == "i" else (x & mask, y & mask)
    if operation.startswith("mul"):
        return a * b if "_" in operation else a * b & mask
    if operation in ("div", "rem"):
        return divide(a, b, -(1 << bits - 1) if kind == "i" else 1)[operation == "rem"]
    if operation == "shr":
        return a >> (y & bits - 1)
    if operation == "shl":
        return a << (y & bits - 1) & mask
    if operation == "less":
        return int(a < b)
    return float_bits(np.array(a, dtype=np.int64 if kind == "i" else np.uint64).astype(F32))


def float_bits(value: Any) -> int:
    return 0x7FC00000 if np.isnan(value) else int(F32(value).view(np.uint32))


def clipped(value: Any, kind: str) -> int:
    """To an integer, rounded towards zero; NaN to 0."""
    if np.isnan(value):
        return 0
    low, high = RANGES[kind]
    return (
        max(low, min(high, math.trunc(float(value)))) if np.isfinite(value) else (low if value < 0 else high)
    )


FLOAT_RESULTS: dict[str, Callable[[Any, Any], int]] = {
    "f32_add": lambda a, b: float_bits(a + b),
    "f32_sub": lambda a, b: float_bits(a - b),
    "f32_mul": lambda a, b: float_bits(a * b),
    "f32_div": lambda a, b: float_bits(a / b),
    "f32_less": lambda a, b: int(a < b),
    "f32_greater": lambda a, b: int(a > b),
    "f32_at_least": lambda a, b: int(a >= b),
    "f32_equal": lambda a, b: int(a == b),
    "f32_to_i32": lambda a, b: clipped(a, "i32"),
    "f32_to_u32": lambda a, b: clipped(a, "u32"),
    "f32_to_i64": lambda a, b: clipped(a, "i64"),
    "f32_to_u64": lambda a, b: clipped(a, "u64"),
}
RANGES = {
    "i32": (-(2**31), 2**31 - 1),
    "u32": (0, 2**32 - 1),
    "i64": (-(2**63), 2**63 - 1),
    "u64": (0, 2**64 - 1),
}


def float_result(name: str, x: int, y: int) -> int:
    with np.errstate(all="ignore"):
        return FLOAT_RESULTS[name](number(x), number(y))


def number(bits: int) -> Any:
    return np.array(bits, dtype=np.uint32).view(F32)[()]


def differs(name: str, x: int, y: int, compiler: str) -> bool:
    """Whether an operation's result may differ from Python's."""
    if name == "f32_less" and compiler == "zig":  # it asks one function for all orders: none is "unordered"
        return bool(np.isnan(number(x)) or np.isnan(number(y)))
    if name.startswith("f32_to") and compiler != "zig":  # undefined in C; the helpers for zig saturate
        low, high = RANGES[name[-3:]]
        return not low <= float(number(x)) <= high
    return False


def c_array(name: str, pairs: list[tuple[int, int]]) -> str:
    rows = "".join(f"{{{a:#x}u, {b:#x}u}},\n" for a, b in pairs)
    return f"static const uint64_t {name}[][2] = {{\n{rows}}};\n"
