"""The MFCC front end of keyword_spotting against NumPy in floating point, and the model on real recordings."""

from __future__ import annotations

import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from front_end_library import BANDS, FRAMES, HOP, WINDOW, FrontEnd
from sketches import EXAMPLES, Reference

RATE = 16000


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> FrontEnd:
    return FrontEnd(tmp_path_factory.mktemp("front_end"))


def reference_log_mel(window: np.ndarray) -> tuple[np.ndarray, float]:
    """10 ln(mel power) + 146 in 0..255: triangles on the HTK mel scale, 20 to 4000 Hz; not rounded.

    Also the same number of the strongest frequency, inside the bands or outside.
    """
    power = np.abs(np.fft.rfft(window / 32768 * np.hanning(WINDOW), 512)) ** 2
    mel = 2595 * np.log10(1 + np.arange(257) * RATE / 512 / 700)
    low, high = 2595 * np.log10(1 + np.array([20, 4000]) / 700)
    edges = np.linspace(low, high, BANDS + 2)
    rising = (mel - edges[:-2, np.newaxis]) / (edges[1] - edges[0])
    falling = (edges[2:, np.newaxis] - mel) / (edges[1] - edges[0])
    bands = np.maximum(0, np.minimum(rising, falling)) @ power
    return np.clip(10 * np.log(bands + 1e-30) + 146, 0, 255), 10 * np.log(power.max() + 1e-30) + 146


def _signals() -> dict[str, np.ndarray]:
    time, random = np.arange(WINDOW) / RATE, np.random.default_rng(1)
    return {
        "silence": np.zeros(WINDOW),
        "one": np.ones(WINDOW),
        "loudest": np.full(WINDOW, -32768),
        "loudest square": 32767 * np.sign(np.sin(2 * np.pi * 1000 * time + 0.1)),
        "loudest alternation": np.where(np.arange(WINDOW) % 2, 32767, -32768),
        "quiet noise": random.normal(0, 3, WINDOW),
        "loud noise": random.uniform(-32768, 32767, WINDOW),
        "quiet tone": 20 * np.sin(2 * np.pi * 440 * time),
        "loud tone": 32767 * np.sin(2 * np.pi * 2345 * time),
        "chirp": 8000 * np.sin(2 * np.pi * (100 + 50000 * time) * time),
    }


@pytest.mark.parametrize("signal", _signals())
def test_log_mel_equals_numpy(host: FrontEnd, signal: str) -> None:
    """To one step, 0.4 dB, down to 80 dB below the strongest frequency; there the rounding of 16 bits begins."""
    window = np.round(_signals()[signal]).astype(np.int16)
    expected, strongest = reference_log_mel(window)
    audible = expected > strongest - 10 * np.log(1e8)
    actual = host.log_mel(window).astype(float)
    assert audible.any() or signal == "loudest alternation"
    assert np.all(np.abs(actual - expected)[audible] <= 1)
    assert np.all(actual[~audible] <= max(strongest - 10 * np.log(1e7), 0))


def test_features_are_those_of_the_training_data(host: FrontEnd) -> None:
    """Frame by frame and bit by bit what front_end.py computes from the same log-mel spectrum, with the C tables."""
    samples = np.random.default_rng(2).normal(0, 2000, 5 * HOP + WINDOW).astype(np.int16)
    frames = host.frames(samples)
    assert len(frames) == 6
    log_mel = np.stack([host.log_mel(samples[HOP * i :][:WINDOW]) for i in range(6)])
    assert np.array_equal(frames, _transform().features(log_mel))


def _transform() -> Any:
    sys.path.insert(0, str(EXAMPLES))
    try:
        from keyword_spotting.front_end import Transform
    finally:
        sys.path.remove(str(EXAMPLES))
    text = (EXAMPLES / "keyword_spotting" / "src" / "front_end_tables.h").read_text(encoding="utf-8")

    def table(name: str, dtype: type) -> np.ndarray:
        body = text.split(f"{name}[", 1)[1].split("=", 1)[1].split(";", 1)[0]
        return np.array(body.replace("{", "").replace("}", "").replace(",", " ").split(), dtype)

    return Transform(table("front_end_dct", np.int16).reshape(-1, BANDS), table("front_end_offset", np.int32))


def test_keywords_of_real_recordings(host: FrontEnd, data_dir: Path) -> None:
    """Two recordings of each of 12 classes, from speakers that the model was not trained on."""
    files = sorted((data_dir / "kws_wav").glob("*.wav"))
    if not files:
        pytest.skip(f"no recordings in {data_dir / 'kws_wav'}")
    model = Reference("keyword_spotting", "kws.tflite")
    right = []
    for path in files:
        with wave.open(str(path)) as recording:
            samples = np.frombuffer(recording.readframes(RATE), "<i2")
        frames = host.frames(np.pad(samples, (0, RATE - len(samples))))
        assert len(frames) == FRAMES
        scores = model.run(frames)[0]
        right.append(host.CLASSES[scores.argmax()] == path.name.split("__")[0])
    assert len(right) == 24
    assert sum(right) >= 20
