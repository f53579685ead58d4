"""PlatformIO: the development platform, the library, the shim as a framework, and platformio.ini."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from firmware import BOARDS, REPOSITORY, endless_simulator, ends, load_board, require

import tflm_unit

PACKAGES = ("platformio", "SCons")
MISSING = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason="not installed: platformio and scons, `make setup-sim`")

SKETCH = """
#include <Arduino.h>
#include <tflm_unit.h>
void setup() {
  Serial.print("quotient ");
  Serial.println((int)unit_divide(UNIT_DIVIDER_EXACT, 100, 7, nullptr, nullptr));
  Serial.println(UNIT_VERSION);
}
void loop() {
  unit_machine_exit(STATUS);
}
"""
INI = """
[env]
platform = symlink://{boards}/platform
framework = arduino
lib_deps = tflm_unit=symlink://{kernels}
build_flags = -Wall -Wextra -Werror
[env:good]
board = {board}
build_flags = ${{env.build_flags}} -DSTATUS=0
[env:bad]
board = {board}
build_flags = ${{env.build_flags}} -DSTATUS=1
[env:unknown]
board = pico_m0
"""


@pytest.fixture(scope="module")
def core_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PlatformIO's folder as `make setup-sim` leaves it on a fresh machine: no test may need a package registry."""
    folder = tmp_path_factory.mktemp("platformio")
    script = BOARDS / "platform" / "builder" / "setup_scons.py"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, script], env=environment(folder), capture_output=True, text=True, check=True
        )
    assert done.stdout == ""
    return folder


