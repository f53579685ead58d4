"""Scratch memory of the kernels with MACs: what their `..._get_buffer_size()` functions return."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import plan_lists
from ..graph import ConvParams, Graph, Layer
from ..plans import WeightPlan

# The C core's UNIT_QUOTIENT_CHANNELS and UNIT_COLUMN: output channels that the scratch of a layer serves at a time.
QUOTIENT_CHANNELS = 8
COLUMN = 64
MAX_POSITION = 2**16 - 1  # of activation_sorted's CONV_2D, in bytes
MAX_WINDOWS = 2**15 - 1  # rows and columns of outputs
NEEDS = 256  # UNIT_SORTED_NEEDS: the table of activation_sorted's DEPTHWISE_CONV_2D


def scratch_bytes(layer: Layer, graph: Graph, schedule: str, plan: WeightPlan | None = None) -> int | None:
    """Bytes that `layer` needs under `schedule`, 0 where the kernel asks for none; None: it cannot run it.

    plan: of schedule 'planned'.
    """
    if schedule == "compare":
        return _compare_bytes(layer, graph)
    if schedule == "activation_sorted":
        return _sorted_bytes(layer, graph)
    if schedule == "planned":
        return plan_lists.scratch_bytes(graph, layer, plan.taps, plan.outputs) if plan else None
    return 0


def _compare_bytes(layer: Layer, graph: Graph) -> int:
    if not isinstance(layer.params, ConvParams):
        return 4 * min(graph.output_channels(layer), COLUMN)
    outputs, height, width, depth = graph.weights(layer).shape
    return height * width * (1 if layer.params.ch_mult else depth * min(outputs, QUOTIENT_CHANNELS))


@dataclass(frozen=True)
class _Axis:
    """One axis of a convolution, as unit_sorted.h names things."""

    input: int
    kernel: int
    output: int
    stride: int
    padding: int
    dilation: int

    @property
    def phases(self) -> int:
        return min(self.kernel, self.stride // math.gcd(self.stride, self.dilation))

    @property
    def first(self) -> int:
        return self.padding // self.stride

    @property
    def last(self) -> int:
        return (self.input - 1 + self.padding) // self.stride

    @property
    def before(self) -> int:
        return max(0, (self.kernel - 1) * self.dilation // self.stride - self.first)

    @property
    def after(self) -> int:
        return max(0, self.last - (self.output - 1))

    @property
    def entries(self) -> int:
        return -(-self.input // self.stride)


def _axes(params: ConvParams, layer: Layer, graph: Graph) -> tuple[_Axis, _Axis]:
    """Rows and columns."""
    image, kernel = (graph.tensors[t].shape[1:3] for t in layer.inputs[:2])
    tiles = (image, kernel, graph.positions(layer), params.stride, params.padding, params.dilation)
    y, x = (_Axis(*(tile[i] for tile in tiles)) for i in range(2))
    return y, x


def keeps_lists(layer: Layer, graph: Graph) -> bool:
    """Whether activation_sorted's CONV_2D keeps the lists of all inputs, and not the planes of all outputs."""
    listed, lists, plane, channels = _sorted_parts(layer, graph)
    return lists * listed + plane < listed + channels * plane


def _sorted_parts(layer: Layer, graph: Graph) -> tuple[int, int, int, int]:
    """Bytes of a list, lists, bytes of a plane, planes."""
    params = layer.params
    assert isinstance(params, ConvParams)
    y, x = _axes(params, layer, graph)
    pitch = x.output + max(x.before, x.after)
    plane = 4 * (x.before + pitch * (y.before + y.output + y.after))
    depth = 1 if params.ch_mult else graph.weights(layer).shape[3]
    groups = graph.tensors[layer.inputs[0]].shape[3] // depth
    channels = graph.output_channels(layer) // groups  # of one group
    ends = 516 if params.input_offset == 128 else 1028
    return _aligned(3 * y.entries * x.entries + ends), depth * y.phases * x.phases, plane, channels


def _sorted_bytes(layer: Layer, graph: Graph) -> int | None:
    """The formula of kernels/src/core/unit_sorted.h."""
    params = layer.params
    if not isinstance(params, ConvParams):
        return None
    y, x = _axes(params, layer, graph)
    listed, lists, plane, channels = _sorted_parts(layer, graph)
    quotients = _aligned(y.kernel * x.kernel)
    if max(y.output // params.pool[0], x.output // params.pool[1]) > MAX_WINDOWS:
        return None
    if params.ch_mult:
        return plane + NEEDS + quotients
    pitch = x.output + max(x.before, x.after)
    if 4 * ((y.last - y.first) * pitch + x.last - x.first) > MAX_POSITION:
        return None
    return min(lists * listed + plane, listed + channels * plane) + quotients


def _aligned(size: int) -> int:
    return -(-size // 4) * 4
