"""Trains and converts the model of tflm_cortex_m: cd examples && python -m tflm_cortex_m.make_model"""

from pathlib import Path

from digits import digits, train
from sketch_files import quantize, write_array, write_samples

from tflm_unit import SkipRate, convert

FOLDER = Path(__file__).parent
POINTS = {"balanced": SkipRate(0.65), "saver": SkipRate(0.8)}


def main() -> None:
    data = digits()
    result = convert(train(data), data.x_train, points=POINTS, divider="bit_shift", labels=data.y_train)
    for name in POINTS:
        evaluation = result.evaluate(data.x_test, data.y_test, point=name, engine="tflm")
        print(f"{name}: accuracy {evaluation.accuracy:.2%}, {evaluation.skip_rate:.1%} of MACs skipped")
    result.save(FOLDER / "digits.tflite")
    note = "digits.tflite with its thresholds."
    write_array(FOLDER / "src" / "model.h", "g_model", (FOLDER / "digits.tflite").read_bytes(), note)
    images, labels = data.one_of_each()
    source = "Ten test images of the digits that scikit-learn bundles."
    write_samples(FOLDER / "src" / "samples.h", quantize(result, images), labels, source)


if __name__ == "__main__":
    main()
