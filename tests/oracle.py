"""What the kernels must compute, written for clarity in NumPy: the predicate and dividers of docs/dividers.md.

Nothing here knows how the C core does it. Accumulation is in int64 and wraps to int32 where the
contract says int32. Shapes: NHWC inputs, OHWI / 1HWO / (outputs, inputs) weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tflm_unit.converter.graph import Activation, ConvParams, FullyConnectedParams, PoolParams
from tflm_unit.converter.pruning import Divider, LayerPruning

LARGEST_OPERAND = 255
CONTROL_ZERO = LARGEST_OPERAND  # a control term of 0 skips every operand


@dataclass(frozen=True)
class Result:
    """output: int8. skipped_sum: int64 (output channels,)."""

    output: np.ndarray
    macs_total: int
    macs_zero: int
    macs_skipped: int
    skipped_sum: np.ndarray


# ---- The dividers.


def _exact(threshold: np.ndarray, control: np.ndarray) -> np.ndarray:
    return threshold // control


def _bit_shift(threshold: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Divides by the smallest power of two above the control term."""
    power = np.ones_like(control)
    for _ in range(8):
        power = np.where(power <= control, 2 * power, power)
    return threshold // power


def _bit_mask(threshold: np.ndarray, control: np.ndarray) -> np.ndarray:
    """2^(E_T - E_c), truncated: E are the exponent fields of the two numbers as IEEE-754 floats."""

    def exponent(x: np.ndarray) -> np.ndarray:
        return (x.astype(np.float32).view(np.uint32) >> 23 & 0xFF).astype(np.int64)

    return np.floor(2.0 ** (exponent(threshold) - exponent(control))).astype(np.int64)


_DIVIDERS = {
    Divider.EXACT: _exact,
    Divider.BIT_SHIFT: _bit_shift,
    Divider.BINARY_TREE: _bit_shift,  # the tree is another way to find the same power of two
    Divider.BIT_MASK: _bit_mask,
    Divider.TABLE: _exact,
}


def divide(divider: Divider, threshold: np.ndarray, control: np.ndarray) -> np.ndarray:
    """div(T, |c|) for T >= 0 and c in 0..255, broadcast, clipped to 255; int64."""
    threshold, control = np.broadcast_arrays(threshold.astype(np.int64), control.astype(np.int64))
    quotient = _DIVIDERS[divider](threshold, np.maximum(control, 1))
    return np.where(control == 0, CONTROL_ZERO, np.minimum(quotient, LARGEST_OPERAND))


