"""Loading of the paper's data sets: small files in the formats in which they are published."""

from __future__ import annotations

import dataclasses
import pickle
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tflm_unit.converter.errors import DataError, UnitError
from tflm_unit.datasets import DATA_SETS, Arrays, load
from tflm_unit.datasets.log_mel import log_mel
from tflm_unit.datasets.speech_commands import CLASSES
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


@pytest.fixture
def har_folder(tmp_path: Path) -> Path:
    """Six training subjects and one for testing, two windows each; a value tells its signal, window and step."""
    from tflm_unit.datasets.har import SIGNALS

    folder = tmp_path / "UCI HAR Dataset"
    for part, subjects in (("train", [1, 3, 5, 6, 7, 8]), ("test", [2])):
        (folder / part / "Inertial Signals").mkdir(parents=True)
        rows = len(subjects) * 2
        steps = np.arange(rows)[:, np.newaxis] + np.arange(128) / 1000
        for i, name in enumerate(SIGNALS):
            np.savetxt(folder / part / "Inertial Signals" / f"{name}_{part}.txt", steps + 100 * i, " %.7e")
        np.savetxt(folder / part / f"subject_{part}.txt", np.repeat(subjects, 2), "%d")
        np.savetxt(folder / part / f"y_{part}.txt", np.arange(rows) % 6 + 1, "%d")
    return folder


def test_har_folder(har_folder: Path) -> None:
    arrays = load("har", har_folder.parent)
    assert arrays.x_train.shape == (10, 128, 9)
    assert np.allclose(arrays.x_test[1, 5], np.arange(9) * 100 + 1.005)
    assert arrays.y_test.tolist() == [0, 1]
    assert set(arrays.ids["subject_val"]) == {7}
    assert set(arrays.ids["subject_train"]) == {1, 3, 5, 6, 8}
    assert arrays.y_val.tolist() == [2, 3]
    assert np.allclose(arrays.x_val[:, 0, 0], [8, 9])


def test_har_npz(tmp_path: Path) -> None:
    x, subject = RNG.normal(size=(10, 128, 9)).astype(np.float16), np.repeat([1, 2, 3, 4, 5], 2)
    y = np.arange(10) % 6
    np.savez(
        tmp_path / "har.npz",
        **{f"{n}_{p}": v for p in ("train", "test") for n, v in (("x", x), ("y", y), ("subject", subject))},
    )
    arrays = load("har", tmp_path)
    assert set(arrays.ids["subject_val"]) == {5}
    check_split(arrays, x.astype(np.float32))


def test_har_errors(har_folder: Path) -> None:
    path = har_folder / "train" / "Inertial Signals" / "body_gyro_y_train.txt"
    path.write_text("1 2 3\n")
    with pytest.raises(DataError, match=r"signals of .*train have .*\(1, 3\).*, not \(N, 128\)"):
        load("har", har_folder)
    path.write_text("word\n")
    with pytest.raises(DataError, match=r"body_gyro_y_train.txt is no table of numbers"):
        load("har", har_folder)
    path.unlink()
    with pytest.raises(DataError, match=r"cannot read .*body_gyro_y_train.txt: no such file"):
        load("har", har_folder)


def write_wav(path: Path, samples: np.ndarray, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


@pytest.fixture
def speech_folder(tmp_path: Path) -> Path:
    """Speakers a1 (train), b2 (validation) and c3 (test) say two keywords and three other words."""
    folder = tmp_path / "speech_commands_v0.02"
    lists: dict[str, list[str]] = {"b2": [], "c3": []}
    for word in ("yes", "no", "dog", "cat", "bird"):
        for speaker in ("a1", "b2", "c3"):
            for i in range(5):
                name = f"{word}/{speaker}_nohash_{i}.wav"
                write_wav(folder / name, RNG.normal(0, 2000, 16000 - 3000 * (i == 0)))
                if speaker in lists:
                    lists[speaker].append(name)
    # Noise whose loudness grows, so that a spectrum tells where in the recording it comes from.
    write_wav(
        folder / "_background_noise_" / "hum.wav", RNG.normal(size=10**6) * np.geomspace(1, 8000, 10**6)
    )
    (folder / "validation_list.txt").write_text("\n".join(lists["b2"]))
    (folder / "testing_list.txt").write_text("\n".join(lists["c3"]))
    return folder


def test_recordings(speech_folder: Path) -> None:
    arrays = load("speech_commands", speech_folder.parent)
    loudness = {}
    for part, speaker in (("train", "a1"), ("val", "b2"), ("test", "c3")):
        x, y = arrays.part(part)
        assert x.shape == (12, 49, 40, 1)
        words = [CLASSES[label] for label in y]
        assert [words.count(w) for w in ("yes", "no", "unknown", "silence")] == [5, 5, 1, 1]
        assert set(arrays.ids[f"speaker_{part}"][y != CLASSES.index("silence")]) == {speaker}
        loudness[part] = x[y == CLASSES.index("silence")].mean()
    assert loudness["train"] < loudness["val"] < loudness["test"]
    again = load("speech_commands", speech_folder)
    assert np.array_equal(again.x_train, arrays.x_train)


def test_recording_in_another_format(speech_folder: Path) -> None:
    write_wav(speech_folder / "yes" / "a1_nohash_0.wav", np.zeros(8000), rate=8000)
    with pytest.raises(DataError, match=r"a1_nohash_0.wav has 8000 Hz, 2 bytes, 1 channels; not 16 kHz"):
        load("speech_commands", speech_folder)
    (speech_folder / "yes" / "a1_nohash_0.wav").write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"cannot read .*a1_nohash_0.wav"):
        load("speech_commands", speech_folder)
    (speech_folder / "testing_list.txt").unlink()
    with pytest.raises(DataError, match=r"cannot read .*testing_list.txt"):
        load("speech_commands", speech_folder)


