"""Random changes of training inputs by data set: float32 (N, ...) in, the same shape out."""

from __future__ import annotations

import numpy as np


def shifted(x: np.ndarray, random: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Every sample of (N, H, W, C) moved by up to so many rows and columns; the edge is repeated."""
    count, height, width = x.shape[:3]
    row = np.arange(height) + random.integers(-rows, rows + 1, (count, 1))
    column = np.arange(width) + random.integers(-columns, columns + 1, (count, 1))
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    return x[np.arange(count)[:, None, None], row[:, :, None], column[:, None, :]]


def mnist(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return shifted(x, random, 2, 2)


def cifar10(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    moved = shifted(x, random, 2, 2)
    flipped = random.random(len(x)) < 0.5
    moved[flipped] = moved[flipped, :, ::-1]
    return moved


def speech_commands(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Moves by up to 40 ms and changes the loudness by about 2 dB."""
    moved = shifted(x, random, 5, 0)
    return np.clip(moved + random.normal(0, 0.02, (len(x), 1, 1, 1)), 0, 1).astype(np.float32)


def har(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Turns the sensor by about 10 degrees, changes gain per signal and noise."""
    angle = random.normal(0, 0.17, (3, len(x)))
    signals = x.reshape(len(x), -1, 3, 3)
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        cos, sin = (f(angle[axis])[:, None, None] for f in (np.cos, np.sin))
        a, b = signals[..., first], signals[..., second]
        signals = signals.copy()
        signals[..., first], signals[..., second] = a * cos - b * sin, a * sin + b * cos
    gained = signals * random.normal(1, 0.1, (len(x), 1, 3, 1)) + random.normal(0, 0.02, signals.shape)
    return gained.reshape(x.shape).astype(np.float32)


def widar(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Velocities moved by up to 0.2 m/s."""
    return shifted(x, random, 1, 1)
