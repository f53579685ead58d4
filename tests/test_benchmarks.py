"""Benchmarks as commands: what they say without data, what they refuse, what they leave out."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
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


def test_only_the_schedule_that_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.syspath_prepend(BENCHMARKS)
    spec = importlib.util.spec_from_file_location("benchmark_models", BENCHMARKS / "models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "benchmark_models", module)
    spec.loader.exec_module(module)

    def simulate(model: str, schedule: str) -> Any:
        if schedule == "planned":
            raise UnitError("too large")
        return f"{model} {schedule}"

    left_out: dict[str, str] = {}
    found = module._forced(partial(simulate, "m"), ("dense", "planned", "compare"), left_out)
    assert found == {"dense": "m dense", "compare": "m compare"}
    assert left_out == {"planned": "too large"}
