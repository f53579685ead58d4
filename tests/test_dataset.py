"""Calibration and evaluation data: what is accepted, and what each mistake is told."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_unit.converter.dataset import Dataset, check_labels
from tflm_unit.converter.errors import DataError
from tflm_unit.converter.graph import Graph, Tensor


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
    ],
)
def test_bad_arrays(x: np.ndarray, message: str) -> None:
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


def test_empty_function() -> None:
    with pytest.raises(DataError, match="yielded no sample"):
        list(Dataset(lambda: [], IMAGE))


def test_labels() -> None:
    np.testing.assert_array_equal(check_labels(np.array([[2], [0]], np.uint8), 2, 3), [2, 0])
    np.testing.assert_array_equal(check_labels(np.eye(3)[[1, 2]], 2, 3), [1, 2])
    np.testing.assert_array_equal(check_labels([1, 2, 0, 1], 2, 3), [1, 2])
    with pytest.raises(DataError, match="label 3 of sample 1 is out of range: the model has 3 classes"):
        check_labels([0, 3], 2, 3)
    with pytest.raises(DataError, match="1 labels for 2 samples"):
        check_labels([0], 2, 3)
    with pytest.raises(DataError, match="integers"):
        check_labels([0.5, 1.0], 2, 3)
