"""Methods that UnIT is compared with, on a small network and pictures of bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tflm_unit import baselines
from tflm_unit.api import ConversionResult
from tflm_unit.converter.calibration import Calibrator
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.errors import DataError, ModelError, UnitError
from tflm_unit.converter.keras_export import export_int8


def bars(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 12, 12, 1) of a horizontal (0), vertical (1) or diagonal (2) bar in noise."""
    random = np.random.default_rng(seed)
    x, y = random.random((count, 12, 12, 1)) * 0.4, random.integers(0, 3, count)
    place = np.arange(12)
    for picture, label, offset in zip(x[..., 0], y, random.integers(1, 11, count), strict=True):
        rows, columns = [(np.full(12, offset), place), (place, np.full(12, offset)), (place, place)][label]
        picture[rows, columns] += 0.6
    return x.astype(np.float32), y


@pytest.fixture(scope="module")
def keras() -> Any:
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install tflm-unit[keras]")
    return pytest.importorskip("keras")


@pytest.fixture(scope="module")
def network(keras: Any) -> Any:
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.DepthwiseConv2D(3, activation="relu", name="second"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="last"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*bars(600, 1), epochs=6, batch_size=32, verbose=0)
    return model


@pytest.fixture(scope="module")
def tflite(network: Any) -> bytes:
    return export_int8(network, bars(50, 2)[0])


def kernels(model: Any) -> list[np.ndarray]:
    return [model.get_layer(name).kernel.numpy() for name in ("first", "second", "last")]


def accuracy(model: Any) -> float:
    x, y = bars(300, 3)
    return float(np.mean(model.predict(x, verbose=0).argmax(axis=1) == y))


def test_magnitude_pruning(network: Any) -> None:
    before = [w.copy() for w in network.get_weights()]
    options: dict[str, Any] = {"epochs": 4, "batch_size": 32, "learning_rate": 5e-3}
    pruned = baselines.magnitude_prune(network, *bars(600, 1), 0.75, **options)
    values = np.concatenate([kernel.ravel() for kernel in kernels(pruned)])
    assert np.mean(values == 0) == pytest.approx(0.75, abs=1 / values.size)
    assert accuracy(pruned) > 0.9
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    again = baselines.magnitude_prune(network, *bars(600, 1), 0.75, **options)
    assert all(np.array_equal(a, b) for a, b in zip(pruned.get_weights(), again.get_weights(), strict=True))

    model = export_int8(pruned, bars(50, 2)[0])
    result = baselines.zero_skip(model, bars(50, 2)[0])
    graph = result.model.graph
    zeros = sum(int((graph.weights(layer).data == 0).sum()) for layer in graph.prunable)
    assert zeros >= np.count_nonzero(values == 0)
    dense = result.evaluate(bars(50, 3)[0], schedule="dense")
    skipping = result.evaluate(bars(50, 3)[0])
    assert dense.skip_rate == 0
    assert skipping.skip_rate > 0.5
    assert (skipping.agreement, skipping.rmse) == (1, 0)


def test_no_sparsity_is_fine_tuning_alone(network: Any) -> None:
    tuned = baselines.magnitude_prune(network, *bars(64, 1), 0, epochs=1)
    assert all(np.all(kernel != 0) for kernel in kernels(tuned))
    assert any(not np.array_equal(a, b) for a, b in zip(kernels(tuned), kernels(network), strict=True))


