"""Intervals and frontiers of tune, against published examples."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_unit.tuning.bench import Measured
from tflm_unit.tuning.frontier import ExpectedDrop, Line, frontier
from tflm_unit.tuning.judge import paired, wilson
from tflm_unit.tuning.trials import Trial
from tflm_unit.tuning.wishes import wishes


# Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998, table I.
@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(hits: int, count: int, low: float, high: float) -> None:
    found = wilson(hits, count)
    assert found.value == hits / count
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    other = wilson(count - hits, count)
    assert (1 - other.high, 1 - other.low) == pytest.approx((low, high), abs=5e-5)


# Newcombe, "Improved confidence intervals ... based on paired data", Statistics in Medicine 17, 1998: method 10.
@pytest.mark.parametrize(
    ("both", "lost", "won", "neither", "low", "high"),
    [(36, 12, 2, 0, 0.0569, 0.3404), (54, 0, 0, 0, -0.0664, 0.0664)],
)
def test_paired(both: int, lost: int, won: int, neither: int, low: float, high: float) -> None:
    before = np.repeat([True, True, False, False], [both, lost, won, neither])
    after = np.repeat([True, False, True, False], [both, lost, won, neither])
    found = paired(before, after)
    assert found.value == pytest.approx((lost - won) / len(before))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    swapped = paired(after, before)
    assert (-swapped.high, -swapped.low) == pytest.approx((low, high), abs=5e-5)


def test_paired_intervals_hold_95_percent_of_the_time() -> None:
    random, hits, drop = np.random.default_rng(0), 0, 0.03
    for _ in range(400):
        before = random.random(800) < 0.9
        after = before & (random.random(800) >= drop / 0.9)
        found = paired(before, after)
        hits += found.low <= drop <= found.high
    assert 0.92 <= hits / 400 <= 0.99


def trial(number: int, cost: float, loss: float, drop: float = 0.0) -> Trial:
    return Trial(number, {"kept": 0.0}, Measured(cost, cost, 1 - drop, drop, loss))


def test_a_network_that_computes_nothing_has_a_gain() -> None:
    line = Line([trial(0, 0.5, 0.1), trial(1, 0.1, 0.5)])
    with np.errstate(all="raise"):
        assert line.gain(Measured(0.0, 0.0, 1.0, 0.0, 0.25)) == pytest.approx(np.log(0.25 / 0.5))
        assert Line([trial(0, 0.0, 0.1)]).gain(Measured(0.2, 0.2, 1.0, 0.0, 0.1)) == pytest.approx(0)


def test_frontier_keeps_what_nothing_beats() -> None:
    pairs = [(0.5, 0.1), (0.4, 0.2), (0.45, 0.3), (0.3, 0.2), (0.2, 0.9), (0.5, 0.2)]
    found = frontier((Measured(c, c, 1, 0, loss), i) for i, (c, loss) in enumerate(pairs))
    assert [i for _, i in found] == [0, 3, 4]


def test_expected_drop_averages_luck_away_and_never_falls() -> None:
    random = np.random.default_rng(1)
    losses = np.linspace(0, 1, 300)
    trials = [trial(i, 0.5, x, x / 10 + 0.01 * random.standard_normal()) for i, x in enumerate(losses)]
    expected = ExpectedDrop(trials)
    found = np.array([expected(x) for x in losses])
    assert (np.diff(found) >= 0).all()
    assert np.abs(found - losses / 10)[10:-10].max() < 0.01


def test_gains_are_relative_to_the_sweep_at_the_same_cost() -> None:
    line = Line([trial(0, 0.8, 0.01), trial(1, 0.4, 0.1), trial(2, 0.2, 1.0)])
    assert line.gain(trial(3, 0.4, 0.1).measured) == pytest.approx(0)
    assert line.gain(trial(3, 0.4, 0.05).measured) == pytest.approx(np.log(0.5))
    assert line.gain(trial(3, np.sqrt(0.4 * 0.2), 0.1).measured) == pytest.approx(-np.log(10) / 2)


def test_wishes_spread_drops_and_savings() -> None:
    assert wishes(("full", "balanced", "saver"), 0.03, None).limits == pytest.approx(
        {"full": 0.01, "balanced": 0.02, "saver": 0.03}
    )
    assert wishes(("default",), None, None).limits == {"default": 0.01}
    found = wishes(("a", "b"), None, 0.4)
    assert found.by_cost
    assert found.limits == pytest.approx({"a": 0.7, "b": 0.4})
