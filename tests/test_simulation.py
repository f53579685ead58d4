"""`simulate`: firmware in simulators equals the batch engine, and what is reported about it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import LAYERS, classifier, images
from example_layers import example_cases
from models import build_pruned
from random_graphs import with_schedules
from simulated import cache, pruned, require  # noqa: F401
from tiny_models import zoo

import tflm_unit
from tflm_unit.boards import simulators, toolchain
from tflm_unit.converter.pruning import PruningConfig
from tflm_unit.converter.targets import load_target
from tflm_unit.simulation.result import Counts

QUICK = {"cortex_m0_sim": "unit", "cortex_m3_sim": "all", "cortex_m4_sim": "unit", "msp430_sim": "unit"}
SCHEDULES = ("dense", "zero_skip", "unit")
REQUIRED = {
    *("target", "unit", "samples", "match", "totals", "flash_bytes", "ram_bytes", "stack_bytes", "layers"),
}


def simulate(model: object, target: str, **options: object) -> tflm_unit.Simulation:
    require(target)
    return tflm_unit.simulate(model, target, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("target", QUICK)
def test_firmware_equals_the_batch_engine(target: str) -> None:
    x = images(2, seed=3)
    result = simulate(pruned(), target, x=x, samples=2, schedule=QUICK[target])
    assert result.match, result.mismatches
    assert not result.mismatches
    assert result.samples == 2
    assert result.unit == load_target(target).unit
    assert [layer.name for layer in result.layers] == list(LAYERS)
    for schedule in SCHEDULES if QUICK[target] == "all" else ("unit",):
        counts = [getattr(layer, schedule) for layer in result.layers]
        assert min(counts) > 100
        assert sum(counts) == pytest.approx(getattr(result.totals, schedule))
    evaluation = pruned().evaluate(x)
    for layer, evaluated in zip(result.layers, evaluation.layers, strict=True):
        assert layer.macs_total == evaluated.macs_total / 2
        assert layer.macs_kept == (evaluated.macs_total - evaluated.macs_skipped) / 2
    assert result.stack_bytes > 50
    assert result.ram_bytes >= result.arena_bytes > 0
    assert result.flash_bytes > result.constant_bytes > 0


@pytest.mark.parametrize("target", ["cortex_m3_sim", "msp430_sim"])
def test_several_inputs_and_dividers(target: str) -> None:
    """Side by side: the three prunable operators with table, tree and division, compensation and FATReLU."""
    result = simulate(build_pruned(example_cases()), target, samples=2, schedule="unit")
    assert result.match, result.mismatches
    assert result.dividers == ("binary_tree", "exact", "table")


@pytest.mark.parametrize("target", ["cortex_m3_sim", "msp430_sim"])
def test_several_schedules(target: str) -> None:
    x, names = images(2, seed=3), ("dense", "compare", "planned", "activation_sorted")
    result = simulate(pruned(), target, x=x, samples=2, schedule=names)
    assert result.match, result.mismatches
    assert result.totals == Counts(result.counts["dense"], None, None)
    assert (result.point, result.dividers) == ("default", ("exact",))
    assert tuple(result.counts) == names
    for name in names:
        assert sum(layer.counts[name] or 0 for layer in result.layers) == pytest.approx(result.counts[name])
    for layer in result.layers:
        convolves = "CONV" in layer.op
        ran = ("dense", "compare", "planned", "activation_sorted" if convolves else "compare")
        has_macs = convolves or layer.op == "FULLY_CONNECTED"
        assert tuple(layer.schedules.values()) == (ran if has_macs else (None,) * 4)
        assert layer.schedule == ("compare" if has_macs else None)  # the first with thresholds
        if layer.macs_kept is not None and layer.macs_total is not None:
            assert 0 < layer.macs_kept < layer.macs_total
    compare = simulate(pruned(), target, x=x, samples=2, schedule="compare")
    assert compare.counts == {"compare": result.counts["compare"]}
    text = str(result)
    assert "all/dense" in text
    assert "* ran compare" in text


def test_a_schedule_per_layer() -> None:
    """'unit' runs what each layer's entry says."""
    model, graph = pruned().model, pruned().model.graph
    point = with_schedules(graph, pruned().points[0], 1)
    model = dataclasses.replace(model, config=PruningConfig((point,)))
    result = simulate(model, "cortex_m3_sim", x=images(2), samples=2)
    assert result.match, result.mismatches
    wanted = {layer.name: point.layers[graph.weights(layer).index].schedule for layer in graph.prunable}
    assert len(set(wanted.values())) > 1
    for layer in result.layers:
        assert layer.schedule == (wanted[layer.name].name.lower() if layer.name in wanted else None)
        assert layer.schedules["dense"] == (None if layer.schedule is None else "dense")