def is_skipped(pruning: LayerPruning, threshold: int, control: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The predicate |z| <= div(T, |c|); a negative threshold never skips."""
    if threshold < 0:
        return np.zeros(np.broadcast_shapes(control.shape, other.shape), dtype=bool)
    return np.abs(other) <= divide(pruning.divider, np.array(threshold), np.abs(control))


# ---- Requantization.


def wrap(x: np.ndarray) -> np.ndarray:
    """int64 to the int32 that two's complement keeps of it, as int64."""
    return (x + 2**31) % 2**32 - 2**31


def requantize(x: np.ndarray, multiplier: np.ndarray | int, shift: np.ndarray | int) -> np.ndarray:
    """gemmlowp's x * multiplier * 2^(shift - 31) with its two roundings; int64 in and out."""
    x, multiplier, shift = (np.asarray(v, dtype=np.int64) for v in (x, multiplier, shift))
    product = wrap(x * 2 ** np.maximum(shift, 0)) * multiplier
    nudged = product + np.where(product >= 0, 2**30, 1 - 2**30)
    high = np.sign(nudged) * (np.abs(nudged) // 2**31)  # C's division truncates
    right = np.maximum(-shift, 0)
    half = np.where(right > 0, 2 ** np.maximum(right - 1, 0), 0)
    return np.sign(high) * ((np.abs(high) + half) >> right)  # ties away from zero


def to_int8(x: np.ndarray, offset: int, activation: Activation) -> np.ndarray:
    return np.clip(wrap(x + offset), activation.min, activation.max).astype(np.int8)


def _finish(
    acc: np.ndarray,
    bias: np.ndarray | None,
    params: ConvParams | FullyConnectedParams,
    pruning: LayerPruning | None,
) -> np.ndarray:
    """int8 outputs from accumulators (..., channels)."""
    if bias is not None:
        acc = acc + bias
    if pruning is not None and pruning.compensation is not None:
        acc = acc + pruning.compensation
    scale = params.requantization
    output = to_int8(
        requantize(wrap(acc), scale.multiplier, scale.shift), params.output_offset, params.activation
    )
    if pruning is not None:
        output = np.where(output < pruning.fatrelu_min, params.output_offset, output).astype(np.int8)
    return output


# ---- The prunable operators. schedule: dense, zero_skip or compare; only compare looks at `pruning`.


@dataclass
class _Tally:
    """Adds up what happens to the MACs of one output channel after another."""

    schedule: str
    pruning: LayerPruning | None
    channels: int

    def __post_init__(self) -> None:
        self.total = self.zero = self.skipped = 0
        self.skipped_sum = np.zeros(self.channels, dtype=np.int64)
        if self.schedule == "compare" and self.pruning is None:
            raise ValueError("the compare schedule needs a LayerPruning")

    def surviving(
        self, channel: int, control: np.ndarray, other: np.ndarray, is_mac: np.ndarray
    ) -> np.ndarray:
        """The products of one output channel, 0 where skipped or not a MAC at all."""
        product = control * other
        skip = np.zeros(product.shape, dtype=bool)
        if self.schedule == "zero_skip":
            skip = product == 0
        if self.schedule == "compare" and self.pruning is not None:
            threshold = int(self.pruning.thresholds[channel // self.pruning.group_size])
            skip = is_skipped(self.pruning, threshold, control, other)
        is_mac = np.broadcast_to(is_mac, product.shape)
        skip = skip & is_mac
        self.total += int(is_mac.sum())
        self.zero += int((is_mac & (product == 0)).sum())
        self.skipped += int(skip.sum())
        self.skipped_sum[channel] += int(product[skip].sum())
        return np.where(is_mac & ~skip, product, 0)

    def result(
        self, acc: np.ndarray, bias: np.ndarray | None, params: ConvParams | FullyConnectedParams
    ) -> Result:
        pruning = self.pruning if self.schedule == "compare" else None
        output = _finish(acc, bias, params, pruning)
        return Result(output, self.total, self.zero, self.skipped, self.skipped_sum)


def _taps(
    size: int, outputs: int, kernel: int, stride: int, padding: int, dilation: int
) -> tuple[np.ndarray, np.ndarray]:
    """Input coordinate of every (output, tap) along one axis, and whether it lies inside the image."""
    at = np.arange(outputs)[:, None] * stride - padding + np.arange(kernel)[None, :] * dilation
    inside = (at >= 0) & (at < size)
    return np.where(inside, at, 0), inside


def windows(
    image: np.ndarray,
    kernel: tuple[int, int],
    output_shape: Sequence[int],
    params: ConvParams | PoolParams,
    dilation: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """int64 (n, oh, ow, kh, kw, c) values under every window, and the mask (oh, ow, kh, kw) of the image."""
    (rows, rows_inside), (columns, columns_inside) = (
        _taps(
            image.shape[1 + i],
            output_shape[1 + i],
            kernel[i],
            params.stride[i],
            params.padding[i],
            dilation[i],
        )
        for i in range(2)
    )
    values = image.astype(np.int64)[:, rows[:, None, :, None], columns[None, :, None, :], :]
    return values, rows_inside[:, None, :, None] & columns_inside[None, :, None, :]


def conv_2d(
    image: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray | None,
    params: ConvParams,
    output_shape: Sequence[int],
    pruning: LayerPruning | None = None,
    schedule: str = "dense",
) -> Result:
    """CONV_2D, grouped when the weights have fewer input channels than the image."""
    channels, *kernel, depth = weights.shape
    x, inside = windows(image, (kernel[0], kernel[1]), output_shape, params, params.dilation)
    x = x + params.input_offset
    channels_per_group = channels // (image.shape[3] // depth)
    tally = _Tally(schedule, pruning, channels)
    acc = np.empty(tuple(output_shape), dtype=np.int64)
    for o in range(channels):
        first = o // channels_per_group * depth
        w = weights[o].astype(np.int64)
        kept = tally.surviving(o, w, x[..., first : first + depth], inside[..., None])
        acc[..., o] = kept.sum(axis=(3, 4, 5))
    return tally.result(acc, bias, params)


def depthwise_conv_2d(
    image: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray | None,
    params: ConvParams,
    output_shape: Sequence[int],
    pruning: LayerPruning | None = None,
    schedule: str = "dense",
) -> Result:
    """DEPTHWISE_CONV_2D: output channel o sees input channel o // ch_mult alone."""
    _, *kernel, channels = weights.shape
    x, inside = windows(image, (kernel[0], kernel[1]), output_shape, params, params.dilation)
    x = x + params.input_offset
    tally = _Tally(schedule, pruning, channels)
    acc = np.empty(tuple(output_shape), dtype=np.int64)
    for o in range(channels):
        w = weights[0, :, :, o].astype(np.int64)
        kept = tally.surviving(o, w, x[..., o // params.ch_mult], inside)
        acc[..., o] = kept.sum(axis=(3, 4))
    return tally.result(acc, bias, params)


def fully_connected(
    rows: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray | None,
    params: FullyConnectedParams,
    output_shape: Sequence[int],
    pruning: LayerPruning | None = None,
    schedule: str = "dense",
) -> Result:
    """FULLY_CONNECTED of (rows, inputs): here the activation is the control term."""
    x = rows.astype(np.int64) + params.input_offset
    tally = _Tally(schedule, pruning, weights.shape[0])
    acc = np.empty(tuple(output_shape), dtype=np.int64)
    for o in range(weights.shape[0]):
        kept = tally.surviving(o, x, weights[o].astype(np.int64), np.array(True))
        acc[..., o] = kept.sum(axis=1)
    return tally.result(acc, bias, params)


PRUNABLE: dict[str, Callable[..., Result]] = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "FULLY_CONNECTED": fully_connected,
}
