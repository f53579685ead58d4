"""A .tflite model in memory together with its typed graph and its operating points."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .converter import container
from .converter.centers import centered
from .converter.errors import ModelError, UnitError
from .converter.graph import Graph
from .converter.prune import zero_skip_entry
from .converter.pruning import OperatingPoint, PruningConfig
from .converter.reader import read_graph

if TYPE_CHECKING:
    from .api import ConversionResult


@dataclass(frozen=True)
class Model:
    """data: the .tflite file. graph: with the centers of config. config: its operating points, None when it carries
    no thresholds.

    report: what the converter measured, as stored in the file; None when there is none.
    """

    data: bytes = field(repr=False)
    graph: Graph = field(repr=False)
    config: PruningConfig | None = None
    report: dict[str, Any] | None = field(default=None, repr=False)

    def with_point(self, point: OperatingPoint | None) -> Model:
        """The same model with `point` alone as its thresholds, None: without thresholds."""
        if point is None:
            return self
        if self.config is not None and self.config.points[0] is point:
            return self
        config = PruningConfig((point,), self.graph.centers)
        return replace(self, data=container.attach(self.data, config, None), config=config)


def read_bytes(path: str | PathLike[str]) -> bytes:
    """Contents of a file; ModelError naming the path when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error


def model_bytes(model: str | PathLike[str] | bytes | Model | ConversionResult) -> bytes:
    """The .tflite file. Raises ModelError where there is none, as in a Keras model."""
    loaded = _loaded(model)
    if loaded is not None:
        return loaded.data
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model)
    if not isinstance(model, (str, PathLike)):
        raise ModelError(
            f"the model is of type {type(model).__name__}; it takes a .tflite file, its bytes, or a result"
        )
    return read_bytes(model)


def _loaded(model: object) -> Model | None:
    """Itself, or that of a ConversionResult, whose module imports this one."""
    inner = getattr(model, "model", model)
    return inner if isinstance(inner, Model) else None


def load_model(model: str | PathLike[str] | bytes | Model | ConversionResult) -> Model:
    """Reads a .tflite file or its bytes, with thresholds if it has any; what is loaded stays as it is.

    Raises ModelError when it is not a full-int8 model, MetadataError when its TFLM_UNIT block is bad.
    """
    loaded = _loaded(model)
    if loaded is not None:
        return loaded
    data = model_bytes(model)
    with naming(model):
        graph = read_graph(data)
        config = container.read_config(data, graph)
        if config is not None:
            graph = centered(graph, config.centers)
        return Model(data, graph, config, container.read_report(data))


@contextmanager
def naming(model: Any) -> Iterator[None]:
    """Errors about a model that is a file start with its path."""
    try:
        yield
    except UnitError as error:
        if not isinstance(model, (str, PathLike)):
            raise
        raise type(error)(f"{model}: {error}") from error


def point_of(model: Model, point: int | str) -> OperatingPoint | None:
    """The operating point by index or name; None when the model has no thresholds and point is 0."""
    points = model.config.points if model.config else ()
    if isinstance(point, int) and 0 <= point < len(points):
        return points[point]
    named = [p for p in points if p.name == point]
    if named:
        return named[0]
    if not points and point == 0:
        return None
    names = ", ".join(f"{i} ({p.name})" for i, p in enumerate(points)) or "none: it was not converted"
    raise UnitError(f"the model has no operating point {point!r}; it has {names}")


def zero_skip_point(graph: Graph) -> OperatingPoint:
    """Thresholds of 0 in every prunable layer: the baseline that skips zero products alone."""
    layers = {graph.weights(layer).index: zero_skip_entry(graph, layer) for layer in graph.prunable}
    return OperatingPoint("zero_skip", layers)
