"""Flash and RAM of a model as generated C, dense and with its operating points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..converter import container
from ..converter.codegen.arena import PlanRow
from ..converter.codegen.model import CodeModel, build_model
from ..converter.engine import entries_of
from ..converter.errors import UnitError
from ..converter.metadata import pack
from ..converter.plan_limits import CODE_BYTES
from ..converter.pruning import OperatingPoint
from ..models import Model

# What an array is for, by the end of its symbol.
_KINDS = {
    "weights": r"_weights",
    "plans": r"_plan_(weight|at|critical|count|first|class_of)(_\d+)?",
    "thresholds": r"(_(threshold|compensation|tree|table_row)(_\d+)?|_quotients)",
}
OTHER = "biases and scales"
KINDS = (*_KINDS, OTHER)


@dataclass(frozen=True)
class Footprint:
    """One firmware. constants: bytes in flash by kind, in the order of KINDS; 'thresholds' counts compensation and
    tables of dividers, too. arena: bytes of RAM for activations and scratch."""

    name: str
    constants: tuple[int, ...]
    arena: int

    @property
    def flash(self) -> int:
        return sum(self.constants)


@dataclass(frozen=True)
class Memory:
    """footprints: of generated C, dense and, where the model has operating points, with all of them; buffers: of the
    last one's arena. note: why there are none.

    code_bytes: what the planner takes code to need, which no footprint counts. file_bytes, dense_file_bytes: of the
    .tflite file as it is, and without what the converter added; block_bytes: of what TFLM reads of that.
    """

    footprints: tuple[Footprint, ...]
    buffers: tuple[PlanRow, ...]
    code_bytes: int
    file_bytes: int
    dense_file_bytes: int
    block_bytes: int
    note: str = ""


def memory(model: Model) -> Memory:
    """Nothing is written or compiled for it."""
    graph, note = model.graph, ""
    footprints: list[Footprint] = []
    buffers: tuple[PlanRow, ...] = ()
    if graph.unsupported:
        layer = graph.unsupported[0]
        note = f"no C can be generated for layer {layer.name!r} ({layer.op}): {layer.unsupported}"
    else:
        try:
            for name, code in _firmware(model):
                footprints.append(Footprint(name, _by_kind(code), code.arena.bytes))
                buffers = code.arena.rows
        except UnitError as error:
            note = f"no C can be generated: {error}"
    return Memory(
        footprints=tuple(footprints),
        buffers=buffers,
        code_bytes=CODE_BYTES,
        file_bytes=len(model.data),
        dense_file_bytes=len(container.strip(model.data)),
        block_bytes=len(pack(model.config, graph)) if model.config else 0,
        note=note,
    )


def _firmware(model: Model) -> Iterator[tuple[str, CodeModel]]:
    graph, plain = model.graph, model.graph.uncentered
    yield "dense", build_model("model", plain, [OperatingPoint("dense")], [{}], "dense", "dense", {})
    if model.config:
        points = model.config.points
        entries = [entries_of(graph, point) for point in points]
        name = "this model" if len(points) == 1 else f"this model, {len(points)} points"
        yield name, build_model("model", graph, points, entries, "unit", "dense", {})


def _by_kind(code: CodeModel) -> tuple[int, ...]:
    sizes = dict.fromkeys(KINDS, 0)
    for array in code.constants:
        if not array.counting:
            kinds = [kind for kind, end in _KINDS.items() if re.search(f"{end}$", array.symbol)]
            sizes[kinds[0] if kinds else OTHER] += array.values.nbytes
    return tuple(sizes.values())
