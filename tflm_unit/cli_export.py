"""The command `tflm-unit export`."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_common import AsJson, ModelPath, print_all

if TYPE_CHECKING:
    from rich.table import Table

    from .converter.codegen import Export


class ExportedSchedule(str, Enum):
    unit = "unit"
    zero_skip = "zero_skip"
    dense = "dense"
    compare = "compare"
    planned = "planned"
    activation_sorted = "activation_sorted"


EPILOG = "Example: `tflm-unit export pruned.tflite -o src/model --name lenet --target cortex_m0_sim`"


def export(
    model: ModelPath,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the C files.")],
    name: Annotated[str, typer.Option(help="Prefix of files and functions.")] = "model",
    target: Annotated[
        str | None, typer.Option(help="Check flash and RAM of this board or simulated machine.")
    ] = None,
    point: Annotated[str, typer.Option(help="Operating point, index or name; all: switchable.")] = "all",
    schedule: Annotated[
        ExportedSchedule, typer.Option(help="unit: as the model says; others are forced.")
    ] = ExportedSchedule.unit,
    with_core: Annotated[bool, typer.Option("--with-core", help="Write the kernels' sources, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a model as C for boards without TensorFlow Lite Micro."""
    from .api import load

    result = load(model).export(
        output,
        name=name,
        target=target,
        point=int(point) if point.isdecimal() else point,
        schedule=schedule.value,
        with_core=with_core,
    )
    if as_json:
        print(json.dumps(result.to_json(), indent=1))
    else:
        print_all(_plan(result), *_notes(result))


def _plan(result: Export) -> Table:
    from rich.table import Table

    title = f"arena: {result.arena_bytes:,} bytes; constants: {result.constant_bytes:,} bytes"
    table = Table(title=title, title_justify="left")
    for column in ("offset", "bytes", "from layer", "to layer"):
        table.add_column(column, justify="right")
    table.add_column("buffer")
    for row in result.plan:
        first = "input" if row.first < 0 else str(row.first)
        last = "output" if row.last >= len(result.layers) else str(max(row.last, 0))
        name = f"{row.name} (in place)" if row.in_place else row.name
        table.add_row(f"{row.offset:,}", f"{row.bytes:,}", first, last, name)
    return table


def _notes(result: Export) -> list[str]:
    core = [path for path in result.files if path.parent.name == "core"]
    notes = [f"wrote {path}" for path in result.files if path not in core]
    if core:
        notes.append(f"wrote {len(core)} files of the kernels into {core[0].parent}")
    if result.arena_in_fram:
        notes.append("the arena fits this target's FRAM only: compile with -DUNIT_ARENA_IN_FRAM")
    return notes