def test_a_model_without_thresholds_runs_dense() -> None:
    result = simulate(classifier(), "cortex_m3_sim")
    assert result.match
    assert result.point is None
    assert result.totals.unit == result.totals.dense
    assert "no thresholds" in str(result)


def test_counts_are_means_and_repeatable() -> None:
    x = images(3, seed=1)
    single = [simulate(pruned(), "cortex_m3_sim", x=x[i : i + 1], schedule="unit") for i in range(3)]
    together = simulate(pruned(), "cortex_m3_sim", x=x, samples=3, schedule="unit")
    assert together.totals.unit == pytest.approx(np.mean([run.totals.unit for run in single]))
    assert together.totals.dense is None
    assert together == simulate(pruned(), "cortex_m3_sim", x=x, samples=3, schedule="unit")


def test_several_runs_when_the_samples_do_not_fit_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = images(5, seed=2)
    together = simulate(pruned(), "cortex_m3_sim", x=x, samples=5, schedule="unit")
    monkeypatch.setattr("tflm_unit.simulation.firmware.MAX_CAPACITY", 2)
    apart = simulate(pruned(), "cortex_m3_sim", x=x, samples=5, schedule="unit")
    assert apart.match
    assert apart.totals == together.totals


def test_all_operators_float_input_and_several_outputs() -> None:
    result = simulate(zoo(all_outputs=True), "cortex_m3_sim", samples=2, schedule="zero_skip")
    assert result.match, result.mismatches
    assert result.random_inputs
    assert result.layers[0].op == "QUANTIZE"
    assert result.layers[0].macs_total is None
    assert result.point is None


def test_a_board_is_stood_in_for_by_a_machine() -> None:
    board, machine = (
        simulate(pruned(), target, schedule="unit") for target in ("nucleo_f103rb_m3", "cortex_m3_sim")
    )
    assert (board.target, board.simulated_by) == ("nucleo_f103rb_m3", "cortex_m3_sim")
    assert board.totals == machine.totals
    assert board.estimate.clock_hz == load_target("nucleo_f103rb_m3").clock_hz
    assert board.estimate.sources != machine.estimate.sources
    assert "cortex_m3_sim ran the firmware in place of nucleo_f103rb_m3" in str(board)
    assert "nobody ran this on hardware yet" in str(board)


def test_the_second_time_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    first = simulate(pruned(), "cortex_m3_sim", samples=2)

    def compile_again(*arguments: object, **options: object) -> None:
        raise toolchain.ToolchainError("compiled again")

    monkeypatch.setattr(toolchain, "compile_sources", compile_again)
    assert simulate(pruned(), "cortex_m3_sim", samples=2) == first
    assert simulate(pruned(), "cortex_m3_sim", x=images(4), samples=4).match, "other samples, same firmware"
    with pytest.raises(tflm_unit.UnitError, match="compiled again"):
        simulate(pruned(skip=0.5), "cortex_m3_sim")


def test_operating_points() -> None:
    rules = {"full": tflm_unit.SkipRate(0.5), "saver": tflm_unit.SkipRate(0.8)}
    model, x = tflm_unit.convert(classifier(), images(64), points=rules), images(2)
    result = simulate(model, "cortex_m3_sim", x=x, samples=2, schedule="unit", point="saver")
    assert result.match
    assert result.point == "saver"
    evaluation = model.evaluate(x, point=1)
    kept = evaluation.macs_total - evaluation.macs_skipped
    assert sum(layer.macs_kept or 0 for layer in result.layers) == kept / 2


