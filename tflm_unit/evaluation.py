"""Accuracy and skipped MACs of a model on data, in the batch engine or in TFLM."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .converter.dataset import Dataset, Source
from .converter.engine import Engine
from .converter.errors import UnitError
from .converter.graph import Graph, Layer
from .converter.pruning import OperatingPoint
from .models import Model, load_model, point_of, zero_skip_point

if TYPE_CHECKING:
    from .api import ConversionResult

SCHEDULES = ("unit", "zero_skip", "dense")
Progress = Callable[[int], None]


@dataclass(frozen=True)
class LayerEvaluation:
    """MACs of one convolution or dense layer, summed over all samples; thresholds are None where it ran dense."""

    name: str
    op: str
    macs_total: int
    macs_zero: int | None
    macs_skipped: int
    thresholds: list[int] | None
    group_size: int | None
    divider: str | None


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate`. point: name of the operating point that was run, None: dense or zero-skip.

    accuracy: 0..1, None without labels. Without labels only: agreement, the share of samples whose largest
    output is that of the dense model, and rmse, the root mean square difference from the dense model's
    outputs in real units. macs_zero is None where TFLM ran a layer dense and did not count.
    """

    engine: str
    schedule: str
    point: str | None
    accuracy: float | None
    agreement: float | None
    rmse: float | None
    samples: int
    macs_total: int
    macs_zero: int | None
    macs_skipped: int
    layers: tuple[LayerEvaluation, ...]

    @property
    def skip_rate(self) -> float:
        """Share of all MACs that were skipped, zero products included."""
        return self.macs_skipped / self.macs_total if self.macs_total else 0.0

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


class Runner(Protocol):
    """Runs batches and counts MACs: layer index -> (zero, skipped), for the layers it counted."""

    def outputs(self, batch: tuple[np.ndarray, ...]) -> np.ndarray: ...

    def counts(self) -> dict[int, tuple[int, int]]: ...


class BatchRunner:
    def __init__(
        self, graph: Graph, point: OperatingPoint | None, schedule: str, threads: int | None
    ) -> None:
        native = "compare" if schedule == "unit" else schedule
        self._engine = Engine(graph, point, schedule=native, threads=threads)
        self._counts: dict[int, tuple[int, int]] = {}

    def outputs(self, batch: tuple[np.ndarray, ...]) -> np.ndarray:
        result = self._engine.run(*batch)
        for index, c in result.counters.items():
            zero, skipped = self._counts.get(index, (0, 0))
            self._counts[index] = (zero + c.macs_zero, skipped + c.macs_skipped)
        return result.outputs[0]

    def counts(self) -> dict[int, tuple[int, int]]:
        return self._counts


class TflmRunner:
    def __init__(self, model: Model, point: OperatingPoint | None) -> None:
        from .interpreter import Interpreter

        self._graph = model.graph
        self._interpreter = Interpreter(model.with_point(point).data, use_overrides=point is not None)
        self._interpreter.allocate_tensors()

    def outputs(self, batch: tuple[np.ndarray, ...]) -> np.ndarray:
        inputs = [d["index"] for d in self._interpreter.get_input_details()]
        output = self._interpreter.get_output_details()[0]["index"]
        rows = []
        for sample in zip(*batch, strict=True):
            for index, value in zip(inputs, sample, strict=True):
                self._interpreter.set_tensor(index, value[np.newaxis])
            self._interpreter.invoke()
            rows.append(self._interpreter.get_tensor(output))
        return np.concatenate(rows)

    def counts(self) -> dict[int, tuple[int, int]]:
        by_weights = {s.weights: s for s in self._interpreter.stats()}
        layers = {x.index: by_weights.get(self._graph.weights(x).index) for x in self._graph.prunable}
        return {i: (s.macs_zero, s.macs_skipped) for i, s in layers.items() if s is not None and s.macs_total}


