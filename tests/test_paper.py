"""Pure parts of the paper's commands: curves, what follows from them, results that outlive a run, memory traces."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

from tflm_unit import UnitError

PAPER = REPOSITORY / "benchmarks" / "paper"


@pytest.fixture(scope="module")
def modules() -> Iterator[Any]:
    """The folder's modules, by import."""
    before, path = set(sys.modules), list(sys.path)
    sys.path.insert(0, str(PAPER))
    try:
        import common
        import curves
        import figure5
        import lines
        import table2
        import traffic

        yield {m.__name__: m for m in (common, curves, figure5, lines, table2, traffic)}
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(REPOSITORY / "benchmarks"):
                del sys.modules[name]


@pytest.fixture
def curves(modules: Any) -> Any:
    return modules["curves"]


def point(
    curves: Any, kept: float, drop: float, validation: float | None = None, error: float = 0.001
) -> Any:
    """The same figures on both data, but for the drop on the validation data if that is given."""
    test = curves.Figures(kept, drop, drop - error, drop + error)
    of_validation = drop if validation is None else validation
    return curves.Point({"x": kept}, curves.Figures(kept, of_validation, 0.0, 0.0), test)


def curve(curves: Any, *rows: tuple[float, float]) -> Any:
    return curves.Curve([point(curves, *row) for row in rows], point(curves, 0.8, 0.0))


def test_only_points_that_validation_data_would_choose_are_on_a_curve(curves: Any) -> None:
    lucky = point(curves, 0.4, -0.01, validation=0.05)  # good on the test data alone
    points = [point(curves, 0.5, 0.01), lucky, point(curves, 0.3, 0.04)]
    made = curves.Curve(points, point(curves, 0.8, 0.0))
    assert [p.test.kept for p in made.points] == [0.8, 0.5, 0.3]


def test_points_above_zero_skip_are_left_out(curves: Any) -> None:
    made = curves.Curve([point(curves, 0.9, -0.02), point(curves, 0.5, 0.01)], point(curves, 0.8, 0.0))
    assert [p.test.kept for p in made.points] == [0.8, 0.5]


def test_kept_at_a_drop_is_read_off_the_line(curves: Any) -> None:
    made = curve(curves, (0.5, 0.01), (0.3, 0.03))
    assert made.kept_at(0.01) == pytest.approx(0.5)
    assert made.kept_at(0.02) == pytest.approx(0.4)
    assert made.kept_at(0.005) == pytest.approx(0.65)
    assert made.kept_at(0.1) == pytest.approx(0.3)  # nothing beyond the last point
    assert made.kept_at(-0.1) == pytest.approx(0.8)


def test_kept_at_takes_the_last_point_within_the_drop(curves: Any) -> None:
    """A line that comes back below the limit, as noise makes it."""
    points = [point(curves, 0.6, 0.012, validation=0.001), point(curves, 0.4, 0.009, validation=0.002)]
    made = curves.Curve([*points, point(curves, 0.2, 0.019)], point(curves, 0.8, 0.0))
    assert made.kept_at(0.01) == pytest.approx(0.4 - 0.2 * 0.1)


def test_the_allowed_point_is_chosen_by_validation_data(curves: Any) -> None:
    points = [point(curves, 0.5, 0.02, validation=0.009), point(curves, 0.3, 0.005, validation=0.011)]
    made = curves.Curve(points, point(curves, 0.8, 0.0))
    assert made.allowed(0.01).test.kept == 0.5
    assert made.allowed(0.02).test.kept == 0.3
    assert made.allowed(0.001).test.kept == 0.8


def test_drop_at_a_share_of_macs(curves: Any) -> None:
    made = curve(curves, (0.5, 0.01), (0.3, 0.03))
    assert made.at(0.4).drop == pytest.approx(0.02)
    assert made.at(0.4).low == pytest.approx(0.019)
    assert made.at(0.9).drop == 0
    assert made.at(0.2) is None


