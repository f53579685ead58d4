"""The paper's networks without training them: shapes, random changes of inputs, contexts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import classifier
from conftest import REPOSITORY

from tflm_unit.converter.errors import DataError
from tflm_unit.datasets import Arrays
from tflm_unit.datasets.arrays import PARTS, make
from tflm_unit.files import NpzData

RNG = np.random.default_rng(6)
SAMPLES = {
    "mnist": (28, 28, 1),
    "cifar10": (32, 32, 3),
    "speech_commands": (49, 40, 1),
    "har": (128, 9),
    "widar": (20, 20, 22),
}


@pytest.fixture(scope="module")
def networks() -> Iterator[Any]:
    folder = str(REPOSITORY / "benchmarks" / "paper")
    sys.path.insert(0, folder)
    try:
        import networks

        yield networks
    finally:
        sys.path.remove(folder)


def arrays(count: int, *shape: int, classes: int = 6, subjects: int = 30) -> Arrays:
    """Each part with `count` samples; the first value of a sample tells part and row."""
    parts, ids = [], {}
    for i, part in enumerate(PARTS):
        x = RNG.random((count, *shape))
        x.reshape(count, -1)[:, 0] = np.arange(count) + 10**6 * i
        parts.append((x, np.sort(np.arange(count) % classes)))
        ids[f"subject_{part}"] = np.arange(count) % subjects + 1
    return make(parts, tuple("abcdefghijkl"[:classes]), ids)


def test_names_are_recipes(networks: Any) -> None:
    assert set(networks.NAMES) < set(networks.RECIPES) == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_changed_samples_are_still_samples(networks: Any, name: str) -> None:
    recipe = networks.RECIPES[name]
    x = recipe.inputs(RNG.random((20, *SAMPLES[name])).astype(np.float32))
    before = x.copy()
    first, same, other = (recipe.augment(x, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(x, before)
    assert (first.shape, first.dtype) == (x.shape, np.float32)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_shifted(networks: Any) -> None:
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    seen = {
        networks.augment.shifted(x, np.random.default_rng(seed), 1, 0)[0, :, 0, 0].astype(int).tobytes()
        for seed in range(30)
    }
    assert seen == {np.array(column).tobytes() for column in ([0, 4, 8], [4, 8, 8], [0, 0, 4])}


def test_rotation_keeps_the_length_of_vectors(networks: Any) -> None:
    x = RNG.normal(size=(50, 128, 1, 9)).astype(np.float32)
    changed = networks.augment.har(x, np.random.default_rng(1))
    lengths = [np.linalg.norm(a.reshape(50, 128, 3, 3), axis=-1).mean() for a in (x, changed)]
    assert lengths[1] == pytest.approx(lengths[0], rel=0.03)


def test_spectra_in_the_size_of_the_paper(networks: Any) -> None:
    x = np.arange(49 * 40, dtype=np.float32).reshape(1, 49, 40, 1)
    large = networks.RECIPES["speech_commands"].inputs(x)
    assert large.shape == (1, 124, 80, 1)
    assert set(large.ravel()) == set(x.ravel())
    assert np.all(np.diff(large[0, :, 0, 0]) >= 0)


def test_contexts_of_har_share_neither_subjects_nor_windows(networks: Any) -> None:
    data = arrays(900, 128, 1, 9)
    a, b = networks._subjects(data, range(1, 16)), networks._subjects(data, range(16, 31))
    for context, subjects in ((a, range(1, 16)), (b, range(16, 31))):
        for part in PARTS:
            assert set(context.ids[f"subject_{part}"]) == set(subjects)
            assert set(context.part(part)[1]) == set(range(6))
    rows = [set(c.part(p)[0][:, 0, 0, 0]) for c in (a, b) for p in PARTS]
    assert sum(map(len, rows)) == len(set.union(*rows))
    # What tests follows what was trained on, with a window between.
    of_one = np.concatenate([data.x_train, data.x_val, data.x_test])[:, 0, 0, 0]
    of_one = of_one[(np.tile(data.y_train, 3) == 2) & (np.tile(data.ids["subject_train"], 3) == 4)]
    place = {value: i for i, value in enumerate(of_one)}
    where = {p: [place[v] for v in a.part(p)[0][:, 0, 0, 0] if v in place] for p in PARTS}
    assert max(where["train"]) + 1 < min(where["val"])
    assert max(where["val"]) + 1 < min(where["test"])
    assert max(where["test"]) == len(of_one) - 1


def test_contexts_of_har_are_halves_drawn_anew(networks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = arrays(900, 16, 1, 9)

    def of_name(name: str) -> Arrays:
        if name == "widar":
            raise DataError("no data")
        return data

    monkeypatch.setattr(networks, "arrays", of_name)
    monkeypatch.setattr(networks, "_cached", lambda name, part, make: (name, part))
    halves = []
    for repeat in (1, 2, 1):
        (name_a, a), (name_b, b) = networks.contexts(repeat).values()
        assert (name_a, name_b) == (f"har_context_{repeat}A", f"har_context_{repeat}B")
        subjects = [set(part.ids["subject_train"].tolist()) for part in (a, b)]
        assert set.union(*subjects) == set(range(1, 31))
        assert len(subjects[0]) == len(subjects[1]) == 15
        halves.append(subjects)
    assert halves[0] == halves[2] != halves[1]


def test_selected_rows(networks: Any) -> None:
    data = arrays(12, 2)
    chosen = networks._select(data, {p: data.ids[f"subject_{p}"] % 2 == 0 for p in PARTS})
    assert chosen.ids["subject_val"].tolist() == [2, 4, 6, 8, 10, 12]
    assert np.array_equal(chosen.x_val, data.x_val[1::2])
    assert np.array_equal(chosen.y_test, data.y_test[1::2])


def test_command(networks: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    data = arrays(6, 8, 8, 2, classes=5)
    network = networks.Trained(Path("net.keras"), classifier(), data)
    monkeypatch.setattr(networks, "network", lambda name: network)
    monkeypatch.setattr(networks, "save_data", lambda trained: None)
    monkeypatch.setattr(sys, "argv", ["networks.py", "mnist", "--json"])
    networks.main()
    rows = json.loads(capsys.readouterr().out)
    assert [(r["name"], r["part"], r["samples"]) for r in rows] == [("mnist", "val", 6), ("mnist", "test", 6)]
    monkeypatch.setattr(sys, "argv", ["networks.py", "letters"])
    with pytest.raises(SystemExit):
        networks.main()
    assert "there is no network letters; it takes mnist," in capsys.readouterr().err


def test_what_is_told_while_training_is_no_result(
    networks: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Model:
        def save(self, path: Path) -> None:
            path.write_bytes(b"keras")

    def make() -> Model:
        print("Epoch 1/1")
        return Model()

    monkeypatch.setattr(networks, "ROOT", tmp_path)
    monkeypatch.setattr(networks, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(networks, "export_int8", lambda path, x: path.read_bytes())
    trained = networks._cached("net", arrays(3, 2), make)
    assert trained.tflite == b"keras"
    assert [path.name for path in sorted((tmp_path / "cache").iterdir())] == ["net.keras", "net.tflite"]
    told = capsys.readouterr()
    assert told.out == ""
    assert "training net once" in told.err
    assert "Epoch 1/1" in told.err


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_one_epoch_and_its_files(
    networks: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every recipe builds, trains, exports and is read back from the cache."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install tflm-unit[keras]")
    recipe = networks.RECIPES[name]
    monkeypatch.setattr(networks, "ROOT", tmp_path)
    monkeypatch.setattr(networks, "CACHE", tmp_path / "cache")
    monkeypatch.setitem(networks.RECIPES, name, replace(recipe, epochs=1, batch_size=8))
    monkeypatch.setattr(networks, "load", lambda name, folder: arrays(16, *SAMPLES[name]))
    trained = networks.network(name)
    assert trained.tflite == trained.keras.with_suffix(".tflite").read_bytes()
    assert trained.data.x_val.shape[1:] == recipe.inputs(np.zeros((1, *SAMPLES[name]))).shape[1:]
    again = networks.network(name)
    assert again.tflite == trained.tflite
    saved, labels = NpzData(networks.save_data(trained)).samples("val")
    assert np.array_equal(saved, trained.data.x_val)
    assert labels is not None
    pruned = networks.pruned(name, 0.5)
    assert pruned.keras.name == f"{name}_pruned50.keras"
    assert pruned.tflite != trained.tflite
