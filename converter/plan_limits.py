"""Options of all layers under the limits of flash and RAM: what saves most time per byte goes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .codegen.arena import plan_arena
from .graph import Graph, Layer
from .plan_options import Candidate, Option
from .targets import Target

CODE_BYTES = 16 * 1024  # kernels, start-up code and an application, roughly
OTHER_RAM_BYTES = 2048  # stack and variables, roughly

# What plans may take where the user gives no figure, in bytes per byte of the dense weights; and what they must save
# for it, as a share of the model's dense time per the same bytes. Without the latter, the plans that are chosen for
# the benchmark models (benchmarks/models.py; 70 and 80 % skipped, M0, M3, M4, MSP430) save 0.013 to 3.2 per byte, but
# for those of the small last layers of MLPerf Tiny's: 0.0002 to 0.004, 6 % more flash for 0.005 % of the time.
EXTRA_FLASH = 1.0
MIN_GAIN = 0.01


@dataclass(frozen=True)
class Limits:
    """flash: bytes of plans beyond the weights. ram: bytes of the arena. min_gain: of a step that takes flash, the
    cost saved per byte."""

    flash: int
    ram: int
    min_gain: float


def limits_of(graph: Graph, target: Target, extra_flash: float | None, dense_cost: float) -> Limits:
    """extra_flash: bytes of plans per byte of dense weights; None: EXTRA_FLASH, and MIN_GAIN applies.

    dense_cost: predicted, of all layers at all points without thresholds.
    """
    weights = sum(graph.weights(x).size for x in graph.prunable)
    constants = sum(t.data.nbytes for t in graph.tensors if t.data is not None)
    allowed = int((EXTRA_FLASH if extra_flash is None else extra_flash) * weights)
    ram = target.board["tflm_unit"].get("upper_fram_bytes", target.ram_bytes) - OTHER_RAM_BYTES
    return Limits(
        flash=max(min(allowed, target.flash_bytes - CODE_BYTES - constants), 0),
        ram=ram,
        min_gain=MIN_GAIN * dense_cost / weights if extra_flash is None else 0.0,
    )


class Selection:
    """One option per layer within limits: again and again the step that saves most time per byte and fits."""

    def __init__(
        self, graph: Graph, layers: Sequence[Layer], options: Sequence[Sequence[Option]], limits: Limits
    ) -> None:
        self._graph, self._layers, self._options, self._limits = graph, layers, options, limits
        self.chosen = [some[0] for some in options]
        self._ram = max(limits.ram, self.arena_bytes)  # what does not fit at all is told by `notes`
        while (better := self._best_step()) is not None:
            self.chosen = better

    @property
    def flash(self) -> int:
        """Bytes of all plans beyond the weights."""
        return sum(option.flash for option in self.chosen)

    @property
    def arena_bytes(self) -> int:
        return self._arena(self.chosen)

    def refusal(self, number: int, point: int, wanted: Candidate) -> str:
        """Why the layer does not run as `wanted`, which would be faster: 'flash', 'RAM' or 'gain'."""
        chosen = self.chosen[number]
        options = [o for o in self._options[number] if o.choices[point].name == wanted.name]
        fitting = [o for o in options if self._fits_flash(chosen, o)]
        if not fitting:
            return "flash"
        return "gain" if any(self._arena(self._with(number, o)) <= self._ram for o in fitting) else "RAM"

    def _best_step(self) -> list[Option] | None:
        for _, number, option in sorted(self._steps(), key=lambda step: -step[0]):
            tried = self._with(number, option)
            if self._arena(tried) <= self._ram:
                return tried
        return None

    def _steps(self) -> Iterator[tuple[float, int, Option]]:
        """Time saved per byte; steps that need no flash come first, the fastest of them foremost."""
        for number, (some, before) in enumerate(zip(self._options, self.chosen, strict=True)):
            for option in some:
                saved, more = before.cost - option.cost, option.flash - before.flash
                if saved <= 0 or not self._fits_flash(before, option):
                    continue
                if more <= 0:
                    yield 1e12 + saved, number, option
                elif saved / more >= self._limits.min_gain:
                    yield saved / more, number, option

    def _fits_flash(self, before: Option, option: Option) -> bool:
        used = self.flash
        return used - before.flash + option.flash <= max(self._limits.flash, used)

    def _with(self, number: int, option: Option) -> list[Option]:
        return [*self.chosen[:number], option, *self.chosen[number + 1 :]]

    def _arena(self, chosen: Sequence[Option]) -> int:
        scratch = {x.index: option.scratch for x, option in zip(self._layers, chosen, strict=True)}
        return plan_arena(self._graph, scratch).bytes
