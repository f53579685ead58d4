"""From trials to the points that the model carries: refitted, and moved until the limit is used up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..converter.dataset import Dataset
from ..converter.refit import refit_all
from ..planning import Planned, Progress
from .bench import Bench, Measured
from .frontier import LEAST_COST, ExpectedDrop, Line, log
from .network import Run
from .search import swept
from .space import Space
from .trials import Trial
from .wishes import Wishes

SHAPES = 3  # trials whose parameters are refitted and compared
HALVINGS = 5
# Standard errors by which a drop on the validation data stays below its limit: what was chosen on them does worse on
# others. One is kept to with a probability of 84 %. What seems to be gained on them does not count at all: on data of
# other people, HAR's for one, it is lost again.
CAUTION = 1.0
STEP = 0.25  # log2 of the kept share, of the first move away from the start
REFIT_GAINS = 1.5  # about: a refitted point loses as much less


@dataclass(frozen=True)
class Pick:
    """trial: what the parameters but `kept` come from. refit: whether compensations are refitted, or are means."""

    trial: Trial
    kept: float
    refit: bool = True


@dataclass(frozen=True)
class Final:
    """A point, and its figures on the validation data."""

    pick: Pick
    measured: Measured
    run: Run


class Finals:
    """bench: with all calibration data. calibration: the same, for refit."""

    def __init__(
        self, bench: Bench, space: Space, trials: Sequence[Trial], calibration: Dataset, progress: Progress
    ) -> None:
        self._bench, self._space, self.trials, self._calibration = bench, space, trials, calibration
        self._progress = progress
        self._sweep = swept(trials)
        self._expected, self._line = ExpectedDrop(trials), Line(self._sweep)
        self.measured: dict[tuple[int, float, bool], Measured] = {}  # by trial number, kept and refit

    def choose(self, wishes: Wishes) -> tuple[Planned, dict[str, Final]]:
        """All points together, as the planner shares memory among them."""
        limits, by_cost = wishes.limits, wishes.by_cost
        first = {name: self._pick(name, limit, by_cost) for name, limit in limits.items()}
        picks = {n: self._best(n, pick, first.values(), limits[n], by_cost) for n, pick in first.items()}
        planned = self._planned(picks)
        judged = [self._bench.judged(planned, i) for i in range(len(picks))]
        return planned, {
            name: Final(pick, *found) for (name, pick), found in zip(picks.items(), judged, strict=True)
        }

    def _pick(self, name: str, limit: float, by_cost: bool) -> Pick:
        """The best shape of thresholds, with as few (by_cost: as many) MACs kept as the limit allows."""
        kept = self._start(limit, by_cost)

        def gain(pick: Pick) -> float:
            return self._line.gain(self._measure(name, pick))

        def fits(pick: Pick) -> bool:
            return self._fits(self._measure(name, pick), limit, by_cost)

        best = min((Pick(trial, kept) for trial in self._shapes(kept)), key=gain)
        best = min((best, replace(best, refit=False)), key=gain)
        found = self._edge(best, fits, safe=-1 if by_cost else 1)
        if fits(found):
            return found
        # What the shape does beside thresholds, FATReLU, may alone be too much.
        return self._edge(replace(best, trial=self._sweep[0]), fits, safe=-1 if by_cost else 1)

    def _best(self, name: str, own: Pick, picks: Iterable[Pick], limit: float, by_cost: bool) -> Pick:
        """A point's own pick, or that of another point which keeps to the limit as well and is better."""

        def figure(pick: Pick) -> float:
            found = self._measure(name, pick)
            return found.loss if by_cost else found.cost

        fitting = [pick for pick in picks if self._fits(self._measure(name, pick), limit, by_cost)]
        return min(fitting, key=figure, default=own)

    def _measure(self, name: str, pick: Pick) -> Measured:
        key = (pick.trial.number, pick.kept, pick.refit)
        if key not in self.measured:
            self._progress(f"choosing {name}", 0, 0)
            measured, run = self._bench.judged(self._planned({name: pick}), 0)
            self.measured[key] = replace(measured, error=self._bench.judge.drop_error(run.answers))
        return self.measured[key]

    def _fits(self, found: Measured, limit: float, by_cost: bool) -> bool:
        if by_cost:
            return found.cost <= limit
        return max(found.drop, 0.0) + CAUTION * found.error <= limit and self._expected(found.loss) <= limit

    def _shapes(self, kept: float) -> list[Trial]:
        """The trials that gain most, of those with about so many MACs."""
        near = [t for t in self.trials if abs(t.parameters["kept"] - kept) < 1]
        return sorted(near or self.trials, key=lambda t: (self._line.gain(t.measured), t.number))[:SHAPES]

    def _start(self, limit: float, by_cost: bool) -> float:
        """log2 of a kept share near the one to be found."""
        if by_cost:
            ordered = sorted(
                self.trials, key=lambda t: (abs(log(t.measured.cost / limit, LEAST_COST)), t.number)
            )
        else:
            fits = [t for t in self.trials if self._expected(t.measured.loss) <= limit * REFIT_GAINS]
            ordered = sorted(fits or self.trials, key=lambda t: (t.measured.cost, t.number))
        return ordered[0].parameters["kept"]

    def _edge(self, start: Pick, fits: Callable[[Pick], bool], safe: int) -> Pick:
        """The last pick that fits, which all on the `safe` side (1: more MACs, -1: fewer) do; by doubled steps, then
        by halving. Where none is found to fit, the safest."""
        fitting = fits(start)
        here, step = start, STEP * (-safe if fitting else safe)
        while True:
            there = replace(here, kept=self._space.clipped(here.kept + step))
            if fits(there) != fitting:
                break
            if there == here:
                return here
            here, step = there, 2 * step
        good, bad = (here, there) if fitting else (there, here)
        for _ in range(HALVINGS):
            middle = replace(good, kept=(good.kept + bad.kept) / 2)
            good, bad = (middle, bad) if fits(middle) else (good, middle)
        return good

    def _planned(self, picks: Mapping[str, Pick]) -> Planned:
        planned = self._bench.plan(
            {
                name: self._space.candidate({**pick.trial.parameters, "kept": pick.kept})
                for name, pick in picks.items()
            }
        )
        points, layers = list(planned.points), list(planned.layers)
        for i, pick in enumerate(picks.values()):
            if pick.refit:
                (points[i],), (layers[i],) = refit_all(
                    self._bench.graph,
                    points[i : i + 1],
                    layers[i : i + 1],
                    self._calibration,
                    threads=self._bench.threads,
                )
        return replace(planned, points=tuple(points), layers=tuple(layers))
