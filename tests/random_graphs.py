"""Random graphs of every operator that the batch engine runs: branches, several inputs and outputs, float ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from engine_graphs import HALF, GraphBuilder
from random_layers import random_pruning, random_thresholds, random_weights
from strategies import window

from tflm_unit.converter.graph import (
    Activation,
    AddParams,
    ConcatenationParams,
    ConvParams,
    CopyParams,
    FullyConnectedParams,
    Graph,
    MeanParams,
    PadParams,
    PoolParams,
    QuantizeParams,
    Requantization,
    RequantizeParams,
    SoftmaxParams,
)
from tflm_unit.converter.pruning import FATRELU_OFF, Divider, OperatingPoint, Schedule

Shape = tuple[int, ...]
MAX_ELEMENTS = 600


class RandomGraph:
    """Grows a graph layer by layer; every layer reads any activation that is there."""

    def __init__(self, rng: np.random.Generator, layers: int) -> None:
        self.rng, self.b = rng, GraphBuilder()
        self.inputs: list[int] = []
        self.activations: list[int] = []  # int8 tensors
        for _ in range(rng.integers(1, 3)):
            shape = (1, *(int(n) for n in rng.integers(2, 7, 3)))
            self.inputs.append(self.b.tensor(shape, np.float32 if rng.random() < 0.3 else np.int8))
            self.activations.append(self._quantized(self.inputs[-1]))
        while len(self.b.layers) < layers:
            steps: list[Callable[[int], int | None]] = [
                self._conv, self._depthwise, self._dense, self._pool, self._add, self._pad, self._mean,
                self._softmax, self._requantize, self._copy, self._concatenation, self._pooled_conv,
            ]  # fmt: skip
            step = steps[rng.integers(len(steps))]
            # Mostly the latest activation, so that chains are long; now and then an old one.
            recent = self.activations[-1] if rng.random() < 0.6 else int(rng.choice(self.activations))
            output = step(recent)
            if output is not None:
                self.activations.append(output)

    def graph(self) -> Graph:
        """Outputs: the last activation and any others, one of them perhaps as float."""
        rng, computed = self.rng, [t for t in self.activations if t not in self.inputs]
        outputs = [computed[-1], *map(int, rng.choice(computed, rng.integers(0, 3)))]
        if rng.random() < 0.3:
            shape = self._shape(outputs[0])
            real = self.b.layer("DEQUANTIZE", (outputs[0],), shape, QuantizeParams(0.25, 3), np.float32)
            outputs.insert(int(rng.integers(len(outputs) + 1)), real)
        return self.b.graph(tuple(self.inputs), tuple(outputs))

    def _shape(self, tensor: int) -> Shape:
        return self.b.tensors[tensor].shape

    def _quantized(self, tensor: int) -> int:
        if self.b.tensors[tensor].dtype == np.int8:
            return tensor
        return self.b.layer("QUANTIZE", (tensor,), self._shape(tensor), QuantizeParams(0.03125, -5))

    def _activation(self) -> Activation:
        low = int(self.rng.choice([-128, -128, -20]))
        return Activation(low, int(self.rng.choice([127, 127, 60])), fused_relu=bool(self.rng.random() < 0.5))

    def _offsets(self) -> tuple[int, int]:
        return int(self.rng.integers(-127, 129)), int(self.rng.integers(-128, 128))

    def _requantization(self, channels: int, fan_in: int) -> Requantization:
        shift = -int(np.ceil(np.log2(40 * np.sqrt(fan_in))))
        multiplier = np.full(channels, HALF, np.int32)
        if self.rng.random() < 0.5:
            multiplier = self.rng.integers(HALF // 2, HALF, channels).astype(np.int32)
        return Requantization(multiplier, np.full(channels, shift, np.int32))

    def _bias(self, channels: int) -> np.ndarray | None:
        return self.rng.integers(-3000, 3000, channels).astype(np.int32) if self.rng.random() < 0.8 else None

    def _image(self, tensor: int) -> tuple[int, int, int] | None:
        shape = self._shape(tensor)
        return shape[1:] if len(shape) == 4 else None  # type: ignore[return-value]

    def _conv(self, x: int, depthwise: bool = False) -> int | None:
        image, rng = self._image(x), self.rng
        if image is None:
            return None
        kind = "SAME" if rng.random() < 0.5 else "VALID"
        kernel = [int(rng.integers(1, 1 + min(3, size))) for size in image[:2]]
        stride, dilation = ((int(rng.integers(1, 3)), int(rng.integers(1, 3))) for _ in range(2))
        if kind == "VALID":
            dilation = (1, 1)
        (height, top), (width, left) = (
            window(kind, image[i], kernel[i], stride[i], dilation[i]) for i in range(2)
        )
        if depthwise:
            ch_mult = int(rng.integers(1, 3))
            channels, depth = image[2] * ch_mult, 1
            weights_shape: Shape = (1, *kernel, channels)
        else:
            ch_mult, groups = 0, 2 if image[2] % 2 == 0 and rng.random() < 0.3 else 1
            channels, depth = groups * int(rng.integers(1, 12 // groups)), image[2] // groups
            weights_shape = (channels, *kernel, depth)
        if height * width * channels > MAX_ELEMENTS:
            return None
        params = ConvParams(
            *self._offsets(), stride, (top, left), dilation, self._activation(),
            self._requantization(channels, kernel[0] * kernel[1] * depth), ch_mult,
        )  # fmt: skip
        op = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        weights = random_weights(rng, weights_shape)
        return self.b.weighted(op, x, (1, height, width, channels), params, weights, self._bias(channels))

    def _depthwise(self, x: int) -> int | None:
        return self._conv(x, depthwise=True)

    def _pooled_conv(self, x: int) -> int | None:
        """A convolution, and a maximum over windows that tile its output."""
        y = self._conv(x, depthwise=bool(self.rng.random() < 0.1))
        if y is None:
            return None
        _, height, width, channels = self._shape(y)
        tile = tuple(int(self.rng.choice([n for n in (1, 2, 3) if not size % n])) for size in (height, width))
        activation = Activation() if self.rng.random() < 0.8 else self._activation()
        if self.rng.random() < 0.1:  # somebody else may read it, too
            self.activations.append(y)
        shape = (1, height // tile[0], width // tile[1], channels)
        return self.b.layer("MAX_POOL_2D", (y,), shape, PoolParams(tile, tile, (0, 0), activation))  # type: ignore[arg-type]

    def _dense(self, x: int) -> int:
        *rows, inputs = self._shape(x)
        outputs = int(self.rng.integers(1, 80 if np.prod(rows) == 1 else 7))
        params = FullyConnectedParams(
            *self._offsets(), self._activation(), self._requantization(outputs, inputs)
        )
        weights = random_weights(self.rng, (outputs, inputs))
        return self.b.weighted("FULLY_CONNECTED", x, (*rows, outputs), params, weights, self._bias(outputs))

    def _pool(self, x: int) -> int | None:
        image, rng = self._image(x), self.rng
        if image is None:
            return None
        kind = "SAME" if rng.random() < 0.5 else "VALID"
        kernel = tuple(int(rng.integers(1, 1 + min(3, size))) for size in image[:2])
        stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        (height, top), (width, left) = (window(kind, image[i], kernel[i], stride[i], 1) for i in range(2))
        params = PoolParams(kernel, stride, (top, left), self._activation())  # type: ignore[arg-type]
        op = "MAX_POOL_2D" if rng.random() < 0.5 else "AVERAGE_POOL_2D"
        return self.b.layer(op, (x,), (1, height, width, image[2]), params)

    def _add(self, x: int) -> int:
        others = [t for t in self.activations if self._shape(t) == self._shape(x)]
        pair = (x, int(self.rng.choice(others)))
        params = AddParams(
            int(self.rng.integers(-127, 129)), HALF, 0, int(self.rng.integers(-127, 129)), HALF, -1, 20,
            int(self.rng.integers(-128, 128)), HALF, -18, self._activation(),
        )  # fmt: skip
        return self.b.layer("ADD", pair if self.rng.random() < 0.5 else pair[::-1], self._shape(x), params)

    def _pad(self, x: int) -> int | None:
        shape = self._shape(x)
        sizes = (1,) * (4 - len(shape)) + shape
        first = 4 - len(shape) + 1
        pre, post = (
            tuple(int(self.rng.integers(0, 3)) if axis >= first else 0 for axis in range(4)) for _ in range(2)
        )
        padded = tuple(a + n + b for a, n, b in zip(pre, sizes, post, strict=True))[4 - len(shape) :]
        if np.prod(padded) > MAX_ELEMENTS:
            return None
        return self.b.layer("PAD", (x,), padded, PadParams(pre, post, int(self.rng.integers(-128, 128))))  # type: ignore[arg-type]

    def _mean(self, x: int) -> int | None:
        image = self._image(x)
        if image is None:
            return None
        height, width, channels = image
        if self.rng.random() < 0.5:
            params, shape = (1, height * width, channels), (1, channels)
        else:
            params, shape = (height, width, channels), (1, height, channels)
        return self.b.layer("MEAN", (x,), shape, MeanParams(*params, *self._offsets(), HALF, 1))

    def _softmax(self, x: int) -> int:
        *_, row = self._shape(x)
        rows = int(np.prod(self._shape(x))) // row
        return self.b.layer("SOFTMAX", (x,), self._shape(x), SoftmaxParams(rows, row, HALF, 24, -248))

    def _requantize(self, x: int) -> int:
        params = RequantizeParams(*self._offsets(), HALF, 1, self._activation())
        return self.b.layer("RELU", (x,), self._shape(x), params)

    def _copy(self, x: int) -> int:
        shape = self._shape(x)
        size = int(np.prod(shape))
        new = (1, size) if len(shape) > 2 else (1, 1, size, 1)
        return self.b.layer("RESHAPE", (x,), new, CopyParams())

    def _concatenation(self, x: int) -> int | None:
        shape = self._shape(x)
        fitting = [t for t in self.activations if self._shape(t)[:-1] == shape[:-1]]
        chosen = [x, *map(int, self.rng.choice(fitting, self.rng.integers(0, 3)))]
        inner = tuple(self._shape(t)[-1] for t in chosen)
        outer = int(np.prod(shape[:-1]))
        if outer * sum(inner) > MAX_ELEMENTS:
            return None
        output = (*shape[:-1], sum(inner))
        return self.b.layer("CONCATENATION", tuple(chosen), output, ConcatenationParams(outer, inner))


def random_graph(seed: int, layers: int) -> Graph:
    """At least `layers` layers, of which at least one can be pruned."""
    rng = np.random.default_rng(seed)
    while True:
        graph = RandomGraph(rng, layers).graph()
        if graph.prunable:
            return graph


def random_inputs(graph: Graph, count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    result = []
    for tensor in (graph.tensors[t] for t in graph.inputs):
        shape = (count, *tensor.shape[1:])
        values = rng.normal(0, 2, shape) if tensor.dtype == np.float32 else rng.integers(-128, 128, shape)
        result.append(np.where(rng.random(shape) < 0.4, 0, values).astype(tensor.dtype))
    return result


def random_point(graph: Graph, name: str, seed: int, share: float = 0.8) -> OperatingPoint:
    """Random thresholds, dividers, compensation and FATReLU for about `share` of the layers."""
    rng = np.random.default_rng(seed)
    layers = {}
    for layer in graph.prunable:
        if rng.random() > share:
            continue
        assert isinstance(layer.params, (ConvParams, FullyConnectedParams))
        channels, weights = graph.output_channels(layer), graph.weights(layer).data
        assert weights is not None
        size = int(rng.choice([1, channels, rng.integers(1, channels + 1)]))
        compensated = rng.random() < 0.5
        layers[graph.weights(layer).index] = random_pruning(
            rng,
            Divider(int(rng.integers(5))),
            size,
            random_thresholds(rng, -(-channels // size), rng.integers(-255, 256, 500), weights),
            rng.integers(-500, 500, channels).astype(np.int32) if compensated else None,
            int(rng.integers(-128, 100)) if layer.params.activation.fused_relu else FATRELU_OFF,
        )
    return OperatingPoint(name, layers)


def with_schedules(graph: Graph, point: OperatingPoint, seed: int) -> OperatingPoint:
    """Any schedule for every entry. Thresholds that never skip mostly become 0: they cannot be planned."""
    rng = np.random.default_rng(seed)
    layers = {}
    for layer in graph.prunable:
        entry = point.layers.get(graph.weights(layer).index)
        if entry is None:
            continue
        if rng.random() < 0.8:
            entry = replace(entry, thresholds=np.maximum(entry.thresholds, 0))
        possible = [Schedule.COMPARE]
        possible += [Schedule.PLANNED] * 2 if entry.thresholds.min() >= 0 else []
        possible += [Schedule.ACTIVATION_SORTED] if isinstance(layer.params, ConvParams) else []
        schedule = possible[rng.integers(len(possible))]
        layers[graph.weights(layer).index] = replace(entry, schedule=schedule, taps=int(rng.integers(0, 4)))
    return replace(point, layers=layers)
