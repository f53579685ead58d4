"""The command `tflm-unit`."""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from . import cli_adapt, cli_convert, cli_export, cli_report, cli_simulate, cli_tune
from .cli_common import (
    AsJson,
    DataPath,
    ModelPath,
    Offset,
    Scale,
    ScheduleName,
    print_all,
    progress_bar,
)
from .converter.errors import UnitError

app = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


class EngineName(str, Enum):
    batch = "batch"
    tflm = "tflm"


app.command(epilog=cli_convert.EPILOG)(cli_convert.convert)


@app.command(
    epilog="Example: `tflm-unit evaluate pruned.tflite --data mnist.npz --scale 0.00392157 --limit 1000`"
)
def evaluate(
    model: ModelPath,
    data: DataPath,
    engine: Annotated[
        EngineName | None, typer.Option(help="Default: batch where it can run the whole model.")
    ] = None,
    point: Annotated[str, typer.Option(help="Operating point, index or name.")] = "0",
    schedule: Annotated[ScheduleName, typer.Option(help="unit, or a baseline.")] = ScheduleName.unit,
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first samples of x_test only.")] = None,
    scale: Scale = None,
    offset: Offset = None,
    as_json: AsJson = False,
) -> None:
    """Accuracy and skipped MACs on x_test."""
    from .evaluation import evaluate as run
    from .files import NpzData
    from .models import load_model

    loaded, arrays = load_model(model), NpzData(data)
    x, y = arrays.samples("test")
    total, done = len(x) if limit is None else min(limit, len(x)), 0
    with progress_bar(as_json) as bar:

        def progress(count: int) -> None:
            nonlocal done
            done += count
            bar("evaluating", done, total)

        result = run(
            loaded,
            x,
            y,
            engine=engine.value if engine else None,
            point=int(point) if point.isdecimal() else point,
            schedule=schedule.value,
            limit=limit,
            scale=scale,
            offset=offset,
            progress=progress,
        )
    if as_json:
        print(json.dumps(result.to_json(), indent=1))
    else:
        from .report import evaluation_table

        print_all(evaluation_table(result))


app.command(epilog=cli_export.EPILOG)(cli_export.export)
app.command(epilog=cli_simulate.EPILOG)(cli_simulate.simulate)
app.command(epilog=cli_report.EPILOG)(cli_report.report)
app.command(epilog=cli_tune.EPILOG)(cli_tune.tune)
app.command(epilog=cli_adapt.EPILOG)(cli_adapt.adapt)


@app.callback()
def common(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """UnIT pruning for TensorFlow Lite Micro: skip multiply-accumulates that cannot matter."""
    if version:
        from ._native import VERSION

        print(VERSION)
        raise typer.Exit


@app.command(epilog="Example: `tflm-unit inspect pruned.tflite --json`")
def inspect(model: ModelPath, as_json: AsJson = False) -> None:
    """Show a model's layers, operating points and thresholds."""
    from .models import load_model
    from .report import describe

    loaded = load_model(model)
    if as_json:
        print(json.dumps(describe(loaded), indent=1))
    else:
        print_all(*_tables(loaded))


@app.command(epilog="Example: `tflm-unit strip pruned.tflite -o dense.tflite`")
def strip(
    model: ModelPath,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .tflite file to write.")],
    as_json: AsJson = False,
) -> None:
    """Remove the thresholds and the report from a model."""
    from .converter import container
    from .models import naming, read_bytes

    with naming(model):
        stripped = container.strip(read_bytes(model))
    container.write_file(output, stripped)
    if as_json:
        print(json.dumps({"output": str(output), "bytes": len(stripped)}))
    else:
        print_all(f"wrote {output}: {len(stripped):,} bytes")


@app.command(epilog="Example: `tflm-unit demo --dataset mnist --data mnist.npz`")
def demo(
    dataset: Annotated[str, typer.Option(help="digits (bundled with scikit-learn) or mnist.")] = "digits",
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for model, plot and figures.")
    ] = Path("demo_output"),
    data: Annotated[
        Path | None, typer.Option(help="MNIST as an .npz; default: Keras's cache or download.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a small CNN, convert it, compare dense, zero-skip and UnIT, and plot the trade-off."""
    from .demo import run

    figures = run(dataset, output, data, log=(lambda _: None) if as_json else print_all)
    if as_json:
        print(json.dumps(figures, indent=1))


def _tables(model: Any) -> list[Any]:
    from .report import tables

    return tables(model)


def main() -> None:
    """Entry point: errors of ours, of the system and missing packages end with one line and exit code 1."""
    try:
        app()
    except (UnitError, ImportError, OSError) as error:
        Console(stderr=True).print(Text("error: ", style="red") + Text(str(error)), soft_wrap=True)
        sys.exit(1)
