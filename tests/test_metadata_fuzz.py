"""The device's flatbuffer and metadata readers on damaged files, with sanitizers: tests/metadata_fuzz.cc."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import models
from example_layers import coarse_pruning, example_cases

from tflm_unit.converter.metadata_format import NAME
from tflm_unit.converter.pruning import OperatingPoint

TESTS = Path(__file__).resolve().parent
SOURCES = TESTS.parent / "kernels" / "src"
READERS = ("crc32.cc", "flatbuffer.cc", "metadata.cc", "metadata_parse.cc")
# The readers compile to nothing where there is no TFLM; they need none themselves.
FLAGS = [
    "-std=c++14",
    "-O1",
    "-g",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    "-fno-exceptions",
    "-DTFLM_UNIT_WHEEL",
]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def test_no_prefix_and_no_mutation_of_a_model_leads_outside_it(tmp_path: Path) -> None:
    cases = example_cases()
    points = [
        OperatingPoint("all", {models.weights_index(i): case.pruning for i, case in enumerate(cases)}),
        OperatingPoint("one", {models.weights_index(0): coarse_pruning(cases[0])}),
    ]
    model = tmp_path / "model.tflite"
    model.write_bytes(models.build(cases, {NAME: models.pack_block(cases, points)}))
    driver = tmp_path / "metadata_fuzz"
    files = [TESTS / "metadata_fuzz.cc", *(SOURCES / "tflm" / name for name in READERS)]
    # Neither the compiler nor the driver may inherit the preloaded sanitizer of tests/run_sanitized.sh.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    compiler = os.environ.get("CXX", "c++")
    command = [compiler, *FLAGS, *SANITIZERS, f"-I{SOURCES}", *map(str, files), "-o", str(driver)]
    subprocess.run(command, check=True, env=environment)

    mutations = 100 * int(os.environ.get("TFLM_UNIT_EXAMPLES", "150"))
    arguments = [str(driver), str(model), str(mutations), "1"]
    result = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    verdicts = re.fullmatch(r"accepted (\d+) refused (\d+)\n", result.stdout)
    assert verdicts is not None
    accepted, refused = map(int, verdicts.groups())
    # Damage outside the block and to names or weights' checksums leaves it valid.
    assert accepted > mutations // 10
    assert refused > mutations // 4
