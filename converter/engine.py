"""The batch engine: runs a Graph over many samples on all cores and counts MACs.

The arithmetic is that of the C core in `tflm_unit._native`; this module maps a Graph onto it and NumPy
arrays in and out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import index

import numpy as np

from tflm_unit import _native

from .engine_layers import add_layer, native_pruning
from .errors import DataError, MetadataError, ModelError, UnitError
from .graph import PRUNABLE, Graph
from .pruning import Divider, LayerPruning, OperatingPoint
from .pruning_checks import check_fit, check_pruning

ACTIVATION_VALUES = 511
MAX_THREADS = 1024
SCHEDULES = ("compare", "zero_skip", "dense")
KERNELS = ("vector", "core")
# Dividers with the same quotients that need neither tree nor table.
_EQUIVALENT = {Divider.BINARY_TREE: Divider.BIT_SHIFT, Divider.TABLE: Divider.EXACT}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LayerCounters:
    """What one layer did, summed over all samples.

    skipped_sum: int64 (output channels,), sum of the skipped products; None unless asked for.
    """

    macs_total: int
    macs_zero: int
    macs_skipped: int
    skipped_sum: np.ndarray | None


@dataclass(frozen=True)
class RunResult:
    """outputs: one array per model output, empty when `stop_after` left one of them uncomputed.

    kept: by tensor index. counters: by layer index, of every CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED
    that ran. histograms: by layer index, uint64 (KH, KW, input channels, 511) or (inputs, 511): how often
    each tap met the activation x = q + input offset, at index x + 255; padding is not counted.
    """

    outputs: tuple[np.ndarray, ...]
    kept: dict[int, np.ndarray]
    counters: dict[int, LayerCounters]
    histograms: dict[int, np.ndarray]


class Engine:
    """Runs `graph` with the thresholds of `point`; layers without an entry run dense.

    schedule: 'compare' as above; 'zero_skip' and 'dense' force that schedule on every prunable layer and
    ignore `point`. kernels: 'vector', or 'core' for the C core itself; results are the same. threads:
    default one per available core; results do not depend on it.

    Raises ModelError when the engine cannot run the graph, MetadataError when an entry of `point` does not
    fit its layer, UnitError for the other arguments.
    """

    def __init__(
        self,
        graph: Graph,
        point: OperatingPoint | None = None,
        *,
        schedule: str = "compare",
        kernels: str = "vector",
        threads: int | None = None,
    ) -> None:
        _check_choice("schedule", schedule, SCHEDULES)
        _check_choice("kernels", kernels, KERNELS)
        if threads is not None and not 1 <= threads <= MAX_THREADS:
            raise UnitError(f"threads is {threads}; expected 1..{MAX_THREADS}")
        if graph.unsupported:
            layer = graph.unsupported[0]
            raise ModelError(
                f"the batch engine cannot run layer {layer.name!r} ({layer.op}): {layer.unsupported}; "
                "use the TFLM engine"
            )
        activations = (*graph.inputs, *(t for layer in graph.layers for t in layer.outputs))
        for tensor in (graph.tensors[t] for t in activations):
            if tensor.shape[:1] != (1,):
                raise ModelError(
                    f"tensor {tensor.name!r} has shape {tensor.shape}; the batch engine needs a leading "
                    "dimension of 1"
                )
        if schedule != "compare":
            graph = graph.uncentered
        self._graph = graph
        self._threads = threads or _available_cores()
        self._program = _native.Program(len(graph.tensors))
        for tensor in (graph.tensors[t] for t in graph.inputs):
            self._program.add_input(tensor.index, tensor.size, tensor.dtype == np.float32)
        entries = entries_of(graph, point if schedule == "compare" else None)
        prunable = {layer.index for layer in graph.prunable}
        for layer in graph.layers:
            entry = entries.get(layer.index)
            forced = schedule if schedule != "compare" and layer.index in prunable else "dense"
            try:
                add_layer(self._program, graph, layer, "compare" if entry else forced, entry, kernels)
            except ValueError as error:
                raise ModelError(f"layer {layer.name!r} ({layer.op}): {error}") from error

    @property
    def threads(self) -> int:
        """Threads of a run."""
        return self._threads

    def run(
        self,
        *inputs: np.ndarray,
        keep: Sequence[int] = (),
        histograms: Sequence[int] = (),
        skipped_sums: bool = False,
        stop_after: int | None = None,
        progress: Progress | None = None,
    ) -> RunResult:
        """Runs all samples; memory beyond inputs and results does not depend on their number.

        inputs: one array (N, *shape[1:]) per model input, of the tensor's dtype. keep: tensors to return,
        (N, *shape[1:]). histograms: prunable layers to count activations of. skipped_sums: whether to sum up
        skipped products. stop_after: index of the last layer to run. progress: called now and then with
        (samples done, samples); an exception in it stops the run, as Ctrl-C does.

        Raises DataError when the inputs do not fit the model, UnitError for the other arguments.
        """
        inputs = tuple(np.asarray(x) for x in inputs)
        keep, histograms = [index(t) for t in keep], [index(i) for i in histograms]
        count = self._check_inputs(inputs)
        layers = self._layer_count(stop_after)
        computed = {t for layer in self._graph.layers[:layers] for t in layer.outputs}
        wanted = self._wanted(keep, computed)
        for i in histograms:
            if not (0 <= i < layers and self._graph.layers[i].op in PRUNABLE):
                raise UnitError(f"layer {i} has no histogram: it does not run or is not prunable")
        given = dict(zip(self._graph.inputs, inputs, strict=True))
        tensors = self._graph.tensors
        results = {t: np.empty((count, *tensors[t].shape[1:]), tensors[t].dtype) for t in wanted}
        counts = {i: np.zeros(self._histogram_shape(i), np.uint64) for i in histograms}
        rows = self._program.run(
            count=count,
            layers=layers,
            threads=self._threads,
            skipped_sums=skipped_sums,
            inputs=[(t, np.require(x, requirements=["C", "A"])) for t, x in given.items()],
            outputs=list(results.items()),
            histograms=list(counts.items()),
            progress=progress,
        )
        complete = all(t in computed for t in self._graph.outputs)
        return RunResult(
            outputs=tuple(results[t] for t in self._graph.outputs) if complete else (),
            kept={t: results[t] if t in results else given[t].copy() for t in keep},
            counters={
                i: LayerCounters(total, zero, skipped, np.array(sums, np.int64) if skipped_sums else None)
                for i, total, zero, skipped, sums in rows
            },
            histograms=counts,
        )

    def _check_inputs(self, inputs: Sequence[np.ndarray]) -> int:
        if len(inputs) != len(self._graph.inputs):
            raise DataError(
                f"{len(inputs)} input arrays given; the model has {len(self._graph.inputs)} inputs"
            )
        for t, x in zip(self._graph.inputs, inputs, strict=True):
            tensor = self._graph.tensors[t]
            expected = tensor.shape[1:]
            if x.ndim != len(expected) + 1 or x.shape[1:] != expected:
                raise DataError(
                    f"input {tensor.name!r} has shape {x.shape}; expected (N, {str(expected)[1:]}"
                )
            if x.dtype != tensor.dtype:
                raise DataError(f"input {tensor.name!r} has dtype {x.dtype}; expected {tensor.dtype}")
            if len(x) != len(inputs[0]):
                raise DataError(f"input {tensor.name!r} has {len(x)} samples, the first has {len(inputs[0])}")
            # Extremes propagate NaN, and need no memory that grows with the samples.
            if x.dtype.kind == "f" and x.size and not np.isfinite([x.min(), x.max()]).all():
                raise DataError(f"input {tensor.name!r} contains NaN or infinity")
        return len(inputs[0])

    def _layer_count(self, stop_after: int | None) -> int:
        layers = len(self._graph.layers)
        if stop_after is None:
            return layers
        if not 0 <= stop_after < layers:
            raise UnitError(f"stop_after is {stop_after}; the model has layers 0..{layers - 1}")
        return stop_after + 1

    def _wanted(self, keep: Sequence[int], computed: set[int]) -> list[int]:
        """Tensors that the program has to write out; inputs are at hand."""
        for t in keep:
            if t not in computed and t not in self._graph.inputs:
                raise UnitError(f"tensor {t} cannot be kept: no layer that runs computes it")
        return [t for t in dict.fromkeys((*self._graph.outputs, *keep)) if t in computed]

    def _histogram_shape(self, layer_index: int) -> tuple[int, ...]:
        layer = self._graph.layers[layer_index]
        weights = self._graph.weights(layer)
        if layer.op == "FULLY_CONNECTED":
            return weights.shape[1], ACTIVATION_VALUES
        channels = self._graph.tensors[layer.inputs[0]].shape[3]
        return *weights.shape[1:3], channels, ACTIVATION_VALUES


def cutoffs(op: str, weights: np.ndarray, thresholds: np.ndarray, divider: Divider) -> np.ndarray:
    """The predicate without a divider: a MAC is skipped exactly when |x| <= cutoff.

    op: name of a prunable operator. weights: int8, laid out as TFLite does. thresholds: int16 (output
    channels,). Returns int16 of the weights' shape, -1 (never) .. 255. Raises UnitError.
    """
    _check_choice("op", op, PRUNABLE)
    if weights.dtype != np.int8 or weights.ndim < 2:
        raise UnitError(f"weights are {weights.dtype} {weights.shape}; expected an int8 filter")
    if thresholds.dtype != np.int16 or thresholds.ndim != 1:
        raise UnitError(f"thresholds are {thresholds.dtype} {thresholds.shape}; expected int16 (channels,)")
    channels = weights.shape[-1] if op == "DEPTHWISE_CONV_2D" else len(weights)
    if len(thresholds) != channels:
        raise UnitError(f"{len(thresholds)} thresholds for {channels} output channels")
    pruning = LayerPruning(np.ascontiguousarray(thresholds), 1, _EQUIVALENT.get(divider, divider))
    try:
        flat = _native.cutoffs(
            getattr(_native.Op, op), np.ascontiguousarray(weights), channels, native_pruning(pruning)
        )
    except ValueError as error:
        raise UnitError(str(error)) from error
    return flat.reshape(weights.shape)


def quotients(thresholds: np.ndarray) -> np.ndarray:
    """Rows of the TABLE divider: int16 (n,) of 0..32385 -> uint8 (n, 256). Raises UnitError."""
    if thresholds.dtype != np.int16 or thresholds.ndim != 1:
        raise UnitError(f"thresholds are {thresholds.dtype} {thresholds.shape}; expected int16 (n,)")
    try:
        return _native.quotients(np.ascontiguousarray(thresholds))
    except ValueError as error:
        raise UnitError(str(error)) from error


def entries_of(graph: Graph, point: OperatingPoint | None) -> dict[int, LayerPruning]:
    """Entries of `point` by layer index, checked."""
    if point is None:
        return {}
    layers = graph.by_weights
    entries = {}
    for weights, pruning in point.layers.items():
        if weights not in layers:
            raise MetadataError(
                f"point {point.name!r} has thresholds for tensor {weights}, which holds no prunable layer's weights"
            )
        layer = layers[weights]
        try:
            check_pruning(pruning, graph.output_channels(layer))
            check_fit(pruning, graph, layer)
        except MetadataError as error:
            raise MetadataError(f"layer {layer.name!r} at point {point.name!r}: {error}") from error
        entries[layer.index] = pruning
    return entries


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UnitError(f"{name} is {value!r}; expected one of {', '.join(choices)}")


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
