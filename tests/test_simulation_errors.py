"""`simulate` when something is wrong: firmware that differs, hangs or fails, missing tools, too large models."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import classifier, images
from simulated import cache, lenet_like, pruned, require  # noqa: F401

import tflm_unit
from tflm_unit.boards import simulators, toolchain
from tflm_unit.simulation import api, run, schedule
from tflm_unit.simulation.console import read_console
from tflm_unit.simulation.firmware import TooLargeError

TARGET = "cortex_m3_sim"


@pytest.fixture
def edited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tflm_unit.Simulation]:
    """Simulates with one file of the export edited: (file, pattern, replacement, options of simulate)."""
    require(TARGET)
    export = api.export

    def run(file: str, pattern: str, replacement: str, **options: Any) -> tflm_unit.Simulation:
        def edit(*arguments: Any, **keywords: Any) -> Any:
            done = export(*arguments, **keywords)
            path = Path(arguments[2], file)
            text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.DOTALL)
            assert count == 1
            path.write_text(text)
            return done

        monkeypatch.setattr(api, "export", edit)
        return tflm_unit.simulate(pruned(), TARGET, x=images(2), samples=2, schedule="unit", **options)

    return run


def test_a_wrong_weight_is_found(edited: Callable[..., tflm_unit.Simulation]) -> None:
    """Some weight of the dense layer is zero in the firmware: outputs and MAC counts differ."""
    result = edited("model_data.c", r"(_logits_weights\[\d+\] UNIT_CONSTANT = \{\s*)[^}]*", r"\g<1>0")
    assert not result.match
    outputs, counts = result.mismatches
    assert re.match(
        r"unit: sample 0: output 'logits' \[\d\] is -?\d+, the batch engine computes -?\d+", outputs
    )
    assert "unit with MAC counters: sample 0: layer 'logits': macs_zero is" in counts
    assert "output 'logits' [" in counts
    assert "MISMATCH: unit: sample 0: output 'logits'" in " ".join(str(result).split())
    assert "equal the batch engine's" not in str(result)


def test_wrong_counts_alone_are_found(edited: Callable[..., tflm_unit.Simulation]) -> None:
    """A threshold too low by one in the first layer may change no output, but it skips less."""
    result = edited(
        "model_data.c",
        r"(_conv_\w*threshold\w*\[\d+\] UNIT_CONSTANT = \{\s*)\d+",
        r"\g<1>0",
    )
    assert not result.match
    assert "sample 0: layer 'conv': macs_skipped is" in result.mismatches[-1]


def test_a_mismatch_makes_the_command_fail(
    edited: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    from tflm_unit import cli_simulate

    wrong = edited("model_data.c", r"(_logits_weights\[\d+\] UNIT_CONSTANT = \{\s*)[^}]*", r"\g<1>0")
    monkeypatch.setattr("tflm_unit.simulation.simulate", lambda *arguments, **options: wrong)
    with pytest.raises(typer.Exit) as failure:
        cli_simulate.simulate(Path("model.tflite"), TARGET, as_json=True)
    assert failure.value.exit_code == 1
    assert '"match": false' in capsys.readouterr().out


BROKEN = {
    "does not compile": (r"\Z", "\n#error on purpose\n", "#error on purpose"),
    "a layer fails": (
        r"(model_invoke_layer\(int layer\) \{)",
        r"\1 return UNIT_ARG_ERROR;",
        "layer 0 returned status -1",
    ),
    "hangs": (r"(model_invoke_layer\(int layer\) \{)", r"\1 for (;;) {}", "still running after"),
    "crashes": (
        r"(model_invoke_layer\(int layer\) \{)",
        r'\1 __asm__ volatile("udf #0");',
        "the firmware crashed",
    ),
}


@pytest.mark.parametrize("defect", BROKEN)
def test_firmware_that_does_not_run(
    edited: Callable[..., tflm_unit.Simulation], monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    monkeypatch.setattr(run, "START_SECONDS", 0.5)
    pattern, replacement, message = BROKEN[defect]
    with pytest.raises(tflm_unit.UnitError, match=message):
        edited("model.c", pattern, replacement, timeout=0.5)


def test_stack_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What firmware for MSP430 says of itself when it ends; its outputs may be wrong."""
    require("msp430_sim")
    simulated = simulators.run

    def overflowing(*arguments: Any, **options: Any) -> simulators.SimulatorRun:
        return replace(simulated(*arguments, **options), status=simulators.STACK_OVERFLOW)

    monkeypatch.setattr(simulators, "run", overflowing)
    with pytest.raises(TooLargeError, match=r"msp430_sim: the firmware's stack needs more RAM"):
        tflm_unit.simulate(pruned(), "msp430_sim", schedule="unit")


def test_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "find_program", lambda name: None)
    with pytest.raises(
        tflm_unit.UnitError, match=r"arm-none-eabi-gcc was not found; install it with: make setup-sim"
    ):
        tflm_unit.simulate(pruned(), TARGET)


def test_missing_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    require(TARGET)
    which = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name, *rest, **more: None if "qemu" in name else which(name, *rest, **more)
    )
    with pytest.raises(
        tflm_unit.UnitError, match=r"qemu-system-arm was not found; install it with: make setup-sim"
    ):
        tflm_unit.simulate(pruned(), TARGET, schedule="unit")


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    require(TARGET)
    monkeypatch.setitem(sys.modules, "elftools.elf.elffile", None)
    with pytest.raises(tflm_unit.UnitError, match=r"pip install tflm-unit\[firmware\]"):
        tflm_unit.simulate(pruned(), TARGET, schedule="unit")


