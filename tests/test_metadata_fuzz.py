"""The device's readers and the planned kernels on damaged files, with sanitizers: tests/metadata_fuzz.cc."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import models
from example_layers import coarse_pruning, example_cases, scheduled, strided_cases
from strategies import LayerCase

from tflm_unit.converter.graph import ConvParams
from tflm_unit.converter.metadata_format import NAME, OPERATORS
from tflm_unit.converter.pruning import OperatingPoint, Schedule

TESTS = Path(__file__).resolve().parent
SOURCES = TESTS.parent / "kernels" / "src"
READERS = ("crc32.cc", "flatbuffer.cc", "metadata.cc", "metadata_parse.cc", "plan_check.cc")
# The readers compile to nothing where there is no TFLM; they need none themselves.
WARNINGS = ["-O1", "-g", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
FLAGS = ["-std=c++14", *WARNINGS, "-fno-exceptions", "-DTFLM_UNIT_WHEEL"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def build(folder: Path) -> Path:
    """The driver with the core."""
    # Neither the compilers nor the driver may inherit the preloaded sanitizer of tests/run_sanitized.sh.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    core = map(str, sorted((SOURCES / "core").glob("*.c")))
    command = [os.environ.get("CC", "cc"), "-std=c99", "-DUNIT_C_LOOPS", *WARNINGS, *SANITIZERS, "-c", *core]
    subprocess.run(command, check=True, cwd=folder, env=environment)
    driver = folder / "metadata_fuzz"
    files = [TESTS / "metadata_fuzz.cc", *(SOURCES / "tflm" / name for name in READERS), *folder.glob("*.o")]
    command = [os.environ.get("CXX", "c++"), *FLAGS, *SANITIZERS, f"-I{SOURCES}", *map(str, files)]
    subprocess.run([*command, "-o", str(driver)], check=True, env=environment)
    return driver


def numbers(case: LayerCase) -> list[int]:
    """FuzzLayer of the driver."""
    p, weights = case.params, case.weights.shape
    op = OPERATORS[case.op]
    if isinstance(p, ConvParams):
        shapes = (*case.input.shape, *weights, *case.output_shape)
        return [op, *shapes, *p.stride, *p.padding, *p.dilation, p.input_offset, p.ch_mult]
    rows, inputs = case.input.shape
    shapes = (rows, 1, 1, inputs, inputs, 1, 1, weights[0], rows, 1, 1, weights[0])
    return [op, *shapes, 1, 1, 0, 0, 1, 1, p.input_offset, 0]


def test_no_prefix_and_no_mutation_of_a_model_leads_outside_it(tmp_path: Path) -> None:
    cases = [*example_cases(), *strided_cases()]
    planned = [scheduled(case, Schedule.PLANNED, taps=2).pruning for case in cases]
    points = [
        OperatingPoint("all", {models.weights_index(i): case.pruning for i, case in enumerate(cases)}),
        OperatingPoint("one", {models.weights_index(0): coarse_pruning(cases[0])}),
        OperatingPoint("plan", {models.weights_index(i): pruning for i, pruning in enumerate(planned)}),
    ]
    model = tmp_path / "model.tflite"
    model.write_bytes(models.build(cases, {NAME: models.pack_block(cases, points)}))
    driver = build(tmp_path)

    mutations = 100 * int(os.environ.get("TFLM_UNIT_EXAMPLES", "150"))
    layers = [str(n) for case in cases for n in numbers(case)]
    command = [str(driver), str(model), str(mutations), "1", *layers]
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    verdicts = re.fullmatch(r"accepted (\d+) refused (\d+) ran (\d+) unfit (\d+)\n", result.stdout)
    assert verdicts is not None
    accepted, refused, ran, unfit = map(int, verdicts.groups())
    # Damage outside the block and to names or weights' checksums leaves it valid.
    assert accepted > mutations // 10
    assert refused > mutations // 4
    assert ran > accepted
    assert unfit > mutations // 20
