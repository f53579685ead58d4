"""Everything that generated C is written from: layers, operating points, arena, constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import Graph, Layer
from ..pruning import LayerPruning, OperatingPoint
from .arena import Arena, is_elided, plan_arena
from .c_source import ConstantArray, ConstantPool, identifiers
from .fused_pools import fuse_pools
from .layers import Body, emit
from .prunable import PrunableSource, emit_prunable
from .schedules import PointSchedule, schedules_of
from .scratch import scratch_bytes


@dataclass(frozen=True)
class GeneratedLayer:
    """body: of its C function. schedules: per operating point, empty for layers without MACs."""

    layer: Layer
    identifier: str
    schedules: tuple[PointSchedule, ...]
    body: tuple[str, ...]


@dataclass(frozen=True)
class CodeModel:
    """name: prefix of files and functions. skipped: expected share of skipped MACs by (point, layer name)."""

    name: str
    graph: Graph
    points: tuple[OperatingPoint, ...]
    skipped: Mapping[tuple[int, str], float]
    layers: tuple[GeneratedLayer, ...]
    arena: Arena
    constants: tuple[ConstantArray, ...]

    @property
    def constant_bytes(self) -> int:
        """Of a build without counters."""
        return sum(array.values.nbytes for array in self.constants if not array.counting)

    @property
    def has_plans(self) -> bool:
        return any(s.plan for layer in self.layers for s in layer.schedules)

    @property
    def has_floats(self) -> bool:
        """Whether the arena holds float32 tensors."""
        return any(self.graph.tensors[t].dtype == np.float32 for t in self.arena.offsets)


def build_model(
    name: str,
    graph: Graph,
    points: Sequence[OperatingPoint],
    entries: Sequence[Mapping[int, LayerPruning]],
    schedule: str,
    baseline: str,
    skipped: Mapping[tuple[int, str], float],
) -> CodeModel:
    """entries: of each point, by layer index. schedule: see schedules_of. baseline: of layers without entry."""
    pool, graph = ConstantPool(name), fuse_pools(graph, entries)
    layers = [layer for layer in graph.layers if not is_elided(layer)]
    names = identifiers(layer.name for layer in layers)
    prunable = {layer.index for layer in graph.prunable}
    macs = {layer.index for layer in graph.mac_layers}
    counters = iter(range(len(macs)))
    sources = {
        layer.index: PrunableSource(
            name=identifier,
            counters=f"{name.upper()}_COUNTERS({next(counters)})",
            schedules=schedules_of(
                graph,
                layer,
                [at_point.get(layer.index) for at_point in entries],
                schedule,
                baseline if layer.index in prunable else "dense",
            ),
            pool=pool,
        )
        for layer, identifier in zip(layers, names, strict=True)
        if layer.index in macs
    }
    scratch = {
        index: max(scratch_bytes(graph.layers[index], graph, s.name, s.plan) or 0 for s in source.schedules)
        for index, source in sources.items()
    }
    arena = plan_arena(graph, scratch)
    generated = []
    for layer, identifier in zip(layers, names, strict=True):
        body, source = Body(graph, layer, arena), sources.get(layer.index)
        if source:
            emit_prunable(body, source)
        else:
            emit(layer.params, body)
        generated.append(
            GeneratedLayer(
                layer=layer,
                identifier=identifier,
                schedules=source.schedules if source else (),
                body=tuple(body.lines),
            )
        )
    return CodeModel(name, graph, tuple(points), skipped, tuple(generated), arena, pool.finish())
