"""The command `tflm-unit tune`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from .cli_common import (
    AsJson,
    Center,
    DividerName,
    Offset,
    PrunedSchedule,
    Scale,
    check_page,
    check_place,
    print_all,
    progress_bar,
)
from .converter.errors import DataError, UnitError

EPILOG = (
    "Example: `tflm-unit tune lenet.tflite -o tuned.tflite --data mnist.npz --scale 0.00392157 --max-drop 0.5 "
    "--storage sqlite:///tune.db`"
)
SPLIT = 5  # without x_val, every fifth sample of x_train is held out


def tune(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="int8 .tflite, .keras, .h5 or SavedModel folder.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .tflite file to write.")],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="DATA.npz: x_train calibrates; x_val, y_val judge (without them, a part of x_train); x_test, y_test "
            "give the final figures only.",
        ),
    ],
    scale: Scale = None,
    offset: Offset = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            min=0, max=100, help="Points of accuracy that the last operating point may lose (default 1)."
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(help="Instead: the cost that it may have, relative to the dense model (0..1)."),
    ] = None,
    points: Annotated[
        str,
        typer.Option(
            help="Operating points: names, which share the drop or saving out evenly, or name=limit: "
            "full,balanced,saver or full=0.2,saver=1."
        ),
    ] = "default",
    target: Annotated[
        str | None,
        typer.Option(help="The board that the model is for: cost is its predicted time; see docs/boards.md."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials of the search (default: by the size of the model).")
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no trial begins.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the search.")] = 0,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Keeps trials: sqlite:///FILE, another database URL, or a path. Continues and shares."
        ),
    ] = None,
    study: Annotated[str | None, typer.Option(help="Name of the study in the storage.")] = None,
    groups: Annotated[
        str, typer.Option(help="Output channels that share a threshold: channel, layer or a number.")
    ] = "channel",
    divider: Annotated[DividerName | None, typer.Option(help="How the device divides thresholds.")] = None,
    power_of_two: Annotated[
        bool | None,
        typer.Option("--power-of-two/--no-power-of-two", help="Thresholds are powers of two minus one."),
    ] = None,
    schedule: Annotated[
        PrunedSchedule | None, typer.Option(help="One schedule for every layer; cost is then MACs.")
    ] = None,
    extra_flash: Annotated[
        float | None, typer.Option(help="What plans may take, in bytes per byte of the dense weights.")
    ] = None,
    fatrelu: Annotated[bool, typer.Option(help="Try FATReLU thresholds as well.")] = True,
    center: Center = True,
    samples: Annotated[
        int, typer.Option(min=1, help="Calibration samples, evenly spread over x_train.")
    ] = 1000,
    validation: Annotated[
        int, typer.Option(min=1, help="Validation samples at most, evenly spread over x_val.")
    ] = 5000,
    report: Annotated[
        Path | None, typer.Option(help="Write an HTML page as well (tflm-unit report).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search the thresholds that cost least for a drop, or lose least for a budget."""
    from .tuning import tune as run

    check_place(output)
    if report is not None:
        check_page("--report", report, {"the tuned model": output, "the model": model, "the data": data})
    limits = _points(points, max_drop, percent=budget is None)
    arrays, notes = data_of(data, samples, validation)
    with progress_bar(as_json) as progress, _telling_how_to_continue(storage):
        result = run(
            model,
            **arrays,
            max_drop=None if max_drop is None else max_drop / 100,
            budget=budget,
            target=target,
            points=limits,
            trials=trials,
            timeout=timeout,
            seed=seed,
            storage=storage,
            study=study,
            groups=int(groups) if groups.isdecimal() else groups,
            divider=divider.value if divider else None,
            power_of_two=power_of_two,
            schedule=schedule.value if schedule else None,
            center=center,
            extra_flash=extra_flash,
            fatrelu=fatrelu,
            scale=scale,
            offset=offset,
            progress=progress,
        )
    result.save(output)
    if as_json:
        print(json.dumps({**result.to_json(), "data_notes": notes}, indent=1))
    else:
        written = f"wrote {output}: {len(result.model.data):,} bytes"
        print_all(*result.tables(), *(f"note: {note}" for note in notes), written)
    if report is not None:
        tested = _tested_on(data, arrays, scale, offset) if arrays["test"] is not None else {}
        result.report(report, name=output.name, **tested)
        if not as_json:
            print_all(f"wrote {report}: {report.stat().st_size:,} bytes")


def _tested_on(
    data: Path, arrays: dict[str, Any], scale: float | None, offset: float | None
) -> dict[str, Any]:
    """Arguments of `result.report` that are test data."""
    from .files import NpzData

    samples = {"x": arrays["test"], "y": arrays["test_labels"], "scale": scale, "offset": offset}
    return samples | {"data_name": data.name, "class_names": NpzData(data).class_names}


@contextmanager
def _telling_how_to_continue(storage: str | None) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        kept = (
            f"finished trials are in {storage}; the same command continues"
            if storage
            else "trials are lost without --storage"
        )
        Console(stderr=True).print(f"interrupted: {kept}", markup=False)
        raise


def data_of(path: Path, samples: int | None, validation: int) -> tuple[dict[str, Any], list[str]]:
    """Arguments of `tflm_unit.tune` that are data, and what to tell about them. samples: None: no calibration."""
    from .files import NpzData, spread

    file = NpzData(path)
    notes = []
    judging = "val" if "x_val" in file.names else "train"
    x, y = file.samples(judging)
    held = np.arange(len(x))
    if judging == "train":
        held = held[SPLIT - 1 :: SPLIT]
        if not len(held):
            raise DataError(f"{path} has no x_val, and only {len(x)} samples in x_train to take it from")
        notes.append(
            f"{path.name} has no x_val: every fifth sample of x_train judges; drops are flattering if the model was "
            "trained on them"
        )
    rows = spread(held, validation)
    x_test, y_test = file.samples("test") if "x_test" in file.names else (None, None)
    arrays = {
        "validation": file.rows(f"x_{judging}", x, rows),
        "labels": None if y is None else y[rows],
        "test": x_test,
        "test_labels": y_test,
    }
    if samples is not None:
        x_train = file.array("x_train") if judging == "val" else x
        free = np.arange(len(x_train)) if judging == "val" else np.delete(np.arange(len(x)), held)
        arrays["calibration"] = file.rows("x_train", x_train, spread(free, samples))
    return arrays, notes


def _points(text: str, max_drop: float | None, percent: bool) -> tuple[str, ...] | dict[str, float]:
    """Names, or limits by name: drops in points, of which max_drop is the largest, or shares of the dense cost."""
    parts = [part.partition("=") for part in text.split(",")]
    given = [bool(equals) for _, equals, _ in parts]
    if not any(given):
        return tuple(name for name, _, _ in parts)
    if not all(given):
        raise UnitError(f"--points {text}: give a limit for every point, or for none")
    limits: dict[str, float] = {}
    for name, _, value in parts:
        try:
            limits[name] = float(value)
        except ValueError as error:
            raise UnitError(f"--points {text}: {value!r} is not a number") from error
        if percent and not 0 <= limits[name] <= 100:
            raise UnitError(f"--points {text}: {value} is not in 0 .. 100 points of accuracy")
    if len(limits) < len(parts):
        raise UnitError(f"--points {text}: a point is given twice")
    if not percent:
        return limits
    farthest = max(limits.values())
    if max_drop not in (None, farthest):
        raise UnitError(
            f"--max-drop is {max_drop:g}, but the limits of --points go to {farthest:g}: make them the same"
        )
    return {name: limit / 100 for name, limit in limits.items()}
