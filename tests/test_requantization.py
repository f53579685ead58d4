"""unit_store and unit_store_plane against the oracle's two roundings, for every kind of input.

The second library has the sums of cores whose multiplier yields 32 bits (UNIT_32_BIT_PRODUCTS).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import oracle
import pytest
from core_library import address, build, int32, pointer, struct
from hypothesis import given
from hypothesis import strategies as st

from tflm_unit.converter.graph import Activation
from tflm_unit.converter.pruning import FATRELU_OFF

int16 = ctypes.c_int16
Limits = struct("Limits", low=int32, floor=int32, max=int32, cut=int32, kind=ctypes.c_int)
Outputs = struct(
    "Outputs",
    bias=pointer,
    compensation=pointer,
    multiplier=pointer,
    shift=pointer,
    is_per_channel=int16,
    offset=int16,
    min=int16,
    max=int16,
    fatrelu_min=int16,
    limits=Limits,
)
SHIFTS = range(-31, 31)
STEP = 3  # between outputs of a plane


@pytest.fixture(scope="module", params=[(), ("-DUNIT_32_BIT_PRODUCTS",)], ids=["64 bits", "32 bits"])
def core(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = build(tmp_path_factory.mktemp("requantization"), "core", *request.param)
    library.unit_limits_of.restype = Limits
    return library


@dataclass(frozen=True)
class Layer:
    """Channels of a layer: int32 arrays of one length, but bias and compensation may be None."""

    multiplier: np.ndarray
    shift: np.ndarray
    offset: int = 0
    min: int = -128
    max: int = 127
    fatrelu_min: int = FATRELU_OFF
    bias: np.ndarray | None = None
    compensation: np.ndarray | None = None

    def expected(self, acc: np.ndarray) -> np.ndarray:
        sums = acc.astype(np.int64)
        for more in (self.bias, self.compensation):
            sums = sums if more is None else sums + more
        scaled = oracle.requantize(oracle.wrap(sums), self.multiplier, self.shift)
        output = oracle.to_int8(scaled, self.offset, Activation(self.min, self.max))
        return np.where(output < self.fatrelu_min, self.offset, output).astype(np.int8)

    def outputs(self, core: ctypes.CDLL, channel: int = 0) -> ctypes.Structure:
        def at(array: np.ndarray | None) -> int | None:
            first = address(array)
            return None if first is None else first + 4 * channel

        clamp = (self.offset, self.min, self.max, self.fatrelu_min)
        pairs = (at(self.multiplier), at(self.shift), len(self.multiplier) > 1)
        limits = core.unit_limits_of(*map(int16, clamp))
        return Outputs(at(self.bias), at(self.compensation), *pairs, *clamp, limits)

    def store(self, core: ctypes.CDLL, acc: np.ndarray) -> np.ndarray:
        to = np.full(len(acc), 0x55, dtype=np.int8)
        core.unit_store_c(
            ctypes.byref(self.outputs(core)), pointer(address(acc)), int16(len(acc)), pointer(address(to))
        )
        return to

    def store_plane(self, core: ctypes.CDLL, channel: int, acc: np.ndarray) -> np.ndarray:
        """Outputs of one channel."""
        to = np.full((len(acc), STEP), 0x55, dtype=np.int8)
        core.unit_store_plane_c(
            ctypes.byref(self.outputs(core, channel)),
            pointer(address(acc)),
            int16(len(acc)),
            pointer(address(to)),
            ctypes.c_ssize_t(STEP),
            int16(1),
            ctypes.c_ssize_t(len(acc)),
        )
        assert np.all(to[:, 1:] == 0x55)
        return to[:, 0]


def boundaries(multiplier: int, shift: int, offset: int) -> np.ndarray:
    """Accumulators around every step of the output, at 0, and where the cores' sums would overflow."""
    steps = np.arange(-130, 131, dtype=np.float64) - offset + 0.5
    scale = max(multiplier, 1) * 2.0 ** (shift - 31)
    middle = np.rint(np.clip(steps / scale, -(2.0**31), 2.0**31 - 1)).astype(np.int64)
    special = np.array([0, 2**15, -(2**15), 2**16, 2**29, -(2**29), 2**30, 2**31 - 1, -(2**31)])
    around = np.concatenate([middle, special])[:, None] + np.arange(-3, 4)
    return np.clip(around.ravel(), -(2**31), 2**31 - 1).astype(np.int32)


