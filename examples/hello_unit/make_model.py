"""Trains, converts and exports the model of hello_unit: cd examples && python -m hello_unit.make_model"""

from pathlib import Path

from digits import digits, train
from sketch_files import quantize, write_samples

import tflm_unit

FOLDER = Path(__file__).parent


def main() -> None:
    data = digits()
    # Bit shift: the divider that needs neither a divide instruction nor tables.
    result = tflm_unit.convert(train(data), data.x_train, skip=0.65, divider="bit_shift", labels=data.y_train)
    for schedule in ("dense", "zero_skip", "unit"):
        evaluation = result.evaluate(data.x_test, data.y_test, schedule=schedule)
        print(f"{schedule}: accuracy {evaluation.accuracy:.2%}, {evaluation.skip_rate:.1%} of MACs skipped")
    result.save(FOLDER / "digits.tflite")
    result.export(FOLDER / "src" / "model", name="digits")
    images, labels = data.one_of_each()
    source = "Ten test images of the digits that scikit-learn bundles."
    write_samples(FOLDER / "src" / "samples.h", quantize(result, images), labels, source)


if __name__ == "__main__":
    main()
