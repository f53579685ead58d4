"""From trials to the points that the model carries: picked, refitted, moved until the limit is used up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..converter.dataset import Dataset
from ..converter.refit import refit
from ..planning import Planned
from .bench import Bench, Measured
from .frontier import ExpectedDrop, Trial, best, frontier
from .network import Run
from .space import Candidate, Space
from .wishes import Wishes

HALVINGS = 4
WIDEST = 0.5  # log2 of the factor by which a pick's thresholds still move
FAR = 3.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Final:
    """A point of the model: the trial that it comes from, its thresholds, and its figures on the validation data."""

    trial: Trial
    candidate: Candidate
    measured: Measured
    run: Run


class Finals:
    """bench: with all calibration data. calibration: the same, for refit."""

    def __init__(
        self, bench: Bench, space: Space, trials: Sequence[Trial], calibration: Dataset, say: Say
    ) -> None:
        self._bench, self._space, self._trials, self._calibration = bench, space, trials, calibration
        self._expected, self._say = ExpectedDrop(trials), say
        self._known: dict[tuple[int, float], Measured] = {}

    def choose(self, wishes: Wishes) -> tuple[Planned, dict[str, Final]]:
        """All points together, as the planner shares memory among them."""
        picks = {name: self._pick(name, limit, wishes.by_cost) for name, limit in wishes.limits.items()}
        candidates = {name: self._candidate(trial, factor) for name, (trial, factor) in picks.items()}
        planned = self._refitted(self._bench.plan(candidates))
        judged = [self._bench.judged(planned, i) for i in range(len(candidates))]
        return planned, {
            name: Final(picks[name][0], candidates[name], measured, run)
            for name, (measured, run) in zip(candidates, judged, strict=True)
        }

    def _pick(self, name: str, limit: float, by_cost: bool) -> tuple[Trial, float]:
        """A trial and the log2 of the factor on its thresholds with which the limit is just kept."""

        def fits(trial: Trial, factor: float = 0.0) -> bool:
            found = self._measure(trial, factor, name)
            if by_cost:
                return found.cost <= limit
            return found.drop <= limit and self._expected(found.loss) <= limit

        if by_cost:
            trial, direction = best(self._trials, limit), -1  # what costs less than it may prunes less
        else:
            row = self._near(limit)
            trial, direction = row[_last_that(lambda i: fits(row[i]), len(row))], 1
        reach = direction * WIDEST
        inside, outside = (0.0, reach) if fits(trial) else (-reach, 0.0)
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if fits(trial, middle) else (inside, middle)
        return trial, inside

    def _near(self, drop: float) -> list[Trial]:
        """The frontier from where the drop is surely kept, as refit lowers drops, to where it surely is not."""
        row = frontier(self._trials)
        near = [t for t in row if drop / FAR <= self._expected(t.measured.loss) <= drop * FAR]
        surely = [t for t in row if self._expected(t.measured.loss) < drop / FAR]
        return surely[-1:] + near or row[:1]

    def _measure(self, trial: Trial, factor: float, name: str) -> Measured:
        key = (trial.number, factor)
        if key not in self._known:
            self._say(name)
            planned = self._bench.plan({name: self._candidate(trial, factor)})
            self._known[key] = self._bench.judged(self._refitted(planned), 0)[0]
        return self._known[key]

    def _candidate(self, trial: Trial, factor: float) -> Candidate:
        return self._space.candidate(trial.parameters).scaled(2.0**factor)

    def _refitted(self, planned: Planned) -> Planned:
        graph = self._bench.graph
        return replace(planned, points=tuple(refit(graph, p, self._calibration) for p in planned.points))


def _last_that(fits: Callable[[int], bool], count: int) -> int:
    """The last index that fits, by bisection; the first is not asked."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