def evaluate(
    model: str | PathLike[str] | bytes | Model | ConversionResult,
    x: Source,
    y: Any = None,
    *,
    engine: str | None = None,
    point: int | str = 0,
    schedule: str = "unit",
    limit: int | None = None,
    scale: float | None = None,
    offset: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Runs `model` on `x` and compares with the labels `y`.

    model: a .tflite file, its bytes, or what `convert` returned.
    x: samples (N, ...) as for `convert`; y: class indices (N,), (N, 1) or one-hot rows; None: the agreement
    with the dense model is reported instead of the accuracy.
    engine: 'batch', 'tflm' or None, which picks the batch engine where it can run the whole model.
    point: operating point, index or name; a model without thresholds runs dense.
    schedule: 'unit', or the baselines 'zero_skip' and 'dense'.
    progress: called with the number of samples of each finished batch.
    Raises ModelError, MetadataError or DataError, naming what does not fit.
    """
    loaded = load_model(model)
    graph = loaded.graph
    if schedule not in SCHEDULES:
        raise UnitError(f"schedule is {schedule!r}; it takes one of {', '.join(SCHEDULES)}")
    chosen = point_of(loaded, point)
    chosen = chosen if schedule == "unit" else None
    runner = runner_for(loaded, engine, chosen, schedule, threads)
    data = Dataset(x, graph, scale=scale, offset=offset, limit=limit)
    outputs = np.concatenate([o.reshape(len(o), -1) for o in _run(runner, data, progress)])
    accuracy = agreement = rmse = None
    if y is not None:
        labels = data.labels(y, *outputs.shape)
        accuracy = float(np.mean(outputs.argmax(axis=1) == labels))
    else:
        dense = runner_for(loaded, engine, None, "dense", threads)
        reference = np.concatenate([o.reshape(len(o), -1) for o in _run(dense, data, None)])
        agreement = float(np.mean(outputs.argmax(axis=1) == reference.argmax(axis=1)))
        scales = graph.tensors[graph.outputs[0]].scale
        difference = (outputs.astype(np.float64) - reference) * (scales[0] if len(scales) else 1)
        rmse = float(np.sqrt(np.mean(difference**2)))
    counts = runner.counts()
    layers = tuple(_layer(graph, x, chosen, counts, len(outputs)) for x in graph.mac_layers)
    zeros = [layer.macs_zero for layer in layers]
    return Evaluation(
        engine="tflm" if isinstance(runner, TflmRunner) else "batch",
        schedule=schedule,
        point=chosen.name if chosen else None,
        accuracy=accuracy,
        agreement=agreement,
        rmse=rmse,
        samples=len(outputs),
        macs_total=sum(layer.macs_total for layer in layers),
        macs_zero=None if None in zeros else sum(z for z in zeros if z is not None),
        macs_skipped=sum(layer.macs_skipped for layer in layers),
        layers=layers,
    )


def runner_for(
    model: Model, engine: str | None, point: OperatingPoint | None, schedule: str, threads: int | None
) -> Runner:
    """engine, schedule: as for `evaluate`. Raises UnitError for an engine that cannot run the model."""
    unsupported = model.graph.unsupported
    if engine not in (None, "batch", "tflm"):
        raise UnitError(f"engine is {engine!r}; it takes 'batch' or 'tflm'")
    if engine == "batch" and unsupported:
        first = unsupported[0]
        raise UnitError(
            f"the batch engine cannot run layer {first.name!r} ({first.op}): {first.unsupported}; use engine='tflm'"
        )
    if engine == "tflm" or unsupported:
        if schedule == "zero_skip":
            model = replace(model, graph=model.graph.uncentered)
            point = zero_skip_point(model.graph)
        return TflmRunner(model, point)
    return BatchRunner(model.graph, point, schedule, threads)


def _run(runner: Runner, data: Dataset, progress: Progress | None) -> Iterator[np.ndarray]:
    for batch in data:
        yield runner.outputs(batch)
        if progress:
            progress(len(batch[0]))


def _layer(
    graph: Graph,
    layer: Layer,
    point: OperatingPoint | None,
    counts: dict[int, tuple[int, int]],
    samples: int,
) -> LayerEvaluation:
    entry = point.layers.get(graph.weights(layer).index) if point else None
    zero, skipped = counts.get(layer.index, (None, 0))
    return LayerEvaluation(
        name=layer.name,
        op=layer.op,
        macs_total=graph.macs(layer) * samples,
        macs_zero=zero,
        macs_skipped=skipped,
        thresholds=None if entry is None else [int(t) for t in entry.thresholds],
        group_size=None if entry is None else entry.group_size,
        divider=None if entry is None else entry.divider.name.lower(),
    )
