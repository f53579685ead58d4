"""Calibration statistics for models that the batch engine cannot run: TFLM computes the activations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from .converter import container
from .converter.activity import Activity, activities, picked
from .converter.calibration import LayerStatistics, statistics
from .converter.dataset import Dataset
from .converter.engine import Engine
from .converter.graph import Graph, Layer
from .converter.pruning import OperatingPoint, PruningConfig
from .interpreter import Interpreter
from .models import Model


class TflmCalibrator:
    """Gathers statistics as `Calibrator` does, with TFLM running the model, one sample at a time.

    The batch engine still counts: it runs each prunable layer by itself on the activations TFLM computed.
    """

    def __init__(self, model: Model, data: Dataset) -> None:
        self._model, self._data = model, data

    def collect(self, layers: Sequence[Layer], point: OperatingPoint | None) -> dict[int, LayerStatistics]:
        graph = self._model.graph
        counters = {layer.index: Engine(_alone(graph, layer)) for layer in layers}
        totals: dict[int, np.ndarray] = {}
        samples = 0
        for seen in self._tensors(self._data, [layer.inputs[0] for layer in layers], point):
            for layer in layers:
                x = seen[layer.inputs[0]]
                result = counters[layer.index].run(x, histograms=[0])
                totals[layer.index] = totals.get(layer.index, 0) + result.histograms[0]
            samples += len(x)
        return {x.index: statistics(graph, x, totals[x.index], samples) for x in layers}

    def activity(self, layers: Sequence[Layer], point: OperatingPoint | None) -> dict[int, Activity]:
        """What each layer reads and writes on some of the samples, by layer index."""
        ends = {x.index: (x.inputs[0], x.outputs[0]) for x in layers}
        tensors = sorted({t for pair in ends.values() for t in pair})
        return activities(list(self._tensors(picked(self._data), tensors, point)), ends)

    def _tensors(
        self,
        batches: Iterable[tuple[np.ndarray, ...]],
        tensors: Sequence[int],
        point: OperatingPoint | None,
    ) -> Iterator[dict[int, np.ndarray]]:
        """Values of `tensors` on each batch, (samples, *shape[1:])."""
        interpreter = self._interpreter(point)
        inputs = [d["index"] for d in interpreter.get_input_details()]
        for batch in batches:
            seen: dict[int, list[np.ndarray]] = {t: [] for t in tensors}
            for sample in zip(*batch, strict=True):
                for index, value in zip(inputs, sample, strict=True):
                    interpreter.set_tensor(index, value[np.newaxis])
                interpreter.invoke()
                for index, values in seen.items():
                    values.append(interpreter.get_tensor(index))
            yield {index: np.concatenate(values) for index, values in seen.items()}

    def _interpreter(self, point: OperatingPoint | None) -> Interpreter:
        data = self._model.data
        if point is not None and point.layers:
            data = container.attach(data, PruningConfig((point,), self._model.graph.centers), None)
        return Interpreter(data, use_overrides=data is not self._model.data, keep_tensors=True)


def _alone(graph: Graph, layer: Layer) -> Graph:
    """The layer as a model of its own; it keeps its tensor indices and becomes layer 0."""
    only = Layer(0, layer.name, layer.op, layer.inputs, layer.outputs, layer.params)
    return Graph(graph.tensors, (only,), layer.inputs[:1], layer.outputs)
