"""Every method of figure 5 on one data set: points with their figures on validation and test data.

A method's strengths go through a grid, upwards until the validation data say that too much is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import networks
import numpy as np
from common import Store, key_of
from curves import Figures, Point
from networks import CACHE, Trained

from tflm_unit import ConversionResult, baselines, load, tune
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.pruning import OperatingPoint
from tflm_unit.files import spread
from tflm_unit.tuning import run as tuning
from tflm_unit.tuning.judge import paired
from tflm_unit.tuning.network import Network, quantized

RESULTS = CACHE / "results"
PERCENTILES = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# Of combinations of two methods.
COARSE_PERCENTILES, COARSE_SHARES = (10, 20, 30, 40, 50, 60, 70, 80, 90), (0.15, 0.3, 0.5)
SPARSITIES = (0.5, 0.7, 0.8, 0.9)
TOO_MUCH = 0.15  # of accuracy
# Drops that points of the search may have, by data set: what it is after, and how its curve goes on to both sides.
LIMITS = {"mnist": (0.002, 0.004, 0.007, 0.01), "speech_commands": (0.0048, 0.01)}
OTHER_LIMITS, LEAST, FAR = (0.003, 0.01), (0.0005,), (0.03, 0.1)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Work:
    """samples: of each of validation and test data, evenly spread; None: all. trials: of tune; None: its default.
    far: whether the curve of the search goes on to both sides of the drops that it is after."""

    samples: int | None = None
    trials: int | None = None
    sparsities: Sequence[float] = SPARSITIES
    percentiles: Sequence[float] = PERCENTILES
    far: bool = True


class Subject:
    """The network of one data set, and how much others drop from it."""

    def __init__(self, name: str, trained: Trained, work: Work, say: Say) -> None:
        self.name, self.trained, self.work, self.say = name, trained, work, say
        data = trained.data
        self.parts = {
            part: tuple(a if work.samples is None else spread(a, work.samples) for a in data.part(part))
            for part in ("val", "test")
        }
        self._store = Store(RESULTS / f"points_{name}.json")
        self._inputs: dict[Any, dict[str, tuple[np.ndarray, ...]]] = {}
        graph = load(trained.tflite).model.graph
        self.macs = sum(graph.macs(layer) for layer in graph.mac_layers)

    @property
    def accuracy(self) -> float:
        """Of the dense network, test data."""
        key = key_of("dense", self.trained.tflite, self._samples)
        return float(self._store.get(key, lambda: float(self._dense["test"].mean())))

    @cached_property
    def _dense(self) -> dict[str, np.ndarray]:
        """What the dense network gets right, by part."""
        graph = load(self.trained.tflite).model.graph
        return {part: self._right(graph, part, None)[0] for part in self.parts}

    def point(
        self, method: str, tflite: bytes, settings: Mapping[str, Any], make: Callable[[], Any]
    ) -> Point:
        """What `make`, a conversion of `tflite`, achieves; measured once."""

        def measure() -> dict[str, Any]:
            self.say(f"{self.name}: {method} {', '.join(f'{k} {v:g}' for k, v in settings.items())}")
            return self.measured(make(), settings).to_json()

        return Point.from_json(
            self._store.get(key_of(method, self.trained.tflite, tflite, settings, self._samples), measure)
        )

    def measured(self, result: ConversionResult, settings: Mapping[str, Any], index: int = 0) -> Point:
        found = [self._figures(result.model.graph, part, result.points[index]) for part in ("val", "test")]
        return Point(dict(settings), *found)

    def _figures(self, graph: Graph, part: str, point: OperatingPoint) -> Figures:
        right, kept = self._right(graph, part, point)
        drop = paired(self._dense[part], right)
        return Figures(kept, drop.value, drop.low, drop.high)

    def _right(self, graph: Graph, part: str, point: OperatingPoint | None) -> tuple[np.ndarray, float]:
        """Which samples are classified correctly, bool (N,), and the share of MACs."""
        tensor = graph.tensors[graph.inputs[0]]
        scaling = (float(tensor.scale[0]), int(tensor.zero_point[0]))
        if scaling not in self._inputs:  # those of a pruned copy may differ
            self._inputs[scaling] = {p: quantized(x, graph, None, None) for p, (x, _) in self.parts.items()}
        schedule = "dense" if point is None else "compare"
        done = Network(graph).run(self._inputs[scaling][part], point, schedule=schedule)
        return done.answers.classes == self.parts[part][1], done.kept

    @property
    def _samples(self) -> dict[str, int]:
        return {part: len(x) for part, (x, _) in self.parts.items()}

    def tuned(self, trained: Trained) -> list[Point]:
        """Points of one search, which is made for the first of them; the others are picked from its trials."""
        found: list[dict[str, Any]] = []
        for limits in (LIMITS.get(self.name, OTHER_LIMITS), *((LEAST, FAR) if self.work.far else ())):
            settings = {"limits": limits, "trials": self.work.trials or 0, "version": tuning.VERSION}
            key = key_of("tune", self.trained.tflite, trained.tflite, settings, self._samples)
            found += self._store.get(key, lambda limits=limits: self._tuned(trained, limits))
        return [Point.from_json(p) for p in found]

    def _tuned(self, trained: Trained, limits: Sequence[float]) -> list[dict[str, Any]]:
        result = run_tune(self, trained, points={f"{100 * x:g} points": x for x in limits})
        return [self.measured(result, {"limit": x}, i).to_json() for i, x in enumerate(limits)]


def run_tune(subject: Subject, trained: Trained, **wish: Any) -> ConversionResult:
    """tune on calibration and validation data; its trials outlive this process and serve all wishes."""
    place = RESULTS / f"trials_{subject.name}.journal"
    RESULTS.mkdir(parents=True, exist_ok=True)
    x, y = subject.parts["val"]
    study = key_of(trained.tflite, {"samples": len(x), "target": str(wish.get("target"))})
    return tune(
        trained.tflite,
        trained.calibration,
        x,
        y,
        trials=subject.work.trials,
        storage=place,
        study=f"v{tuning.VERSION}_{study}",
        progress=lambda what, done, total: subject.say(f"{subject.name}: tune: {what} {done}/{total}"),
        **wish,
    )


def zero_skip(subject: Subject) -> list[Point]:
    model, x = subject.trained.tflite, subject.trained.calibration
    return [subject.point("zero_skip", model, {}, lambda: baselines.zero_skip(model, x))]


def unit(subject: Subject) -> list[Point]:
    strengths = ({"percentile": p} for p in subject.work.percentiles)
    return _rising(strengths, lambda s: _unit(subject, subject.trained, s))


def fatrelu(subject: Subject) -> list[Point]:
    model, x = subject.trained.tflite, subject.trained.calibration
    return _rising(
        ({"share": s} for s in SHARES),
        lambda s: subject.point("fatrelu", model, s, lambda: baselines.fatrelu(model, x, s["share"])),
    )


def fatrelu_unit(subject: Subject) -> list[Point]:
    found: list[Point] = []
    for share in COARSE_SHARES:
        strengths = ({"percentile": p, "fatrelu_share": share} for p in COARSE_PERCENTILES)
        found += _rising(strengths, lambda s: _unit(subject, subject.trained, s))
    return found


def train_time(subject: Subject) -> list[Point]:
    return [
        _with_sparsity(
            subject.point(
                "zero_skip", sparse.tflite, {}, lambda m=sparse: baselines.zero_skip(m.tflite, m.calibration)
            ),
            sparsity,
        )
        for sparsity, sparse in _sparse(subject)
    ]


def train_time_unit(subject: Subject) -> list[Point]:
    found = train_time(subject)
    for sparsity, sparse in _sparse(subject):
        points = _rising(
            ({"percentile": p} for p in COARSE_PERCENTILES), lambda s, m=sparse: _unit(subject, m, s)
        )
        found += [_with_sparsity(p, sparsity) for p in points]
    return found


def ours(subject: Subject) -> list[Point]:
    return subject.tuned(subject.trained)


def train_time_ours(subject: Subject) -> list[Point]:
    """The search on the sparsest copy that loses at most half a point by itself, else on the densest."""
    copies = list(_sparse(subject))
    drops = [p.validation.drop for p in train_time(subject)]
    fits = [i for i, drop in enumerate(drops) if drop <= 0.005]
    sparsity, sparse = copies[max(fits, default=0)]
    return [_with_sparsity(p, sparsity) for p in subject.tuned(sparse)]


METHODS: dict[str, Callable[[Subject], list[Point]]] = {
    "zero_skip": zero_skip,
    "unit": unit,
    "fatrelu": fatrelu,
    "fatrelu_unit": fatrelu_unit,
    "train_time": train_time,
    "train_time_unit": train_time_unit,
    "ours": ours,
    "train_time_ours": train_time_ours,
}


def _unit(subject: Subject, trained: Trained, settings: Mapping[str, Any]) -> Point:
    return subject.point(
        "unit",
        trained.tflite,
        settings,
        lambda: baselines.unit(trained.tflite, trained.calibration, **settings),
    )


def _sparse(subject: Subject) -> Iterable[tuple[float, Trained]]:
    for sparsity in subject.work.sparsities:
        yield sparsity, networks.pruned(subject.name, sparsity)


def _with_sparsity(point: Point, sparsity: float) -> Point:
    return replace(point, settings={**point.settings, "sparsity": sparsity})


def _rising(
    strengths: Iterable[Mapping[str, Any]], measure: Callable[[Mapping[str, Any]], Point]
) -> list[Point]:
    """Until one loses too much."""
    found: list[Point] = []
    for settings in strengths:
        found.append(measure(settings))
        if found[-1].validation.drop > TOO_MUCH:
            break
    return found
