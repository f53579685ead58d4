"""Two operating points of one model: the second runs only where the answer of the first is not clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

import numpy as np
from rich.table import Table

from .api import ConversionResult
from .converter.dataset import Source, check_labels
from .converter.errors import UnitError, check_number
from .converter.pruning import OperatingPoint
from .models import load_model
from .page.tables import empty_table
from .report import render
from .tuning.finals import CAUTION
from .tuning.judge import Answers, Judge
from .tuning.network import Network, Run, quantized


@dataclass(frozen=True)
class Figures:
    """On some samples. value: accuracy or, without labels, agreement with the dense network. low, high: 95 % interval
    of the drop. kept: MACs computed, in both runs, over those of a dense inference. again: share of the samples for
    which the second point ran."""

    samples: int
    judge: str
    dense: float
    value: float
    drop: float
    low: float
    high: float
    kept: float
    again: float


@dataclass(frozen=True)
class Adaptive:
    """`second` runs where the two largest int8 outputs of `first` are less than `margin` apart (unit_margin_s8).

    margin: 0: `first` is enough, and `second` is the same point. alone: figures of the single points on the same
    data, by name. test: None without test data.
    """

    first: str
    second: str
    margin: int
    validation: Figures
    test: Figures | None
    alone: dict[str, Figures]
    alone_test: dict[str, Figures]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def tables(self) -> list[Table | str]:
        both = f"{self.first}, then {self.second} below {self.margin}" if self.margin else self.first
        found: list[Table | str] = [_table("validation", self.validation, both, self.alone)]
        if self.test is not None:
            found.append(_table("test", self.test, both, self.alone_test))
        if not self.margin:
            found.append(f"note: no pair of points computes less than {self.first} alone")
        return found

    def __str__(self) -> str:
        return render(*self.tables())


def adapt(
    model: str | PathLike[str] | bytes | ConversionResult,
    validation: Source,
    labels: Any = None,
    *,
    max_drop: float = 0.01,
    test: Source | None = None,
    test_labels: Any = None,
    scale: float | None = None,
    offset: float | None = None,
    threads: int | None = None,
) -> Adaptive:
    """The pair of operating points, and the margin between them, that computes least for a drop.

    model: one with int8 output and at least two points. validation, labels: samples as in `convert`, and class
    indices; without labels the drop is that of the agreement with the dense network. max_drop: 0..1, kept to with one
    standard error on top. test, test_labels: for figures on samples that chose nothing.

    Raises UnitError for a model with fewer points, or when nothing loses so little, DataError for data that does not
    fit.
    """
    loaded = load_model(model)
    points = loaded.config.points if loaded.config else ()
    if len(points) < 2:
        raise UnitError(
            f"the model has {len(points)} operating points, and a choice takes two: make them with "
            "tune(points={'full': 0.002, 'saver': 0.04}), say"
        )
    max_drop = check_number("max_drop", max_drop, 0, 1, "a share of the samples (0.01: one point)")
    if test is None and test_labels is not None:
        raise UnitError("test_labels are given without test")
    network = Network(loaded.graph, threads)
    output = loaded.graph.tensors[loaded.graph.outputs[0]]
    if output.dtype != np.int8:
        raise UnitError(f"output {output.name!r} is {output.dtype}; margins are those of int8 outputs")
    if output.size < 2:
        raise UnitError(f"output {output.name!r} is a single value; margins are those between classes")
    samples = _Samples(network, points, quantized(validation, loaded.graph, scale, offset), labels)
    first, second, margin = samples.choose(max_drop)
    tested = (
        None
        if test is None
        else _Samples(network, points, quantized(test, loaded.graph, scale, offset), test_labels)
    )
    return Adaptive(
        points[first].name,
        points[second].name,
        margin,
        validation=samples.figures(first, second, margin),
        test=None if tested is None else tested.figures(first, second, margin),
        alone=samples.alone(),
        alone_test={} if tested is None else tested.alone(),
    )


class _Samples:
    """What every point answers to some samples."""

    def __init__(
        self,
        network: Network,
        points: tuple[OperatingPoint, ...],
        samples: tuple[np.ndarray, ...],
        labels: Any,
    ) -> None:
        self._network, self._points, self._samples = network, points, samples
        dense = network.run(samples, schedule="dense").answers
        if labels is not None:
            labels = check_labels(labels, *dense.outputs.shape)
        self._judge = Judge(dense, labels, network.loss)
        self._runs = [network.run(samples, point) for point in points]
        self._margins = [self._margin(run.answers) for run in self._runs]

    def _margin(self, answers: Answers) -> np.ndarray:
        """Steps of the int8 output between the two largest values, int64 (N,)."""
        two = np.sort(answers.outputs, axis=1)[:, -2:]
        scale = self._network.graph.tensors[self._network.graph.outputs[0]].scale[0]
        return np.asarray(np.rint((two[:, 1] - two[:, 0]) / scale).astype(np.int64))

    def choose(self, max_drop: float) -> tuple[int, int, int]:
        """Indices of the points, and the margin."""
        best, least = None, np.inf
        smallest = np.inf
        for first, second, margin in self._choices():
            kept = self._runs[first].kept
            if margin:
                kept += float(np.mean(self._margins[first] < margin)) * self._runs[second].kept
            if kept >= least:
                continue
            answers = self._answers(first, second, margin)
            drop = max(self._judge.drop(answers), 0.0) + CAUTION * self._judge.drop_error(answers)
            smallest = min(smallest, drop)
            if drop <= max_drop:
                best, least = (first, second, margin), kept
        if best is None:
            raise UnitError(
                f"no point and no pair of points keeps to a drop of {max_drop:.2%}: the least, with its standard "
                f"error, is {smallest:.2%}; allow more, or add a point that skips less"
            )
        return best

    def _choices(self) -> Iterator[tuple[int, int, int]]:
        """Points alone, then a cheaper one before one that computes more, with all margins that differ in effect."""
        order = sorted(range(len(self._points)), key=lambda i: self._runs[i].kept)
        yield from ((i, i, 0) for i in order)
        for place, first in enumerate(order):
            for second in order[place + 1 :]:
                for margin in np.unique(self._margins[first]) + 1:
                    yield first, second, int(margin)

    def _answers(self, first: int, second: int, margin: int) -> Answers:
        clear = (self._margins[first] >= margin)[:, None]
        pair = [self._runs[i].answers for i in (first, second)]
        return Answers(
            np.where(clear, pair[0].outputs, pair[1].outputs),
            np.where(clear, pair[0].compared, pair[1].compared),
        )

    def figures(self, first: int, second: int, margin: int) -> Figures:
        """The second point's MACs are those of the samples for which it runs."""
        unclear = self._margins[first] < margin
        kept, again = self._runs[first].kept, float(np.mean(unclear))
        if unclear.any():
            rest: Run = self._network.run(tuple(x[unclear] for x in self._samples), self._points[second])
            kept += again * rest.kept
        answers = self._answers(first, second, margin)
        drop = self._judge.drop_estimate(answers)
        return Figures(
            samples=len(unclear),
            judge=self._judge.name,
            dense=self._judge.dense_value,
            value=self._judge.value(answers),
            drop=drop.value,
            low=drop.low,
            high=drop.high,
            kept=kept,
            again=again,
        )

    def alone(self) -> dict[str, Figures]:
        return {point.name: self.figures(i, i, 0) for i, point in enumerate(self._points)}


def _table(part: str, chosen: Figures, name: str, alone: dict[str, Figures]) -> Table:
    title = f"{chosen.samples:,} {part} samples; dense: {chosen.judge} {chosen.dense:.2%}"
    table = empty_table(title, ["points", "run twice", "MACs kept", chosen.judge, "drop", "95 % interval"])
    for row, figures in {**alone, name: chosen}.items():
        table.add_row(
            row,
            f"{figures.again:.1%}",
            f"{figures.kept:.1%}",
            f"{figures.value:.2%}",
            f"{figures.drop:.2%}",
            f"{figures.low:.2%} .. {figures.high:.2%}",
        )
    return table
