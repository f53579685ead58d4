"""The command `tflm-unit report`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_common import AsJson, ModelPath, Offset, Scale, check_page, print_all, progress_bar
from .converter.errors import UnitError

EPILOG = "Example: `tflm-unit report pruned.tflite -o report.html --data mnist.npz --scale 0.00392157`"


def report(
    model: ModelPath,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .html file to write.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="DATA.npz with x_test, y_test and, if classes have names, class_names: measures accuracies, "
            "confusions and histograms.",
        ),
    ] = None,
    scale: Scale = None,
    offset: Offset = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first samples of x_test only.")] = None,
    png: Annotated[
        Path | None, typer.Option(help="Folder for the charts as .png, .svg and .pdf, for papers.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page about a model and its operating points."""
    from . import page
    from .converter.container import write_file
    from .models import load_model
    from .page.figures import write_figures

    if data is None and any(given is not None for given in (scale, offset, limit)):
        raise UnitError("--scale, --offset and --limit belong to --data, which is not given")
    check_page("-o", output, {"the model": model, "the data": data})
    loaded = load_model(model)
    options: dict[str, Any] = {"name": model.name, "scale": scale, "offset": offset, "limit": limit}
    if data is not None:
        from .files import NpzData

        arrays = NpzData(data)
        options["x"], options["y"] = arrays.samples("test")
        options["data_name"], options["class_names"] = data.name, arrays.class_names
    with progress_bar(as_json) as progress:
        collected = page.collect(loaded, **options, progress=progress)
    html = page.render(collected).encode()
    figures = write_figures(collected, png) if png is not None else ()
    write_file(output, html)
    if as_json:
        files = [str(path) for path in (output, *figures)]
        print(json.dumps({"files": files, **dataclasses.asdict(collected)}, indent=1))
        return
    print_all(f"wrote {output}: {len(html):,} bytes")
    if png is not None:
        print_all(f"wrote {len(figures)} charts into {png}")
