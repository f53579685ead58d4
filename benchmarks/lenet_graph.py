"""A LeNet of MNIST's shape with random weights: conv 6 5x5, pool, conv 16 5x5, pool, dense 10."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tflm_unit.converter.graph import (
    Activation,
    ConvParams,
    CopyParams,
    FullyConnectedParams,
    Graph,
    Layer,
    Params,
    PoolParams,
    Tensor,
)
from tflm_unit.converter.pruning import LayerPruning, OperatingPoint
from tflm_unit.converter.quantization import convolution_requantization

THRESHOLD = 1500  # skips about 70 % of the MACs
INPUT_SCALE, WEIGHT_SCALE = np.float32(1 / 255), np.float32(0.01)


@dataclass
class _Builder:
    rng: np.random.Generator
    tensors: list[Tensor] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)

    def tensor(self, *shape: int, data: np.ndarray | None = None, zero_point: int = -128) -> int:
        index = len(self.tensors)
        dtype = np.dtype(np.int8) if data is None else data.dtype
        scale = INPUT_SCALE if data is None else WEIGHT_SCALE
        self.tensors.append(
            Tensor(index, f"tensor_{index}", shape, dtype, np.array([scale]), np.array([zero_point]), 0, data)
        )
        return index

    def layer(
        self, op: str, x: int, shape: tuple[int, ...], params: Params, filter_shape: tuple[int, ...] = ()
    ) -> int:
        inputs = [x]
        if filter_shape:
            weights = np.clip(self.rng.normal(0, 40, filter_shape), -127, 127).astype(np.int8)
            bias = self.rng.integers(-1000, 1000, filter_shape[0]).astype(np.int32)
            inputs += [self.tensor(*a.shape, data=a, zero_point=0) for a in (weights, bias)]
        y = self.tensor(*shape)
        self.layers.append(
            Layer(len(self.layers), f"layer_{len(self.layers)}", op, tuple(inputs), (y,), params)
        )
        return y

    def convolution(self, x: int, size: int, channels: int, filters: int) -> int:
        """A 5x5 convolution with ReLU, and the pooling after it."""
        output_scale = np.float32(float(WEIGHT_SCALE) * np.sqrt(25 * channels))
        scale = np.array([WEIGHT_SCALE])
        params = ConvParams(
            input_offset=128,
            output_offset=-128,
            stride=(1, 1),
            padding=(0, 0),
            dilation=(1, 1),
            activation=Activation(fused_relu=True),
            requantization=convolution_requantization(INPUT_SCALE, scale, output_scale, filters),
        )
        inner = size - 4
        x = self.layer("CONV_2D", x, (1, inner, inner, filters), params, (filters, 5, 5, channels))
        pool = PoolParams((2, 2), (2, 2), (0, 0), Activation())
        return self.layer("MAX_POOL_2D", x, (1, inner // 2, inner // 2, filters), pool)


def random_lenet() -> tuple[Graph, OperatingPoint]:
    """The graph, and a point with one threshold for each of its three prunable layers."""
    b = _Builder(np.random.default_rng(0))
    image = b.tensor(1, 28, 28, 1)
    x = b.convolution(image, 28, 1, 6)
    x = b.convolution(x, 12, 6, 16)
    x = b.layer("RESHAPE", x, (1, 256), CopyParams())
    scale = np.array([WEIGHT_SCALE])
    requantization = convolution_requantization(INPUT_SCALE, scale, np.float32(0.2), 10)
    dense = FullyConnectedParams(128, -128, Activation(), requantization)
    logits = b.layer("FULLY_CONNECTED", x, (1, 10), dense, (10, 256))
    graph = Graph(tuple(b.tensors), tuple(b.layers), (image,), (logits,))
    thresholds = np.array([THRESHOLD], np.int16)
    layers = {
        graph.weights(layer).index: LayerPruning(thresholds, graph.output_channels(layer))
        for layer in graph.prunable
    }
    return graph, OperatingPoint("random", layers)
