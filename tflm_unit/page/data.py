"""Everything that the report shows, as plain values: the page, the figures and --json all come from `Page`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._native import VERSION
from ..converter.calibration import Calibrator
from ..converter.dataset import Dataset, Source
from ..converter.errors import DataError, UnitError
from ..converter.graph import Graph
from ..converter.prune import Statistics
from ..models import Model
from ..tflm_calibration import TflmCalibrator
from .costs import zero_skip_costs
from .frontier import Frontier, frontier
from .histograms import LayerHistogram, histogram
from .measure import Measurement, Progress, measure
from .memory import Memory, memory
from .settings import command, settings
from .variants import SHARES, Variant, variants

MAX_CLASSES = 40  # of a confusion matrix that is still readable
TFLM_HISTOGRAM_SAMPLES = 100  # TFLM runs one sample at a time


@dataclass(frozen=True)
class Confusion:
    """counts: (classes, classes) by variant, dense first, then the points; a row is a true class, a column what the
    model said. labelled: false where the dense model's answers stand for the true classes."""

    classes: tuple[str, ...]
    labelled: bool
    variants: tuple[str, ...]
    counts: tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True)
class Page:
    """name: of the model's file. judge: what accuracies are: accuracy, agreement or a metric; None: there are none.

    figures_of: whose accuracies and MACs are shown. samples: of the data given, None without. variants: dense,
    zero-skip, then the operating points. unit, target: of costs, None without a plan; cost_error: of the cost model.
    settings: (title, ((name, value), ...)) of each group. command: the one that makes such a model, if it is known.
    """

    name: str
    version: str
    inputs: tuple[str, ...]
    macs: int
    judge: str | None
    figures_of: str
    samples: int | None
    unit: str | None
    target: str | None
    cost_error: float | None
    variants: tuple[Variant, ...]
    frontier: Frontier | None
    histograms: tuple[LayerHistogram, ...]
    confusion: Confusion | None
    memory: Memory
    notes: tuple[str, ...]
    settings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    command: str | None

    @property
    def is_share(self) -> bool:
        """Whether accuracies are shares of samples."""
        return self.judge in SHARES

    @property
    def points(self) -> tuple[Variant, ...]:
        return tuple(v for v in self.variants if v.kind == "point")


