"""What a sketch calls compiles, in the C++ version that docs/tflm.md names: tests/add_unit_ops.cc."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TESTS = Path(__file__).resolve().parent
FLAGS = ["-std=c++14", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fno-exceptions", "-fno-rtti"]


def test_add_unit_ops_takes_a_resolver() -> None:
    options = ["-fsyntax-only", "-DTFLM_UNIT_WHEEL", f"-I{TESTS.parent / 'kernels' / 'src'}"]
    # The compiler must not inherit a preloaded sanitizer.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    command = [os.environ.get("CXX", "c++"), *FLAGS, *options, str(TESTS / "add_unit_ops.cc")]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
