"""What the tests of `simulate` share: models, and skipping where a compiler or simulator is not installed."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

import numpy as np
import pytest
from classifier import classifier, images
from tiny_models import RELU, VALID, Builder, options

import tflm_unit
from tflm_unit.boards import toolchain
from tflm_unit.converter.targets import load_target

PROGRAMS = {"qemu": "qemu-system-arm", "mspdebug": "mspdebug", "msp430_run": "msp430-elf-run"}
SIMULATED = tuple(name for name in tflm_unit.target_names() if load_target(name).simulated_by == name)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Firmware that the tests build does not go into the user's cache; pytest's processes share it."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFLM_UNIT_CACHE", str(folder / "firmware"))
        yield


def require(target: str) -> None:
    """Skips the test when the target's compiler or simulator is not installed."""
    board = load_target(load_target(target).simulated_by).board
    program = PROGRAMS[board["tflm_unit"]["simulator"]["kind"]]
    if toolchain.find_program(program) is None:
        pytest.skip(f"{program} is not installed: run `make setup-sim`")
    try:
        toolchain.toolchain(board)
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))


@functools.cache
def pruned(divider: str = "exact", skip: float = 0.6) -> tflm_unit.ConversionResult:
    """tests/classifier.py with thresholds of its own random images."""
    return tflm_unit.convert(classifier(), images(64), skip=skip, divider=divider)


def lenet_like(shape: tuple[int, ...], filters: tuple[int, int], classes: int, seed: int = 0) -> bytes:
    """CONV_2D 5x5 - pool - CONV_2D 5x5 - pool - FULLY_CONNECTED with random weights; shape: (1, H, W, 1)."""
    b = Builder(seed)
    image = b.activation("image", shape, 1 / 255, -128)
    x, size, channels = image, shape[1:3], shape[3]
    for number, count in enumerate(filters, 1):
        size = (size[0] - 4, size[1] - 4)
        y = b.activation(f"conv{number}/Relu", (1, *size, count), 0.2, -128)
        table = options("Conv2D", strideH=1, strideW=1, padding=VALID, fusedActivationFunction=RELU)
        b.weighted("CONV_2D", x, y, (count, 5, 5, channels), table)
        size, channels = (size[0] // 2, size[1] // 2), count
        x = b.activation(f"pool{number}", (1, *size, count), 0.2, -128)
        pool = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": VALID}
        b.operator("MAX_POOL_2D", [y], [x], options("Pool2D", **pool))
    inputs = size[0] * size[1] * channels
    flat = b.activation("flat", (1, inputs), 0.2, -128)
    b.operator("RESHAPE", [x, b.constant("shape", np.array([1, inputs], np.int32))], [flat])
    logits = b.activation("logits", (1, classes), 2.0, 3)
    b.weighted("FULLY_CONNECTED", flat, logits, (classes, inputs), options("FullyConnected"))
    return b.build([image], [logits])
