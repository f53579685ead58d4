"""Places buffers in one block of memory: greedy by size, as TFLM's GreedyMemoryPlanner does.

The largest buffer comes first; each goes to the lowest offset at which it overlaps no buffer that is live at
the same time. Where that wastes memory, the buffer that ends highest goes first, and all are placed again.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 4  # of int32 scratch and float32 tensors


@dataclass(frozen=True)
class Tenant:
    """`size` bytes that are live from step `first` to step `last`, both included."""

    name: str
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Buffer:
    """Memory that begins at one offset for all its tenants: each but the first was computed in place."""

    tenants: tuple[Tenant, ...]

    @property
    def size(self) -> int:
        return max(t.size for t in self.tenants)

    @functools.cached_property
    def extents(self) -> tuple[tuple[int, int, int], ...]:
        """(bytes, first step, last step) without the tenants' common steps, at which the larger one counts."""
        result: list[tuple[int, int, int]] = []
        for tenant in self.tenants:
            size, first = tenant.size, tenant.first
            if result and result[-1][2] >= first:
                size_before, first_before, last_before = result[-1]
                result[-1] = (max(size_before, size), first_before, last_before)
                first = last_before + 1
            if first <= tenant.last:
                result.append((size, first, tenant.last))
        return tuple(result)


def place(buffers: Sequence[Buffer]) -> tuple[int, ...]:
    """Offset of each buffer, a multiple of ALIGNMENT."""
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, buffers[i].tenants[0].first, i))
    best = _place_in_order(buffers, order)
    offsets, least = best, most_live(buffers)
    for _ in buffers:
        if peak(buffers, best) <= least:
            break
        highest = max(order, key=lambda i: offsets[i] + buffers[i].size)
        order.remove(highest)
        order.insert(0, highest)
        offsets = _place_in_order(buffers, order)
        best = min(best, offsets, key=lambda tried: peak(buffers, tried))
    return best


def _place_in_order(buffers: Sequence[Buffer], order: Sequence[int]) -> tuple[int, ...]:
    offsets: dict[int, int] = {}
    for i in order:
        # Offsets between these two overlap a buffer that is live at the same time.
        taken = sorted(
            (offsets[j] - size, offsets[j] + other)
            for j in offsets
            for size, first, last in buffers[i].extents
            for other, other_first, other_last in buffers[j].extents
            if first <= other_last and other_first <= last
        )
        offset = 0
        for low, high in taken:
            if low < offset < high:
                offset = _aligned(high)
        offsets[i] = offset
    return tuple(offsets[i] for i in range(len(buffers)))


def most_live(buffers: Sequence[Buffer]) -> int:
    """Bytes that are live at the busiest step: no plan needs less."""
    extents = [extent for buffer in buffers for extent in buffer.extents]
    steps = {first for _, first, _ in extents}
    return max(
        (sum(_aligned(size) for size, first, last in extents if first <= step <= last) for step in steps),
        default=0,
    )


def peak(buffers: Sequence[Buffer], offsets: Sequence[int]) -> int:
    """Bytes that the placed buffers need, a multiple of ALIGNMENT."""
    return max((_aligned(offset + b.size) for b, offset in zip(buffers, offsets, strict=True)), default=0)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
