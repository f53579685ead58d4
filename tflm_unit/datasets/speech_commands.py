"""Speech Commands (P. Warden, arXiv:1804.03209) with 12 classes as log-mel spectra."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..converter.errors import DataError
from ..files import NpzData
from .arrays import PARTS, Arrays, make

KEYWORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
CLASSES = (*KEYWORDS, "silence", "unknown")


def spectra_npz(path: Path) -> Arrays:
    """Arrays x_*, y_*, speaker_* of three parts, pixels of log_mel.log_mel as uint8 (N, 49, 40)."""
    data = NpzData(path)
    parts, ids = [], {}
    for part in PARTS:
        x, y = data.samples(part)
        if y is None or x.shape[1:] != (49, 40):
            raise DataError(f"x_{part} of {path} is {x.shape}; (N, 49, 40) with labels y_{part} is needed")
        parts.append((scaled(x), y))
        if f"speaker_{part}" in data.names:
            ids[f"speaker_{part}"] = data.array(f"speaker_{part}")
    return make(*parts, class_names=CLASSES, ids=ids)


def scaled(pixels: np.ndarray) -> np.ndarray:
    """Network inputs 0..1, float32 (N, 49, 40, 1), of uint8 pixels (N, 49, 40)."""
    return pixels[..., np.newaxis].astype(np.float32) / 255
