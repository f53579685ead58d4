"""Speech Commands (P. Warden, arXiv:1804.03209) with 12 classes as log-mel spectra."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from ..converter.errors import DataError
from ..files import NpzData
from .arrays import PARTS, Arrays, make
from .log_mel import BANDS, FRAMES, SAMPLE_RATE, log_mel

KEYWORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
CLASSES = (*KEYWORDS, "silence", "unknown")
SILENCE, UNKNOWN = CLASSES.index("silence"), CLASSES.index("unknown")
NOISE = "_background_noise_"
# Parts of every recording of noise, so that no stretch of it is in two of them.
NOISE_SPAN = {"train": (0.0, 0.8), "val": (0.8, 0.9), "test": (0.9, 1.0)}
SEED = 1
BATCH = 500

Clip = tuple[np.ndarray, int, str]  # int16 (SAMPLE_RATE,), class, speaker


def spectra_npz(path: Path) -> Arrays:
    """Arrays x_*, y_*, speaker_* of train, val and test: pixels of log_mel.log_mel, uint8 (N, 49, 40)."""
    data = NpzData(path)
    parts, ids = [], {}
    for part in PARTS:
        x, y = data.samples(part)
        if y is None or x.shape[1:] != (FRAMES, BANDS) or x.dtype != np.uint8:
            needed = f"uint8 (N, 49, 40) with labels y_{part}"
            raise DataError(f"x_{part} of {path} is {x.dtype} {x.shape}; {needed} is needed")
        parts.append((_scaled(x), y))
        if f"speaker_{part}" in data.names:
            ids[f"speaker_{part}"] = data.array(f"speaker_{part}")
    return make(parts, CLASSES, ids)


def recordings(folder: Path) -> Arrays:
    """The unpacked archive: folders of .wav files by word, validation_list.txt and testing_list.txt.

    The lists split by speaker. Of the other words each part takes as many clips as it has of a keyword on average,
    drawn with a fixed seed, and as many stretches of noise for silence.
    """
    files = _by_part(folder)
    return _arrays({part: _clips(folder, part, files[part]) for part in PARTS})


def records(folder: Path) -> Arrays:
    """TensorFlow Datasets' speech_commands/<version>, which has the 12 classes. Needs TensorFlow to read them."""
    try:
        import tensorflow as tf
    except ModuleNotFoundError as error:
        raise DataError(
            f"{folder} holds TFRecords: TensorFlow reads them, run `pip install tflm-unit[keras]`"
        ) from error
    versions = sorted(p for p in folder.iterdir() if p.is_dir() and list(p.glob("*.tfrecord-*")))
    if not versions:
        raise DataError(
            f"{folder} has no version with .tfrecord files: run tfds.load('speech_commands') again"
        )

    def clips(split: str) -> Iterator[Clip]:
        files = sorted(map(str, versions[-1].glob(f"*-{split}.tfrecord-*")))
        for record in tf.data.TFRecordDataset(files).as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            samples = np.array(feature["audio"].int64_list.value, np.int16)
            yield _one_second(samples), int(feature["label"].int64_list.value[0]), ""

    return _arrays({"train": clips("train"), "val": clips("validation"), "test": clips("test")})


def _arrays(parts: dict[str, Iterator[Clip]]) -> Arrays:
    arrays, ids = [], {}
    for part, clips in parts.items():
        spectra, labels, speakers = [], [], []
        for batch in _batches(clips):
            spectra.append(log_mel(np.stack([samples for samples, _, _ in batch])))
            labels += [label for _, label, _ in batch]
            speakers += [speaker for _, _, speaker in batch]
        if not labels:
            raise DataError(f"Speech Commands has no recordings for its {part} part")
        arrays.append((_scaled(np.concatenate(spectra)), np.array(labels)))
        ids[f"speaker_{part}"] = np.array(speakers)
    known = all(any(values != "") for values in ids.values())
    return make(arrays, CLASSES, ids if known else None)


def _batches(clips: Iterable[Clip]) -> Iterator[list[Clip]]:
    iterator = iter(clips)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _by_part(folder: Path) -> dict[str, list[Path]]:
    lists = {}
    for part, name in (("val", "validation_list.txt"), ("test", "testing_list.txt")):
        try:
            lists[part] = set((folder / name).read_text(encoding="utf-8").split())
        except OSError as error:
            raise DataError(f"cannot read {folder / name}: {error.strerror or error}") from error
    files: dict[str, list[Path]] = {part: [] for part in PARTS}
    for path in sorted(folder.glob("*/*.wav")):
        if path.parent.name != NOISE:
            name = path.relative_to(folder).as_posix()
            files[next((p for p, names in lists.items() if name in names), "train")].append(path)
    return files


def _clips(folder: Path, part: str, files: list[Path]) -> Iterator[Clip]:
    """Keywords, other words and noise, in this order."""
    random = np.random.default_rng([SEED, PARTS.index(part)])
    known = [path for path in files if path.parent.name in KEYWORDS]
    others = [path for path in files if path.parent.name not in KEYWORDS]
    count = max(len(known) // len(KEYWORDS), 1)
    chosen = sorted(random.permutation(len(others))[:count])
    for path in (*known, *(others[i] for i in chosen)):
        word = path.parent.name
        yield (
            _one_second(_samples(path)),
            CLASSES.index(word) if word in KEYWORDS else UNKNOWN,
            _speaker(path),
        )
    noises = [_samples(path) for path in sorted((folder / NOISE).glob("*.wav"))]
    spans = [n[int(a * len(n)) : int(b * len(n))] for n in noises for a, b in [NOISE_SPAN[part]]]
    spans = [span for span in spans if len(span) >= SAMPLE_RATE]
    for i in range(count if spans else 0):
        span = spans[i % len(spans)]
        start = random.integers(0, len(span) - SAMPLE_RATE + 1)
        yield span[start : start + SAMPLE_RATE], SILENCE, ""


def _speaker(path: Path) -> str:
    return path.name.split("_nohash_")[0]


def _samples(path: Path) -> np.ndarray:
    try:
        with wave.open(str(path)) as file:
            form = (file.getframerate(), file.getsampwidth(), file.getnchannels())
            if form != (SAMPLE_RATE, 2, 1):
                raise DataError(
                    f"{path} has {form[0]} Hz, {form[1]} bytes, {form[2]} channels; not 16 kHz, 2, 1"
                )
            return np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (OSError, EOFError, wave.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _one_second(samples: np.ndarray) -> np.ndarray:
    """Shorter clips are followed by silence."""
    return np.pad(samples[:SAMPLE_RATE], (0, max(SAMPLE_RATE - len(samples), 0)))


def _scaled(pixels: np.ndarray) -> np.ndarray:
    """Network inputs 0..1, float32 (N, 49, 40, 1)."""
    return pixels[..., np.newaxis].astype(np.float32) / 255
