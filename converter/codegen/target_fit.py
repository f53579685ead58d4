"""Whether generated C can fit a target, told before any compiler runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import UnitError
from ..targets import Target
from .model import CodeModel

MIN_CODE_BYTES = 2048  # of any program: kernels, generated calls and start-up code are not smaller
MIN_OTHER_RAM_BYTES = 512  # of any program: stack and static variables beside the arena
STACK_BYTES = 2048  # more than the deepest kernel takes on MSP430X
_LISTED = 3

Sizes = Sequence[tuple[str, int]]


def arena_in_fram(model: CodeModel, target: Target) -> bool:
    """Whether the arena has to lie in FRAM because the target's SRAM is too small for it.

    Raises UnitError, which says by how much and names the largest tensors, when the model cannot fit.
    """
    constants = [(array.symbol, array.values.nbytes) for array in model.constants if not array.counting]
    buffers = [(row.name, row.bytes) for row in model.arena.rows]
    flash = {"constants": model.constant_bytes, "code at least": MIN_CODE_BYTES}
    ram = {"arena": model.arena.bytes, "stack and variables at least": MIN_OTHER_RAM_BYTES}
    _check(model.name, target, "flash", flash, target.flash_bytes, constants)
    upper = target.board["tflm_unit"].get("upper_fram_bytes")
    if upper is None:
        _check(model.name, target, "RAM", ram, target.ram_bytes, buffers)
        return False
    # MSP430X's FRAM beyond 64 KiB holds the constants, and the arena if need be: it is written like RAM.
    too_large = sum(ram.values()) + STACK_BYTES > target.ram_bytes
    fram = {"constants": model.constant_bytes, **({"arena": model.arena.bytes} if too_large else {})}
    _check(model.name, target, "FRAM above 64 KiB", fram, upper, [*constants, *buffers])
    return too_large


def _check(
    name: str, target: Target, memory: str, parts: Mapping[str, int], available: int, tensors: Sizes
) -> None:
    needed = sum(parts.values())
    if needed <= available:
        return
    listed = ", ".join(f"{what} {size:,}" for what, size in parts.items())
    largest = sorted(tensors, key=lambda item: -item[1])[:_LISTED]
    raise UnitError(
        f"{name} needs {needed:,} bytes of {memory} ({listed}), {needed - available:,} more than the {available:,} "
        f"of {target.name}; largest: " + ", ".join(f"{tensor} ({size:,} bytes)" for tensor, size in largest)
    )
