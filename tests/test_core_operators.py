"""The operators around the prunable ones, called through ctypes, against NumPy."""

from __future__ import annotations

import ctypes
from dataclasses import fields
from typing import Any

import numpy as np
import oracle_operators as oracle
import pytest
from core_library import ARG_ERROR, SUCCESS, CActivation, Dims, Tile, address, int32, pointer, struct
from hypothesis import given
from hypothesis import strategies as st
from strategies import window

from tflm_unit.converter.graph import (
    Activation,
    AddParams,
    MeanParams,
    PadParams,
    PoolParams,
    RequantizeParams,
)
from tflm_unit.converter.quantization import (
    ADD_LEFT_SHIFT,
    add_multipliers,
    quantize_multiplier,
    softmax_multiplier,
)

Pool = struct("Pool", stride=Tile, padding=Tile, activation=CActivation)
Requant = struct("Requant", input_offset=int32, output_offset=int32, multiplier=int32, shift=int32)
ADD_FIELDS = [field.name for field in fields(AddParams)][:-1]  # in the order of the C struct
Add = struct("Add", **dict.fromkeys(ADD_FIELDS, int32), activation=CActivation)

seeds = st.integers(0, 2**32 - 1)
small = st.integers(1, 3)
scales = st.floats(2.0**-12, 4.0, width=32)
zero_points = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))
activations = st.tuples(st.integers(-128, 127), st.integers(-128, 127)).map(
    lambda t: Activation(min(t), max(t))
)


def int8(seed: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        rng.integers(-128, 128, shape).astype(np.int8)
        if seed % 4
        else rng.choice([-128, 127], shape).astype(np.int8)
    )


def empty(*shape: int) -> np.ndarray:
    return np.full(shape, 0x55, dtype=np.int8)


def c_range(activation: Activation) -> ctypes.Structure:
    return CActivation(activation.min, activation.max, 0)  # FATReLU belongs to prunable layers