def test_cache_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    require(TARGET)
    (tmp_path / "file").touch()
    monkeypatch.setenv("TFLM_UNIT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(tflm_unit.UnitError, match=r"cannot build in .*set TFLM_UNIT_CACHE"):
        tflm_unit.simulate(pruned(), TARGET)


def test_damaged_firmware_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    require(TARGET)
    monkeypatch.setenv("TFLM_UNIT_CACHE", str(tmp_path))
    tflm_unit.simulate(pruned(), TARGET, schedule="unit")
    for elf in tmp_path.glob("*.elf"):
        elf.write_bytes(b"")
    with pytest.raises(tflm_unit.UnitError, match=r"\.elf is damaged .*; delete it"):
        tflm_unit.simulate(pruned(), TARGET, schedule="unit")


def test_models_too_large_for_a_board() -> None:
    """Said before any compiler is looked for."""
    large = lenet_like((1, 124, 80, 1), (6, 16), 12)
    with pytest.raises(
        tflm_unit.UnitError, match=r"bytes of flash .* more than the 65,536 of nucleo_l053r8_m0"
    ):
        tflm_unit.simulate(large, "nucleo_l053r8_m0")
    with pytest.raises(
        tflm_unit.UnitError, match=r"bytes of RAM .* more than the 20,480 of nucleo_f103rb_m3"
    ):
        tflm_unit.simulate(large, "nucleo_f103rb_m3")


def test_firmware_too_large_for_a_board() -> None:
    """The model alone would fit, and the machine that stands in has more memory than the board."""
    require(TARGET)
    board = replace(tflm_unit.load_target("nucleo_f103rb_m3"), flash_bytes=6000)
    with pytest.raises(
        tflm_unit.UnitError, match=r"the firmware needs [\d,]+ bytes of flash, [\d,]+ more than"
    ):
        tflm_unit.simulate(pruned(), board, schedule="unit")


def test_counters_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs are compared, and the result says what was not."""
    require(TARGET)
    build = schedule.build

    def small(*arguments: Any, counting: bool) -> Any:
        if counting:
            raise TooLargeError("the firmware does not fit")
        return build(*arguments, counting=counting)

    monkeypatch.setattr(schedule, "build", small)
    done: list[int] = []
    result = tflm_unit.simulate(
        pruned(), TARGET, schedule="planned", progress=lambda what, count, total: done.append(total - count)
    )
    assert result.match
    assert result.macs_not_compared == ("planned",)
    assert done[-1] == 0
    text = str(result)
    assert "MAC counts of planned were not compared" in text
    assert "outputs equal the batch engine's" in text


def test_unsupported_operators() -> None:
    with pytest.raises(tflm_unit.UnitError, match="LOGISTIC"):
        tflm_unit.simulate(classifier("LOGISTIC"), TARGET)


@pytest.mark.parametrize("schedule", ["compare", "planned", ("dense", "activation_sorted")])
def test_a_forced_schedule_needs_thresholds(schedule: str | tuple[str, ...]) -> None:
    with pytest.raises(
        tflm_unit.UnitError, match="needs thresholds, and the model has none: convert it first"
    ):
        tflm_unit.simulate(classifier(), TARGET, schedule=schedule)


ARGUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "schedule": (
        {"schedule": "fast"},
        "schedule is 'fast'; it takes one or several of unit, dense, zero_skip, compare, planned, "
        "activation_sorted, all",
    ),
    "one of several schedules": ({"schedule": ("unit", "fast")}, "schedule is 'fast'"),
    "no schedule": ({"schedule": ()}, "schedule is empty"),
    "samples": ({"samples": 0}, "samples is 0"),
    "timeout": ({"timeout": 0}, "timeout is 0"),
    "point": ({"point": "saver"}, "no operating point 'saver'"),
    "shape": ({"x": np.zeros((3, 4, 4, 2), np.float32)}, "shape"),
    "no samples": ({"x": np.zeros((0, 8, 8, 2), np.float32)}, "data is empty"),
    "range": ({"x": np.full((3, 8, 8, 2), 99, np.float32)}, "give scale and offset"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name: str) -> None:
    options, message = ARGUMENTS[name]
    with pytest.raises(tflm_unit.UnitError, match=message):
        tflm_unit.simulate(pruned(), TARGET, **options)


def test_unknown_target() -> None:
    names = ", ".join(tflm_unit.target_names())
    with pytest.raises(tflm_unit.UnitError, match=f"no target 'z80'; it takes one of {names}"):
        tflm_unit.simulate(pruned(), "z80")
    with pytest.raises(tflm_unit.UnitError, match="target is 5; it takes a name or a Target"):
        tflm_unit.simulate(pruned(), 5)  # type: ignore[arg-type]


def test_a_target_as_one() -> None:
    with pytest.raises(tflm_unit.UnitError, match="shape"):
        tflm_unit.simulate(pruned(), tflm_unit.load_target(TARGET), x=np.zeros((3, 4, 4, 2), np.float32))


def test_console_lines() -> None:
    text = (
        "noise\n@o 0000 0001 0102\r\n@o 0000 0001 ff\n@c 0000 0003 "
        + "0500000000000000"
        + "0100000000000000"
        + "0000000001000000\n@s 0000 0000 2c010000\nmore noise @z\n@z 0001 0000\n"
    )
    console = read_console(text, 1)
    assert console.outputs == {(0, 1): b"\x01\x02\xff"}
    assert console.counters == {(0, 3): (5, 1, 2**32)}
    assert console.stack_bytes == 300
    for broken in (text.replace("@z 0001", "@z 0002"), text[: text.index("@z 0001")], ""):
        with pytest.raises(
            tflm_unit.UnitError, match="ended before it had run all 1 samples; its last output: "
        ):
            read_console(broken, 1)
