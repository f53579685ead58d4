"""`tflm-unit tune`, as a user meets it: a fresh process for each call."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from classifier import CLASSES, LAYERS, classifier, images
from test_cli import run, succeed

import tflm_unit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tune")
    (folder / "model.tflite").write_bytes(classifier())
    arrays = {
        f"x_{part}": (images(n, n) * 255).astype(np.uint8)
        for part, n in (("train", 50), ("val", 80), ("test", 60))
    }
    labels = {f"y_{part}": np.arange(n) % CLASSES for part, n in (("train", 50), ("val", 80), ("test", 60))}
    names = np.array([f"gesture {i}" for i in range(CLASSES)])
    np.savez(folder / "data.npz", **arrays, **labels, class_names=names)
    np.savez(folder / "train.npz", x_train=arrays["x_train"], y_train=labels["y_train"])
    np.savez(folder / "unlabelled.npz", **arrays)
    broken = arrays["x_val"].astype(np.float32)
    broken[75:] = np.nan
    np.savez(folder / "nan.npz", **{**arrays, "x_val": broken})
    np.savez(folder / "few.npz", x_train=arrays["x_train"][:3])
    return folder


def arguments(folder: Path, data: str = "data.npz", output: str = "out.tflite") -> list[object]:
    files = ["tune", folder / "model.tflite", "-o", folder / output, "--data", folder / data]
    return [*files, "--scale", 1 / 255, "--trials", 17]


def test_tune_writes_a_model_and_tells_about_it(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    text = succeed(
        *(*arguments(folder), "--max-drop", 10, "--points", "full=4,saver=10", "--report", page),
        *("--storage", f"sqlite:///{folder}/trials.db"),
    )
    for word in (*LAYERS, "full", "saver", "4.00%", "10.00%", "60 test samples", "frontier"):
        assert word in text
    assert f"wrote {folder}/out.tflite" in text
    assert f"wrote {page}: {page.stat().st_size:,} bytes" in text
    assert "gesture 0" in page.read_text()
    tuning = json.loads(
        succeed(*arguments(folder), "--max-drop", 10, "--points", "full=4,saver=10", "--json")
    )
    assert [p["limit"] for p in tuning["points"]] == [0.04, 0.1]
    assert tuning["test"]["samples"] == 60
    assert tflm_unit.load(folder / "out.tflite").model.report["tuning"]["points"] == tuning["points"]  # type: ignore[index]


def test_a_part_of_x_train_stands_in_for_x_val(folder: Path) -> None:
    tuning = json.loads(succeed(*arguments(folder, "train.npz"), "--budget", 0.4, "--json"))
    assert tuning["settings"]["validation_samples"] == 10
    assert tuning["settings"]["calibration_samples"] == 40
    assert tuning["test"] is None
    assert "every fifth sample of x_train judges" in tuning["data_notes"][0]


def test_without_labels_the_output_says_what_judges(folder: Path) -> None:
    text = succeed(*arguments(folder, "unlabelled.npz"), "--max-drop", 5)
    assert "no labels: agreement with the dense model is the judge" in " ".join(text.split())


def test_help_has_an_example() -> None:
    assert "Example: tflm-unit tune lenet.tflite" in " ".join(succeed("tune", "--help").split())


MISTAKES = {
    "both limits": ("data.npz", ["--max-drop", 1, "--budget", 0.3], "exclude each other"),
    "some limits": ("data.npz", ["--points", "a=1,b"], "a limit for every point, or for none"),
    "limit": ("data.npz", ["--points", "a=much"], "'much' is not a number"),
    "twice": ("data.npz", ["--points", "a=1,a=2"], "a point is given twice"),
    "NaN": ("nan.npz", ["--validation", 20], "sample 75 of 'x_val' of {0}/nan.npz has NaN"),
    "few samples": ("few.npz", [], "only 3 samples in x_train"),
    "report": (
        "data.npz",
        ["--report", "/nowhere/page.html"],
        "cannot write /nowhere/page.html: there is no folder",
    ),
    "report into a folder": ("data.npz", ["--report", "/"], "cannot write /: it is a folder"),
    "report over the result": (
        "data.npz",
        ["--report", "{0}/none.tflite"],
        "would overwrite the tuned model",
    ),
    "report over the model": ("data.npz", ["--report", "{0}/model.tflite"], "would overwrite the model"),
    "report over the data": (
        "data.npz",
        ["--report", "{0}/../{0.name}/data.npz"],
        "would overwrite the data",
    ),
    "two limits": (
        "data.npz",
        ["--points", "a=1,b=2", "--max-drop", 3],
        "--max-drop is 3, but the limits of --points go to 2",
    ),
    "limit out of range": ("data.npz", ["--points", "a=-1"], "--points a=-1: -1 is not in 0 .. 100 points"),
    "study": ("data.npz", ["--study", "abc"], "study is 'abc'"),
    "storage": ("data.npz", ["--storage", "sqlite:////nowhere/x.db"], "cannot be opened"),
}


def test_a_drop_is_out_of_range_in_the_units_of_the_option(folder: Path) -> None:
    done = run(*arguments(folder), "--max-drop", -1)
    assert done.returncode == 2
    assert "Invalid value for '--max-drop'" in done.stderr
    assert "0.01" not in done.stderr


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_get_one_clear_line(folder: Path, mistake: str) -> None:
    data, options, message = MISTAKES[mistake]
    done = run(*arguments(folder, data, "none.tflite"), *(str(o).format(folder) for o in options))
    assert done.returncode == 1
    assert done.stderr.startswith("error: "), done.stderr
    assert message.format(folder) in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (folder / "none.tflite").exists()