def int32s(values: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.int32)


@pytest.mark.parametrize("kind", [(-128, 127, -128), (-128, 127, 3), (-100, 90, -7)], ids=str)
def test_every_step_of_the_output(core: ctypes.CDLL, kind: tuple[int, int, int]) -> None:
    low, high, offset = kind
    rng = np.random.default_rng(1)
    multipliers = [0, 1, 2**30 - 1, 2**30, 2**30 + 1, 2**31 - 1, *rng.integers(2**30, 2**31, 10)]
    for multiplier in map(int, multipliers):
        for shift in SHIFTS:
            layer = Layer(int32s([multiplier]), int32s([shift]), offset, low, high)
            acc = boundaries(multiplier, shift, offset)
            want = layer.expected(acc)
            np.testing.assert_array_equal(layer.store(core, acc), want, err_msg=f"{multiplier} {shift}")
            np.testing.assert_array_equal(layer.store_plane(core, 0, acc), want)


def test_ties_of_the_first_rounding(core: ctypes.CDLL) -> None:
    """Products whose lower 31 bits are close to a half, where one rounding is not like two."""
    rng = np.random.default_rng(2)
    for shift in range(-12, 0):
        layers = rng.integers(2**30, 2**31, 4000) | 1
        target = (rng.integers(-128, 128, 4000) << (31 - shift)) + (1 << (30 - shift)) + (1 << 30)
        acc = (target // layers + rng.integers(-1, 2, 4000)).astype(np.int32)
        layer = Layer(int32s(layers), np.full(4000, shift, dtype=np.int32))
        np.testing.assert_array_equal(layer.store(core, acc), layer.expected(acc), err_msg=str(shift))
    # Exact halves: the accumulator and the multiplier are powers of two.
    for shift in range(-12, 0):
        layer = Layer(int32s([2**30]), int32s([shift]))
        acc = np.arange(-3000, 3000, dtype=np.int32)
        np.testing.assert_array_equal(layer.store(core, acc), layer.expected(acc), err_msg=str(shift))


@st.composite
def layers(draw: st.DrawFn) -> tuple[Layer, np.ndarray]:
    """A layer and one accumulator per channel."""
    seed = draw(st.integers(0, 2**32 - 1))
    channels = draw(st.integers(1, 9))
    rng = np.random.default_rng(seed)

    def values() -> np.ndarray:
        return (rng.integers(-(2**31), 2**31, channels) >> rng.integers(0, 32, channels)).astype(np.int32)

    minimum = draw(st.sampled_from([-128, -128, -100, 5]))
    maximum = draw(st.sampled_from([127, 127, 90, minimum]))
    layer = Layer(
        rng.integers(draw(st.sampled_from([0, 2**30])), 2**31, channels).astype(np.int32),
        rng.integers(draw(st.sampled_from([-31, -12])), draw(st.sampled_from([0, 31])), channels).astype(
            np.int32
        ),
        draw(st.one_of(st.just(minimum), st.integers(-128, 127))),
        minimum,
        maximum,
        draw(st.one_of(st.just(FATRELU_OFF), st.integers(-128, 127))),
        values() if draw(st.booleans()) else None,
        values() if draw(st.booleans()) else None,
    )
    return layer, values()


@given(case=layers())
def test_any_layer(core: ctypes.CDLL, case: tuple[Layer, np.ndarray]) -> None:
    layer, acc = case
    want = layer.expected(acc)
    np.testing.assert_array_equal(layer.store(core, acc), want)
    for channel in range(len(acc)):
        one = layer.store_plane(core, channel, np.ascontiguousarray(acc[channel : channel + 1]))
        assert one[0] == want[channel]
