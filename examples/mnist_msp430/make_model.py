"""Trains, converts and exports the model of mnist_msp430.

cd examples && python -m mnist_msp430.make_model mnist.npz
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from sketch_files import quantize, write_samples

import tflm_unit
from tflm_unit.demo import RECIPES, calibration, load_digits, train

FOLDER = Path(__file__).parent
SIZE = 28
PEN = 1.3  # half the width of a stroke, in pixels

# Each digit as strokes between points (column, row).
STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [[(14, 5), (10, 7), (8, 13), (9, 19), (13, 23), (17, 21), (19, 15), (18, 8), (14, 5)]],
    1: [[(15, 4), (14, 14), (13, 23)]],
    2: [[(9, 8), (12, 5), (16, 5), (18, 8), (17, 12), (13, 17), (9, 22), (13, 22), (19, 21)]],
    3: [[(9, 6), (14, 5), (18, 7), (17, 11), (13, 13), (17, 15), (18, 19), (14, 23), (9, 22)]],
    4: [[(10, 5), (8, 13), (13, 14), (19, 13)], [(18, 5), (17, 14), (16, 23)]],
    5: [[(19, 5), (11, 5), (10, 12), (15, 12), (18, 16), (16, 21), (12, 23), (8, 22)]],
    6: [[(16, 4), (11, 10), (9, 17), (11, 22), (15, 23), (18, 19), (16, 15), (12, 16), (10, 19)]],
    7: [[(8, 6), (14, 6), (19, 5), (16, 12), (13, 18), (12, 23)]],
    8: [[(17, 7), (13, 5), (10, 8), (13, 13), (17, 18), (14, 23), (10, 20), (13, 14), (18, 9), (17, 7)]],
    9: [[(18, 8), (14, 5), (10, 8), (11, 12), (15, 13), (18, 9), (18, 15), (16, 23)]],
}


def draw(strokes: list[list[tuple[float, float]]]) -> np.ndarray:
    """A 28x28 image in 0..1: 1 within PEN of a stroke, fading out over the next pixel."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    distance = np.full((SIZE, SIZE), np.inf)
    for line in strokes:
        for (x0, y0), (x1, y1) in pairwise(line):
            along = ((columns - x0) * (x1 - x0) + (rows - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
            along = np.clip(along, 0, 1)
            nearest = np.hypot(columns - x0 - along * (x1 - x0), rows - y0 - along * (y1 - y0))
            distance = np.minimum(distance, nearest)
    return np.clip(PEN + 1 - distance, 0, 1).astype(np.float32)


def main() -> None:
    data = load_digits("mnist", Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    samples, labels = calibration(data)
    # Bit shift: MSP430 has no divide instruction, and a table of quotients would take 256 bytes per layer.
    result = tflm_unit.convert(
        train(RECIPES["mnist"], data), samples, skip=0.72, divider="bit_shift", labels=labels
    )
    evaluation = result.evaluate(data.x_test, data.y_test)
    print(f"accuracy {evaluation.accuracy:.2%}, {evaluation.skip_rate:.1%} of MACs skipped")
    result.save(FOLDER / "lenet.tflite")
    result.export(FOLDER / "src" / "model", name="lenet", target="msp430_sim")
    images = np.stack([draw(STROKES[digit]) for digit in range(10)])[..., np.newaxis]
    source = "Ten digits drawn by this script, as MNIST images are quantized."
    write_samples(FOLDER / "src" / "samples.h", quantize(result, images), np.arange(10), source)


if __name__ == "__main__":
    main()