def test_equal_rates_tell_where_the_other_drop_is_resolved(curves: Any) -> None:
    ours, other = curve(curves, (0.2, 0.006)), curve(curves, (0.6, 0.0005), (0.2, 0.02))
    found = curves.at_rates(ours, other, (0.1, 0.4, 0.6, 0.79, 0.9))
    assert [r.skipped for r in found] == [0.4, 0.6, 0.79]  # below: zero-skip's own; above: no points
    assert [r.resolved for r in found] == [False, True, True]
    assert found[0].ratio is None
    assert found[2].ratio == pytest.approx(0.3, abs=0.01)


def test_a_point_that_was_made_for_a_drop_is_the_one_that_is_allowed_it(curves: Any) -> None:
    made, luckier = (point(curves, kept, 0.004, validation=0.002) for kept in (0.3, 0.2))
    made = dataclasses.replace(made, settings={"limit": 0.01})
    luckier = dataclasses.replace(luckier, settings={"limit": 0.03})
    found = curves.Curve([made, luckier], point(curves, 0.8, 0.0))
    assert found.allowed(0.01) is made
    assert found.allowed(0.02) is luckier


def test_points_survive_json(curves: Any) -> None:
    made = point(curves, 0.5, 0.01)
    assert curves.Point.from_json(made.to_json()) == made


def result(curves: Any) -> dict[str, Any]:
    rows = {
        "zero_skip": [(0.8, 0.0)],
        "unit": [(0.6, 0.005), (0.4, 0.02), (0.2, 0.1)],
        "ours": [(0.4, 0.002), (0.2, 0.01), (0.15, 0.04)],
    }
    points = {m: [point(curves, *row).to_json() for row in found] for m, found in rows.items()}
    figures = {"accuracy": 0.9, "macs": 1000, "test_samples": 100, "validation_samples": 50}
    return {"dataset": "mnist", **figures, "points": points}


def test_summary_and_tables(modules: Any, curves: Any) -> None:
    stored = result(curves)
    found = modules["lines"].summary(stored, modules["figure5"].curves(stored), (0.4, 0.6, 0.79))
    assert set(found["kept"]) == {"0.004", "0.01"}
    assert found["kept"]["0.01"]["ours"] == pytest.approx(0.2)
    assert found["more"]["0.01"]["unit"] == pytest.approx((0.6 - 0.2 / 3) / 0.2)
    assert [r["ratio"] for r in found["rates"]] == pytest.approx([0.2, 0.1, 0.1])
    text = modules["lines"].markdown([found]).splitlines()
    assert len(text) == 4
    assert "| mnist (90.0%) | 1 | 46.7% | 80.0% | 2.67 |" in text[3]
    assert len({line.count("|") for line in text}) == 1
    assert len(modules["lines"].tables([found])) == 2


