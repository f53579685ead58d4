"""The command `report`, and the command of a model that a page shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import CLASSES, classifier, images
from html_page import Page
from report_pages import LABELS, SAMPLES, converted, tuning, with_report
from test_cli import run, succeed

import tflm_unit
from tflm_unit import page
from tflm_unit.api import ConversionResult
from tflm_unit.models import load_model


@pytest.fixture(scope="module")
def result() -> ConversionResult:
    return converted()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, result: ConversionResult) -> Path:
    folder = tmp_path_factory.mktemp("report")
    result.save(folder / "net.tflite")
    pixels = (images(SAMPLES, 1) * 255).astype(np.uint8)
    names = np.array([f"class {i}" for i in range(CLASSES)])
    np.savez(folder / "data.npz", x_test=pixels, y_test=LABELS, class_names=names)
    np.savez(folder / "unlabelled.npz", x_test=pixels)
    np.savez(folder / "wrong.npz", x_train=pixels)
    return folder


def test_command(folder: Path) -> None:
    data = ["--data", folder / "data.npz", "--scale", 1 / 255]
    told = json.loads(
        succeed(
            "report", folder / "net.tflite", "-o", folder / "a.html", *data, "--json", "--png", folder / "png"
        )
    )
    assert told["name"] == "net.tflite"
    assert told["samples"] == SAMPLES
    assert told["confusion"]["classes"][0] == "class 0"
    assert all(Path(path).is_file() for path in told["files"])
    assert told["files"][0] == str(folder / "a.html")
    html = (folder / "a.html").read_text(encoding="utf-8")
    assert html == page.build(
        load_model(folder / "net.tflite"),
        (images(SAMPLES, 1) * 255).astype(np.uint8),
        LABELS,
        scale=1 / 255,
        name="net.tflite",
        data_name="data.npz",
        class_names=told["confusion"]["classes"],
    )
    evaluated = json.loads(succeed("evaluate", folder / "net.tflite", *data, "--json", "--point", "saver"))
    (saver,) = [v for v in told["variants"] if v["name"] == "saver"]
    assert saver["accuracy"]["value"] == evaluated["accuracy"]
    text = succeed(
        *("report", folder / "net.tflite", "-o", folder / "b.html", "--data", folder / "unlabelled.npz"),
        *("--scale", 1 / 255, "--limit", 10),
    )
    assert "b.html" in text
    read = Page((folder / "b.html").read_text(encoding="utf-8"))
    assert "10 samples of unlabelled.npz" in read.text
    assert "agreement" in read.text


def test_command_errors(folder: Path) -> None:
    output = folder / "none.html"
    for arguments, message in (
        ([folder / "no.tflite", "-o", output], "cannot read"),
        ([folder / "net.tflite", "-o", output, "--data", folder / "no.npz"], "cannot read"),
        ([folder / "net.tflite", "-o", output, "--data", folder / "wrong.npz"], "x_test"),
        ([folder / "net.tflite", "-o", output, "--data", folder / "data.npz"], "scale"),
        ([folder / "net.tflite", "-o", folder / "no" / "page.html"], "cannot write"),
        ([folder / "net.tflite", "-o", folder / "net.tflite"], "would overwrite the model"),
        ([folder / "net.tflite", "-o", folder / "no.npz", "--data", folder / "no.npz"], "overwrite the data"),
        ([folder / "net.tflite", "-o", output, "--scale", 1], "belong to --data, which is not given"),
        ([folder / "net.tflite", "-o", output, "--png", folder / "data.npz"], "cannot make the folder"),
    ):
        done = run("report", *arguments)
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert not output.exists()
    assert load_model(folder / "net.tflite").config is not None
    assert "Example" in run("report", "--help").stdout


@pytest.mark.slow
def test_page_of_a_real_model_is_small(data_dir: Path) -> None:
    """DS-CNN of MLPerf Tiny, 10 layers, with two points and labelled data."""
    with np.load(data_dir / "mlperf_tiny" / "kws_speech_commands_test.npz") as arrays:
        x, y, names = arrays["x"], arrays["y"], arrays["class_names"]
    rules: Any = {"full": tflm_unit.SkipRate(0.5), "saver": tflm_unit.SkipRate(0.7)}
    model = data_dir / "mlperf_tiny" / "kws_ref_model.tflite"
    result = tflm_unit.convert(model, x[:200], points=rules, target="cortex_m4_sim", groups="channel")
    html = page.build(result.model, x[200:700], y[200:700], class_names=names)
    assert len(html.encode()) < 500_000
    read = Page(html)
    assert len(read.rows("matrix")) == 6 * 13
    assert len(set(read.ids)) == len(read.ids)


@pytest.mark.parametrize(
    "options",
    [
        ["--skip", "0.6", "--skip", "0.8", "--groups", "channel", "--no-center"],
        ["--percentile", "30", "--divider", "table", "--no-compensation", "--fatrelu", "0.25"],
        ["--skip", "0.7", "--target", "cortex_m0_sim", "--no-power-of-two", "--extra-flash", "0.5"],
        [
            "--skip",
            "0.7",
            "--schedule",
            "planned",
            "--groups",
            "2",
            "--power-of-two",
            "--divider",
            "bit_shift",
        ],
    ],
)
def test_the_command_shown_makes_the_model(folder: Path, tmp_path: Path, options: list[str]) -> None:
    np.savez(tmp_path / "data.npz", x_train=images(64))
    (tmp_path / "model.tflite").write_bytes(classifier())
    given = ["--data", tmp_path / "data.npz"]
    succeed("convert", tmp_path / "model.tflite", "-o", tmp_path / "a.tflite", *given, *options)
    shown = page.collect(load_model(tmp_path / "a.tflite")).command
    assert shown is not None
    places = {
        "MODEL": tmp_path / "model.tflite",
        "OUT.tflite": tmp_path / "b.tflite",
        "DATA.npz": tmp_path / "data.npz",
    }
    succeed(*(places.get(word, word) for word in shown.split()[1:]))
    assert (tmp_path / "a.tflite").read_bytes() == (tmp_path / "b.tflite").read_bytes()


def test_command_of_a_search(result: ConversionResult) -> None:
    told = tuning()
    told["settings"] |= {
        "target": "cortex_m0_sim",
        "divider": "bit_shift",
        "power_of_two": True,
        "fatrelu": False,
    }
    shown = page.collect(with_report(result.model, tuning=told)).command
    assert shown == (
        "tflm-unit tune MODEL -o OUT.tflite --data DATA.npz --points full=1,saver=1 --trials 12 --seed 3 "
        "--validation 2000 --target cortex_m0_sim --no-fatrelu"
    )
    by_metric = page.collect(with_report(result.model, tuning={**told, "judge": "f1"}))
    assert by_metric.command is None
