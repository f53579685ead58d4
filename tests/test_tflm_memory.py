"""Lifetimes and small arenas in the real TFLM, in child processes: mistakes there end a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("tflm_processes.py")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("tflm") / "outcomes.json"
    child = subprocess.run(
        [sys.executable, *(["-S"] if sys.flags.no_site else []), str(PROGRAM), str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROGRAM.parent), *sys.path])},
        cwd=PROGRAM.parent,  # the repository's root has a tflm_unit/ that is not the package
        capture_output=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr.decode(errors="replace")[-2000:]
    return dict(json.loads(path.read_text()))


def test_models_and_interpreters_may_end_in_any_order(outcomes: dict[str, Any]) -> None:
    assert outcomes["orders"] == dict.fromkeys(outcomes["orders"], "works")
    assert len(outcomes["orders"]) == 3


def test_thresholds_crash_no_arena_that_is_large_enough_without_them(outcomes: dict[str, Any]) -> None:
    """TFLM itself crashes in a few arenas that are too small. Our operators' own state moves those sizes, and
    binding layers may add none, whatever their schedules."""
    seen, seen_scheduled = set(), set()
    for size, outcome in outcomes["arenas"].items():
        seen.add((outcome["stock"], outcome["pruned"]))
        seen_scheduled.add(outcome["scheduled"])
        assert not any(result.startswith("failed") for result in outcome.values()), (size, outcome)
        if outcome["stock"] == "works" or not outcome["plain"].startswith("crashed"):
            assert not outcome["pruned"].startswith("crashed"), size
            assert not outcome["scheduled"].startswith("crashed"), size
    # The scan covers what it is about: from nothing, over memory for stock only, to all layers.
    everything = "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED"
    assert {("error", "error"), ("works", "error"), ("works", everything)} <= seen
    assert {"error", everything} <= seen_scheduled
