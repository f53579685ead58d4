"""The report page of models with a search's report, its files."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Any

import pytest
from classifier import images
from html_page import Page
from report_pages import LABELS, SAMPLES, converted, tuning, with_report

from tflm_unit import page
from tflm_unit.api import ConversionResult
from tflm_unit.converter.errors import UnitError
from tflm_unit.page import charts
from tflm_unit.page.charts import hidden_entries
from tflm_unit.page.figures import write_figures
from tflm_unit.report import summary


@pytest.fixture(scope="module")
def result() -> ConversionResult:
    return converted()


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
