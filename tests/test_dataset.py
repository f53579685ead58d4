"""Calibration and evaluation data: what is accepted, and what each mistake is told."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_unit.converter.dataset import Dataset, check_labels, quantize
from tflm_unit.converter.errors import DataError
from tflm_unit.converter.graph import Graph, Tensor
from tflm_unit.converter.samples import Input, Samples


def graph(*shapes: tuple[int, ...], dtype: type = np.int8) -> Graph:
    """A graph of inputs alone, scale 1/255, zero point -128: real range 0..1."""
    tensors = tuple(
        Tensor(i, f"input{i}", s, np.dtype(dtype), np.array([1 / 255], np.float32), np.array([-128]))
        for i, s in enumerate(shapes)
    )
    return Graph(tensors, (), tuple(range(len(tensors))), ())


IMAGE = graph((1, 4, 4, 1))


def all_rows(data: Dataset) -> np.ndarray:
    return np.concatenate([batch[0] for batch in data])


def test_real_values_are_quantized_with_the_inputs_scale() -> None:
    x = np.linspace(0, 1, 32, dtype=np.float32).reshape(2, 4, 4, 1)
    rows = all_rows(Dataset(x, IMAGE))
    assert rows.dtype == np.int8
    np.testing.assert_array_equal(rows, np.clip(np.round(x * 255) - 128, -128, 127))


def test_pixels_with_scale_equal_real_values() -> None:
    pixels = np.arange(32, dtype=np.uint8).reshape(2, 4, 4) * 8
    np.testing.assert_array_equal(
        all_rows(Dataset(pixels, IMAGE, scale=1 / 255)),
        all_rows(Dataset(pixels[..., None].astype(np.float32) / 255, IMAGE)),
    )


def test_int8_is_taken_as_quantized_unless_scaled() -> None:
    q = np.arange(-16, 16, dtype=np.int8).reshape(2, 4, 4, 1)
    np.testing.assert_array_equal(all_rows(Dataset(q, IMAGE)), q)
    assert (all_rows(Dataset(np.abs(q), IMAGE, scale=1 / 255)) == np.abs(q).astype(int) - 128).all()


def test_float_inputs_stay_float() -> None:
    x = np.linspace(-5, 5, 16, dtype=np.float64).reshape(1, 4, 4, 1)
    rows = all_rows(Dataset(x, graph((1, 4, 4, 1), dtype=np.float32)))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, x, rtol=1e-6)


def test_batches_and_limit() -> None:
    x = np.zeros((10, 4, 4, 1), np.float32)
    assert [len(b[0]) for b in Dataset(x, IMAGE, batch_size=4)] == [4, 4, 2]
    data = Dataset(x, IMAGE, batch_size=4, limit=5)
    assert len(data) == 5
    assert [len(b[0]) for b in data] == [4, 1]
    assert [len(b[0]) for b in data] == [4, 1], "a second pass gives the same batches"


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("listed", [False, True])
def test_functions_as_in_tflite(batched: bool, listed: bool) -> None:
    x = np.linspace(0, 1, 80, dtype=np.float32).reshape(5, 4, 4, 1)

    def samples():
        for row in x:
            value = row[None] if batched else row
            yield [value] if listed else value

    np.testing.assert_array_equal(
        all_rows(Dataset(samples, IMAGE, batch_size=2)), all_rows(Dataset(x, IMAGE))
    )
    assert len(all_rows(Dataset(samples, IMAGE, batch_size=2, limit=3))) == 3


def test_several_inputs() -> None:
    two = graph((1, 2), (1, 3))
    a, b = np.zeros((4, 2), np.float32), np.ones((4, 3), np.float32)
    (batch,) = Dataset([a, b], two)
    assert [x.shape for x in batch] == [(4, 2), (4, 3)]
    with pytest.raises(DataError, match="different lengths"):
        Dataset([a, b[:3]], two)
    with pytest.raises(DataError, match="1 arrays, the model has 2 inputs"):
        Dataset(a, two)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, 4, 4, 1), np.float32), "data is empty"),
        (
            np.zeros((3, 5, 4, 1), np.float32),
            r"samples of shape \(5, 4, 1\), input 'input0'.* takes \(4, 4, 1\)",
        ),
        (np.array([["a"] * 16], object).reshape(1, 4, 4, 1), "dtype object"),
        (np.zeros((1, 4, 4, 1), np.complex64), "dtype complex64"),
        (np.array(3.0), "data is empty"),
        (np.zeros((1, 4, 4, 1), bool), "dtype bool"),
        (iter(()), "dtype object"),
        ([], "data is empty"),
        ([np.zeros((4, 4)), np.zeros((4, 3))], "no regular array"),
        ([[1.0, 2.0], [3.0]], "no regular array"),
        ([np.zeros((3, 4, 3))], r"samples of shape \(4, 3\)"),
    ],
)
def test_bad_arrays(x: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset(x, IMAGE)


def test_nan_names_the_sample() -> None:
    x = np.zeros((300, 4, 4, 1), np.float32)
    x[270, 1, 2] = np.nan
    with pytest.raises(DataError, match="sample 270 for input 'input0' has NaN"):
        all_rows(Dataset(x, IMAGE))


def test_wrong_scale_is_refused() -> None:
    pixels = np.full((2, 4, 4), 200, np.uint8)
    with pytest.raises(DataError, match=r"outside the range 0 \.\. 1 .*scale 1/255"):
        all_rows(Dataset(pixels, IMAGE))


@pytest.mark.parametrize("form", [lambda x: [x], lambda x: (x,), list, lambda x: [[row] for row in x]])
def test_lists_for_one_input(form: Any) -> None:
    x = np.linspace(0, 1, 80, dtype=np.float32).reshape(5, 4, 4, 1)
    np.testing.assert_array_equal(all_rows(Dataset(form(x), IMAGE)), all_rows(Dataset(x, IMAGE)))
    np.testing.assert_array_equal(all_rows(Dataset(form(x[:1]), IMAGE)), all_rows(Dataset(x[:1], IMAGE)))


def test_one_flat_sample_in_a_list() -> None:
    x = np.linspace(0, 1, 6, dtype=np.float32)
    np.testing.assert_array_equal(
        all_rows(Dataset([x], graph((1, 6)))), all_rows(Dataset(x[None], graph((1, 6))))
    )
    assert len(Dataset([x], graph((1, 1)))) == 6


def test_functions_are_checked() -> None:
    def check(message: str, *samples: Any, source: Any = None) -> None:
        with pytest.raises(DataError, match=message):
            list(Dataset(source or (lambda: iter(samples)), IMAGE))

    good = np.zeros((4, 4, 1), np.float32)
    check("sample 1 has 2 arrays, the model has 1 inputs", good, [good, good])
    check(r"samples of shape \(4, 3, 1\)", good, good[:, 1:])
    check("sample 1 for input 'input0' has NaN", good, good * np.nan)
    check("dtype bool", good.astype(bool))
    check("no regular array", good, [[[1.0, 2.0], [3.0]]])
    check("int8, which is quantized, and of real types", good, good.astype(np.int8))
    check("returned int, not an iterator", source=lambda: 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": np.nan}, "scale is nan"),
        ({"scale": 1e39}, r"scale is 1e\+39"),
        ({"scale": 0}, "scale is 0; with so small a factor"),
        ({"scale": 1e-45}, "scale is 1e-45; with so small a factor"),
        ({"offset": -np.inf}, "offset is -inf"),
        ({"offset": "much"}, "offset is 'much'"),
        ({"limit": 0}, "limit is 0"),
        ({"limit": -1}, "limit is -1"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset(np.zeros((3, 4, 4, 1), np.float32), IMAGE, **options)


def test_values_that_overflow() -> None:
    for x, scale in ((np.full((1, 4, 4, 1), 1e300), None), (np.full((1, 4, 4, 1), 1e30), 1e30)):
        with pytest.raises(DataError, match="NaN or infinite"):
            all_rows(Dataset(x, IMAGE, scale=scale))


def test_int8_for_a_float_input_is_refused() -> None:
    float_input = graph((1, 2), dtype=np.float32)
    with pytest.raises(DataError, match="'input0' is int8, so already quantized"):
        Dataset(np.ones((3, 2), np.int8), float_input)
    np.testing.assert_array_equal(all_rows(Dataset(np.ones((3, 2), np.int8), float_input, scale=2)), 2)


@given(
    st.lists(st.floats(-2000, 2000, width=32), min_size=1, max_size=40),
    st.floats(2.0**-12, 8.0, width=32),
    st.integers(-128, 127),
)
def test_quantization_is_the_cores(
    plain: ctypes.CDLL, values: list[float], scale: float, zero_point: int
) -> None:
    """Including halves, and the floats beside them, where adding 0.5 rounds the wrong way."""
    halves = (np.arange(-8, 8) + 0.5) * np.float32(scale)
    near = np.concatenate([halves, np.nextafter(halves.astype(np.float32), 0), [0.49999997 * scale]])
    steps = np.concatenate([np.clip(values, -100 * scale, 100 * scale), np.repeat(near, 4)])
    x = steps.astype(np.float32)
    expected = np.empty(x.shape, np.int8)
    status = plain.unit_quantize_f32_s8(
        ctypes.c_float(scale),
        ctypes.c_int32(zero_point),
        x.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int32(x.size),
        expected.ctypes.data_as(ctypes.c_void_p),
    )
    assert status == 0
    kind = np.dtype(np.int8)
    tensor = Tensor(0, "x", (1,), kind, np.array([scale], np.float32), np.array([zero_point]))
    np.testing.assert_array_equal(quantize(x, tensor), expected)


def test_just_below_a_half() -> None:
    tensor = Tensor(0, "x", (1,), np.dtype(np.int8), np.ones(1, np.float32), np.zeros(1, np.int64))
    x = np.array([0.49999997, 0.5, -0.49999997, -0.5, 1e38, -1e38, 1.5, 2.5, 0, 0, 0, 0], np.float32)
    np.testing.assert_array_equal(quantize(x, tensor), [0, 1, 0, -1, 127, -128, 2, 3, 0, 0, 0, 0])


def test_other_integer_inputs() -> None:
    tensor = Tensor(0, "x", (1,), np.dtype(np.uint8), np.ones(1, np.float32), np.array([3]))
    levels = quantize(np.array([-3, 0, 251.5, 252, 253], np.float32), tensor)
    assert levels.dtype == np.uint8
    np.testing.assert_array_equal(levels, [0, 3, 255, 255, 255])


def test_inputs_without_a_scale_are_refused() -> None:
    tensor = Tensor(0, "x", (1,), np.dtype(np.int32), np.array([], np.float32), np.array([]))
    with pytest.raises(DataError, match="'x' is int32 with 0 scales"):
        quantize(np.zeros(3, np.float32), tensor)


def test_empty_function() -> None:
    with pytest.raises(DataError, match="yielded no sample"):
        list(Dataset(lambda: [], IMAGE))


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        ((28, 28), (28, 28, 1), (1, 28, 28, 1)),
        ((1, 28, 28, 1), (28, 28, 1), (1, 28, 28, 1)),
        ((7, 9, 3), (None, None, 3), (1, 7, 9, 3)),
        ((1, 7, 9, 3), (None, None, 3), (1, 7, 9, 3)),
        ((7, 9), (None, None, 3), None),
        ((7, 9, 4), (None, None, 3), None),
        ((28, 27), (28, 28, 1), None),
    ],
)
def test_shapes_of_samples(
    values: tuple[int, ...], shape: tuple[int | None, ...], expected: tuple[int, ...] | None
) -> None:
    """Samples of a function, and of arrays: open sizes, and dimensions of 1 that are missing or added."""
    sample, inputs = np.zeros(values), [Input("x", shape)]
    for source in (lambda: iter([sample]), sample[np.newaxis], [sample[np.newaxis]], [sample]):
        if expected is None:
            with pytest.raises(DataError, match=r"samples of shape .* 'x' of the model takes"):
                Samples(source, inputs).first()
        else:
            assert Samples(source, inputs).first()[0].shape == expected


def test_labels() -> None:
    np.testing.assert_array_equal(check_labels(np.array([[2], [0]], np.uint8), 2, 3), [2, 0])
    np.testing.assert_array_equal(check_labels(np.eye(3)[[1, 2]], 2, 3), [1, 2])
    np.testing.assert_array_equal(check_labels([1, 2, 0, 1], 2, 3, total=4), [1, 2])
    with pytest.raises(DataError, match="label 3 of sample 1 is out of range: the model has 3 classes"):
        check_labels([0, 3], 2, 3)
    for labels in ([0], [0, 1, 2]):
        with pytest.raises(DataError, match=f"{len(labels)} labels for 2 samples"):
            check_labels(labels, 2, 3)
    with pytest.raises(DataError, match="labels are no regular array"):
        check_labels([[1], [2, 3]], 2, 3)
    with pytest.raises(DataError, match="NaN"):
        check_labels(np.full((2, 3), np.nan), 2, 3)
    with pytest.raises(DataError, match="integers"):
        check_labels([0.5, 1.0], 2, 3)
