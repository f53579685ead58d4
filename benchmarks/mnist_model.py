"""The trained int8 MNIST LeNet that several benchmarks share, cached in build/."""

from __future__ import annotations

from pathlib import Path

from data_files import DATA, ROOT, data_file

from tflm_unit import convert
from tflm_unit.converter.container import write_file
from tflm_unit.converter.errors import DataError
from tflm_unit.converter.keras_export import export_int8
from tflm_unit.demo import RECIPES, Digits, calibration, load_digits, train

CACHE = ROOT / "build" / "benchmarks" / "mnist_lenet.tflite"


def mnist() -> Digits:
    """MNIST from $TFLM_UNIT_DATA/mnist.npz (default ../shared/data) or else from Keras."""
    path = DATA / "mnist.npz"
    if path.exists():
        return load_digits("mnist", path)
    try:
        return load_digits("mnist")
    except DataError as error:
        data_file("mnist.npz")  # says what to set
        raise error


def lenet(data: Digits) -> bytes:
    """The paper's LeNet as int8 .tflite: trained on the first call, then read from the cache."""
    if not CACHE.exists():
        print(f"training LeNet once; cached in {CACHE.relative_to(ROOT)}")
        model = export_int8(train(RECIPES["mnist"], data), calibration(data)[0])
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        write_file(CACHE, model)
    return CACHE.read_bytes()


def pruned_lenet(data: Digits) -> Path:
    """The LeNet with thresholds that skip 72 % of the MACs of the calibration images."""
    path = CACHE.with_stem("mnist_lenet_72")
    convert(lenet(data), calibration(data)[0], skip=0.72).save(path)
    return path
