"""boards/simulators.py as a program: what ends it, and that it leaves no simulator behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from firmware import BOARDS, endless_simulator, ends


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is not installed")
def test_simulators_do_not_outlive_a_program_that_is_killed(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from tflm_unit.boards import process
        process.run_process(["sh", "-c", "echo >&2; exec sleep 600"], 600, errors_to=sys.stderr.buffer)
    """
    # Not in the repository's folder, whose tflm_unit/ is not the package.
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE) as program:
        assert program.stderr is not None
        assert program.stderr.readline() == b"\n"
        program.kill()
        assert program.stderr.read() == b""  # once nobody holds the pipe


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_its_simulator_silently(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, BOARDS / "simulators.py", BOARDS / "cortex_m3_sim.json", "firmware.elf"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=endless_simulator(tmp_path), text=True, **pipes) as program:
        simulator = int(program.stdout.readline())
        program.send_signal(number)
        assert program.communicate() == ("", "")
    assert program.returncode == 128 + number
    assert ends(simulator)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_is_a_number_of_seconds(seconds: str) -> None:
    command = [sys.executable, BOARDS / "simulators.py", f"--timeout={seconds}", "board.json", "firmware.elf"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"argument --timeout: invalid seconds value: '{seconds}'" in done.stderr
