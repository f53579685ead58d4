"""The network under study: its samples, quantized once, its answers and its MACs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..converter.dataset import Dataset, Source
from ..converter.engine import Engine
from ..converter.errors import UnitError
from ..converter.graph import Graph
from ..converter.output_loss import OutputLoss
from ..converter.pruning import OperatingPoint
from ..files import spread
from .judge import Answers


@dataclass(frozen=True)
class Run:
    """What one pass over the samples gave. kept: share of all MACs; layers: that of each layer, by name."""

    answers: Answers
    kept: float
    layers: dict[str, float]


class Network:
    """Runs a graph with operating points. Raises UnitError when the batch engine cannot run it."""

    def __init__(self, graph: Graph, threads: int | None = None) -> None:
        if graph.unsupported:
            layer = graph.unsupported[0]
            raise UnitError(
                f"tune needs the batch engine, which cannot run layer {layer.name!r} ({layer.op}): "
                f"{layer.unsupported}; choose thresholds with convert, which can use TFLM"
            )
        self.graph, self.threads = graph, threads
        self.loss = OutputLoss(graph)

    def run(
        self, samples: tuple[np.ndarray, ...], point: OperatingPoint | None = None, schedule: str = "compare"
    ) -> Run:
        """samples: one quantized array (N, ...) per input. schedule: of the batch engine."""
        engine = Engine(self.graph, point, schedule=schedule, threads=self.threads)
        result = engine.run(*samples, keep=[self.loss.tensor])
        compared = self.loss.answers(result.kept[self.loss.tensor])
        answers = Answers(self._outputs(result.outputs[0]), compared.reshape(len(compared), -1))
        counters = [(self.graph.layers[i].name, c) for i, c in result.counters.items()]
        layers = {name: 1 - c.macs_skipped / max(c.macs_total, 1) for name, c in counters}
        total = sum(c.macs_total for _, c in counters)
        return Run(answers, 1 - sum(c.macs_skipped for _, c in counters) / max(total, 1), layers)

    def _outputs(self, values: np.ndarray) -> np.ndarray:
        """Real values of the first output, float32 (N, classes)."""
        tensor = self.graph.tensors[self.graph.outputs[0]]
        flat = values.reshape(len(values), -1).astype(np.float32)
        if values.dtype.kind == "f":
            return flat
        return (flat - np.float32(tensor.zero_point[0])) * np.float32(tensor.scale[0])


def quantized(
    source: Source, graph: Graph, scale: float | None, offset: float | None
) -> tuple[np.ndarray, ...]:
    """All samples as the graph takes them, one array (N, ...) per input. Raises DataError."""
    batches = list(Dataset(source, graph, scale=scale, offset=offset))
    return tuple(np.concatenate(columns) for columns in zip(*batches, strict=True))


def dataset(samples: tuple[np.ndarray, ...], graph: Graph) -> Dataset:
    """Quantized samples as calibration data."""
    return Dataset(list(samples) if len(samples) > 1 else samples[0], graph)


def picked(samples: tuple[np.ndarray, ...], count: int) -> tuple[np.ndarray, ...]:
    """`count` samples evenly spread over all, or all."""
    return tuple(spread(x, count) for x in samples)
