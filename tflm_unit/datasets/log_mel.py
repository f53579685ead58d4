"""Log-mel spectra of one-second clips: the front end of the keyword spotting example, in floating point."""

from __future__ import annotations

import numpy as np

SAMPLE_RATE = 16000
WINDOW, HOP, FFT = 480, 320, 512
BANDS, LOWEST, HIGHEST = 40, 20.0, 4000.0
FRAMES = (SAMPLE_RATE - WINDOW) // HOP + 1


def log_mel(clips: np.ndarray) -> np.ndarray:
    """Spectra uint8 (N, 49, 40), time x band, of int16 clips (N, 16000).

    30 ms Hann windows every 20 ms, power of a 512-point FFT, 40 triangular bands from 20 to 4000 Hz that are equally
    wide on the HTK mel scale; then clip(round(10 ln(power) + 146), 0, 255) with audio scaled to [-1, 1).
    """
    frames = np.lib.stride_tricks.sliding_window_view(clips, WINDOW, axis=-1)[:, ::HOP]
    windowed = frames * (np.hanning(WINDOW) / 32768).astype(np.float32)
    power = np.abs(np.fft.rfft(windowed, FFT)) ** 2
    return np.clip(np.rint(10 * np.log(power @ _bands() + 1e-30) + 146), 0, 255).astype(np.uint8)


def _bands() -> np.ndarray:
    """Weights of the triangles, float64 (bins, bands)."""
    mel = _mel(np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT)
    edges = np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2)
    position = (mel[:, np.newaxis] - edges) / (edges[1] - edges[0])
    return np.maximum(0, np.minimum(position[:, :-2], -position[:, 2:]))


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)
