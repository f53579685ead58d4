"""Compares what firmware computed and counted with the batch engine, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..converter.engine import Engine
from ..converter.graph import Graph
from ..converter.pruning import OperatingPoint
from .console import Console
from .run import Batch

_COUNTERS = ("macs_total", "macs_zero", "macs_skipped")


@dataclass(frozen=True)
class Expected:
    """One sample in the batch engine. counters: (total, zero, skipped) by index of the graph's layer."""

    outputs: tuple[np.ndarray, ...]
    counters: Mapping[int, tuple[int, int, int]]


def expect(
    graph: Graph, point: OperatingPoint | None, schedule: str, inputs: Sequence[np.ndarray]
) -> list[Expected]:
    """What the batch engine computes, sample by sample. Raises ModelError where it cannot run the model."""
    engine = Engine(graph, point, schedule=schedule)
    results = []
    for i in range(len(inputs[0])):
        run = engine.run(*(x[i : i + 1] for x in inputs))
        counters = {k: (c.macs_total, c.macs_zero, c.macs_skipped) for k, c in run.counters.items()}
        results.append(Expected(run.outputs, counters))
    return results


def difference(
    graph: Graph, expected: Sequence[Expected], batches: Sequence[Batch], layers: Sequence[int] | None
) -> str:
    """The first difference of a firmware from the batch engine, '' when there is none.

    layers: the index in the graph of each layer of the firmware, whose MAC counts are then compared as well.
    """
    for batch in batches:
        for at in range(batch.size):
            sample = batch.first + at
            texts = []
            if layers is not None:  # first, because they name the layer
                texts.append(_counter_difference(graph, layers, sample, expected[sample], batch.console, at))
            texts.append(_output_difference(graph, sample, expected[sample], batch.console, at))
            if any(texts):
                return "; ".join(text for text in texts if text)
    return ""


def _output_difference(graph: Graph, sample: int, expected: Expected, console: Console, at: int) -> str:
    """The first output value that differs, '' when none does. at: the sample's number in the console."""
    for i, (tensor, array) in enumerate(zip(graph.outputs, expected.outputs, strict=True)):
        name, wanted = graph.tensors[tensor].name, np.ascontiguousarray(array)
        data = console.outputs.get((at, i), b"")
        if len(data) != wanted.nbytes:
            return f"sample {sample}: output {name!r} has {len(data)} bytes, {wanted.nbytes} were expected"
        found = np.frombuffer(data, wanted.dtype)
        # Bits, so that -0.0 is not 0.0 and NaN is NaN.
        bits = f"u{wanted.itemsize}"
        different = np.flatnonzero(found.view(bits) != wanted.reshape(-1).view(bits))
        if len(different):
            k = different[0]
            return (
                f"sample {sample}: output {name!r} [{k}] is {found[k]}, the batch engine computes "
                f"{wanted.reshape(-1)[k]}"
            )
    return ""


def _counter_difference(
    graph: Graph, layers: Sequence[int], sample: int, expected: Expected, console: Console, at: int
) -> str:
    """The first layer whose MAC counts differ, '' when none does.

    layers: the index in the graph of each layer of the firmware.
    """
    for number, layer in enumerate(layers):
        wanted, found = expected.counters.get(layer), console.counters.get((at, number))
        if wanted != found:
            name = graph.layers[layer].name
            if wanted is None or found is None:
                who = "firmware" if wanted is None else "batch engine"
                return f"sample {sample}: only the {who} counts MACs of layer {name!r}"
            k = next(k for k in range(len(wanted)) if wanted[k] != found[k])
            return (
                f"sample {sample}: layer {name!r}: {_COUNTERS[k]} is {found[k]:,}, the batch engine counts "
                f"{wanted[k]:,}"
            )
    return ""
