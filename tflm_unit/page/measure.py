"""What a model does on the reader's data: dense, with zero products skipped, and at every operating point."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..converter.dataset import Dataset, Source
from ..converter.pruning import OperatingPoint
from ..evaluation import Runner, runner_for
from ..models import Model

if TYPE_CHECKING:
    from ..tuning.judge import Estimate

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Run:
    """outputs: (samples, outputs per sample), stored values. counts: (zero, skipped) MACs of all samples by layer
    index, of the layers that were counted. classes: the largest output of each sample, int64 (samples,)."""

    outputs: np.ndarray
    counts: dict[int, tuple[int, int]]

    @property
    def classes(self) -> np.ndarray:
        return self.outputs.argmax(axis=1)


@dataclass(frozen=True)
class Measurement:
    """labels: int64 (samples,), None without. points: in the model's order. output_scale: real value of a step."""

    engine: str
    labels: np.ndarray | None
    dense: Run
    zero_skip: Run
    points: tuple[Run, ...]
    output_scale: float

    @property
    def samples(self) -> int:
        return len(self.dense.outputs)

    @property
    def reference(self) -> np.ndarray:
        """What predictions are held against, int64 (samples,): labels, or without them the dense model's."""
        return self.dense.classes if self.labels is None else self.labels

    def quality(self, run: Run) -> Estimate:
        """Accuracy, or without labels the share of samples on which `run` agrees with the dense model."""
        from ..tuning.judge import wilson  # imports Optuna, which `summary` needs not wait for

        return wilson(int(np.count_nonzero(run.classes == self.reference)), self.samples)

    def drop(self, run: Run) -> Estimate:
        """Quality lost against dense; the interval is for the same samples run both ways."""
        from ..tuning.judge import paired

        return paired(self.dense.classes == self.reference, run.classes == self.reference)

    def rmse(self, run: Run) -> float:
        """Root mean square difference from the dense model's outputs, real units."""
        difference = (run.outputs.astype(np.float64) - self.dense.outputs) * self.output_scale
        return float(np.sqrt(np.mean(difference**2)))


def measure(
    model: Model,
    x: Source,
    y: Any,
    points: Iterable[OperatingPoint],
    *,
    scale: float | None,
    offset: float | None,
    limit: int | None,
    threads: int | None,
    progress: Progress,
) -> Measurement:
    """Runs all of `x`; see tflm_unit.evaluate for x, y and the options. Raises its errors."""
    data = Dataset(x, model.graph, scale=scale, offset=offset, limit=limit)
    named: list[tuple[str, str, OperatingPoint | None]] = [
        ("dense", "dense", None),
        ("zero-skip", "zero_skip", None),
        *((point.name, "unit", point) for point in points),
    ]
    runs = []
    for step, (name, schedule, point) in enumerate(named):
        progress(name, step, len(named))
        runs.append(_run(runner_for(model, None, point, schedule, threads), data))
    scales = model.graph.tensors[model.graph.outputs[0]].scale
    return Measurement(
        engine="tflm" if model.graph.unsupported else "batch",
        labels=None if y is None else data.labels(y, *runs[0].outputs.shape),
        dense=runs[0],
        zero_skip=runs[1],
        points=tuple(runs[2:]),
        output_scale=float(scales[0]) if len(scales) else 1.0,
    )


def _run(runner: Runner, data: Dataset) -> Run:
    outputs = [runner.outputs(batch) for batch in data]
    return Run(np.concatenate([o.reshape(len(o), -1) for o in outputs]), runner.counts())
