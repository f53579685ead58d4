"""Models with changed bytes, and child processes that run them in TFLM, which aborts on what it does not like."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from tiny_models import OPERATORS, edited, lenet, zoo

import tflm_unit
from tflm_unit.converter import container
from tflm_unit.converter.errors import UnitError
from tflm_unit.converter.pruning import Divider, LayerPruning, OperatingPoint, PruningConfig, Schedule
from tflm_unit.converter.reader import read_graph

MAX_SECONDS = 900  # per child; a damaged model must not run for ever


def converted(model: bytes) -> bytes:
    """The model with thresholds, compensation, schedules, a description and a report."""
    graph = read_graph(model)
    layers = {}
    for number, layer in enumerate(graph.prunable):
        schedule = Schedule.ACTIVATION_SORTED if number % 2 == 0 else Schedule.PLANNED
        if layer.op == "FULLY_CONNECTED":
            schedule = Schedule.PLANNED
        channels = graph.output_channels(layer)
        thresholds, mean = np.full(channels, 40, np.int16), np.arange(channels, dtype=np.int32)
        layers[graph.weights(layer).index] = LayerPruning(
            thresholds, 1, Divider.BIT_SHIFT, mean, schedule=schedule
        )
    points = (OperatingPoint("default", layers, 0.9, 0.5), OperatingPoint("full"))
    return container.attach(model, PruningConfig(points), {"settings": "fuzz"})


def _in_tflm(file: Any) -> None:
    """Replaces the operator that TFLM lacks."""
    for code in file.operatorCodes:
        if code.builtinCode == OPERATORS.RELU_N1_TO_1:
            code.builtinCode = code.deprecatedBuiltinCode = OPERATORS.RELU


ORIGINALS = {"lenet": lambda: converted(lenet()), "zoo": lambda: converted(edited(zoo(), _in_tflm))}


def changed(model: bytes, seed: int) -> bytes:
    """1 to 16 bytes replaced; in every third model where zeros are: in offsets, shapes and indices."""
    rng = np.random.default_rng(seed)
    data = np.frombuffer(model, np.uint8).copy()
    places = np.flatnonzero(data == 0) if seed % 3 == 0 else np.arange(len(data))
    for _ in range(int(rng.choice([1, 1, 2, 4, 16]))):
        data[rng.choice(places)] ^= rng.integers(1, 256)
    return data.tobytes()


def _evaluate(model: bytes, engine: str | None, seed: int) -> None:
    graph = read_graph(model)
    rng = np.random.default_rng(seed)
    inputs = [graph.tensors[i] for i in graph.inputs]
    data = [rng.integers(-128, 128, (2, *x.shape[1:])).astype(x.dtype) for x in inputs]
    tflm_unit.evaluate(model, data[0] if len(data) == 1 else data, engine=engine)


def _interpret(model: bytes, seed: int) -> None:
    interpreter = tflm_unit.Interpreter(model)
    rng = np.random.default_rng(seed)
    for details in interpreter.get_input_details():
        values = rng.integers(-128, 128, details["shape"]).astype(details["dtype"])
        interpreter.set_tensor(details["index"], values)
    interpreter.invoke()


def use_in_tflm(model: bytes, seed: int) -> Counter[str]:
    """Which uses of the model came to an end; the others raised a UnitError."""
    done: Counter[str] = Counter()
    uses = {
        "evaluate": lambda: _evaluate(model, None, seed),
        "tflm": lambda: _evaluate(model, "tflm", seed),
        "interpreter": lambda: _interpret(model, seed),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, use in uses.items():
            try:
                use()
            except UnitError:
                continue
            done[name] += 1
    return done


def survivors(original: str, start: int, stop: int) -> tuple[Counter[str], dict[int, str]]:
    """Runs the changes start..stop-1 in child processes: how many uses came to an end, and the end of the
    output of each child that died, by the seed that it died of."""
    done: Counter[str] = Counter()
    died: dict[int, str] = {}
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    while start < stop:
        child = subprocess.run(
            [sys.executable, __file__, original, str(start), str(stop)],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            timeout=MAX_SECONDS,
            cwd=Path(__file__).parent,  # the repository's root has a tflm_unit/ that is not the package
        )
        lines = child.stdout.decode().splitlines()
        seeds = [int(line.split()[0]) for line in lines]
        for line in lines:
            done.update(line.split()[1:])
        if child.returncode == 0:
            break
        start = seeds[-1] + 2 if seeds else start + 1
        died[start - 1] = f"exit code {child.returncode}: {child.stderr.decode(errors='replace')[-1500:]}"
    return done, died


if __name__ == "__main__":
    damaged = ORIGINALS[sys.argv[1]]()
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        print(number, *use_in_tflm(changed(damaged, number), number), flush=True)
