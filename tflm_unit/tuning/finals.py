"""From trials to the points that the model carries: refitted, and moved until the limit is used up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..converter.dataset import Dataset
from ..converter.refit import refit
from ..planning import Planned
from .bench import Bench, Measured
from .frontier import ExpectedDrop, Line
from .network import Run
from .search import swept
from .space import Candidate, Space
from .trials import Trial
from .wishes import Wishes

SHAPES = 4  # trials whose parameters are refitted and compared
HALVINGS = 5
STEP = 0.25  # log2 of the kept share, of the first move away from the start
REFIT_GAINS = 1.5  # about: a refitted point loses as much less
Say = Callable[[str], None]


@dataclass(frozen=True)
class Final:
    """A point: the trial that its parameters but `kept` come from, and its figures on the validation data."""

    trial: Trial
    kept: float
    measured: Measured
    run: Run


class Finals:
    """bench: with all calibration data. calibration: the same, for refit."""

    def __init__(
        self, bench: Bench, space: Space, trials: Sequence[Trial], calibration: Dataset, say: Say
    ) -> None:
        self._bench, self._space, self._trials, self._calibration = bench, space, trials, calibration
        self._say = say
        self._expected, self._line = ExpectedDrop(trials), Line(swept(trials))
        self.refitted: dict[tuple[int, float], Measured] = {}  # by trial number and kept

    def choose(self, wishes: Wishes) -> tuple[Planned, dict[str, Final]]:
        """All points together, as the planner shares memory among them."""
        picks = {name: self._pick(name, limit, wishes.by_cost) for name, limit in wishes.limits.items()}
        planned = self._refit(self._bench.plan({n: self._candidate(*pick) for n, pick in picks.items()}))
        judged = [self._bench.judged(planned, i) for i in range(len(picks))]
        return planned, {
            name: Final(*pick, *found) for (name, pick), found in zip(picks.items(), judged, strict=True)
        }

    def _pick(self, name: str, limit: float, by_cost: bool) -> tuple[Trial, float]:
        """The best shape of thresholds, and its log2 of the kept share with which the limit is just kept."""
        kept = self._start(limit, by_cost)

        def gain(trial: Trial) -> float:
            return self._line.gain(self._measure(trial, kept, name))

        near = sorted(
            self._trials, key=lambda t: (abs(t.parameters["kept"] - kept) > 1, self._line.gain(t.measured))
        )
        trial = min(near[:SHAPES], key=gain)

        def fits(kept: float) -> bool:
            found = self._measure(trial, kept, name)
            if by_cost:
                return found.cost <= limit
            return found.drop <= limit and self._expected(found.loss) <= limit

        return trial, self._edge(kept, fits, safe=-1 if by_cost else 1)

    def _start(self, limit: float, by_cost: bool) -> float:
        """log2 of a kept share near the one to be found."""
        if by_cost:
            ordered = sorted(self._trials, key=lambda t: (abs(np.log(t.measured.cost / limit)), t.number))
        else:
            fits = [t for t in self._trials if self._expected(t.measured.loss) <= limit * REFIT_GAINS]
            ordered = sorted(fits or self._trials, key=lambda t: (t.measured.cost, t.number))
        return ordered[0].parameters["kept"]

    def _edge(self, start: float, fits: Callable[[float], bool], safe: int) -> float:
        """The last place that fits, which all on the `safe` side (1: more MACs, -1: fewer) do; by doubled steps, then
        by halving."""
        inside, step = fits(start), STEP
        good = bad = start
        while True:
            place = self._space.clipped((good if inside else bad) + (-safe if inside else safe) * step)
            if fits(place):
                good = place
            else:
                bad = place
            if fits(place) != inside:
                break
            if place in (self._space.clipped(-np.inf), self._space.clipped(np.inf)):
                return place
            step *= 2
        for _ in range(HALVINGS):
            middle = (good + bad) / 2
            good, bad = (middle, bad) if fits(middle) else (good, middle)
        return good

    def _measure(self, trial: Trial, kept: float, name: str) -> Measured:
        key = (trial.number, kept)
        if key not in self.refitted:
            self._say(name)
            planned = self._refit(self._bench.plan({name: self._candidate(trial, kept)}))
            self.refitted[key] = self._bench.judged(planned, 0)[0]
        return self.refitted[key]

    def _candidate(self, trial: Trial, kept: float) -> Candidate:
        return self._space.candidate({**trial.parameters, "kept": kept})

    def _refit(self, planned: Planned) -> Planned:
        graph = self._bench.graph
        return replace(planned, points=tuple(refit(graph, p, self._calibration) for p in planned.points))