def test_tensorflow_datasets(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install tflm-unit[keras]")
    folder = tmp_path / "speech_commands" / "0.0.3"
    folder.mkdir(parents=True)
    clips = RNG.integers(-3000, 3000, (3, 16000))
    for i, split in enumerate(("train", "validation", "test")):
        feature = {
            "audio": tf.train.Feature(int64_list=tf.train.Int64List(value=clips[i])),
            "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[i + 9])),
        }
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        with tf.io.TFRecordWriter(str(folder / f"speech_commands-{split}.tfrecord-00000-of-00001")) as writer:
            writer.write(example.SerializeToString())
    arrays = load("speech_commands", tmp_path)
    assert [arrays.class_names[arrays.part(p)[1][0]] for p in ("train", "val", "test")] == [
        "yes",
        "silence",
        "unknown",
    ]
    assert np.array_equal(np.rint(arrays.x_val[0, ..., 0] * 255), log_mel(clips[1:2].astype(np.int16))[0])
    assert not arrays.ids


def test_log_mel_of_real_recordings(data_dir: Path) -> None:
    """The recordings' spectra as the spectra file has them, but for the losses of its JPEG compression."""
    recordings = sorted((data_dir / "kws_wav").glob("*_nohash_*.wav"))
    if not recordings or not (data_dir / "kws.npz").exists():
        pytest.skip(f"no kws.npz and kws_wav in {data_dir}")
    with np.load(data_dir / "kws.npz") as file:
        spectra, words = file["x_test"], file["word_names"][file["word_test"]].tolist()
        names = zip(words, file["speaker_test"].tolist(), file["utterance_test"].tolist(), strict=True)
        rows = {name: i for i, name in enumerate(names)}
    correlations = []
    for path in recordings:
        name = path.stem.replace("unknown__", "").replace("__", "_").replace("_nohash", "")
        word, speaker, number = name.split("_")
        row = rows.get((word, int(speaker, 16), int(number)))
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(16000), "<i2")
        if row is not None:
            computed = log_mel(samples[np.newaxis])[0]
            correlations.append(np.corrcoef(computed.ravel(), spectra[row].ravel())[0, 1])
    assert len(correlations) >= 15
    # The spectra file places recordings shorter than a second elsewhere in it; one of these was lengthened.
    assert np.sort(correlations)[1] > 0.94


def write_bvp(folder: Path, date: str, name: str, frames: int) -> None:
    savemat = pytest.importorskip("scipy.io", reason="SciPy is not installed").savemat
    path = folder / f"{date}-VS" / "6-link" / name.split("-")[0] / f"{name}-1e-07-100-20-100000-L0.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = np.zeros((20, 20, frames))
    profile[3, 4] = np.linspace(0.2, 0.4, frames)
    profile[5, 6] = 0.1
    savemat(path, {"velocity_spectrum_ro": profile})


@pytest.fixture
def widar_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "BVP"
    for repetition in range(1, 6):
        write_bvp(folder, "20181130", f"user5-5-2-3-{repetition}", 10)  # draw_o, room 1
        write_bvp(folder, "20181121", f"user1-1-1-1-{repetition}", 30)  # slide, room 1
        write_bvp(folder, "20181112", f"user1-1-1-1-{repetition}", 10)  # a digit
        write_bvp(folder, "20181205", f"user2-1-5-4-{repetition}", 22)  # draw_o, room 2
        write_bvp(folder, "20181109", f"user1-6-1-1-{repetition}", 10)  # draw_n
    return folder


def test_widar(widar_folder: Path) -> None:
    arrays = load("widar", widar_folder.parent)
    assert [len(arrays.part(p)[0]) for p in ("train", "val", "test")] == [9, 3, 3]
    by_room = {
        int(room): sorted({arrays.class_names[c] for c in arrays.y_train[arrays.ids["room_train"] == room]})
        for room in np.unique(arrays.ids["room_train"])
    }
    assert by_room == {1: ["draw_o", "slide"], 2: ["draw_o"]}
    first = arrays.x_test[arrays.ids["user_test"] == 5][0]
    assert first.shape == (20, 20, 22)
    assert np.allclose(first[3, 4], [1] * 10 + [0] * 12)
    assert np.allclose(first[5, 6, :10], 0.1 / np.linspace(0.2, 0.4, 10))
    assert arrays.ids["position_test"][arrays.ids["user_test"] == 5].tolist() == [2]
    assert arrays.ids["orientation_test"][arrays.ids["user_test"] == 5].tolist() == [3]


def test_widar_errors(widar_folder: Path) -> None:
    write_bvp(widar_folder, "20181231", "user1-1-1-1-1", 10)
    with pytest.raises(DataError, match="gestures of user 1 on 20181231 are not known"):
        load("widar", widar_folder)
    (widar_folder / "20181231-VS" / "6-link" / "user1" / "notes.mat").write_bytes(b"")
    with pytest.raises(DataError, match=r"notes.mat is not named <date>-VS|not known"):
        load("widar", widar_folder)


@pytest.mark.parametrize("field", ["y_test", "ids", "x_val"])
def test_arrays_that_do_not_fit(tmp_path: Path, mnist_file: dict[str, np.ndarray], field: str) -> None:
    arrays = load("mnist", tmp_path)
    wrong = {"y_test": arrays.y_test[:2], "ids": {"subject_val": np.arange(9)}, "x_val": arrays.x_val[:0]}
    with pytest.raises(DataError):
        dataclasses.replace(arrays, **{field: wrong[field]})
