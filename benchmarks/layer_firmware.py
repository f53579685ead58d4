"""Single layers as firmware on simulated boards: what their schedules cost, in cycles or instructions.

Data of a layer: ReLU-like activations (rounded max(0, N(0, 40)), so about half are zero; zero point -128), weights
round(N(0, 30)) within +-127, one threshold for the layer, chosen so that the wanted share of the products is
skipped under the divider. Seeded.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tflm_unit.boards import simulators, toolchain
from tflm_unit.converter.dividers import optimal_tree
from tflm_unit.converter.pruning import MAX_THRESHOLD, Divider

FIRMWARE = Path(__file__).parent / "firmware"
SCHEDULES = ("dense", "zero_skip", "compare")
SEED = 2026
ZERO_POINT = -128


@dataclass(frozen=True)
class Layer:
    """A CONV_2D (stride 1, no padding) or FULLY_CONNECTED. input: (h, w, c) or (1, 1, inputs); kernel: side."""

    name: str
    input: tuple[int, int, int]
    outputs: int
    kernel: int = 0  # FULLY_CONNECTED

    @property
    def filter(self) -> tuple[int, int, int, int]:
        height, width, channels = self.input
        return (self.outputs, self.kernel or height, self.kernel or width, channels)

    @property
    def positions(self) -> tuple[int, int]:
        return self.input[0] - self.filter[1] + 1, self.input[1] - self.filter[2] + 1

    @property
    def macs(self) -> int:
        return int(np.prod(self.filter) * np.prod(self.positions))


LENET = (
    Layer("conv 28x28x1 -> 6, 5x5", (28, 28, 1), 6, 5),
    Layer("conv 12x12x6 -> 16, 5x5", (12, 12, 6), 16, 5),
    Layer("FC 256 -> 10", (1, 1, 256), 10),
)
FC_60 = Layer("FC 256 -> 60", (1, 1, 256), 60)


@dataclass(frozen=True)
class Data:
    """input: q - zero point, 0..255, (h, w, c); weights: (O, h, w, c); skipped: share of the MACs."""

    input: np.ndarray
    weights: np.ndarray
    threshold: int
    skipped: float
    zero: float


def quotients(divider: Divider, threshold: int, control: np.ndarray) -> np.ndarray:
    """div(threshold, control) of docs/dividers.md; 255 for a control term of 0."""
    lengths = np.frexp(control)[1]
    if divider in (Divider.EXACT, Divider.TABLE):
        value = threshold // np.maximum(control, 1)
    elif divider is Divider.BIT_MASK:
        value = np.where(
            threshold.bit_length() < lengths, 0, 1 << np.maximum(threshold.bit_length() - lengths, 0)
        )
    else:
        value = threshold >> lengths
    return np.where(control == 0, 255, np.minimum(value, 255))


def layer_data(layer: Layer, divider: Divider, share: float) -> Data:
    """Seeded data, with the smallest threshold under which at least `share` of the MACs are skipped."""
    rng = np.random.default_rng(SEED)
    x = np.minimum(np.rint(np.maximum(rng.normal(0, 40, layer.input), 0)), 255).astype(np.int64)
    w = np.clip(np.rint(rng.normal(0, 30, layer.filter)), -127, 127).astype(np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(x, layer.filter[1:3], (0, 1))  # (y, x, c, h, w)
    patches = windows.transpose(0, 1, 3, 4, 2).reshape(-1, 1, w[0].size)
    rows = np.abs(w).reshape(1, len(w), -1)
    control, other = (rows, patches) if layer.kernel else (patches, rows)

    def skipped(threshold: int) -> float:
        return float(np.mean(other <= quotients(divider, threshold, control)))

    low, high = 0, MAX_THRESHOLD
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if skipped(middle) >= share else (middle + 1, high)
    zero = float(np.mean((patches == 0) | (rows == 0)))
    return Data(x, w, low, skipped(low), zero)


def c_array(kind: str, name: str, values: np.ndarray) -> str:
    return f"static const {kind} {name}[{values.size}] = {{{','.join(map(str, values.ravel()))}}};\n"


def _header(layer: Layer, data: Data, divider: Divider) -> str:
    """layer_data.h of firmware/layer.c."""
    (height, width, channels), (outputs, kernel_h, kernel_w, _) = layer.input, layer.filter
    out_h, out_w = layer.positions
    std = float(np.std(data.input) * np.std(data.weights) * np.sqrt(data.weights[0].size)) or 1.0
    mantissa, shift = np.frexp(40 / std)
    if layer.kernel:
        filter_dims = (outputs, kernel_h, kernel_w, channels)
        scratch = min(outputs, 8) * data.weights[0].size
    else:
        filter_dims = (data.weights[0].size, 1, 1, outputs)
        scratch = 4 * min(outputs, 64)
    input_dims = (1, height, width, channels)
    text = "#include <stdint.h>\n#include <stddef.h>\n"
    text += c_array("int8_t", "layer_input", data.input + ZERO_POINT)
    text += c_array("int8_t", "layer_filter", data.weights)
    text += c_array("int32_t", "layer_bias", np.arange(outputs))
    control = np.abs(data.weights if layer.kernel else data.input)
    if divider is Divider.BINARY_TREE:
        text += c_array("uint8_t", "layer_tree", optimal_tree(np.bincount(control.ravel(), minlength=256)))
    if divider is Divider.TABLE:
        text += c_array("uint8_t", "layer_table", quotients(divider, data.threshold, np.arange(256)))
    defines = {
        "IS_CONV": int(layer.kernel > 0),
        "INPUT_OFFSET": -ZERO_POINT,
        "INPUT_DIMS": f"{{{', '.join(map(str, input_dims))}}}",
        "FILTER_DIMS": f"{{{', '.join(map(str, filter_dims))}}}",
        "OUTPUT_DIMS": f"{{1, {out_h}, {out_w}, {outputs}}}",
        "OUTPUTS": outputs,
        "OUTPUT_SIZE": out_h * out_w * outputs,
        "MULTIPLIER": int(mantissa * 2**31),
        "SHIFT": int(shift),
        "THRESHOLD": data.threshold,
        "SCRATCH": scratch,
        "DIVIDER": f"UNIT_DIVIDER_{divider.name}",
        "TREE_OR_NULL": "layer_tree" if divider is Divider.BINARY_TREE else "NULL",
        "TABLE_OR_NULL": "layer_table" if divider is Divider.TABLE else "NULL",
    }
    return text + "".join(f"#define LAYER_{name} {value}\n" for name, value in defines.items())


def load_board(name: str) -> Mapping[str, Any]:
    board: Mapping[str, Any] = json.loads((toolchain.BOARDS / f"{name}.json").read_text(encoding="utf-8"))
    return board


@dataclass(frozen=True)
class Cost:
    """What one layer costs on a board: cycles or instructions of each schedule, outputs' checksums."""

    counts: dict[str, int]
    checksums: tuple[str, ...]
    data: Data


def measure(
    board: Mapping[str, Any],
    layer: Layer,
    divider: Divider,
    share: float,
    *,
    defines: Iterable[str] = (),
    optimize: str = "-O2",
) -> Cost:
    """Builds a layer for `board` and runs it. Raises RuntimeError when the schedules that skip nothing disagree."""
    data = layer_data(layer, divider, share)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "layer_data.h").write_text(_header(layer, data, divider))
        elf = work / "layer.elf"
        toolchain.build(
            board,
            [FIRMWARE / "layer.c"],
            elf,
            defines=defines,
            includes=[work],
            optimize=optimize,
            work=work / "objects",
        )
        run = simulators.run(board, elf, marks=len(SCHEDULES) + 1, timeout=600)
    checksums = tuple(run.console.split())
    if run.status or len(checksums) != len(SCHEDULES) or checksums[0] != checksums[1]:
        raise RuntimeError(f"{layer.name} went wrong on {board['name']}: {run.console}")
    return Cost(dict(zip(SCHEDULES, run.marks, strict=True)), checksums, data)
