"""Graphs built by hand for the batch engine's tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from strategies import LayerCase, window

from tflm_unit.converter.engine import RunResult
from tflm_unit.converter.graph import (
    Activation,
    AddParams,
    ConcatenationParams,
    ConvParams,
    CopyParams,
    FullyConnectedParams,
    Graph,
    Layer,
    MeanParams,
    PadParams,
    Params,
    PoolParams,
    QuantizeParams,
    Requantization,
    RequantizeParams,
    SoftmaxParams,
    Tensor,
)
from tflm_unit.converter.pruning import Divider, LayerPruning, OperatingPoint

HALF = 1 << 30  # a multiplier of 0.5


@dataclass
class GraphBuilder:
    """Collects tensors and layers; methods return tensor indices."""

    tensors: list[Tensor] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: type = np.int8,
        zero_point: int = 0,
        data: np.ndarray | None = None,
    ) -> int:
        index = len(self.tensors)
        scale = np.ones(1, np.float32)
        self.tensors.append(
            Tensor(index, f"t{index}", shape, np.dtype(dtype), scale, np.array([zero_point]), 0, data)
        )
        return index

    def layer(
        self, op: str, inputs: tuple[int, ...], shape: tuple[int, ...], params: Params, dtype: type = np.int8
    ) -> int:
        """Appends a layer; returns its new output."""
        output = self.tensor(shape, dtype)
        index = len(self.layers)
        self.layers.append(Layer(index, f"layer_{index}", op, inputs, (output,), params))
        return output

    def weighted(
        self,
        op: str,
        x: int,
        shape: tuple[int, ...],
        params: ConvParams | FullyConnectedParams,
        weights: np.ndarray,
        bias: np.ndarray | None,
    ) -> int:
        operands = (x, self.tensor(weights.shape, np.int8, data=weights))
        if bias is not None:
            operands = (*operands, self.tensor(bias.shape, np.int32, data=bias))
        return self.layer(op, operands, shape, params)

    def graph(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Graph:
        return Graph(tuple(self.tensors), tuple(self.layers), inputs, outputs)


def single_layer(case: LayerCase) -> Graph:
    """The case's layer for one sample; the case's batch becomes the samples."""
    b = GraphBuilder()
    x = b.tensor((1, *case.input.shape[1:]), zero_point=case.quantization.input_zero_point)
    y = b.weighted(case.op, x, (1, *case.output_shape[1:]), case.params, case.weights, case.bias)
    return b.graph((x,), (y,))


def rows_as_one_sample(case: LayerCase) -> Graph:
    """A FULLY_CONNECTED whose rows belong to one sample."""
    b = GraphBuilder()
    x = b.tensor((1, *case.input.shape), zero_point=case.quantization.input_zero_point)
    y = b.weighted(case.op, x, (1, *case.output_shape), case.params, case.weights, case.bias)
    return b.graph((x,), (y,))


def point_for(graph: Graph, case: LayerCase) -> OperatingPoint:
    """The case's pruning for every prunable layer of a graph made of that case."""
    return OperatingPoint("test", {graph.weights(x).index: case.pruning for x in graph.prunable})


def enlarge(case: LayerCase, factor: int) -> LayerCase:
    """The case on a larger image, which repeats the original: output positions fill several blocks."""
    assert isinstance(case.params, ConvParams)
    image = np.tile(case.input[:1], (1, factor, factor, 1))
    kernel, p = case.weights.shape[1:3], case.params
    (oh, pad_h), (ow, pad_w) = (
        window(case.padding, image.shape[1 + i], kernel[i], p.stride[i], p.dilation[i]) for i in range(2)
    )
    return replace(
        case,
        input=image,
        params=replace(p, padding=(pad_h, pad_w)),
        output_shape=(1, oh, ow, case.output_shape[3]),
    )


def _requantization(channels: int, fan_in: int) -> Requantization:
    """Keeps random int8 products of `fan_in` taps within int8 most of the time."""
    shift = -int(np.ceil(np.log2(64 * np.sqrt(fan_in))))
    return Requantization(np.full(channels, HALF, np.int32), np.full(channels, shift, np.int32))


