"""The command line, as a user meets it: a fresh process for each call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from classifier import CLASSES, LAYERS, classifier, images

import tflm_unit


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tflm_unit", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    # Not the repository root: with a regular install, its tflm_unit folder would shadow the package.
    here = Path(__file__).parent
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=here, timeout=300)


def succeed(*arguments: object) -> str:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "model.tflite").write_bytes(classifier())
    pixels = {f"x_{part}": (images(n, n) * 255).astype(np.uint8) for part, n in (("train", 64), ("test", 20))}
    labels = {f"y_{part}": np.arange(n) % CLASSES for part, n in (("train", 64), ("test", 20))}
    np.savez(folder / "data.npz", **pixels, **labels)
    np.savez(folder / "unlabelled.npz", x_test=pixels["x_test"])
    np.savez(folder / "lengths.npz", **pixels, y_test=labels["y_train"], y_train=labels["y_test"])
    np.savez(folder / "scalar.npz", x_test=np.array(3.0))
    np.savez(folder / "pickled.npz", x_test=np.array([{}]))
    (folder / "damaged.npz").write_bytes((folder / "data.npz").read_bytes()[:-40])
    (folder / "nested.json").write_text("[" * 100_000)
    succeed("convert", folder / "model.tflite", "-o", folder / "pruned.tflite", *data(folder), "--skip", 0.7)
    return folder


def data(folder: Path, name: str = "data.npz") -> list[object]:
    return ["--data", folder / name, "--scale", 1 / 255]


def test_convert_evaluate_inspect_strip(folder: Path) -> None:
    text = succeed("evaluate", folder / "pruned.tflite", *data(folder))
    assert all(name in text for name in LAYERS)
    figures = json.loads(
        succeed("evaluate", folder / "pruned.tflite", *data(folder), "--json", "--limit", 10)
    )
    assert {"accuracy", "samples", "macs_total", "macs_zero", "macs_skipped", "layers"} <= set(figures)
    assert figures["samples"] == 10
    assert {"name", "op", "macs_total", "macs_zero", "macs_skipped", "thresholds"} <= set(
        figures["layers"][0]
    )
    assert figures["macs_skipped"] / figures["macs_total"] == pytest.approx(0.7, abs=0.05)
    in_tflm = json.loads(
        succeed(
            "evaluate", folder / "pruned.tflite", *data(folder), "--json", "--limit", 10, "--engine", "tflm"
        )
    )
    assert in_tflm == {**figures, "engine": "tflm"}
    assert figures["point"] == "default"
    assert "point 0: default" in succeed("inspect", folder / "pruned.tflite")
    shown = json.loads(succeed("inspect", folder / "pruned.tflite", "--json"))
    assert [x["name"] for x in shown["points"][0]["layers"]] == list(LAYERS)
    assert shown["report"]["settings"]["points"] == {"default": {"skip": 0.7}}
    succeed("strip", folder / "pruned.tflite", "-o", folder / "stripped.tflite")
    assert tflm_unit.load(folder / "stripped.tflite").points == ()
    assert "runs dense" in succeed("inspect", folder / "stripped.tflite")


def test_several_points_and_every_option(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "points.tflite"
    options = ["--skip", 0.6, "--skip", 0.8, "--groups", 2, "--divider", "binary_tree", "--fatrelu", 0.2]
    shown = json.loads(
        succeed(
            *("convert", folder / "model.tflite", "-o", target, *data(folder), *options),
            *("--no-compensation", "--samples", 32, "--json"),
        )
    )
    assert [p["name"] for p in shown["points"]] == ["skip60", "skip80"]
    layer = shown["points"][1]["layers"][0]
    assert layer["divider"] == "binary_tree"
    assert not layer["compensated"]
    assert layer["fatrelu_min"] is not None
    by_name = [
        json.loads(succeed("evaluate", target, *data(folder), "--point", p, "--json")) for p in (1, "skip80")
    ]
    assert by_name[0] == by_name[1]


def test_a_target_and_a_forced_schedule(folder: Path, tmp_path: Path) -> None:
    model = ["convert", folder / "model.tflite", "-o", tmp_path / "m.tflite", *data(folder), "--skip", 0.9]
    text = succeed(*model, "--target", "cortex_m0_sim", "--extra-flash", 4)
    assert "predicted" in text
    assert "of dense" in text
    assert "cheapest" in succeed("inspect", tmp_path / "m.tflite")
    shown = json.loads(
        succeed(*model, "--schedule", "planned", "--divider", "bit_shift", "--power-of-two", "--json")
    )
    layers = shown["points"][0]["layers"]
    assert [layer["schedule"] for layer in layers] == ["planned"] * 3
    assert all((t + 1) & t == 0 for layer in layers for t in layer["thresholds"])
    assert shown["report"]["plan"] is None
    settings = shown["report"]["settings"]
    assert (settings["power_of_two"], settings["schedule"], settings["target"]) == (True, "planned", None)


def test_thresholds_from_a_file(folder: Path, tmp_path: Path) -> None:
    thresholds = tmp_path / "thresholds.json"
    thresholds.write_text(json.dumps({"conv": 0.01}))
    target = tmp_path / "explicit.tflite"
    text = succeed(
        "convert", folder / "model.tflite", "-o", target, *data(folder), "--thresholds", thresholds
    )
    assert "dense" in text, "layers without a threshold are shown as dense"
    assert str(target) in text


def test_without_labels(folder: Path) -> None:
    assert "agreement" in succeed("evaluate", folder / "pruned.tflite", *data(folder, "unlabelled.npz"))


def test_help_has_examples() -> None:
    for command in ("convert", "evaluate", "inspect", "strip", "demo"):
        assert f"Example: tflm-unit {command}" in " ".join(succeed(command, "--help").split())


MISTAKES = {
    "missing model": (["inspect", "{0}/none.tflite"], "cannot read"),
    "not a model": (["inspect", "{0}/data.npz"], "data.npz"),
    "missing data": (["evaluate", "{0}/pruned.tflite", "--data", "{0}/none.npz"], "cannot read {0}/none.npz"),
    "data is a model": (
        ["evaluate", "{0}/pruned.tflite", "--data", "{0}/model.tflite"],
        "is not an .npz file",
    ),
    "no x_train": (
        ["convert", "{0}/model.tflite", "-o", "{0}/out.tflite", "--data", "{0}/unlabelled.npz"],
        "has no array 'x_train'; it has x_test",
    ),
    "lengths differ": (
        ["convert", "{0}/model.tflite", "-o", "{0}/out.tflite", "--data", "{0}/lengths.npz"],
        "64 samples in x_train but 20 labels in y_train",
    ),
    "a single value": (["evaluate", "{0}/pruned.tflite", "--data", "{0}/scalar.npz"], "is a single value"),
    "pickled objects": (["evaluate", "{0}/pruned.tflite", "--data", "{0}/pickled.npz"], "'x_test' of"),
    "damaged data": (["evaluate", "{0}/pruned.tflite", "--data", "{0}/damaged.npz"], "is not an .npz file"),
    "brackets in a path": (
        ["inspect", "{0}/[red]none[/red].tflite"],
        "cannot read {0}/[red]none[/red].tflite",
    ),
    "thresholds too deep": (
        [
            *("convert", "{0}/model.tflite", "-o", "{0}/out.tflite", "--data", "{0}/data.npz"),
            *("--scale", "0.0039", "--thresholds", "{0}/nested.json"),
        ],
        "is not JSON",
    ),
    "FATReLU is NaN": (
        [
            *("convert", "{0}/model.tflite", "-o", "{0}/out.tflite", "--data", "{0}/data.npz"),
            *("--scale", "0.0039", "--fatrelu", "nan"),
        ],
        "FATReLU threshold is nan",
    ),
    "wrong scale": (["evaluate", "{0}/pruned.tflite", "--data", "{0}/data.npz"], "give scale and offset"),
    "no such point": (
        ["evaluate", "{0}/pruned.tflite", "--data", "{0}/data.npz", "--scale", "0.0039", "--point", "7"],
        "no operating point 7",
    ),
    "thresholds are no JSON": (
        [
            *("convert", "{0}/model.tflite", "-o", "{0}/out.tflite", "--data", "{0}/data.npz"),
            *("--scale", "0.0039", "--thresholds", "{0}/data.npz"),
        ],
        "is not JSON",
    ),
    "bad samples": (
        ["convert", "{0}/model.tflite", "-o", "{0}/out.tflite", "--data", "{0}/data.npz", "--samples", "0"],
        "--samples is 0",
    ),
    "digits from a file": (
        ["demo", "--data", "{0}/data.npz", "-o", "{0}/demo"],
        "data.npz is for --dataset mnist",
    ),
    "demo without its data": (
        ["demo", "--dataset", "mnist", "--data", "{0}/none.npz", "-o", "{0}/demo"],
        "{0}/none.npz",
    ),
    "folder is missing": (
        [
            *("convert", "{0}/model.tflite", "-o", "{0}/none/out.tflite"),
            *("--data", "{0}/data.npz", "--scale", "0.00392"),
        ],
        "none/out.tflite",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_get_one_clear_line(folder: Path, mistake: str) -> None:
    arguments, message = MISTAKES[mistake]
    before = sorted(folder.iterdir())
    done = run(*(a.format(folder) for a in arguments))
    assert done.returncode == 1
    assert done.stderr.startswith("error: "), done.stderr
    assert message.format(folder) in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert sorted(folder.iterdir()) == before, "nothing is left behind"


def test_usage_errors_exit_with_2(folder: Path) -> None:
    done = run("convert", folder / "model.tflite")
    assert done.returncode == 2
    assert "--output" in done.stderr or "--data" in done.stderr
