"""The report page of models with a search's report, its command, its files."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import CLASSES, classifier, images
from html_page import Page
from test_cli import run, succeed
from test_page import LABELS, SAMPLES, tuning, with_report

import tflm_unit
from tflm_unit import page
from tflm_unit.api import ConversionResult
from tflm_unit.converter.errors import UnitError
from tflm_unit.models import load_model
from tflm_unit.page import charts
from tflm_unit.page.charts import hidden_entries
from tflm_unit.page.figures import write_figures
from tflm_unit.report import summary


@pytest.fixture(scope="module")
def result() -> ConversionResult:
    rules: Any = {"full": tflm_unit.SkipRate(0.55), "saver": tflm_unit.SkipRate(0.75)}
    return tflm_unit.convert(classifier(), images(64), points=rules, target="cortex_m0_sim")


def interval(row: dict[str, Any]) -> tuple[float, float, float]:
    return row["drop"], row["drop_low"], row["drop_high"]


TEST = {
    "samples": 5000,
    "dense": {"accuracy": 0.9, "low": 0.89, "high": 0.91},
    "points": {
        name: {"accuracy": a, "low": a - 0.01, "high": a + 0.01, "drop": 0.9 - a, "drop_low": 0.895 - a}
        | {"drop_high": 0.905 - a, "kept": kept}
        for name, a, kept in (("full", 0.898, 0.44), ("saver", 0.889, 0.24))
    },
}


def test_points_of_the_search_without_other_data(result: ConversionResult) -> None:
    told = tuning()
    collected = page.collect(with_report(result.model, tuning=told))
    assert (collected.judge, collected.figures_of) == ("accuracy", "2,000 validation samples of the search")
    assert collected.frontier is not None
    assert len(collected.frontier.searched) == len(told["frontier"])
    assert not [m for m in collected.frontier.marked if m.kind == "point"]  # the same figures as `chosen`
    for chosen, variant, row in zip(collected.frontier.chosen, collected.points, told["points"], strict=True):
        assert (chosen.name, chosen.kept, chosen.cost) == (row["name"], row["kept"], row["cost"])
        for drop in (chosen.drop, variant.drop):
            assert drop is not None
            assert (drop.value, drop.low, drop.high) == interval(row)
        assert variant.kept == row["kept"]
    read = Page(page.render(collected))
    assert "a note of the search" in read.text
    table = [row for row in read.rows("figures") if len(row) == 6]
    assert [row[5] for row in table[1:]] == [str(e["trial"]) for e in told["frontier"]]
    assert [row[4] for row in table[1:] if row[4]] == ["saver", "full"]
    assert "max drop" in read.text
    assert "0.01" in read.text


def test_test_data_of_the_search_stands_beside_its_own_figures(result: ConversionResult) -> None:
    collected = page.collect(with_report(result.model, tuning=tuning(test=TEST)))
    assert "5,000 test samples" in collected.figures_of
    dense, _, full, saver = collected.variants
    assert dense.accuracy is not None
    assert (dense.accuracy.value, dense.accuracy.low) == (0.9, 0.89)
    assert (full.kept, saver.kept) == (0.44, 0.24)
    assert saver.accuracy is not None
    assert saver.accuracy.value == 0.889
    assert collected.frontier is not None
    assert [m.name for m in collected.frontier.marked] == ["dense", "full", "saver"]
    row = Page(page.render(collected)).tables[0][1][2]
    assert row[0] == "full"
    assert row[3].startswith("89.80 ")
    assert row[4].startswith("\u22120.20 ")


def test_data_takes_the_place_of_test_figures(result: ConversionResult) -> None:
    model = with_report(result.model, tuning=tuning(test=TEST))
    collected = page.collect(model, images(SAMPLES, seed=1), LABELS)
    expected = result.evaluate(images(SAMPLES, seed=1), LABELS)
    assert collected.points[0].accuracy is not None
    assert collected.points[0].accuracy.value == expected.accuracy
    assert collected.points[0].kept == pytest.approx(1 - expected.skip_rate)
    assert collected.frontier is not None
    assert "zero-skip" in [m.name for m in collected.frontier.marked]


def test_older_reports_name_the_points_in_the_frontier_alone(result: ConversionResult) -> None:
    told = tuning()
    for name in ("points", "notes", "test"):
        del told[name]
    collected = page.collect(with_report(result.model, tuning=told))
    read = Page(page.render(collected))
    assert "frontier" in read.ids
    assert collected.frontier is not None
    assert not collected.frontier.chosen
    assert {"full", "saver"} <= {row[4] for row in read.rows("figures") if len(row) == 6}


def test_metrics_are_no_percentages(result: ConversionResult) -> None:
    model = with_report(result.model, tuning=tuning(judge="macro_F1", test=TEST))
    read = Page(page.render(page.collect(model)))
    assert "Macro_F1, %" not in read.text
    assert read.tables[0][1][0][3:5] == ["Macro_F1", "Change"]
    assert read.tables[0][1][2][3].startswith("0.898 ")
    # With data the page judges by accuracy, which is nothing to draw beside losses of a metric.
    collected = page.collect(model, images(SAMPLES), LABELS)
    assert collected.judge == "accuracy"
    assert collected.frontier is not None
    assert not [m for m in collected.frontier.marked if m.kind == "point"]
    page.render(collected)


def test_trials_that_lose_much_do_not_squeeze_the_others(result: ConversionResult) -> None:
    found = page.collect(with_report(result.model, tuning=tuning())).frontier
    assert found is not None
    shown = [e for e in found.searched if e.drop <= 0.019 * 1.4]
    assert hidden_entries(found) == len(found.searched) - len(shown)
    assert 0 < hidden_entries(found) < len(found.searched)


@pytest.mark.parametrize("told", [None, tuning(), tuning(test=TEST)])
def test_every_point_has_one_interval(result: ConversionResult, told: dict[str, Any] | None) -> None:
    data = () if told else (images(SAMPLES, seed=1), LABELS)
    collected = page.collect(with_report(result.model, tuning=told), *data)
    (axes, _) = charts.frontier(collected).axes
    drawn = [
        list(line.get_ydata()) for line in axes.lines if len({*line.get_xdata()}) == 1 < len(line.get_xdata())
    ]
    drops = [p.drop for p in collected.points]
    assert None not in drops
    assert drawn == [
        [d.low * 100, d.high * 100] for d in drops if d and d.low is not None and d.high is not None
    ]
    assert len(drawn) == 2


def test_summary_has_the_tables_of_the_page(result: ConversionResult) -> None:
    plain = summary(result.model)
    assert "points side by side" in plain
    memory = page.collect(result.model).memory
    assert f"{memory.footprints[1].flash:,}" in plain
    assert f"{memory.footprints[0].arena:,}" in plain
    point = page.collect(result.model).points[1]
    assert f"{1 - (point.kept or 0):.1%}" in plain
    assert f"{point.kept:.1%}" in plain
    told = tuning(test=TEST)
    told["settings"] |= {"finished": 12, "trial_samples": 100, "by_cost": False}
    searched = summary(with_report(result.model, tuning=told))
    assert "5,000 test samples" in searched
    assert searched.count("a note of the search") == 1


def test_figures_for_papers(result: ConversionResult, tmp_path: Path) -> None:
    collected = page.collect(result.model, images(SAMPLES), LABELS)
    collected = dataclasses.replace(collected, histograms=collected.histograms[:1])  # one will do
    folder = tmp_path / "new" / "figures"
    files = write_figures(collected, folder)
    expected = {"frontier", "histogram_conv"}
    expected |= {f"{kind}_{point}" for kind in ("layers", "confusion") for point in ("full", "saver")}
    assert {path.stem for path in files} == expected
    assert {path.suffix for path in files} == {".png", ".svg", ".pdf"}
    before = {path: path.read_bytes() for path in files}
    width, height = struct.unpack(">II", before[folder / "frontier.png"][16:24])
    assert width > 1500
    assert height > 500
    assert write_figures(collected, folder) == files
    assert {path: path.read_bytes() for path in files} == before


def test_what_cannot_be_written(result: ConversionResult, tmp_path: Path) -> None:
    with pytest.raises(UnitError, match=r"missing.page\.html"):
        result.report(tmp_path / "missing" / "page.html")
    with pytest.raises(UnitError, match="cannot write"):
        result.report(tmp_path)
    if Path("/dev/full").exists():
        with pytest.raises(UnitError, match="/dev/full: No space left"):
            result.report("/dev/full")
    (tmp_path / "file").write_text("")
    with pytest.raises(UnitError, match="cannot make the folder"):
        write_figures(page.collect(result.model), tmp_path / "file" / "figures")
    assert not list(tmp_path.glob(".*"))


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
    ):
        done = run("report", *arguments)
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert not output.exists()
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