def network(seed: int = 0) -> Graph:
    """Two inputs, two outputs and every operator: a residual block, pooling, a dense head, float ends."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder()

    def weights(*shape: int) -> np.ndarray:
        return rng.integers(-127, 128, shape).astype(np.int8)

    def conv(x: int, size: int, kernel: int, pad: int, w: np.ndarray, op: str = "CONV_2D") -> int:
        depthwise = op == "DEPTHWISE_CONV_2D"
        channels = w.shape[3 if depthwise else 0]
        params = ConvParams(
            128, -128, (1, 1), (pad, pad), (1, 1), Activation(fused_relu=True),
            _requantization(channels, w.size // channels), ch_mult=int(depthwise),
        )  # fmt: skip
        bias = rng.integers(-2000, 2000, channels).astype(np.int32)
        return b.weighted(op, x, (1, size, size, channels), params, w, bias)

    image = b.tensor((1, 12, 12, 3), np.float32)
    extra = b.tensor((1, 5), zero_point=-3)
    x = b.layer("QUANTIZE", (image,), (1, 12, 12, 3), QuantizeParams(0.02, -128))
    x = b.layer("PAD", (x,), (1, 14, 14, 3), PadParams((0, 1, 1, 0), (0, 1, 1, 0), -128))
    x = conv(x, 12, 3, 0, weights(8, 3, 3, 3))
    y = conv(x, 12, 3, 1, weights(1, 3, 3, 8), "DEPTHWISE_CONV_2D")
    y = conv(y, 12, 1, 0, weights(8, 1, 1, 8))
    add = AddParams(128, HALF, 0, 128, HALF, 0, 20, -128, HALF, -18, Activation())
    x = b.layer("ADD", (x, y), (1, 12, 12, 8), add)
    x = b.layer("MAX_POOL_2D", (x,), (1, 6, 6, 8), PoolParams((2, 2), (2, 2), (0, 0), Activation()))
    x = b.layer("AVERAGE_POOL_2D", (x,), (1, 3, 3, 8), PoolParams((3, 3), (2, 2), (0, 0), Activation()))
    mean = b.layer("MEAN", (x,), (1, 8), MeanParams(1, 9, 8, 128, -128, HALF, 1))
    x = b.layer("RESHAPE", (x,), (1, 72), CopyParams())
    x = b.layer("CONCATENATION", (x, mean, extra), (1, 85), ConcatenationParams(1, (72, 8, 5)))
    dense = FullyConnectedParams(128, 3, Activation(), _requantization(10, 85))
    x = b.weighted("FULLY_CONNECTED", x, (1, 10), dense, weights(10, 85), None)
    x = b.layer("RELU", (x,), (1, 10), RequantizeParams(-3, -20, HALF, 1, Activation(-20, 127)))
    probabilities = b.layer("SOFTMAX", (x,), (1, 10), SoftmaxParams(1, 10, HALF, 24, -248))
    real = b.layer("DEQUANTIZE", (probabilities,), (1, 10), QuantizeParams(1 / 256, -128), np.float32)
    return b.graph((image, extra), (real, x))


def samples(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of `network`: float32 and int8."""
    rng = np.random.default_rng(seed)
    images = np.maximum(rng.normal(1, 2, (count, 12, 12, 3)), 0).astype(np.float32)
    return images, rng.integers(-128, 128, (count, 5)).astype(np.int8)


def prune_all(graph: Graph, threshold: int = 3000) -> OperatingPoint:
    """One threshold for every layer, with compensation."""
    layers = {}
    for layer in graph.prunable:
        channels = graph.output_channels(layer)
        compensation = np.arange(channels, dtype=np.int32) * 50
        layers[graph.weights(layer).index] = LayerPruning(
            np.array([threshold], np.int16), channels, Divider.BIT_SHIFT, compensation
        )
    return OperatingPoint("pruned", layers)


def assert_same(a: RunResult, b: RunResult) -> None:
    """Of runs with skipped sums."""
    assert a.counters.keys() == b.counters.keys()
    for index, counters in a.counters.items():
        assert replace(counters, skipped_sum=None) == replace(b.counters[index], skipped_sum=None)
        np.testing.assert_array_equal(counters.skipped_sum, b.counters[index].skipped_sum)
    np.testing.assert_equal(a.outputs, b.outputs)
    np.testing.assert_equal(a.kept, b.kept)
    np.testing.assert_equal(a.histograms, b.histograms)
