"""The C core as a shared library, compiled by the system's compiler and called through ctypes.

The environment variable CC names the compiler (default cc); TFLM_UNIT_SANITIZE=1 adds AddressSanitizer
and UndefinedBehaviorSanitizer, whose runtime must then be preloaded (tests/run_sanitized.sh does).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from strategies import CONV, DEPTHWISE, LayerCase

from tflm_unit.converter.graph import Activation, ConvParams, Requantization
from tflm_unit.converter.pruning import FATRELU_OFF, LayerPruning

CORE = Path(__file__).resolve().parent.parent / "kernels" / "src" / "core"
FLAGS = [
    "-std=c99",
    "-pedantic",
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    "-DUNIT_C_LOOPS",
]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
SUCCESS, ARG_ERROR = 0, -1


def build(folder: Path, name: str, *options: str, sources: Sequence[Path] = ()) -> ctypes.CDLL:
    """Compiles the whole core and `sources` with the strict flags, and loads the result."""
    library = folder / f"{name}.so"
    extra = SANITIZERS if os.environ.get("TFLM_UNIT_SANITIZE") == "1" else []
    files = [*map(str, sorted(CORE.glob("*.c"))), *map(str, sources)]
    compiler = os.environ.get("CC", "cc")
    command = [
        compiler,
        *FLAGS,
        *extra,
        *options,
        f"-I{CORE}",
        "-shared",
        "-fPIC",
        *files,
        "-o",
        str(library),
    ]
    # The compiler must not inherit a preloaded sanitizer.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    subprocess.run(command, check=True, env=environment)
    return ctypes.CDLL(str(library))


def struct(name: str, **fields: Any) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": list(fields.items())})


int32, int64, uint64, pointer = ctypes.c_int32, ctypes.c_int64, ctypes.c_uint64, ctypes.c_void_p
Counters = struct("Counters", macs_total=uint64, macs_zero=uint64, macs_skipped=uint64, skipped_sum=pointer)
Context = struct("Context", buf=pointer, size=int32, counters=ctypes.POINTER(Counters))
Dims = struct("Dims", n=int32, h=int32, w=int32, c=int32)
Tile = struct("Tile", h=int32, w=int32)
CActivation = struct("CActivation", min=int32, max=int32, fatrelu_min=int32)
Quant = struct("Quant", multiplier=pointer, shift=pointer, is_per_channel=int32)
CConvParams = struct(
    "CConvParams",
    input_offset=int32,
    output_offset=int32,
    stride=Tile,
    padding=Tile,
    dilation=Tile,
    activation=CActivation,
    pool=Tile,
)
DepthwiseParams = struct(
    "DepthwiseParams",
    input_offset=int32,
    output_offset=int32,
    ch_mult=int32,
    stride=Tile,
    padding=Tile,
    dilation=Tile,
    activation=CActivation,
)
FcParams = struct("FcParams", input_offset=int32, output_offset=int32, activation=CActivation)
Prune = struct(
    "Prune",
    threshold=pointer,
    group_size=int32,
    compensation=pointer,
    divider=ctypes.c_int,
    tree=pointer,
    table=pointer,
    table_row=pointer,
)


def address(array: np.ndarray | None) -> int | None:
    """Of a C-contiguous array, which the caller keeps alive."""
    if array is None:
        return None
    assert array.flags.c_contiguous
    return int(array.ctypes.data)


def c_activation(activation: Activation, fatrelu_min: int = FATRELU_OFF) -> ctypes.Structure:
    return CActivation(activation.min, activation.max, fatrelu_min)


def c_prune(pruning: LayerPruning) -> ctypes.Structure:
    return Prune(
        address(pruning.thresholds),
        pruning.group_size,
        address(pruning.compensation),
        int(pruning.divider),
        address(pruning.tree),
        address(pruning.table),
        address(pruning.table_row),
    )


def c_quant(requantization: Requantization) -> ctypes.Structure:
    """One pair for all channels when they are equal, which exercises both forms."""
    per_channel = len(np.unique(np.stack([requantization.multiplier, requantization.shift]), axis=1).T) > 1
    return Quant(address(requantization.multiplier), address(requantization.shift), per_channel)


def kernel_name(case: LayerCase, schedule: str) -> str:
    operator = {CONV: "conv", DEPTHWISE: "depthwise_conv"}.get(case.op, "fully_connected")
    return f"unit_{operator}_{schedule}_s8"


def layer_params(case: LayerCase, fatrelu_min: int) -> ctypes.Structure:
    """unit_conv_params, unit_dw_conv_params or unit_fc_params."""
    p = case.params
    activation = c_activation(p.activation, fatrelu_min)
    if not isinstance(p, ConvParams):
        return FcParams(p.input_offset, p.output_offset, activation)
    tiles = (Tile(*p.stride), Tile(*p.padding), Tile(*p.dilation))
    if case.op == DEPTHWISE:
        return DepthwiseParams(p.input_offset, p.output_offset, p.ch_mult, *tiles, activation)
    return CConvParams(p.input_offset, p.output_offset, *tiles, activation, Tile(*p.pool))


def layer_dims(case: LayerCase) -> tuple[ctypes.Structure, ctypes.Structure, ctypes.Structure]:
    """Of input, filter and output."""
    if isinstance(case.params, ConvParams):
        return Dims(*case.input.shape), Dims(*case.weights.shape), Dims(*case.output_shape)
    (rows, inputs), outputs = case.input.shape, case.weights.shape[0]
    return Dims(rows, 1, 1, inputs), Dims(inputs, 1, 1, outputs), Dims(rows, 1, 1, outputs)


@dataclass(frozen=True)
class Call:
    """One call of a prunable kernel. scratch: bytes to provide; None: what the kernel asks for."""

    case: LayerCase
    schedule: str = "compare"
    pruning: LayerPruning | None = None  # instead of the case's
    scratch: int | None = None

    def buffer_size(self, library: ctypes.CDLL) -> int:
        """0 for a kernel that has no ..._get_buffer_size()."""
        try:
            function = library[f"{kernel_name(self.case, self.schedule)}_get_buffer_size"]
        except AttributeError:
            return 0
        dims = layer_dims(self.case)
        if self.schedule == "activation_sorted":
            return int(function(ctypes.byref(layer_params(self.case, FATRELU_OFF)), *map(ctypes.byref, dims)))
        return int(function(ctypes.byref(dims[1])))

    def run(self, library: ctypes.CDLL, counters: ctypes.Structure | None = None) -> tuple[int, np.ndarray]:
        """Status and int8 output. Arrays have exactly the documented sizes: a sanitizer sees every overrun."""
        case, pruned = self.case, self.schedule in ("compare", "activation_sorted")
        pruning = self.pruning or case.pruning
        size = self.buffer_size(library) if self.scratch is None else self.scratch
        scratch = np.full(-(-size // 4), 0x5A5A5A5A, dtype=np.int32)
        context = Context(
            address(scratch) if size else None, size, ctypes.pointer(counters) if counters else None
        )
        input_dims, filter_dims, output_dims = layer_dims(self.case)
        params = layer_params(case, pruning.fatrelu_min if pruned else FATRELU_OFF)
        quant, prune = c_quant(case.params.requantization), c_prune(pruning)
        output = np.full(case.output_shape, 0x55, dtype=np.int8)
        status = library[kernel_name(case, self.schedule)](
            ctypes.byref(context),
            ctypes.byref(params),
            ctypes.byref(quant),
            *([ctypes.byref(prune)] if pruned else []),
            ctypes.byref(input_dims),
            pointer(address(case.input)),
            ctypes.byref(filter_dims),
            pointer(address(case.weights)),
            pointer(address(case.bias)),
            ctypes.byref(output_dims),
            pointer(address(output)),
        )
        return status, output
