"""Data on another scale than the model: refused, also where most values are 0."""

from __future__ import annotations

import numpy as np
import pytest
from test_dataset import IMAGE, all_rows

from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.errors import DataError


def sparse(value: float, share: float = 0.1) -> np.ndarray:
    """Real values in 0..1, most of them 0, and one value of choice in `share` of the others."""
    x = np.zeros((1000, 4, 4, 1), np.float32)
    x[:, 1, 1] = 0.5
    x[: int(1000 * share), 1, 1] = value
    return x


def test_wrong_scale_of_sparse_data_is_refused() -> None:
    """Zeros say nothing about the scale."""
    with pytest.raises(DataError, match=r"100% of the values other than 0 .*values here: 0 \.\. 127"):
        all_rows(Dataset(sparse(127, 1.0), IMAGE))
    with pytest.raises(DataError, match="30% of the values"):
        all_rows(Dataset(sparse(127, 0.3), IMAGE, batch_size=1000))
    assert all_rows(Dataset(sparse(127, 0.25), IMAGE, batch_size=1000)).max() == 127


def test_a_last_batch_of_outliers_is_accepted() -> None:
    x = sparse(0.5)
    x[-1, 1, 1] = 127
    assert len(all_rows(Dataset(x, IMAGE, batch_size=333))) == 1000


@pytest.mark.parametrize("scale", [1e-5, 1e-30, -1e-5])
def test_data_that_are_far_too_small_are_refused(scale: float) -> None:
    pixels = np.arange(2 * 16, dtype=np.uint8).reshape(2, 4, 4)
    with pytest.raises(
        DataError, match=r"'input0' are too small to differ from 0: at most .* range is 0 \.\. 1"
    ):
        all_rows(Dataset(pixels, IMAGE, scale=scale))


def test_constant_and_nearly_silent_samples_are_accepted() -> None:
    for value in (0.0, 0.5, 1.0):
        assert len(all_rows(Dataset(np.full((3, 4, 4, 1), value), IMAGE))) == 3
    x = sparse(0.5)
    x[-1] *= 1e-6
    assert len(all_rows(Dataset(x, IMAGE, batch_size=999))) == 1000
