"""The arena of generated C: where every activation and scratch buffer of a Graph lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..graph import (
    AddParams,
    CopyParams,
    Graph,
    Layer,
    MeanParams,
    PoolParams,
    QuantizeParams,
    RequantizeParams,
    SoftmaxParams,
)
from .memory_plan import Buffer, Tenant, peak, place

INPUT_STEP = -1  # the application writes the inputs before step 0


@dataclass(frozen=True)
class PlanRow:
    """One buffer of the arena, live from step `first` to step `last`.

    Steps are generated layers; -1: the inputs are written; as many as there are layers: the outputs are read.
    in_place: computed over an operand, from the same offset.
    """

    name: str
    bytes: int
    offset: int
    first: int
    last: int
    in_place: bool = False


@dataclass(frozen=True)
class Arena:
    """offsets, names: by tensor index; a tensor has the name of the row that holds it. scratch: (offset, bytes)
    by layer index. bytes: the peak, which is all there is."""

    rows: tuple[PlanRow, ...]
    offsets: Mapping[int, int]
    names: Mapping[int, str]
    scratch: Mapping[int, tuple[int, int]]
    bytes: int


def is_elided(layer: Layer) -> bool:
    """Whether the output is the input's memory under another shape, so that nothing is generated."""
    return isinstance(layer.params, CopyParams)


def plan_arena(graph: Graph, scratch: Mapping[int, int]) -> Arena:
    """scratch: bytes by index of the layers that need some.

    Outputs are computed in place unless that makes the arena larger.
    """
    lifetimes = _Lifetimes(graph)
    plans = [_plan(lifetimes, scratch, in_place) for in_place in (True, False)]
    return min(plans, key=lambda plan: plan.bytes)


class _Lifetimes:
    """First and last step of every activation; elided layers only add names of the same memory."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layers = tuple(layer for layer in graph.layers if not is_elided(layer))
        self.root: dict[int, int] = {t: t for t in graph.inputs}
        for layer in graph.layers:
            output = layer.outputs[0]
            self.root[output] = self.root[layer.inputs[0]] if is_elided(layer) else output
        self.names = {t: graph.tensors[t].name for t in graph.inputs}
        self.names.update((layer.outputs[0], layer.name) for layer in self.layers)
        self.first = dict.fromkeys(graph.inputs, INPUT_STEP)
        self.last = dict(self.first)
        for step, layer in enumerate(self.layers):
            self.first[layer.outputs[0]] = self.last[layer.outputs[0]] = step
            for t in layer.inputs:
                if t in self.root:
                    self.last[self.root[t]] = step
        for t in graph.outputs:
            self.last[self.root[t]] = len(self.layers)

    def bytes(self, tensor: int) -> int:
        return self.graph.tensors[tensor].size * self.graph.tensors[tensor].dtype.itemsize

    def tenant(self, tensor: int) -> Tenant:
        return Tenant(self.names[tensor], self.bytes(tensor), self.first[tensor], self.last[tensor])


def _plan(lifetimes: _Lifetimes, scratch: Mapping[int, int], in_place: bool) -> Arena:
    chains: list[list[int]] = [[t] for t in lifetimes.graph.inputs]
    for step, layer in enumerate(lifetimes.layers):
        output = layer.outputs[0]
        for t in overwritable(layer, lifetimes.graph) if in_place else ():
            root = lifetimes.root[t]
            if lifetimes.last[root] == step and lifetimes.bytes(output) <= lifetimes.bytes(root):
                next(chain for chain in chains if chain[-1] == root).append(output)
                break
        else:
            chains.append([output])
    steps = {layer.index: step for step, layer in enumerate(lifetimes.layers)}
    needed = [(index, size) for index, size in scratch.items() if size > 0]
    names = {layer.index: layer.name for layer in lifetimes.layers}
    buffers = [Buffer(tuple(lifetimes.tenant(t) for t in chain)) for chain in chains]
    buffers += [
        Buffer((Tenant(f"scratch of {names[index]}", size, steps[index], steps[index]),))
        for index, size in needed
    ]
    offsets = place(buffers)
    rows = [
        PlanRow(t.name, t.size, offset, t.first, t.last, in_place=position > 0)
        for buffer, offset in zip(buffers, offsets, strict=True)
        for position, t in enumerate(buffer.tenants)
    ]
    at = {t: offset for chain, offset in zip(chains, offsets, strict=False) for t in chain}
    return Arena(
        rows=tuple(sorted(rows, key=lambda row: (row.first, row.offset, row.last))),
        offsets={t: at[root] for t, root in lifetimes.root.items()},
        names={t: lifetimes.names[root] for t, root in lifetimes.root.items()},
        scratch={
            index: (offset, size)
            for (index, size), offset in zip(needed, offsets[len(chains) :], strict=True)
        },
        bytes=peak(buffers, offsets),
    )


def overwritable(layer: Layer, graph: Graph) -> tuple[int, ...]:
    """Inputs from whose offset on the kernel may write its output: it never reads what it has overwritten."""
    params = layer.params
    if isinstance(params, AddParams):
        return layer.inputs[:2]
    if isinstance(params, (RequantizeParams, SoftmaxParams, MeanParams, QuantizeParams)):
        return layer.inputs[:1]
    if isinstance(params, PoolParams) and _windows_stay_ahead(params, layer, graph):
        return layer.inputs[:1]
    return ()


def _windows_stay_ahead(params: PoolParams, layer: Layer, graph: Graph) -> bool:
    """Whether every window begins at or behind the position of its own output, row by row."""
    _, height, width, _ = graph.tensors[layer.outputs[0]].shape
    input_width = graph.tensors[layer.inputs[0]].shape[2]
    rows = [max(0, y * params.stride[0] - params.padding[0]) for y in range(height)]
    columns = [max(0, x * params.stride[1] - params.padding[1]) for x in range(width)]
    return all(
        rows[y] * input_width + columns[x] >= y * width + x for y in range(height) for x in range(width)
    )