def test_augmented_batches_and_a_path(network: Any, tmp_path: Any) -> None:
    network.save(tmp_path / "model.keras")
    seen = []

    def augment(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
        seen.append(len(x))
        return x + random.normal(0, 0.1, x.shape).astype(np.float32)

    pruned = baselines.magnitude_prune(
        tmp_path / "model.keras", *bars(64, 1), 0.5, epochs=2, batch_size=32, augment=augment
    )
    assert set(seen) == {32}
    assert len(seen) >= 4
    assert sum(np.count_nonzero(kernel == 0) for kernel in kernels(pruned)) > 0


def test_global_threshold() -> None:
    kept = baselines._kept([np.array([1.0, -4.0, 6.0]), np.array([[2.0], [-3.0], [-0.5]])], 0.5)
    assert [k.tolist() for k in kept] == [[0, 1, 1], [[0], [1], [0]]]
    kept = baselines._kept([np.array([0.1, 0.2]), np.array([3.0, 4.0])], 0.5)
    assert [k.tolist() for k in kept] == [[0, 0], [1, 1]]


def test_batches_are_every_sample_once() -> None:
    x, y = np.arange(10.0), np.arange(10)
    stream = baselines.batches(x, y, 5, None, seed=4)
    first = [next(stream) for _ in range(4)]
    for half in (first[:2], first[2:]):
        assert sorted(np.concatenate([labels for _, labels in half])) == list(range(10))
    assert all(np.array_equal(samples, labels) for samples, labels in first)
    assert not np.array_equal(first[0][1], first[2][1])
    again = baselines.batches(x, y, 5, None, seed=4)
    assert all(np.array_equal(next(again)[0], samples) for samples, _ in first)
    assert len(next(baselines.batches(x, y, 64, None, seed=4))[0]) == 10


@pytest.mark.parametrize("wrong", [{"sparsity": 1}, {"sparsity": -0.1}, {"epochs": 0}, {"batch_size": 0}])
def test_values_out_of_range(wrong: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"sparsity": 0.5, **wrong}
    with pytest.raises(UnitError, match="they take"):
        baselines.magnitude_prune(None, *bars(4, 1), **arguments)


@pytest.mark.parametrize(("samples", "labels"), [(4, 3), (3, 4), (0, 0)])
def test_samples_without_labels(samples: int, labels: int) -> None:
    x, y = bars(4, 1)
    with pytest.raises(DataError, match=f"x has {samples} samples and y {labels} labels"):
        baselines.magnitude_prune(None, x[:samples], y[:labels], 0.5)


@pytest.mark.parametrize(
    "option", ["percentile", "skip", "points", "compensation", "center", "refit", "fatrelu_share"]
)
def test_what_a_method_is_cannot_be_changed(option: str) -> None:
    x = bars(4, 1)[0]
    calls: list[Any] = [lambda **o: baselines.zero_skip(b"", x, **o)]
    calls.append(lambda **o: baselines.fatrelu(b"", x, 0.5, **o))
    if option not in ("percentile", "fatrelu_share"):  # arguments of unit
        calls.append(lambda **o: baselines.unit(b"", x, 40, **o))
    for call in calls:
        with pytest.raises(UnitError, match=f"{option} is no option of a baseline"):
            call(**{option: True})


def test_models_that_cannot_be_pruned(keras: Any) -> None:
    model = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten()])
    with pytest.raises(UnitError, match="compile"):
        baselines.magnitude_prune(model, *bars(4, 1), 0.5)
    model.compile(loss="sparse_categorical_crossentropy")
    with pytest.raises(UnitError, match="none of the layers"):
        baselines.magnitude_prune(model, *bars(4, 1), 0.5)
    with pytest.raises(ModelError, match=r"nothing\.keras"):
        baselines.magnitude_prune("nothing.keras", *bars(4, 1), 0.5)


def positive_outputs(result: ConversionResult, x: np.ndarray, index: int) -> np.ndarray:
    graph = result.model.graph
    layer = graph.prunable[index]
    output = Calibrator(graph, Dataset(x, graph)).activity([layer], result.points[0])[layer.index].output
    return output[output > int(graph.tensors[layer.outputs[0]].zero_point[0])]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_fatrelu_makes_its_share_of_outputs_zero(tflite: bytes, share: float) -> None:
    x = bars(64, 2)[0]
    dense, sparse = (
        positive_outputs(r, x, 0)
        for r in (baselines.zero_skip(tflite, x), baselines.fatrelu(tflite, x, share))
    )
    ties = max(np.mean(dense == level) for level in np.unique(dense))
    assert 1 - sparse.size / dense.size == pytest.approx(share, abs=ties)
    assert sparse.min() >= np.quantile(dense, share) - 1


def test_fatrelu_skips_more_than_zero_skip_and_changes_outputs(tflite: bytes) -> None:
    x, test = bars(64, 2)[0], bars(100, 3)[0]
    zero, half = (baselines.fatrelu(tflite, x, share).evaluate(test) for share in (0, 0.5))
    assert (zero.agreement, zero.rmse) == (1, 0)
    assert zero.skip_rate == baselines.zero_skip(tflite, x).evaluate(test).skip_rate
    assert half.skip_rate > zero.skip_rate + 0.05
    assert half.rmse is not None
    assert half.rmse > 0


def test_one_percentile_for_all_layers(tflite: bytes) -> None:
    result = baselines.unit(tflite, bars(64, 2)[0], 40)
    (point,) = result.model.report["points"]
    for layer in point["layers"]:
        zero, skipped, total = (layer[f"macs_{kind}"] for kind in ("zero", "skipped", "total"))
        assert (skipped - zero) / (total - zero) == pytest.approx(0.4, abs=0.05)
        assert len(layer["real_thresholds"]) == 1
    assert all(entry.compensation is None for entry in result.points[0].layers.values())


def test_fatrelu_and_unit_together(tflite: bytes) -> None:
    x, test = bars(64, 2)[0], bars(100, 3)[0]
    unit, both = baselines.unit(tflite, x, 30), baselines.unit(tflite, x, 30, fatrelu_share=0.5)
    assert both.evaluate(test).skip_rate > unit.evaluate(test).skip_rate
    levels = {entry.fatrelu_min for entry in both.points[0].layers.values()}
    assert len(levels) > 1


def test_fatrelu_needs_a_relu_and_a_share(keras: Any, tflite: bytes) -> None:
    x = bars(8, 2)[0]
    for share in (1.5, "a"):
        with pytest.raises(UnitError, match=r"share is .*; it takes a share .*, 0 \.\. 1"):
            baselines.fatrelu(tflite, x, share)  # type: ignore[arg-type]
    with pytest.raises(UnitError, match="exclude each other"):
        baselines.unit(tflite, x, 20, fatrelu=0.1, fatrelu_share=0.5)
    linear = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(UnitError, match="no layer has a fused ReLU"):
        baselines.fatrelu(linear, x, 0.5)