def environment(core_dir: Path) -> dict[str, str]:
    settings = {"PLATFORMIO_CORE_DIR": core_dir, "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}
    return {**os.environ, **{name: str(value) for name, value in settings.items()}}


def project(folder: Path, board: str) -> Path:
    (folder / "src").mkdir()
    (folder / "src" / "main.cpp").write_text(SKETCH)
    ini = INI.format(boards=BOARDS, kernels=REPOSITORY / "kernels", board=board)
    (folder / "platformio.ini").write_text(ini)
    return folder


def pio(
    folder: Path, core_dir: Path, *arguments: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    variables = environment(core_dir) | ({} if path is None else {"PATH": path})
    command = [sys.executable, "-m", "platformio", "run", "-d", str(folder), *arguments]
    return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("board", ["cortex_m3_sim", "msp430_sim"])
def test_a_sketch_is_built_and_simulated(board: str, core_dir: Path, tmp_path: Path) -> None:
    """The library as well: without TFLM, its overrides compile to nothing."""
    require(load_board(board))
    folder = project(tmp_path, board)
    good = pio(folder, core_dir, "-e", "good", "-t", "simulate")
    assert good.returncode == 0, good.stderr
    assert f"quotient 14\n{tflm_unit.__version__}\n" in good.stdout
    assert "1 succeeded" in good.stdout


def test_errors_of_programs_compilers_and_boards(core_dir: Path, tmp_path: Path) -> None:
    board = "cortex_m3_sim"
    require(load_board(board))
    folder = project(tmp_path, board)
    bad = pio(folder, core_dir, "-e", "bad", "-t", "simulate")
    assert bad.returncode == 1
    assert "quotient 14\n" in bad.stdout

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "env").symlink_to(shutil.which("env") or "env")
    missing = pio(folder, core_dir, "-e", "good", path=str(tmp_path / "bin"))
    assert missing.returncode == 1
    assert (
        "Error: the compiler arm-none-eabi-gcc was not found; install it with: make setup-sim"
        in missing.stderr
    )
    assert "Traceback" not in missing.stderr

    unknown = pio(folder, core_dir, "-e", "unknown")
    assert unknown.returncode == 1
    assert "Unknown board ID 'pico_m0'" in unknown.stderr


def test_no_simulator_outlives_pio(core_dir: Path, tmp_path: Path) -> None:
    board = "cortex_m3_sim"
    require(load_board(board))
    folder = project(tmp_path, board)
    variables = environment(core_dir) | {"PATH": endless_simulator(tmp_path)["PATH"]}
    command = [sys.executable, "-m", "platformio", "run", "-d", folder, "-e", "good", "-t", "simulate"]
    with subprocess.Popen(command, env=variables, cwd=folder, stdout=subprocess.PIPE, text=True) as pio:
        assert pio.stdout is not None
        simulator = next(int(line) for line in pio.stdout if line.strip().isdecimal())
        pio.terminate()
    assert ends(simulator)


def test_the_time_of_a_simulation_is_an_option(core_dir: Path, tmp_path: Path) -> None:
    board = "cortex_m3_sim"
    require(load_board(board))
    folder = project(tmp_path, board)
    with (folder / "platformio.ini").open("a") as ini:
        ini.write(f"[env:short]\nboard = {board}\nbuild_flags = -DSTATUS=0\ncustom_simulate_timeout = 0.5\n")
    path = endless_simulator(tmp_path)["PATH"]
    short = pio(folder, core_dir, "-e", "short", "-t", "simulate", path=path)
    assert short.returncode == 1
    assert "error: the firmware was still running after 0.5 s" in short.stderr


def test_targets_that_a_board_does_not_have_say_why(core_dir: Path, tmp_path: Path) -> None:
    """And sizes, which take a program of the toolchain."""
    board = "cortex_m3_sim"
    require(load_board(board))
    require(load_board("msp430fr5994_sim"))
    folder = project(tmp_path, board)
    with (folder / "platformio.ini").open("a") as ini:
        ini.write("[env:real]\nboard = launchpad_fr5994\n")
    simulate = pio(folder, core_dir, "-e", "real", "-t", "simulate")
    assert simulate.returncode == 1
    message = "Error: nothing simulates launchpad_fr5994; use an environment with board = msp430fr5994_sim\n"
    assert message in simulate.stderr
    upload = pio(folder, core_dir, "-e", "good", "-t", "upload")
    assert upload.returncode == 1
    assert "Error: cortex_m3_sim is a simulated machine: run the program with -t simulate\n" in upload.stderr
    assert re.search(r"^Flash: .* \(used \d{3,5} bytes from 4194304 bytes\)$", upload.stdout, re.MULTILINE)
    size = pio(folder, core_dir, "-e", "good", "-t", "size")
    assert re.search(r"^ +text\s+data\s+bss", size.stdout, re.MULTILINE)


def test_platformio_ini_has_an_environment_per_machine() -> None:
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(REPOSITORY / "platformio.ini")
    simulated = {
        path.stem
        for path in BOARDS.glob("*.json")
        if load_board(path.stem)["tflm_unit"]["simulated_by"] == path.stem
    }
    assert set(ini["platformio"]["default_envs"].split()) == simulated
    for name in simulated:
        assert ini[f"env:{name}"]["board"] == name
        assert ini[f"env:{name}"]["extends"] == "machine"
    # A file of boards/ named like a stock board would take its place.
    for name in (
        "nucleo_l053r8",
        "nucleo_f103rb",
        "nucleo_f401re",
        "nano33ble",
        "pico",
        "rpipico",
        "lpmsp430fr5994",
    ):
        assert not (BOARDS / f"{name}.json").exists()


def test_setup_sim_says_what_it_may_not_install(tmp_path: Path) -> None:
    """As a user who is not root, on a machine that has nothing yet."""
    script = tmp_path / "boards" / "setup_sim.sh"
    script.parent.mkdir()
    shutil.copy(BOARDS / "setup_sim.sh", script)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("dirname", "grep", "gzip", "ls", "mkdir", "sh", "tar"):
        (programs / name).symlink_to(shutil.which(name) or name)
    for name, text in {
        "id": "echo 1000",
        "dpkg-query": "exit 1",
        "apt-get": "exit 1",
        "python": "echo $1",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    compiler = tmp_path / "msp430" / "bin" / "msp430-elf-gcc"
    compiler.parent.mkdir(parents=True)
    compiler.touch()
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(compiler.parents[1], "msp430")

    def run(toolchain: str) -> str:
        variables = {"PATH": str(programs), "PYTHON": "python", "MSP430_TOOLCHAIN": toolchain}
        return subprocess.run([script], env=variables, capture_output=True, text=True, check=True).stdout

    nothing = run("")
    assert "please install these Debian packages" in nothing
    assert "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm mspdebug\n" in nothing
    assert "no msp430-elf-gcc" in nothing
    assert nothing.endswith("/boards/platform/builder/setup_scons.py\n")
    assert "unpacking" in run(str(archive))
    assert (tmp_path / ".toolchains" / "msp430" / "bin" / "msp430-elf-gcc").exists()
    again = run(str(archive))
    assert "unpacking" not in again
    assert "mspdebug libmpc3 libmpfr6 libgmp10 libzstd1\n" in again
