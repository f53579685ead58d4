"""The command `tflm-unit convert`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from .cli_common import (
    AsJson,
    Center,
    DataPath,
    DividerName,
    Offset,
    PrunedSchedule,
    Scale,
    print_all,
    progress_bar,
)
from .converter.errors import UnitError

EPILOG = "Example: `tflm-unit convert lenet.tflite -o pruned.tflite --data mnist.npz --scale 0.00392157 --skip 0.7`"


def convert(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="int8 .tflite, .keras, .h5 or SavedModel folder.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .tflite file to write.")],
    data: DataPath,
    scale: Scale = None,
    offset: Offset = None,
    percentile: Annotated[
        float | None,
        typer.Option(
            help="Skip this percentage of the non-zero products of every group (default 20, as in the paper)."
        ),
    ] = None,
    skip: Annotated[
        list[float] | None,
        typer.Option(help="Skip this share (0..1) of all MACs. Repeat it for several operating points."),
    ] = None,
    thresholds: Annotated[
        Path | None,
        typer.Option(help='JSON file of real thresholds: {"layer": number or [one per group]}.'),
    ] = None,
    groups: Annotated[
        str, typer.Option(help="Output channels that share a threshold: layer, channel or a number.")
    ] = "layer",
    divider: Annotated[
        DividerName | None,
        typer.Option(help="How the device divides thresholds (default: exact; with --target bit_shift)."),
    ] = None,
    power_of_two: Annotated[
        bool | None,
        typer.Option(
            "--power-of-two/--no-power-of-two",
            help="Thresholds are powers of two minus one (default: with --target and no --divider).",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="The board that the model is for: chooses each layer's schedule; see docs/boards.md."
        ),
    ] = None,
    schedule: Annotated[
        PrunedSchedule | None,
        typer.Option(help="One schedule for every layer that can run it (default: chosen for --target)."),
    ] = None,
    extra_flash: Annotated[
        float | None,
        typer.Option(
            help="What plans may take, in bytes per byte of the dense weights; see docs/convert.md."
        ),
    ] = None,
    fatrelu: Annotated[
        str | None,
        typer.Option(help="Outputs of fused ReLUs below this become 0: a number, or a JSON file by layer."),
    ] = None,
    compensation: Annotated[bool, typer.Option(help="Add the mean of what is skipped to the bias.")] = True,
    center: Center = True,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help="Then move the compensations to where the model answers most like the dense one (slower).",
        ),
    ] = False,
    samples: Annotated[int, typer.Option(help="Calibration samples, evenly spread over x_train.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Attach thresholds to a model. The result still runs, dense, on any TFLite runtime."""
    from . import api
    from .converter.thresholds import SkipRate
    from .files import NpzData, read_json, spread
    from .report import describe, tables

    arrays = NpzData(data)
    x_all, y_all = arrays.samples("train")
    rows = spread(np.arange(len(x_all)), samples)
    x_train, labels = arrays.rows("x_train", x_all, rows), None if y_all is None else y_all[rows]
    options: dict[str, Any] = {
        "percentile": percentile,
        "thresholds": read_json(thresholds) if thresholds else None,
    }
    names = [_point_name(s) for s in skip or ()]
    if len(set(names)) < len(names):
        raise UnitError(f"--skip is given twice for the operating point {max(names, key=names.count)}")
    options["points"] = {_point_name(s): SkipRate(s) for s in skip} if skip and len(skip) > 1 else None
    options["skip"] = skip[0] if skip and len(skip) == 1 else None
    with progress_bar(as_json) as progress:
        result = api.convert(
            model,
            x_train,
            **options,
            groups=_groups(groups),
            divider=divider.value if divider else None,
            power_of_two=power_of_two,
            target=target,
            schedule=schedule.value if schedule else None,
            extra_flash=extra_flash,
            fatrelu=_fatrelu(fatrelu),
            compensation=compensation,
            center=center,
            refit=refit,
            labels=labels,
            scale=scale,
            offset=offset,
            progress=progress,
        )
    result.save(output)
    if as_json:
        print(json.dumps(describe(result.model), indent=1))
    else:
        print_all(*tables(result.model), f"wrote {output}: {len(result.model.data):,} bytes")


def _groups(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def _fatrelu(text: str | None) -> float | dict[str, float] | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        from .files import read_json

        return read_json(Path(text))


def _point_name(skip: float) -> str:
    return f"skip{skip * 100:g}"
