"""The sketches of examples/ in simulators, and that their generated code is what the exporter writes today."""

from __future__ import annotations

import importlib.util
import re
from itertools import pairwise
from pathlib import Path

import pytest
from firmware import load_board, require
from front_end_library import FRAMES, FrontEnd
from sketches import EXAMPLES, REPOSITORY, Reference, samples, simulate

import tflm_unit

MODELS = {
    "hello_unit": ("digits", None),
    "mnist_msp430": ("lenet", "msp430_sim"),
    "keyword_spotting": ("kws", "nucleo_f103rb_m3"),
    "adaptive_power": ("digits", None),
}
slow = pytest.mark.slow


@pytest.mark.parametrize("sketch", MODELS)
def test_committed_code_is_what_the_exporter_writes(sketch: str, tmp_path: Path) -> None:
    """All but the first line of each file, which names the version. If this fails, run the sketch's export again."""
    name, target = MODELS[sketch]
    result = tflm_unit.load(EXAMPLES / sketch / f"{name}.tflite")
    written = result.export(tmp_path, name=name, target=target).files
    committed = EXAMPLES / sketch / "src" / "model"
    assert {path.name for path in written} == {path.name for path in committed.iterdir()}
    for path in written:
        old = (committed / path.name).read_text(encoding="utf-8")
        assert old.partition("\n")[2] == path.read_text(encoding="utf-8").partition("\n")[2], path.name


def test_embedded_model_is_the_file() -> None:
    folder = EXAMPLES / "tflm_cortex_m"
    body = re.search(r"g_model\[\] = \{(.*?)\};", (folder / "src" / "model.h").read_text(), re.DOTALL)
    assert body is not None
    assert bytes(map(int, re.findall(r"\d+", body[1]))) == (folder / "digits.tflite").read_bytes()
    assert tflm_unit.load(folder / "digits.tflite").points[1].name == "saver"


@pytest.mark.parametrize(
    "name",
    ["cortex_m0_sim", "cortex_m3_sim", "cortex_m4_sim", "msp430_sim"],
)
def test_hello_unit(name: str, tmp_path: Path) -> None:
    """Classes and skipped MACs are those of the batch engine."""
    model = Reference("hello_unit", "digits.tflite")
    expected, all_macs, all_skipped = [], 0, 0
    for image, label in zip(*samples("hello_unit"), strict=True):
        output, total, skipped = model.run(image)
        expected.append(f"digit {label}: class {output.argmax()}, {_percent(skipped, total)} of MACs skipped")
        all_macs, all_skipped = all_macs + total, all_skipped + skipped
    expected.append(f"10 of 10 digits recognised, {_percent(all_skipped, all_macs)} of MACs skipped")
    assert simulate("hello_unit", name, tmp_path) == expected


def _percent(part: int, whole: int) -> str:
    return f"{(part * 1000 + whole // 2) // whole / 10:.1f} %"


@pytest.mark.parametrize("name", ["msp430_sim", pytest.param("msp430fr5994_sim", marks=slow)])
def test_mnist_msp430(name: str, tmp_path: Path) -> None:
    model = Reference("mnist_msp430", "lenet.tflite")
    lines = simulate("mnist_msp430", name, tmp_path)
    for line, image, label in zip(lines, *samples("mnist_msp430"), strict=False):
        assert re.fullmatch(rf"digit {label}: class {model.run(image)[0].argmax()}, [1-9]\d* ms", line)
    assert lines[10:] == ["10 of 10 digits recognised"]


@slow
@pytest.mark.parametrize("name", ["msp430_sim_macs", "msp430fr5994_sim_macs"])
def test_mnist_msp430_counts_macs(name: str, tmp_path: Path) -> None:
    model = Reference("mnist_msp430", "lenet.tflite")
    expected = []
    for image, label in zip(*samples("mnist_msp430"), strict=True):
        output, total, skipped = model.run(image)
        expected.append(f"digit {label}: class {output.argmax()}, {total - skipped} of {total} MACs kept")
    assert simulate("mnist_msp430", name, tmp_path) == [*expected, "10 of 10 digits recognised"]


@pytest.mark.parametrize("name", ["cortex_m0_sim", pytest.param("msp430_sim", marks=slow)])
def test_adaptive_power(name: str, tmp_path: Path) -> None:
    """The point follows the voltage with hysteresis; each does what the batch engine does at this point."""
    model = Reference("adaptive_power", "digits.tflite")
    assert model.model.config is not None
    names = [point.name for point in model.model.config.points]
    images, labels = samples("adaptive_power")
    lines = simulate("adaptive_power", name, tmp_path)
    points, right = [0], 0
    for step, line in enumerate(lines[:-1]):
        voltage, shown = re.match(r"(\d+) mV, (\w+): ", line).groups()  # type: ignore[union-attr]
        points.append(names.index(shown))
        falls = int(voltage) < [2900, 2400, 0][points[-2]]
        rises = int(voltage) > [3301, 3100, 2600][points[-2]]
        assert points[-1] == points[-2] + falls - rises
        output, total, skipped = model.run(images[step % 10], points[-1])
        label, digit = labels[step % 10], output.argmax()
        right += int(digit == label)
        rest = f"digit {label}, class {digit}, {total - skipped} MACs kept"
        assert line == f"{voltage} mV, {shown}: {rest}"
    assert [b - a for a, b in pairwise(points) if a != b] == [1, 1, -1, -1]
    assert lines[-1] == f"{right} of 30 digits recognised"


@pytest.mark.parametrize("name", ["cortex_m4_sim", pytest.param("cortex_m3_sim", marks=slow)])
def test_keyword_spotting(name: str, tmp_path: Path) -> None:
    """Integers give the same on every machine: the scores are those of the host, digit for digit."""
    host = FrontEnd(tmp_path)
    model = Reference("keyword_spotting", "kws.tflite")
    frames = host.frames(host.speech())
    expected = []
    for end in range(FRAMES, len(frames) + 1, 10):
        scores = model.run(frames[end - FRAMES : end])[0]
        expected.append(f"{end * 20} ms: {host.CLASSES[scores.argmax()]}, score {scores.max()}")
    lines = simulate("keyword_spotting", name, tmp_path)
    heard = [line for line in lines if line.startswith("heard")]
    assert heard == ["heard: off", "heard: left", "heard: go"]
    assert lines.pop() == "3 of 3 words recognised"
    assert [line for line in lines if line not in heard] == expected


def test_runtime_code_fits_a_small_cortex_m0(tmp_path: Path) -> None:
    """conv + pool + dense: at most 8 KiB of code, compiled for size."""
    require(load_board("cortex_m0_sim"))
    path = REPOSITORY / "benchmarks" / "code_size.py"
    spec = importlib.util.spec_from_file_location("code_size", path)
    assert spec is not None
    assert spec.loader is not None
    code_size = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code_size)
    parts = code_size.sizes("cortex_m0_sim", "-Os", tmp_path)
    for name in ("unit_conv_compare_s8.c.o", "unit_fully_connected_compare_s8.c.o"):
        assert parts[name, "text"] > 0
    assert ("unit_max_pool_s8.c.o", "text") not in parts  # the convolution pools
    assert code_size.runtime_code(parts) <= 8192
