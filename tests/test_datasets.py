"""Loading of MNIST and CIFAR-10, where data sets are looked for, and arrays that do not fit."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tflm_unit.converter.errors import DataError, UnitError
from tflm_unit.datasets import DATA_SETS, Arrays, load
from tflm_unit.files import NpzData

RNG = np.random.default_rng(3)


def images(count: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, *shape), np.uint8)


def check_split(arrays: Arrays, train: np.ndarray) -> None:
    """Training and validation samples are all of `train` (N, ...), each once."""
    joined = np.concatenate([arrays.x_train, arrays.x_val]).reshape(len(train), -1)
    assert np.array_equal(np.unique(joined, axis=0), np.unique(train.reshape(len(train), -1), axis=0))
    assert len(np.unique(joined, axis=0)) == len(train)


@pytest.fixture
def mnist_file(tmp_path: Path) -> dict[str, np.ndarray]:
    arrays = {
        "x_train": images(24, 28, 28),
        "y_train": np.arange(24, dtype=np.uint8) % 10,
        "x_test": images(5, 28, 28),
        "y_test": np.arange(5, dtype=np.uint8),
    }
    np.savez(tmp_path / "mnist.npz", **arrays)
    return arrays


def test_mnist(tmp_path: Path, mnist_file: dict[str, np.ndarray]) -> None:
    arrays = load("mnist", tmp_path)
    assert arrays.x_val.shape == (2, 28, 28, 1)
    assert arrays.x_train.dtype == np.float32
    assert arrays.y_train.dtype == np.int64
    assert np.array_equal(arrays.x_test[..., 0] * 255, mnist_file["x_test"])
    assert np.array_equal(arrays.y_val, mnist_file["y_train"][-2:])
    check_split(arrays, mnist_file["x_train"].astype(np.float32) / 255)
    (tmp_path / "mnist.npz").rename(tmp_path / "digits.npz")
    assert load("mnist", tmp_path / "digits.npz").class_names == tuple("0123456789")


def test_saved_arrays_are_data_of_the_command_line(tmp_path: Path, mnist_file: dict[str, np.ndarray]) -> None:
    arrays = load("mnist", tmp_path)
    arrays.save(tmp_path / "saved.npz")
    data = NpzData(tmp_path / "saved.npz")
    for part in ("train", "val", "test"):
        for saved, expected in zip(data.samples(part), arrays.part(part), strict=True):
            assert saved is not None
            assert np.array_equal(saved, expected)


@pytest.mark.usefixtures("mnist_file")
def test_where_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("TFLM_UNIT_DATA", raising=False)
    with pytest.raises(DataError, match=r"keras/datasets, .*tfds: looked for mnist\.npz.*downloads it"):
        load("mnist")
    monkeypatch.setenv("TFLM_UNIT_DATA", str(tmp_path))
    assert len(load("mnist").x_test) == 5
    monkeypatch.setenv("TFLM_UNIT_DATA", str(tmp_path / "nothing here"))
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "datasets").symlink_to(tmp_path)
    assert len(load("mnist").x_test) == 5


@pytest.mark.parametrize("name", DATA_SETS)
def test_missing_data_set_says_where_to_get_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as error:
        load(name, tmp_path)
    assert str(tmp_path) in str(error.value)
    assert DATA_SETS[name].formats[0].name in str(error.value)
    assert DATA_SETS[name].source in str(error.value)


def test_unknown_name() -> None:
    with pytest.raises(UnitError, match="'imagenet'; it takes one of mnist"):
        load("imagenet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.zeros((4, 28, 28))}, r"x_train .* is float64 \(4, 28, 28\); uint8 \(N, 28, 28\)"),
        ({"x_test": np.zeros((5, 8, 8), np.uint8)}, r"x_test .*uint8 \(5, 8, 8\)"),
        ({"y_test": None}, "no labels"),
        ({"y_train": np.full(24, 12)}, r"labels 12 \.\. 12 .* 10 class names"),
        ({"y_train": np.full(24, 0.5)}, r"labels are float64 such as \[0.5\]; class indices"),
        ({"y_train": np.full(24, "seven")}, "labels are <U5 such as .*seven.*; class indices"),
        (
            {"x_train": np.zeros((1, 28, 28), np.uint8), "y_train": np.zeros(1, int)},
            "the train part has no samples",
        ),
        ({"y_train": np.zeros(3)}, "24 samples in x_train but 3 labels"),
    ],
)
def test_wrong_arrays(
    tmp_path: Path, mnist_file: dict[str, np.ndarray], change: dict[str, Any], message: str
) -> None:
    arrays = {k: v for k, v in {**mnist_file, **change}.items() if v is not None}
    if len(arrays["x_train"]) == 4:
        arrays["y_train"] = arrays["y_train"][:4]
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load("mnist", tmp_path)


def write_batch(path: Path, planes: np.ndarray, labels: list[int]) -> None:
    batch = {b"batch_label": b"a batch", b"labels": labels, b"data": planes, b"filenames": [b"a.png"]}
    path.write_bytes(pickle.dumps(batch, protocol=2))


@pytest.fixture
def cifar_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for i in range(1, 6):
        write_batch(folder / f"data_batch_{i}", images(8, 3072), list(range(8)))
    planes = np.zeros((1, 3, 32, 32), np.uint8)
    planes[0, 2, 4, 7] = 255  # blue, row 4, column 7
    write_batch(folder / "test_batch", planes.reshape(1, -1), [9])
    return folder


def test_cifar10_batches(cifar_folder: Path) -> None:
    arrays = load("cifar10", cifar_folder.parent)
    assert arrays.x_train.shape == (36, 32, 32, 3)
    assert arrays.x_val.shape == (4, 32, 32, 3)
    assert np.argwhere(arrays.x_test).tolist() == [[0, 4, 7, 2]]
    assert arrays.class_names[arrays.y_test[0]] == "truck"
    again = load("cifar10", cifar_folder)
    assert np.array_equal(again.x_val, arrays.x_val)


def test_cifar10_npz(tmp_path: Path) -> None:
    x = images(20, 32, 32, 3)
    np.savez(
        tmp_path / "cifar10.npz", x_train=x, y_train=np.zeros((20, 1)), x_test=x, y_test=np.zeros((20, 1))
    )
    arrays = load("cifar10", tmp_path)
    assert (arrays.y_train.shape, arrays.y_val.shape) == ((18,), (2,))
    check_split(arrays, x.astype(np.float32) / 255)


class Command:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_forged_batch_is_not_run(cifar_folder: Path) -> None:
    touched = cifar_folder / "touched"
    (cifar_folder / "test_batch").write_bytes(pickle.dumps({b"data": Command(touched)}))
    with pytest.raises(DataError, match=r"test_batch is no batch of CIFAR-10: it asks for "):
        load("cifar10", cifar_folder)
    assert not touched.exists()


def test_damaged_and_missing_batches(cifar_folder: Path) -> None:
    path = cifar_folder / "data_batch_3"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="data_batch_3 is no batch of CIFAR-10"):
        load("cifar10", cifar_folder)
    path.unlink()
    with pytest.raises(DataError, match=r"lacks data_batch_3: unpack"):
        load("cifar10", cifar_folder)


@pytest.mark.parametrize("field", ["y_test", "ids", "x_val"])
def test_arrays_that_do_not_fit(tmp_path: Path, mnist_file: dict[str, np.ndarray], field: str) -> None:
    arrays = load("mnist", tmp_path)
    wrong = {"y_test": arrays.y_test[:2], "ids": {"subject_val": np.arange(9)}, "x_val": arrays.x_val[:0]}
    with pytest.raises(DataError):
        dataclasses.replace(arrays, **{field: wrong[field]})