def test_results_are_shown_again(
    modules: Any,
    curves: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(modules["figure5"], "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["figure5.py", "--again", "--dataset", "mnist", "--markdown"])
    with pytest.raises(UnitError, match="has not been measured: run"):
        modules["figure5"].main()
    (tmp_path / "figure5_mnist.json").write_text(json.dumps(result(curves)))
    modules["figure5"].main()
    assert "| mnist (90.0%) | 1 | 46.7% | 80.0% | 2.67 |" in capsys.readouterr().out


def test_figure_has_a_panel_per_data_set(modules: Any, curves: Any, tmp_path: Path) -> None:
    stored = result(curves)
    figure = modules["figure5"].draw([stored, {**stored, "dataset": "har"}, {**stored, "dataset": "widar"}])
    assert [a.get_title(loc="left") or a.get_title() for a in figure.axes if a.get_visible()] == [
        "MNIST: dense 90.0%",
        "UCI HAR: dense 90.0%",
        "WiDar: dense 90.0%",
    ]
    modules["common"].save_figure(figure, tmp_path / "new" / "figure.png")
    assert (tmp_path / "new" / "figure.png").stat().st_size > 10_000


def test_results_are_made_once_and_outlive_the_store(modules: Any, tmp_path: Path) -> None:
    calls = []
    path = tmp_path / "folder" / "results.json"

    def make() -> dict[str, Any]:
        calls.append(1)
        return {"pair": (1, 2)}

    first = modules["common"].Store(path).get("a", make)
    again = modules["common"].Store(path)
    assert first == again.get("a", make) == {"pair": [1, 2]}
    assert len(calls) == 1
    again.get("b", make)
    assert len(calls) == 2


def test_a_failed_result_is_not_kept(modules: Any, tmp_path: Path) -> None:
    store = modules["common"].Store(tmp_path / "results.json")
    with pytest.raises(ZeroDivisionError):
        store.get("a", lambda: 1 / 0)
    assert store.get("a", lambda: 3) == 3


def test_keys_tell_arguments_apart(modules: Any) -> None:
    key_of = modules["common"].key_of
    assert key_of(b"ab", b"c") != key_of(b"a", b"bc")
    assert key_of("x", {"a": 1, "b": 2}) == key_of("x", {"b": 2, "a": 1}) != key_of("x", {"a": 1, "b": 3})


def trace(*accesses: tuple[int, str, int, int]) -> list[str]:
    arrow = {"GET": "->", "PUT": "<-"}
    return [
        f"memory:   0x{pc:06x}                       -{what}: [0x{place:x}].{bits} {arrow[what]} 0x12\n"
        for pc, what, place, bits in accesses
    ]


def test_accesses_between_the_first_and_the_last_mark_are_counted(modules: Any) -> None:
    mark = 0x5CA0
    lines = [
        *trace((0x4500, "PUT", 0x1C00, 16)),  # startup
        "\x00\x01\n\x02" + trace((mark + 16, "GET", 0x3BFC, 20))[0],  # what a mark writes comes first
        *trace((0x4600, "GET", 0x4000, 8), (0x4600, "GET", 0x12000, 16), (0x4602, "PUT", 0x4C0, 16)),
        *trace((0x4604, "PUT", 0x3BFE, 20), (0x4606, "GET", 0x1C00, 16), (0x4606, "PUT", 0x10000, 8)),
        "some other output\n",
        *trace((mark + 16, "GET", 0x3BFC, 20)),
        *trace((0x4700, "GET", 0x1C00, 16)),  # what follows the inference
    ]
    found = modules["traffic"].counted(lines, mark)
    assert found == modules["traffic"].Traffic(2, 1, 1, 2, 1)
    assert found.data == 6


def test_a_simulator_without_traces_is_told(modules: Any) -> None:
    with pytest.raises(UnitError, match="--trace-memory"):
        modules["traffic"].counted(["@z 0000\n"], 0x5CA0)


def test_means_of_table_2(modules: Any) -> None:
    table2 = modules["table2"]
    rows = [
        table2.Row(repeat, "tune", "A", "B", 100, dense, pruned, skipped)
        for repeat, dense, pruned, skipped in (
            (1, 0.90, 0.89, 0.62),
            (2, 0.92, 0.92, 0.60),
            (3, 0.91, 0.89, 0.64),
        )
    ]
    other = table2.Row(1, "unit", "A", "B", 100, 0.9, 0.8, 0.6)
    mean, alone = table2.means([*rows, other])
    assert (mean.method, mean.repeats, alone.method) == ("tune", 3, "unit")
    assert mean.lost == pytest.approx(0.01)
    assert (mean.skipped, mean.least) == pytest.approx((0.62, 0.60))
    # Student's t for two degrees of freedom is 4.303, the standard error 0.01 / sqrt(3).
    assert (mean.low, mean.high) == pytest.approx((0.01 - 0.02484, 0.01 + 0.02484), abs=1e-5)
    assert (alone.low, alone.high) == (None, None)


def command(script: str, *arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TFLM_UNIT_DATA": str(data), "COLUMNS": "200"}
    run = [sys.executable, PAPER / script, *arguments]
    return subprocess.run(run, capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.parametrize("script", ["figure5.py", "figure6_7.py", "table2.py", "adaptive.py"])
def test_missing_data_is_one_line(script: str, tmp_path: Path) -> None:
    done = command(script, *([] if script == "table2.py" else ["--dataset", "har"]), data=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no data set har in ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("script", ["figure5.py", "figure6_7.py", "table2.py", "adaptive.py"])
def test_help_has_an_example(script: str, tmp_path: Path) -> None:
    done = command(script, "--help", data=tmp_path)
    assert done.returncode == 0
    assert f"python benchmarks/paper/{script} --" in done.stdout
    assert "TFLM_UNIT_DATA" in done.stdout
