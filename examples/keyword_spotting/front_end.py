"""The tables of src/front_end.c, and what it computes from a log-mel spectrum, for training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

SAMPLE_RATE, WINDOW, FFT = 16000, 480, 512
BANDS, LOWEST, HIGHEST = 40, 20.0, 4000.0
FEATURES = 10
SPREAD = 32  # int8 units of one standard deviation
BINS = int(HIGHEST * FFT / SAMPLE_RATE) + 1


@dataclass(frozen=True)
class Transform:
    """From log-mel pixels to features: (pixels @ dct.T + offset) >> 16, clipped to int8.

    dct: int16 (FEATURES, BANDS), a DCT-II whose rows are scaled; offset: int32 (FEATURES,).
    """

    dct: np.ndarray
    offset: np.ndarray

    def features(self, log_mel: np.ndarray) -> np.ndarray:
        """log_mel: uint8 (..., BANDS). Returns int8 (..., FEATURES), bit for bit what front_end.c computes."""
        sums = log_mel.astype(np.int32) @ self.dct.T.astype(np.int32) + self.offset
        return np.clip(sums >> 16, -128, 127).astype(np.int8)


def fit(log_mel: np.ndarray) -> Transform:
    """The transform that gives every coefficient mean 0 and the same spread. log_mel: uint8 (N, frames, BANDS)."""
    band = np.arange(BANDS)
    rows = np.stack([np.cos(np.pi * k * (2 * band + 1) / (2 * BANDS)) for k in range(FEATURES)])
    coefficients = log_mel.reshape(-1, BANDS).astype(np.float32) @ rows.T.astype(np.float32)
    gain = SPREAD * 65536 / coefficients.std(axis=0, dtype=np.float64)
    offset = -coefficients.mean(axis=0, dtype=np.float64) * gain + 32768  # rounds
    return Transform(np.round(rows * gain[:, np.newaxis]).astype(np.int16), np.round(offset).astype(np.int32))


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def write_tables(path: Path, transform: Transform) -> None:
    """front_end_tables.h. Bin k adds weight[k] of its power to mel band band[k] + 1 and the rest to band[k]."""
    edges = (_mel(np.arange(BINS) * SAMPLE_RATE / FFT) - _mel(LOWEST)) / (_mel(HIGHEST) - _mel(LOWEST))
    position = np.clip(edges * (BANDS + 1), 0, BANDS + 1 - 1e-6)
    tables = {
        "uint16_t front_end_window[]": np.round(32767 * np.hanning(WINDOW)[: WINDOW // 2]),
        "int16_t front_end_cosine[]": np.round(32767 * np.cos(2 * np.pi * np.arange(FFT // 2) / FFT)),
        "uint8_t front_end_band[]": np.floor(position),
        "uint16_t front_end_weight[]": np.round(32768 * (position % 1)),
        "uint16_t front_end_log2[]": np.round(2048 * np.log2(1 + np.arange(33) / 32)),
        "int32_t front_end_offset[]": transform.offset,
    }
    text = ["/* Written by make_model.py: constants of front_end.c. */", "#include <stdint.h>", ""]
    text += [f"#define FRONT_END_FFT {FFT}", f"#define FRONT_END_BINS {BINS}", ""]
    for name, values in tables.items():
        text += [f"static const {name} = {{", _rows(values), "};"]
    text += [f"static const int16_t front_end_dct[{FEATURES}][{BANDS}] = {{"]
    text += [f"    {{\n{_rows(row)}}}," for row in transform.dct]
    path.write_text("\n".join([*text, "};", ""]), encoding="utf-8")


def _rows(values: np.ndarray) -> str:
    numbers = [str(int(v)) for v in values]
    return "\n".join(f"    {', '.join(numbers[i : i + 12])}," for i in range(0, len(numbers), 12))
