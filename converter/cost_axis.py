"""One axis of a convolution: which inputs its taps meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Axis:
    input: int
    kernel: int
    output: int
    stride: int
    padding: int
    dilation: int

    def valid(self, tap: int) -> np.ndarray:
        """Inputs that `tap` meets at the outputs, ascending."""
        at = np.arange(self.output) * self.stride - self.padding + tap * self.dilation
        return at[(at >= 0) & (at < self.input)]

    def seen(self, outputs: int, taps: int) -> int:
        """Inputs that so many neighbours among the outputs see through so many taps."""
        return (outputs - 1) * self.stride + (taps - 1) * self.dilation + 1

    def phase(self, tap: int) -> int:
        return tap * self.dilation % self.stride

    def alike(self, tap: int) -> np.ndarray:
        """Inputs of the phase of `tap`, whether an output meets them or not."""
        return np.arange((self.phase(tap) - self.padding) % self.stride, self.input, self.stride)

    def segments(self, most: int) -> Iterator[list[int]]:
        """Taps of each phase, at most so many at a time."""
        taps = sorted(range(self.kernel), key=lambda tap: (self.phase(tap), tap))
        while taps:
            same = [tap for tap in taps[:most] if self.phase(tap) == self.phase(taps[0])]
            yield same
            taps = taps[len(same) :]
