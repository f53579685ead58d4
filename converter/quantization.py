"""TFLite's preparation arithmetic: what its kernels compute once from scales and zero points.

Every function gives the integers that TFLM's reference kernels give, which decides where float32
and where float64 is used below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .errors import ModelError
from .graph import Activation, Requantization

INT8_MIN, INT8_MAX = -128, 127
MAX_SHIFT = 30  # a left shift that still fits int32 arithmetic
ADD_LEFT_SHIFT = 20
SOFTMAX_INTEGER_BITS = 5


class InexpressibleError(ModelError):
    """Scales, each of them valid, whose quotient TFLite's fixed-point arithmetic cannot express."""


def round_half_away(x: float) -> int:
    """C's round(): halves go away from zero."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def quantize_multiplier(scale: float) -> tuple[int, int]:
    """Q31 multiplier and shift (positive: left) of a non-negative real factor.

    Raises InexpressibleError when the factor is negative, not finite, or needs a left shift over 30 (TFLite lets
    that pass and overflows later).
    """
    multiplier, shift = quantize_multipliers(np.array([scale], dtype=np.float64))
    return int(multiplier[0]), int(shift[0])


def quantize_multipliers(scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`quantize_multiplier` of a float64 array: int32 multipliers and shifts of its shape."""
    if not np.all(np.isfinite(scales)) or np.any(scales < 0):
        raise InexpressibleError(
            f"requantization factor {scales.min():g}..{scales.max():g} is negative or not finite"
        )
    fraction, exponent = np.frexp(scales)
    fixed = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    rounded_up = fixed == 2**31
    fixed[rounded_up] //= 2
    shift = exponent.astype(np.int64) + rounded_up
    vanishing = shift < -31
    fixed[vanishing] = 0
    shift[vanishing] = 0
    if np.any(shift > MAX_SHIFT):
        raise InexpressibleError(
            f"requantization factor {scales.max():g} is too large (2^{MAX_SHIFT} at most)"
        )
    return fixed.astype(np.int32), shift.astype(np.int32)


def convolution_requantization(
    input_scale: np.float32, weight_scales: np.ndarray, output_scale: np.float32, channels: int
) -> Requantization:
    """CONV_2D, DEPTHWISE_CONV_2D and per-channel FULLY_CONNECTED: float64 throughout.

    weight_scales: float32 (1,) or (channels,).
    """
    factors = float(input_scale) * weight_scales.astype(np.float64) / float(output_scale)
    return Requantization(*quantize_multipliers(np.broadcast_to(factors, (channels,))))


def fully_connected_requantization(
    input_scale: np.float32, weight_scale: np.float32, output_scale: np.float32, channels: int
) -> Requantization:
    """Per-tensor FULLY_CONNECTED: the product of the scales is rounded to float32 first."""
    with np.errstate(over="ignore", under="ignore"):
        product = np.float32(input_scale) * np.float32(weight_scale)
    factors = np.full(channels, float(product) / float(output_scale))
    return Requantization(*quantize_multipliers(factors))


def quantize_value(value: float, scale: np.float32, zero_point: int) -> int:
    """A real constant in units of `scale`, not clamped. Raises InexpressibleError when int32 cannot hold it."""
    with np.errstate(over="ignore"):
        steps = float(np.float32(value) / np.float32(scale))
    if not -(2.0**31) <= steps < 2.0**31:
        raise InexpressibleError(f"scale {scale:g} is too small to express the activation limit {value:g}")
    return zero_point + round_half_away(steps)


def activation_range(function: str, scale: np.float32, zero_point: int) -> Activation:
    """Clamp of an int8 output. function: NONE, RELU, RELU6 or RELU_N1_TO_1."""
    bounds = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
    low, high = bounds[function]
    return Activation(
        min=INT8_MIN if low is None else max(INT8_MIN, quantize_value(low, scale, zero_point)),
        max=INT8_MAX if high is None else min(INT8_MAX, quantize_value(high, scale, zero_point)),
        fused_relu=low == 0.0,
    )


@dataclass(frozen=True)
class AddMultipliers:
    """Multiplier and shift of both inputs and the output of ADD."""

    input1: tuple[int, int]
    input2: tuple[int, int]
    output: tuple[int, int]


def add_multipliers(scale1: np.float32, scale2: np.float32, output_scale: np.float32) -> AddMultipliers:
    """Raises InexpressibleError when the output scale is so small that TFLite refuses it (factor >= 1)."""
    twice_max = 2.0 * max(float(scale1), float(scale2))
    output = twice_max / ((1 << ADD_LEFT_SHIFT) * float(output_scale))
    if output >= 1.0:
        raise InexpressibleError(
            f"output scale {output_scale:g} is too small for inputs with scale {twice_max / 2:g}"
        )
    return AddMultipliers(
        input1=quantize_multiplier(float(scale1) / twice_max),
        input2=quantize_multiplier(float(scale2) / twice_max),
        output=quantize_multiplier(output),
    )


def softmax_multiplier(beta: float, input_scale: np.float32) -> tuple[int, int, int]:
    """Multiplier, left shift and diff_min (differences below it give probability 0) of SOFTMAX.

    As in TFLite the factor is clamped, which only matters from beta * input_scale = 16 on, where every output
    but the largest vanishes. Raises InexpressibleError when it is so small that TFLite refuses it.
    """
    fraction_bits = 31 - SOFTMAX_INTEGER_BITS
    factor = min(beta * float(input_scale) * (1 << fraction_bits), 2.0**31 - 1.0)
    if not factor > 1.0:
        raise InexpressibleError(f"softmax with beta {beta:g} and input scale {input_scale:g} is too flat")
    # The shift would be 31; but then only the difference 0 is left, which is the same with any shift.
    if factor >= 2.0**MAX_SHIFT:
        return 2**31 - 1, MAX_SHIFT, 0
    multiplier, shift = quantize_multiplier(factor)
    radius = ((1 << SOFTMAX_INTEGER_BITS) - 1) * (1 << fraction_bits) / (1 << shift)
    return multiplier, shift, -math.floor(radius)
