"""Models and data of the end-to-end benchmarks: LeNets, the paper's keyword spotting net, MLPerf Tiny."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cifar_model import calibration as cifar_calibration
from cifar_model import cifar, cifar_lenet
from data_files import data_file
from kws_model import kws_net, spectrograms
from mnist_model import lenet, mnist

from tflm_unit.demo import calibration

TINY = "mlperf_tiny"


@dataclass(frozen=True)
class Subject:
    """model: .tflite. calibration, test: inputs. options: scale and offset of both."""

    model: bytes
    calibration: np.ndarray
    test: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)


def _mnist() -> Subject:
    data = mnist()
    return Subject(lenet(data), calibration(data)[0], data.x_test)


def _cifar() -> Subject:
    data = cifar()
    return Subject(cifar_lenet(data), cifar_calibration(data), data.x_test)


def _kws() -> Subject:
    return Subject(kws_net(), spectrograms("train", 200)[0], spectrograms("test", 100)[0])


def _anomaly() -> Subject:
    """Five consecutive rows of the one clip that there is; every other input calibrates."""
    with np.load(data_file(f"{TINY}/ad01_one_normal_clip.npz")) as arrays:
        rows = arrays["log_mel"]
    windows = np.lib.stride_tricks.sliding_window_view(rows, 5, axis=0).transpose(0, 2, 1).reshape(-1, 640)
    return Subject(data_file(f"{TINY}/ad01_int8.tflite").read_bytes(), windows[::2], windows[1::2])


def _resnet() -> Subject:
    with np.load(data_file("cifar10_lossless5k.npz")) as arrays:
        x, test = arrays["x_train"][:100], arrays["x_test"]
    model = data_file(f"{TINY}/pretrainedResnet_quant.tflite").read_bytes()
    return Subject(model, x.astype(np.float32), test.astype(np.float32))


def _keywords() -> Subject:
    with np.load(data_file(f"{TINY}/kws_speech_commands_test.npz")) as arrays:
        x = arrays["x"]
    return Subject(data_file(f"{TINY}/kws_ref_model.tflite").read_bytes(), x[::25], x[7::25])


def _visual_wake_words() -> Subject:
    """CIFAR-10 three times as large: photographs, but not the benchmark's."""
    data = cifar()
    x, test = (np.repeat(np.repeat(part[:60], 3, 1), 3, 2) for part in (data.x_train, data.x_test))
    return Subject(data_file(f"{TINY}/vww_96_int8.tflite").read_bytes(), x, test)


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "lenet_mnist": _mnist,
    "lenet_cifar10": _cifar,
    "kws_paper": _kws,
    "tiny_anomaly": _anomaly,
    "tiny_keywords": _keywords,
    "tiny_resnet": _resnet,
    "tiny_visual_wake_words": _visual_wake_words,
}
