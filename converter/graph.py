"""A typed, read-only view of an int8 .tflite model. `reader.read_graph` builds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

PRUNABLE = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class Tensor:
    """One tensor of subgraph 0.

    scale: float32 (1,) or (channels,), empty when not quantized; zero_point: int64, same length.
    data: constant contents with the tensor's shape and dtype, None for activations.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    scale: np.ndarray
    zero_point: np.ndarray
    quantized_dimension: int = 0
    data: np.ndarray | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Activation:
    """Clamp of the int8 output; `fused_relu` says that its lower end is the real zero."""

    min: int = -128
    max: int = 127
    fused_relu: bool = False


@dataclass(frozen=True)
class Requantization:
    """TFLite's multiplier (0..2^31-1) and shift per output channel, int32 (channels,) each."""

    multiplier: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True)
class ConvParams:
    """CONV_2D and DEPTHWISE_CONV_2D (ch_mult > 0); offsets and tiles as in kernels/src/core.

    pool: height and width of the windows of which only the largest value is an output; see codegen/fused_pools.py.
    """

    input_offset: int
    output_offset: int
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    activation: Activation
    requantization: Requantization
    ch_mult: int = 0
    pool: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class FullyConnectedParams:
    input_offset: int
    output_offset: int
    activation: Activation
    requantization: Requantization


@dataclass(frozen=True)
class PoolParams:
    filter: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    activation: Activation


@dataclass(frozen=True)
class AddParams:
    input1_offset: int
    input1_multiplier: int
    input1_shift: int
    input2_offset: int
    input2_multiplier: int
    input2_shift: int
    left_shift: int
    output_offset: int
    output_multiplier: int
    output_shift: int
    activation: Activation


@dataclass(frozen=True)
class PadParams:
    """Elements added before and after each of four dimensions (NHWC), filled with `value`."""

    pre: tuple[int, int, int, int]
    post: tuple[int, int, int, int]
    value: int


@dataclass(frozen=True)
class MeanParams:
    """Mean over the middle of the input seen as (outer, reduced, inner)."""

    outer: int
    reduced: int
    inner: int
    input_offset: int
    output_offset: int
    multiplier: int
    shift: int


@dataclass(frozen=True)
class SoftmaxParams:
    rows: int
    row_size: int
    multiplier: int
    shift: int
    diff_min: int


@dataclass(frozen=True)
class RequantizeParams:
    """RELU, RELU6, RELU_N1_TO_1 and QUANTIZE int8 -> int8."""

    input_offset: int
    output_offset: int
    multiplier: int
    shift: int
    activation: Activation


@dataclass(frozen=True)
class QuantizeParams:
    """QUANTIZE float32 -> int8 (output's scale) and DEQUANTIZE int8 -> float32 (input's scale)."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class ConcatenationParams:
    """outer: product of the dimensions before the axis; inner: row length of each input."""

    outer: int
    inner: tuple[int, ...]


@dataclass(frozen=True)
class CopyParams:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: the same bytes under another shape."""


Params = (
    ConvParams
    | FullyConnectedParams
    | PoolParams
    | AddParams
    | PadParams
    | MeanParams
    | SoftmaxParams
    | RequantizeParams
    | QuantizeParams
    | ConcatenationParams
    | CopyParams
)


@dataclass(frozen=True)
class Layer:
    """One operator. `inputs` and `outputs` are tensor indices; -1 stands for an absent input.

    op: TFLite BuiltinOperator name, or the custom code. params: None when the batch engine cannot
    run the operator, and then `unsupported` says why.
    """

    index: int
    name: str
    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    params: Params | None
    unsupported: str = ""


@dataclass(frozen=True)
class Graph:
    """centers, plain: what layers' activations are counted from instead of the zero point, and the graph without;
    see centers.py.
    """

    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    centers: Mapping[int, int] = field(default_factory=dict)
    plain: Graph | None = field(default=None, repr=False)

    @property
    def uncentered(self) -> Graph:
        return self.plain or self

    @property
    def mac_layers(self) -> tuple[Layer, ...]:
        """Layers whose MACs are counted: int8 with constant weights."""
        return tuple(x for x in self.layers if x.op in PRUNABLE and x.params is not None)

    @property
    def prunable(self) -> tuple[Layer, ...]:
        """Layers that can carry thresholds: those that share their weights with no other layer.

        Thresholds are bound to the weight tensor, so layers that share one run dense.
        """
        uses = Counter(x.inputs[1] for x in self.mac_layers)
        return tuple(x for x in self.mac_layers if uses[x.inputs[1]] == 1)

    @property
    def by_weights(self) -> dict[int, Layer]:
        """The prunable layers by the index of their weight tensor, which thresholds are bound to."""
        return {x.inputs[1]: x for x in self.prunable}

    @property
    def unsupported(self) -> tuple[Layer, ...]:
        """Layers that the batch engine cannot run; a model that has any is evaluated in TFLM."""
        return tuple(x for x in self.layers if x.params is None)

    def weights(self, layer: Layer) -> Tensor:
        """The weight tensor of a prunable layer: OHWI, 1HWO or (outputs, inputs)."""
        return self.tensors[layer.inputs[1]]

    def bias(self, layer: Layer) -> Tensor | None:
        """The bias tensor of a prunable layer, (output channels,)."""
        index = layer.inputs[2] if len(layer.inputs) > 2 else -1
        return self.tensors[index] if index >= 0 else None

    def output_channels(self, layer: Layer) -> int:
        return self.tensors[layer.outputs[0]].shape[-1]

    def product_scale(self, layer: Layer) -> np.ndarray:
        """Real value of one int8 product per output channel, float64 (channels,)."""
        x = self.tensors[layer.inputs[0]]
        scale = float(x.scale[0]) * self.weights(layer).scale.astype(np.float64)
        return np.broadcast_to(scale, (self.output_channels(layer),))

    def positions(self, layer: Layer) -> tuple[int, int]:
        """Rows and columns in which a convolution adds up products: those of its outputs, before any pooling."""
        assert isinstance(layer.params, ConvParams)
        _, rows, columns, _ = self.tensors[layer.outputs[0]].shape
        return rows * layer.params.pool[0], columns * layer.params.pool[1]

    def macs(self, layer: Layer) -> int:
        """MACs of a prunable layer per inference: weight-activation pairs inside the image."""
        output, weights = self.tensors[layer.outputs[0]], self.weights(layer)
        if not isinstance(layer.params, ConvParams):
            return output.size // output.shape[-1] * weights.size
        p, image = layer.params, self.tensors[layer.inputs[0]].shape
        pairs = 1
        for axis, positions in enumerate(self.positions(layer)):
            steps = np.arange(positions) * p.stride[axis] - p.padding[axis]
            taps = np.arange(weights.shape[1 + axis]) * p.dilation[axis]
            at = steps[:, None] + taps
            pairs *= int(np.count_nonzero((at >= 0) & (at < image[1 + axis])))
        per_position = weights.shape[3] * (1 if p.ch_mult else weights.shape[0])
        return image[0] * pairs * per_position
