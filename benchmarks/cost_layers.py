"""Small networks with random weights whose layers the cost models are fitted on; cached in build/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tflm_unit.converter.container import write_file
from tflm_unit.converter.keras_export import export_int8

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "benchmarks" / "cost_layers"
SAMPLES = 32
SEED = 7
BIASES = (0.0, 0.1, 0.3)  # of one network after the other, so that more or fewer outputs are above zero
# The first layer of a bright network gets a center, and so activations of both signs; its weights have the tails of
# trained ones, so that neighbours seldom need the same inputs.
BRIGHT_NETWORKS, TAILS = ("spectrum",), 3
# Two of three channels of these networks are next to nothing, as in trained MobileNets.
DEAD_NETWORKS, DEAD, DEAD_SCALE = ("dead", "narrow", "channels"), 3, 1e-6


def _networks() -> dict[str, tuple[tuple[int, ...], Callable[[Any], list[Any]]]]:
    """Input shape, and layers: kernels 1..10, strides, padding, few and many channels; all but "image", "channels",
    "spectrum" and "few" small enough for 16 KB."""

    def conv(
        k: Any, filters: int, kernel: int | tuple[int, int], stride: int = 1, padding: str = "valid"
    ) -> Any:
        return k.Conv2D(filters, kernel, strides=stride, padding=padding, activation="relu")

    def depthwise(
        k: Any, kernel: int | tuple[int, int], stride: int = 1, multiplier: int = 1, padding: str = "same"
    ) -> Any:
        return k.DepthwiseConv2D(
            kernel, strides=stride, depth_multiplier=multiplier, padding=padding, activation="relu"
        )

    def dense(k: Any, units: int, *, last: bool = False) -> Any:
        return k.Dense(units, activation=None if last else "relu")

    return {
        "strided": (
            (14, 14, 3),
            lambda k: [
                conv(k, 8, 3, padding="same"),
                conv(k, 12, 3, 2),
                depthwise(k, 3),
                conv(k, 16, 1),
                k.Flatten(),
                dense(k, 10, last=True),
            ],
        ),
        "lenet": (
            (22, 14, 1),
            lambda k: [
                conv(k, 5, 5),
                k.MaxPooling2D(),
                conv(k, 10, 3),
                conv(k, 8, (2, 3)),
                k.Flatten(),
                dense(k, 40),
                dense(k, 12, last=True),
            ],
        ),
        "large": (
            (32, 32, 1),
            lambda k: [
                conv(k, 3, 5),
                k.MaxPooling2D(),
                conv(k, 8, 3),
                conv(k, 6, 4, 2),
                k.Flatten(),
                dense(k, 5, last=True),
            ],
        ),
        "multiplier": (
            (10, 10, 4),
            lambda k: [
                depthwise(k, 3, multiplier=2),
                conv(k, 24, 1),
                depthwise(k, 5, padding="valid"),
                conv(k, 6, 5, padding="same"),
                k.Flatten(),
                dense(k, 8, last=True),
            ],
        ),
        "depthwise": (
            (20, 12, 3),
            lambda k: [
                depthwise(k, 3),
                depthwise(k, 3, multiplier=3),
                depthwise(k, 4, 2),
                depthwise(k, 3),
                depthwise(k, (5, 2), multiplier=2, padding="valid"),
                k.Flatten(),
                dense(k, 6, last=True),
            ],
        ),
        "pooled": (
            (26, 26, 2),
            lambda k: [
                depthwise(k, 3, 2, multiplier=4),
                k.MaxPooling2D(),
                conv(k, 16, 1),
                depthwise(k, 3, padding="valid"),
                conv(k, 9, 3, padding="same"),
                k.Flatten(),
                dense(k, 24),
                dense(k, 7, last=True),
            ],
        ),
        "dense": ((150,), lambda k: [dense(k, 48), dense(k, 40), dense(k, 20), dense(k, 3, last=True)]),
        "keywords": (
            (24, 10, 1),
            lambda k: [
                conv(k, 16, (10, 4), 2, "same"),
                depthwise(k, 3),
                conv(k, 20, 1),
                depthwise(k, 3, 2),
                conv(k, 16, 1),
                k.Flatten(),
                dense(k, 12, last=True),
            ],
        ),
        "deep": (
            (6, 6, 32),
            lambda k: [
                conv(k, 48, 1),
                depthwise(k, 3),
                conv(k, 64, 1),
                depthwise(k, 3, 2),
                conv(k, 80, 1),
                k.Flatten(),
                dense(k, 4, last=True),
            ],
        ),
        "dead": (
            (12, 12, 8),
            lambda k: [
                conv(k, 16, 3, padding="same"),
                depthwise(k, 3, 2),
                conv(k, 40, 1),
                depthwise(k, 3),
                conv(k, 36, 1),
                conv(k, 12, 3, 2),
                k.Flatten(),
                dense(k, 20),
                dense(k, 6, last=True),
            ],
        ),
        "narrow": (
            (12, 12, 24),
            lambda k: [
                depthwise(k, 3, 2),
                conv(k, 40, 1),
                depthwise(k, 3),
                conv(k, 24, 1),
                depthwise(k, 3, 2),
                conv(k, 70, 1),
                k.Flatten(),
                dense(k, 5, last=True),
            ],
        ),
        "image": (
            (40, 40, 4),
            lambda k: [
                depthwise(k, 3),
                conv(k, 12, 1),
                depthwise(k, 3, 2),
                conv(k, 24, 1),
                conv(k, 20, 1),
                conv(k, 8, 3, 2),
                k.MaxPooling2D(3),
                k.Flatten(),
                dense(k, 4, last=True),
            ],
        ),
        "channels": (
            (6, 6, 64),
            lambda k: [
                conv(k, 100, 1),
                depthwise(k, 3),
                conv(k, 120, 1),
                depthwise(k, 3, 2),
                conv(k, 32, 1),
                conv(k, 48, 3, padding="same"),
                k.Flatten(),
                dense(k, 64),
                dense(k, 6, last=True),
            ],
        ),
        "wide": (
            (9, 9, 6),
            lambda k: [
                conv(k, 20, 3, padding="same"),
                conv(k, 12, 1, 2),
                conv(k, 24, 3, padding="same"),
                depthwise(k, 3, padding="valid"),
                k.Flatten(),
                dense(k, 30, last=True),
            ],
        ),
        "pools": (
            (18, 18, 4),
            lambda k: [
                conv(k, 12, 3),
                k.MaxPooling2D(),
                conv(k, 16, 3),
                k.MaxPooling2D((2, 3)),
                conv(k, 24, 1),
                k.MaxPooling2D((3, 1)),
                k.Flatten(),
                dense(k, 10, last=True),
            ],
        ),
        "spectrum": (
            (64, 48, 1),
            lambda k: [
                conv(k, 6, 5),
                k.MaxPooling2D(),
                conv(k, 12, (5, 3)),
                k.MaxPooling2D((2, 4)),
                conv(k, 10, 4),
                k.Flatten(),
                dense(k, 12, last=True),
            ],
        ),
        "few": (
            (40, 40, 3),
            lambda k: [
                conv(k, 4, 3, 2, "same"),
                conv(k, 1, 3),
                conv(k, 2, 5, 2),
                k.Flatten(),
                dense(k, 3, last=True),
            ],
        ),
    }


def inputs(shape: tuple[int, ...], *, is_bright: bool = False) -> np.ndarray:
    """Smooth random patterns of 0..1, with a dark background or around 0.5, float32 (SAMPLES, *shape)."""
    x = np.random.default_rng(SEED).normal(0, 1, (SAMPLES, *shape))
    for axis in range(1, len(shape)):
        x = x + 0.7 * (np.roll(x, 1, axis) + np.roll(x, -1, axis))
    x = x / np.abs(x).max()
    return (x / 2 + 0.5 if is_bright else np.clip(x, 0, 1)).astype(np.float32)


def _dying(kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Kernel and bias with some channels next to nothing, whose requantization takes its long way."""
    channels = np.arange(len(bias)).reshape(kernel.shape[2:] if kernel.shape[2:3] == bias.shape else -1)
    alive = np.where(channels % DEAD == 0, 1.0, DEAD_SCALE)
    return [kernel * alive, bias * alive.ravel()]


def _heavy_tailed(kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Kernel with few large weights and many small ones, and bias."""
    largest = np.abs(kernel).max()
    return [np.sign(kernel) * largest * (np.abs(kernel) / largest) ** TAILS, bias]


def networks() -> dict[str, tuple[bytes, np.ndarray]]:
    """Each network as int8 .tflite, and its inputs."""
    result = {}
    for name, (shape, layers) in _networks().items():
        path, x = CACHE / f"{name}.tflite", inputs(shape, is_bright=name in BRIGHT_NETWORKS)
        if not path.exists():
            import keras

            keras.utils.set_random_seed(SEED)
            model = keras.Sequential([keras.Input(shape), *layers(keras.layers)])
            for layer in model.layers:
                if layer.get_weights():
                    kernel, bias = layer.get_weights()
                    bias = np.full_like(bias, BIASES[len(result) % len(BIASES)])
                    changed = [kernel, bias]
                    if name in DEAD_NETWORKS:
                        changed = _dying(kernel, bias)
                    elif name in BRIGHT_NETWORKS:
                        changed = _heavy_tailed(kernel, bias)
                    layer.set_weights(changed)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, export_int8(model, x))
        result[name] = path.read_bytes(), x
    return result