def collect(
    model: Model,
    x: Source | None = None,
    y: Any = None,
    *,
    name: str = "model",
    data_name: str = "the data given",
    class_names: Sequence[str] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    limit: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Page:
    """Measures `model` on x and y, if they are given, and gathers what its report says.

    x, y, scale, offset, limit, threads: as for `tflm_unit.evaluate`. name: of the model's file; data_name: of the
    data's. class_names: of the outputs, in order. Raises ModelError, MetadataError, DataError, and UnitError for
    arguments that belong to x without x.
    """
    graph, points = model.graph, model.config.points if model.config else ()
    report = model.report or {}
    tell: Progress = progress or (lambda what, done, total: None)
    options: dict[str, Any] = {"scale": scale, "offset": offset, "limit": limit}
    if x is None:
        of_data = {"y": y, "class_names": class_names} | options
        given = [what for what, value in of_data.items() if value is not None]
        if given:
            raise UnitError(f"{given[0]} belongs to x, which is not given")
    names = _class_names(graph, class_names)
    measured = None
    histograms: tuple[LayerHistogram, ...] = ()
    costs: Mapping[int, float] = {}
    plan = report.get("plan") if points else None
    if x is not None:
        measured = measure(model, x, y, points, threads=threads, progress=tell, **options)
        tell("histograms", 0, 1)
        source = _source(model, x, threads, options)
        histograms = _histograms(model, source)
        costs = zero_skip_costs(model.graph, source, plan["target"]) if plan else {}
    shown = variants(model, measured, costs)
    tuning = report.get("tuning")
    judge, figures_of = _judge(measured, tuning, shown, data_name)
    return Page(
        name=name,
        version=VERSION,
        inputs=tuple("x".join(map(str, graph.tensors[t].shape)) for t in graph.inputs),
        macs=sum(graph.macs(layer) for layer in graph.mac_layers),
        judge=judge,
        figures_of=figures_of,
        samples=measured.samples if measured else None,
        unit=plan["unit"] if plan else None,
        target=plan["target"] if plan else None,
        cost_error=plan["error"] if plan else None,
        variants=shown,
        frontier=frontier(
            tuning,
            shown,
            judge,
            plan["unit"] if plan else None,
            measured=bool(measured or (tuning and tuning.get("test"))),
        ),
        histograms=histograms,
        confusion=_confusion(measured, shown, names) if measured else None,
        memory=memory(model),
        notes=_notes(report),
        settings=settings(report),
        command=command(report),
    )


def _notes(report: Mapping[str, Any]) -> tuple[str, ...]:
    """What the converter has to say: of the points, of the search, of the whole."""
    tuning = report.get("tuning") or {}
    parts = (*report.get("points", ()), tuning, report)
    return tuple(str(text) for part in parts for text in part.get("notes", ()))


def _judge(
    measured: Measurement | None, tuning: Any, shown: Sequence[Variant], data_name: str
) -> tuple[str | None, str]:
    """What the accuracies shown are, and on which data."""
    if measured:
        what = "accuracy" if measured.labels is not None else "agreement"
        return what, f"{measured.samples:,} samples of {data_name}"
    if tuning and tuning.get("test"):
        test = tuning["test"]
        return test.get(
            "judge", tuning["judge"]
        ), f"{test['samples']:,} test samples that the search never saw"
    if tuning and tuning.get("points"):
        count = (tuning.get("settings") or {}).get("validation_samples")
        return tuning[
            "judge"
        ], f"{count:,} validation samples of the search" if count else "the validation data"
    if any(v.accuracy for v in shown):
        return "accuracy", "the calibration data"
    return None, "the calibration data"


def _source(model: Model, x: Source, threads: int | None, options: dict[str, Any]) -> Statistics:
    """All samples, but for TFLM, which runs them one by one."""
    if not model.graph.unsupported:
        return Calibrator(model.graph, Dataset(x, model.graph, **options), threads)
    limit = min(options["limit"] or TFLM_HISTOGRAM_SAMPLES, TFLM_HISTOGRAM_SAMPLES)
    return TflmCalibrator(model, Dataset(x, model.graph, **{**options, "limit": limit}))


def _histograms(model: Model, source: Statistics) -> tuple[LayerHistogram, ...]:
    """Of every layer that can carry thresholds, with the layers before it pruned as at the default point."""
    graph, points = model.graph, model.config.points if model.config else ()
    collected = source.collect(graph.prunable, points[0] if points else None) if graph.prunable else {}
    return tuple(histogram(graph, layer, collected[layer.index], points) for layer in graph.prunable)


def _class_names(graph: Graph, given: Sequence[str] | None) -> tuple[str, ...]:
    """Of the outputs, by default their numbers."""
    classes = graph.tensors[graph.outputs[0]].size
    if given is None:
        return tuple(str(i) for i in range(classes))
    if len(given) != classes:
        raise DataError(f"class_names has {len(given)} names for the model's {classes} classes")
    return tuple(str(name) for name in given)


def _confusion(
    measured: Measurement, shown: Sequence[Variant], class_names: tuple[str, ...]
) -> Confusion | None:
    """None where a class is no class: for one output, or very many."""
    classes = measured.dense.outputs.shape[1]
    if not 2 <= classes <= MAX_CLASSES:
        return None
    counts = []
    for run in (measured.dense, *measured.points):
        pairs = measured.reference * classes + run.classes
        matrix = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
        counts.append(tuple(tuple(int(v) for v in row) for row in matrix))
    return Confusion(
        classes=class_names,
        labelled=measured.labels is not None,
        variants=tuple(v.name for v in shown if v.kind != "zero_skip"),
        counts=tuple(counts),
    )
