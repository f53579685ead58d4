"""The batch engine in C++ (tflm_unit/native); converter/engine.py is its only user.

Every function raises ValueError when its arguments contradict each other or the program.
"""

import enum
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION: str

class Op(enum.Enum):
    CONV_2D = 0
    DEPTHWISE_CONV_2D = 1
    FULLY_CONNECTED = 2

class Schedule(enum.Enum):
    dense = 0
    zero_skip = 1
    compare = 2

class Kernels(enum.Enum):
    core = 0
    vector = 1

class Pruning:
    def __init__(
        self,
        thresholds: NDArray[np.int16],
        group_size: int,
        divider: int,
        fatrelu_min: int,
        compensation: NDArray[np.int32] | None,
        tree: NDArray[np.uint8] | None,
        table: NDArray[np.uint8] | None,
        table_row: NDArray[np.uint16] | None,
    ) -> None: ...

class Program:
    """Tensors by the graph's indices, and layers in order of execution; fixed after the first run."""

    def __init__(self, tensors: int) -> None: ...
    def add_input(self, index: int, elements: int, is_float: bool) -> None: ...
    def add_conv(
        self,
        input: int,
        output: int,
        weights: NDArray[np.int8],
        bias: NDArray[np.int32] | None,
        multiplier: NDArray[np.int32],
        shift: NDArray[np.int32],
        input_offset: int,
        output_offset: int,
        range: Sequence[int],
        schedule: Schedule,
        pruning: Pruning | None,
        kernels: Kernels,
        depthwise: bool,
        input_dims: Sequence[int],
        filter_dims: Sequence[int],
        output_dims: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
    ) -> None: ...
    def add_fully_connected(
        self,
        input: int,
        output: int,
        weights: NDArray[np.int8],
        bias: NDArray[np.int32] | None,
        multiplier: NDArray[np.int32],
        shift: NDArray[np.int32],
        input_offset: int,
        output_offset: int,
        range: Sequence[int],
        schedule: Schedule,
        pruning: Pruning | None,
        kernels: Kernels,
        rows: int,
        inputs: int,
        outputs: int,
    ) -> None: ...
    def add_pool(
        self,
        input: int,
        output: int,
        input_dims: Sequence[int],
        output_dims: Sequence[int],
        filter: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        range: Sequence[int],
        average: bool,
    ) -> None: ...
    def add_add(
        self,
        input1: int,
        input2: int,
        output: int,
        size: int,
        requant1: Sequence[int],
        requant2: Sequence[int],
        left_shift: int,
        requant_out: Sequence[int],
        range: Sequence[int],
    ) -> None: ...
    def add_pad(
        self,
        input: int,
        output: int,
        input_dims: Sequence[int],
        before: Sequence[int],
        after: Sequence[int],
        value: int,
    ) -> None: ...
    def add_mean(
        self,
        input: int,
        output: int,
        outer: int,
        reduced: int,
        inner: int,
        input_offset: int,
        output_offset: int,
        multiplier: int,
        shift: int,
    ) -> None: ...
    def add_softmax(
        self, input: int, output: int, rows: int, row_size: int, multiplier: int, shift: int, diff_min: int
    ) -> None: ...
    def add_requantize(
        self,
        input: int,
        output: int,
        size: int,
        input_offset: int,
        output_offset: int,
        multiplier: int,
        shift: int,
        range: Sequence[int],
    ) -> None: ...
    def add_quantize(self, input: int, output: int, size: int, scale: float, zero_point: int) -> None: ...
    def add_dequantize(self, input: int, output: int, size: int, scale: float, zero_point: int) -> None: ...
    def add_concatenation(
        self, inputs: Sequence[int], output: int, outer: int, inner: Sequence[int]
    ) -> None: ...
    def add_copy(self, input: int, output: int, size: int) -> None: ...
    def run(
        self,
        count: int,
        layers: int,
        threads: int,
        skipped_sums: bool,
        inputs: Sequence[tuple[int, NDArray[Any]]],
        outputs: Sequence[tuple[int, NDArray[Any]]],
        histograms: Sequence[tuple[int, NDArray[np.uint64]]],
        progress: Callable[[int, int], None] | None,
    ) -> list[tuple[int, int, int, int, list[int]]]:
        """Per prunable layer that ran: index, macs_total, macs_zero, macs_skipped, skipped sums."""

def cutoffs(op: Op, weights: NDArray[np.int8], channels: int, pruning: Pruning) -> NDArray[np.int16]: ...
def quotients(thresholds: NDArray[np.int16]) -> NDArray[np.uint8]: ...
