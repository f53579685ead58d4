"""The command `tflm-unit simulate`."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .cli_common import AsJson, ModelPath, Offset, Scale, print_all, progress_bar
from .converter.errors import UnitError

EPILOG = "Example: `tflm-unit simulate pruned.tflite --target msp430_sim --data mnist.npz --scale 0.00392157`"


class SimulatedSchedule(str, Enum):
    all = "all"
    unit = "unit"
    zero_skip = "zero_skip"
    dense = "dense"
    compare = "compare"
    planned = "planned"
    activation_sorted = "activation_sorted"


def simulate(
    model: ModelPath,
    target: Annotated[str, typer.Option(help="For example msp430_sim, cortex_m4_sim or nucleo_f401re_m4.")],
    samples: Annotated[int, typer.Option(min=1, help="Run the first samples of x_test.")] = 1,
    data: Annotated[
        Path | None, typer.Option(help="DATA.npz with x_test as Keras caches it; default: random inputs.")
    ] = None,
    scale: Scale = None,
    offset: Offset = None,
    point: Annotated[str, typer.Option(help="Operating point, index or name.")] = "0",
    schedule: Annotated[
        list[SimulatedSchedule] | None,
        typer.Option(help="May be given several times; all (default): dense, zero_skip and unit."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds that one inference may take in the simulator.")
    ] = 300,
    as_json: AsJson = False,
) -> None:
    """Run a model's firmware in a simulator: counts per layer, memory, energy; compared with the batch engine."""
    from . import simulation
    from .files import NpzData

    if data is None and (scale is not None or offset is not None):
        raise UnitError("--scale and --offset belong to --data, which is not given")
    x = None if data is None else NpzData(data).samples("test")[0]
    with progress_bar(as_json) as progress:
        result = simulation.simulate(
            model,
            target,
            x=x,
            samples=samples,
            point=int(point) if point.isdecimal() else point,
            schedule=[name.value for name in schedule or [SimulatedSchedule.all]],
            scale=scale,
            offset=offset,
            timeout=timeout,
            progress=progress,
        )
    if as_json:
        print(json.dumps(result.to_json(), indent=1))
    else:
        from .simulation.report import tables

        print_all(*tables(result))
        if result.samples < samples:
            print_all(f"--data has {result.samples} samples; --samples asked for {samples}")
    if not result.match:
        raise typer.Exit(1)
