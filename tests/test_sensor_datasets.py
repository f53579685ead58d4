"""Loading of UCI HAR, Speech Commands and WiDar: small files in the formats in which they are published."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tflm_unit.converter.errors import DataError
from tflm_unit.datasets import load
from tflm_unit.datasets.har import SIGNALS
from tflm_unit.datasets.log_mel import log_mel
from tflm_unit.datasets.speech_commands import CLASSES

RNG = np.random.default_rng(3)


@pytest.fixture
def har_folder(tmp_path: Path) -> Path:
    """Six training subjects and one for testing, two windows each; a value tells its signal, window and step."""
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
    assert len(arrays.x_train) + len(arrays.x_val) == len(x)
    assert np.array_equal(arrays.x_val, x[8:].astype(np.float32))
    assert np.array_equal(arrays.x_train, x[:8].astype(np.float32))


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "change", "message"),
    [
        (
            "har",
            (128, 9),
            np.float32,
            {"subject_test": np.arange(3)},
            "10 samples in x_test but 3 in subject_test",
        ),
        ("speech_commands", (49, 40), np.float32, {}, r"x_train .* is float32 \(10, 49, 40\); uint8"),
        (
            "speech_commands",
            (40, 49),
            np.uint8,
            {},
            r"x_train .* is uint8 \(10, 40, 49\); uint8 \(N, 49, 40\)",
        ),
    ],
)
def test_wrong_npz(
    tmp_path: Path, name: str, shape: tuple[int, ...], dtype: Any, change: dict[str, np.ndarray], message: str
) -> None:
    arrays = {f"x_{p}": np.zeros((10, *shape), dtype) for p in ("train", "val", "test")}
    labels = {f"{n}_{p}": np.arange(10) % 6 for n in ("y", "subject") for p in ("train", "val", "test")}
    np.savez(tmp_path / f"{name}.npz", **{**arrays, **labels, **change})
    with pytest.raises(DataError, match=message):
        load(name, tmp_path)


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
