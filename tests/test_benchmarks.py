"""Benchmarks as commands: what they say without data, what they refuse, what they leave out."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import REPOSITORY

from tflm_unit import UnitError

BENCHMARKS = REPOSITORY / "benchmarks"


def run(data: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TFLM_UNIT_DATA": str(data), "COLUMNS": "200"}
    command = [sys.executable, BENCHMARKS / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (("kernels.py", "--model", "cifar10"), "cifar10.npz"),
        (("models.py", "--model", "lenet_cifar10"), "cifar10.npz"),
        (("models.py", "--model", "tiny_anomaly"), "mlperf_tiny/ad01_one_normal_clip.npz"),
    ],
)
def test_missing_data_is_one_line(tmp_path: Path, arguments: tuple[str, ...], file: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    message = f"error: {tmp_path / file} is missing: set TFLM_UNIT_DATA to a folder with {file}\n"
    assert done.stderr == message


@pytest.mark.parametrize("script", ["kernels.py", "models.py", "mnist_sweep.py", "mnist_dividers.py"])
def test_help_tells_where_data_are_read(tmp_path: Path, script: str) -> None:
    text = run(tmp_path, script, "--help").stdout
    assert "TFLM_UNIT_DATA" in text
    assert str(tmp_path) in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("kernels.py", "--rate", "1.5"), "argument --rate: 1.5 is not in 0 .. 1"),
        (("models.py", "--skip", "-0.1"), "argument --skip: -0.1 is not in 0 .. 1"),
        (("models.py", "--samples", "0"), "argument --samples: 0 is less than 1"),
    ],
)
def test_values_out_of_range(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def load(monkeypatch: pytest.MonkeyPatch, script: str) -> ModuleType:
    """The script as a module that leaves again after the test."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    name = f"benchmark_{script}"
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_only_the_schedule_that_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(monkeypatch, "models")

    def simulate(model: str, schedule: str) -> Any:
        if schedule == "planned":
            raise UnitError("too large")
        return f"{model} {schedule}"

    left_out: dict[str, str] = {}
    found = module._forced(partial(simulate, "m"), ("dense", "planned", "compare"), left_out)
    assert found == {"dense": "m dense", "compare": "m compare"}
    assert left_out == {"planned": "too large"}


def test_counts_at_a_rate_come_from_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(monkeypatch, "kernels")

    def row(skipped: float, **per_mac: float) -> Any:
        return module.Row("m3", "instructions", "mnist", "FC", 100, 0.8, skipped, per_mac, None)

    rows = [
        row(0.9, planned=1.0),
        row(0.82, planned=2.0, dense=5.0),
        row(0.78, planned=4.0),
        row(0.7, planned=9.0),
    ]
    found = module.exactly(rows, 0.79)
    assert found.per_mac == pytest.approx({"planned": 3.5})
    assert (found.rate, found.skipped, found.between) == (0.79, 0.79, (0.78, 0.82))
    assert module.exactly(rows, 0.82).per_mac == {"planned": 2.0, "dense": 5.0}
    assert module.exactly(rows, 0.95) is None
    assert module.exactly(rows, 0.6) is None