def test_a_simulator_that_cannot_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: Any, **options: Any) -> Any:
        return dataclasses.replace(original(*arguments, **options), marks=())

    original = simulators.run
    monkeypatch.setattr(simulators, "run", run)
    result = simulate(pruned(), "cortex_m3_sim", schedule="unit")
    assert result.match
    assert result.to_json()["totals"] == {"dense": None, "zero_skip": None, "unit": None}
    assert {layer.unit for layer in result.layers} == {None}
    assert result.layers[0].macs_kept is not None
    text = str(result)
    assert "estimate" not in text
    assert "stack" in text


def test_estimates_follow_from_the_board_file() -> None:
    result = simulate(pruned(), "cortex_m4_sim", schedule="unit")
    board = load_target("cortex_m4_sim").board["tflm_unit"]
    cycles = result.totals.unit * board["cost"]["cycles_per_count"]
    estimate = result.estimate
    assert estimate.microjoules.unit == pytest.approx(cycles * board["energy"]["nanojoules_per_cycle"] / 1000)
    assert estimate.milliseconds.unit == pytest.approx(cycles / load_target("cortex_m4_sim").clock_hz * 1000)
    text = str(result)
    assert "(estimate)" in text
    assert "instructions (not cycles) per inference, counted by QEMU" in text
    assert "random inputs" in text


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tflm_unit", "simulate", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=Path(__file__).parent, timeout=300
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulate")
    pruned().save(folder / "pruned.tflite")
    np.savez(folder / "data.npz", x_test=(images(8) * 255).astype(np.uint8))
    return folder


def test_command_line(folder: Path) -> None:
    require("cortex_m3_sim")
    options = ["--target", "cortex_m3_sim", "--data", folder / "data.npz", "--scale", 1 / 255, "--samples", 2]
    done = run(folder / "pruned.tflite", *options, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert set(figures) >= REQUIRED
    assert set(figures["totals"]) == {"dense", "zero_skip", "unit"}
    assert {"name", "dense", "zero_skip", "unit", "macs_total", "macs_kept"} <= set(figures["layers"][0])
    assert figures["match"] is True
    x = np.load(folder / "data.npz")["x_test"]
    result = tflm_unit.simulate(pruned(), "cortex_m3_sim", x=x, samples=2, scale=1 / 255)
    assert figures == json.loads(json.dumps(dataclasses.asdict(result)))
    some = run(folder / "pruned.tflite", *options, "--schedule", "dense", "--schedule", "planned", "--json")
    assert some.returncode == 0, some.stderr
    assert set(json.loads(some.stdout)["counts"]) == {"dense", "planned"}
    table = run(folder / "pruned.tflite", *options)
    assert table.returncode == 0, table.stderr
    for text in (
        *LAYERS,
        "zero-skip",
        "UnIT",
        "flash",
        "RAM",
        "stack",
        "equal the batch engine's, bit for bit",
    ):
        assert text in table.stdout
    assert "random inputs" not in table.stdout


def test_help_has_an_example() -> None:
    assert "Example: tflm-unit simulate" in " ".join(run("--help").stdout.split())


MISTAKES = {
    "unknown target": (["--target", "msp431"], "there is no target 'msp431'; it takes one of cortex_m0_sim,"),
    "missing data": (["--target", "cortex_m3_sim", "--data", "{0}/none.npz"], "cannot read {0}/none.npz"),
    "wrong scale": (["--target", "cortex_m3_sim", "--data", "{0}/data.npz"], "give scale and offset"),
    "scale of nothing": (["--target", "cortex_m3_sim", "--scale", "2"], "belong to --data"),
    "no such point": (["--target", "cortex_m3_sim", "--point", "7"], "no operating point 7"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_get_one_clear_line(folder: Path, mistake: str) -> None:
    arguments, message = MISTAKES[mistake]
    done = run(folder / "pruned.tflite", *(a.format(folder) for a in arguments))
    assert done.returncode == 1
    assert done.stderr.startswith("error: "), done.stderr
    assert message.format(folder) in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
