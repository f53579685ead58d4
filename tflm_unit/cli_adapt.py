"""The command `tflm-unit adapt`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .cli_common import AsJson, ModelPath, Offset, Scale, print_all

EPILOG = "Example: `tflm-unit adapt tuned.tflite --data mnist.npz --scale 0.00392157 --max-drop 0.4`"


def adapt(
    model: ModelPath,
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="DATA.npz: x_val, y_val choose (without them, a part of x_train); x_test, y_test give the final "
            "figures only.",
        ),
    ],
    scale: Scale = None,
    offset: Offset = None,
    max_drop: Annotated[
        float, typer.Option(min=0, max=100, help="Points of accuracy that may be lost.")
    ] = 1.0,
    validation: Annotated[
        int, typer.Option(min=1, help="Validation samples at most, evenly spread over x_val.")
    ] = 5000,
    as_json: AsJson = False,
) -> None:
    """Choose two operating points, and when the second runs: where the first one's answer is not clear."""
    from .adaptive import adapt as run
    from .cli_tune import data_of

    arrays, notes = data_of(data, None, validation)
    found = run(model, **arrays, max_drop=max_drop / 100, scale=scale, offset=offset)
    if as_json:
        print(json.dumps({**found.to_json(), "data_notes": notes}, indent=1))
    else:
        print_all(*found.tables(), *(f"note: {note}" for note in notes))
