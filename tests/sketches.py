"""What the tests of examples/ share: running a sketch in PlatformIO, and what it should print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from firmware import BOARDS, REPOSITORY, load_board, require

import tflm_unit
from tflm_unit.converter.engine import Engine

EXAMPLES = REPOSITORY / "examples"


def environment(folder: Path) -> dict[str, str]:
    """PlatformIO with all it writes in `folder`, nothing in the sketch's own."""
    names = {"PLATFORMIO_CORE_DIR": folder / "core", "PLATFORMIO_WORKSPACE_DIR": folder / "work"}
    return {
        **os.environ,
        **{k: str(v) for k, v in names.items()},
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    }


def simulate(sketch: str, name: str, folder: Path) -> list[str]:
    """Lines that environment `name` of a sketch prints in its simulator. Skips when that is not installed."""
    pytest.importorskip("platformio", reason="not installed: platformio, `make setup-sim`")
    pytest.importorskip("SCons", reason="not installed: scons, `make setup-sim`")
    require(load_board(name.removesuffix("_macs")))
    variables = environment(folder)
    script = BOARDS / "platform" / "builder" / "setup_scons.py"
    subprocess.run([sys.executable, script], env=variables, check=True)
    project = EXAMPLES / sketch
    command = [sys.executable, "-m", "platformio", "run", "-d", project, "-e", name, "-t", "simulate"]
    done = subprocess.run(command, env=variables, cwd=project, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    output = re.search(r"^Simulating [^\n]*\n(.*?)\n=====", done.stdout, re.DOTALL | re.MULTILINE)
    assert output is not None, done.stdout
    return output[1].replace("\r", "").splitlines()


def samples(sketch: str) -> tuple[np.ndarray, list[int]]:
    """The images of samples.h, int8 (N, bytes), and their labels."""
    text = (EXAMPLES / sketch / "src" / "samples.h").read_text(encoding="utf-8")
    labels, images = (
        [int(v) for v in re.findall(r"-?\d+", part)] for part in re.findall(r"= \{(.*?)\};", text, re.DOTALL)
    )
    return np.array(images, np.int8).reshape(len(labels), -1), labels


class Reference:
    """The committed model in the batch engine."""

    def __init__(self, sketch: str, model: str) -> None:
        self.model = tflm_unit.load(EXAMPLES / sketch / model).model
        self.graph = self.model.graph

    def run(self, image: np.ndarray, point: int = 0) -> tuple[np.ndarray, int, int]:
        """Outputs (classes,), all MACs and skipped MACs of one int8 image."""
        assert self.model.config is not None
        engine = Engine(self.graph, self.model.config.points[point], schedule="compare")
        result = engine.run(image.reshape(1, *self.graph.tensors[self.graph.inputs[0]].shape[1:]))
        skipped = sum(c.macs_skipped for c in result.counters.values())
        return result.outputs[0][0], sum(map(self.graph.macs, self.graph.mac_layers)), skipped
