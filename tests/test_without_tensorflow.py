"""Everything but Keras export works without TensorFlow: here it is hidden; `make test-all` does without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

SESSION = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "tf_keras"):
            raise ImportError(f"No module named {name!r}")

sys.meta_path.insert(0, Absent())
sys.path.insert(0, sys.argv[1])

from classifier import classifier, images
import tflm_unit
from tflm_unit.converter import container

x = images(32)
result = tflm_unit.convert(classifier(), x, skip=0.7)
batch, tflm = result.evaluate(x, engine="batch"), result.evaluate(x, engine="tflm")
assert batch.layers == tflm.layers and batch.rmse == tflm.rmse, (batch, tflm)
assert result.summary()
assert tflm_unit.load(container.strip(result.model.data)).points == ()
assert tflm_unit.Interpreter(result.model.data).points == ("default",)
try:
    tflm_unit.convert(object(), x)
except tflm_unit.UnitError as error:
    assert "pip install" in str(error), error
else:
    raise AssertionError("a Keras model was converted without TensorFlow")
print("done without TensorFlow")
"""


def test_everything_but_keras_export() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SESSION, str(HERE)], capture_output=True, text=True, cwd=HERE, timeout=300
    )
    assert done.stdout.endswith("done without TensorFlow\n"), done.stderr