def call(library: ctypes.CDLL, function: str, *arguments: Any) -> int:
    """Arrays go by address, structures by reference, Python integers as int."""

    def convert(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return pointer(address(value))
        return ctypes.byref(value) if isinstance(value, ctypes.Structure) else value

    return int(library[function](*map(convert, arguments)))


@pytest.mark.parametrize(("kind", "function"), [("max", "unit_max_pool_s8"), ("average", "unit_avg_pool_s8")])
@given(data=st.data())
def test_pool(plain: ctypes.CDLL, kind: str, function: str, data: st.DataObject) -> None:
    kernel, stride = (data.draw(st.tuples(small, small)) for _ in range(2))
    batch, channels, padding = (
        data.draw(small),
        data.draw(small),
        data.draw(st.sampled_from(["SAME", "VALID"])),
    )
    sizes = [data.draw(st.integers(1 if padding == "SAME" else k, 8)) for k in kernel]
    (oh, pad_h), (ow, pad_w) = (window(padding, sizes[i], kernel[i], stride[i], 1) for i in range(2))
    params = PoolParams(kernel, stride, (pad_h, pad_w), data.draw(activations))
    x, y = int8(data.draw(seeds), batch, *sizes, channels), empty(batch, oh, ow, channels)
    c_params = Pool(Tile(*stride), Tile(pad_h, pad_w), c_range(params.activation))
    dims = Dims(*x.shape), Dims(1, *kernel, 1), Dims(*y.shape)
    assert call(plain, function, c_params, dims[0], x, dims[1], dims[2], y) == SUCCESS
    np.testing.assert_array_equal(y, oracle.pool(x, params, y.shape, kind))


@pytest.mark.parametrize("function", ["unit_max_pool_s8", "unit_avg_pool_s8"])
def test_a_window_in_the_padding_is_refused(plain: ctypes.CDLL, function: str) -> None:
    params = Pool(Tile(1, 1), Tile(2, 0), CActivation(-128, 127, -128))
    x, y = empty(1, 2, 2, 1), empty(1, 1, 1, 1)
    assert call(plain, function, params, Dims(*x.shape), x, Dims(1, 2, 2, 1), Dims(*y.shape), y) == ARG_ERROR


@given(
    seed=seeds,
    s=st.tuples(scales, scales),
    z=st.tuples(zero_points, zero_points, zero_points),
    data=st.data(),
)
def test_add(
    plain: ctypes.CDLL, seed: int, s: tuple[float, float], z: tuple[int, int, int], data: st.DataObject
) -> None:
    output_scale = max(s) * data.draw(st.floats(0.01, 4))
    m = add_multipliers(np.float32(s[0]), np.float32(s[1]), np.float32(output_scale))
    inputs = (-z[0], *m.input1, -z[1], *m.input2)
    params = AddParams(*inputs, ADD_LEFT_SHIFT, z[2], *m.output, data.draw(activations))
    x1, x2, y = int8(seed, 50), int8(seed + 1, 50), empty(50)
    c_params = Add(*(getattr(params, name) for name in ADD_FIELDS), c_range(params.activation))
    assert call(plain, "unit_add_s8", c_params, x1, x2, 50, y) == SUCCESS
    np.testing.assert_array_equal(y, oracle.add(x1, x2, params))


@given(seed=seeds, data=st.data())
def test_pad(plain: ctypes.CDLL, seed: int, data: st.DataObject) -> None:
    four, amount = st.tuples(small, small, small, small), st.integers(0, 2)
    pads = st.tuples(amount, amount, amount, amount)
    params = PadParams(data.draw(pads), data.draw(pads), data.draw(st.integers(-128, 127)))
    x = int8(seed, *data.draw(four))
    want = oracle.pad(x, params)
    y = empty(*want.shape)
    assert (
        call(plain, "unit_pad_s8", Dims(*params.pre), Dims(*params.post), params.value, Dims(*x.shape), x, y)
        == 0
    )
    np.testing.assert_array_equal(y, want)


@given(
    seed=seeds,
    shape=st.tuples(small, st.integers(1, 400), small),
    s=scales,
    ratio=scales,
    z=zero_points,
    o=zero_points,
)
def test_mean(
    plain: ctypes.CDLL, seed: int, shape: tuple[int, int, int], s: float, ratio: float, z: int, o: int
) -> None:
    params = MeanParams(*shape, -z, o, *quantize_multiplier(ratio))
    x, y = int8(seed, *shape), empty(shape[0], shape[2])
    c_params = Requant(params.input_offset, params.output_offset, params.multiplier, params.shift)
    assert call(plain, "unit_mean_s8", c_params, *shape, x, y) == SUCCESS
    np.testing.assert_array_equal(y, oracle.mean(x, params))


def test_mean_of_nothing_is_refused(plain: ctypes.CDLL) -> None:
    assert call(plain, "unit_mean_s8", Requant(0, 0, 2**30, 1), 1, 0, 1, empty(1), empty(1)) == ARG_ERROR


@given(ratio=st.floats(2.0**-20, 2.0**10), z=zero_points, o=zero_points, activation=activations)
def test_requantize(plain: ctypes.CDLL, ratio: float, z: int, o: int, activation: Activation) -> None:
    params = RequantizeParams(-z, o, *quantize_multiplier(ratio), activation)
    x, y = np.arange(-128, 128).astype(np.int8), empty(256)
    c_params = Requant(params.input_offset, params.output_offset, params.multiplier, params.shift)
    assert call(plain, "unit_requantize_s8", c_params, c_range(activation), x, 256, y) == SUCCESS
    np.testing.assert_array_equal(y, oracle.requantize_int8(x, params))


@given(z=zero_points)
def test_requantize_with_factor_one_is_the_identity(plain: ctypes.CDLL, z: int) -> None:
    x, y = np.arange(-128, 128).astype(np.int8), empty(256)
    call(
        plain,
        "unit_requantize_s8",
        Requant(-z, z, *quantize_multiplier(1.0)),
        CActivation(-128, 127, 0),
        x,
        256,
        y,
    )
    np.testing.assert_array_equal(y, x)


@given(seed=seeds, scale=scales, z=zero_points)
def test_quantize_and_dequantize(plain: ctypes.CDLL, seed: int, scale: float, z: int) -> None:
    rng = np.random.default_rng(seed)
    ties = (rng.integers(-300, 300, 50) + 0.5) * np.float32(scale)
    corners = [0, -0.0, 3e38, -3e38, np.inf, -np.inf]
    x = np.concatenate([rng.normal(0, 200 * scale, 50), ties, corners]).astype(np.float32)
    y, back = empty(x.size), np.empty(x.size, dtype=np.float32)
    assert call(plain, "unit_quantize_f32_s8", ctypes.c_float(scale), z, x, x.size, y) == SUCCESS
    with np.errstate(over="ignore"):
        steps = np.clip((x / np.float32(scale)).astype(np.float64), -1e6, 1e6)
    rounded = np.sign(steps) * np.floor(np.abs(steps) + 0.5)
    np.testing.assert_array_equal(y, np.clip(rounded + z, -128, 127))
    assert call(plain, "unit_dequantize_s8_f32", ctypes.c_float(scale), z, y, y.size, back) == SUCCESS
    np.testing.assert_array_equal(back, (float(np.float32(scale)) * (y.astype(float) - z)).astype(np.float32))


def test_quantize_of_nan_is_the_lower_end(plain: ctypes.CDLL) -> None:
    y = empty(1)
    call(plain, "unit_quantize_f32_s8", ctypes.c_float(1.0), 5, np.array([np.nan], dtype=np.float32), 1, y)
    assert y[0] == -128


@given(seed=seeds, outer=small, widths=st.lists(small, min_size=1, max_size=4))
def test_concatenation(plain: ctypes.CDLL, seed: int, outer: int, widths: list[int]) -> None:
    inputs = [int8(seed + i, outer, width) for i, width in enumerate(widths)]
    y, column = empty(outer, sum(widths)), 0
    for x in inputs:
        assert call(plain, "unit_concatenation_s8", x, outer, x.shape[1], column, sum(widths), y) == SUCCESS
        column += x.shape[1]
    np.testing.assert_array_equal(y, np.concatenate(inputs, axis=1))


def softmax(library: ctypes.CDLL, x: np.ndarray, scale: float) -> np.ndarray:
    y = empty(*x.shape)
    parameters = softmax_multiplier(1.0, np.float32(scale))
    assert call(library, "unit_softmax_s8", x, *x.shape, *parameters, y) == SUCCESS
    return y


@given(seed=seeds, rows=small, size=st.integers(1, 200), scale=st.floats(2.0**-10, 1.0))
def test_softmax_is_close_to_the_real_one(
    plain: ctypes.CDLL, seed: int, rows: int, size: int, scale: float
) -> None:
    """Bit-exactness with TFLM is tested inside TFLM; see test_tflm.py."""
    x = int8(seed, rows, size)
    e = np.exp((x.astype(float) - x.max(axis=1, keepdims=True)) * scale)
    want = np.clip(e / e.sum(axis=1, keepdims=True) * 256 - 128, -128, 127)
    assert np.abs(softmax(plain, x, scale) - want).max() <= 0.51


@pytest.mark.parametrize("size", [511, 512, 5000])
def test_softmax_of_many_equal_logits(plain: ctypes.CDLL, size: int) -> None:
    """From 512 on the sum leaves the range of the fixed-point division: every probability rounds to 0."""
    want = round(256 / size) - 128
    np.testing.assert_array_equal(softmax(plain, np.zeros((1, size), dtype=np.int8), 0.1), want)


def test_softmax_of_nothing_is_refused(plain: ctypes.CDLL) -> None:
    assert call(plain, "unit_softmax_s8", empty(1), 1, 0, 2**30, 20, -100, empty(1)) == ARG_ERROR
    assert call(plain, "unit_softmax_s8", empty(1), 1, 1, 2**30, 20, 1, empty(1)) == ARG_ERROR


@given(seed=seeds, size=st.integers(2, 40))
def test_margin_is_between_the_two_largest(plain: ctypes.CDLL, seed: int, size: int) -> None:
    x = int8(seed, size)
    next_to_last, last = np.sort(x.astype(int))[-2:]
    assert call(plain, "unit_margin_s8", x, size) == last - next_to_last
