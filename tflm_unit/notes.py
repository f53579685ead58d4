"""What a user should know about a conversion: points that skip less than asked, models that are too large."""

from __future__ import annotations

from collections.abc import Sequence

from .converter.codegen.model import build_model
from .converter.codegen.target_fit import MIN_CODE_BYTES, arena_in_fram
from .converter.engine import entries_of
from .converter.errors import UnitError
from .converter.graph import Graph
from .converter.prune import LayerReport, PruneOptions
from .converter.pruning import OperatingPoint
from .converter.targets import Target
from .converter.thresholds import SkipRate
from .models import Model

TOLERANCE = 0.01  # of a skip rate that is asked for; thresholds are integers


def shortfall(
    graph: Graph, point: OperatingPoint, options: PruneOptions, layers: Sequence[LayerReport]
) -> tuple[str, ...]:
    """Why a point skips less than `options` ask for: one note, or none.

    layers: what each prunable layer does on the calibration data.
    """
    if not isinstance(options.rule, SkipRate) or point.skip_rate is None:
        return ()
    asked = options.rule.value
    if point.skip_rate >= asked - TOLERANCE:
        return ()
    entries = [point.layers.get(graph.weights(x).index) for x in graph.prunable]
    prunable = {x.index for x in graph.prunable}
    groups = {
        "run dense, which is faster": [x.name for x, e in zip(graph.prunable, entries, strict=True) if not e],
        "skip zero products alone, which is faster": [
            x.name for x, e in zip(graph.prunable, entries, strict=True) if e and e.skips_zeros_alone
        ],
        "cannot be pruned": [x.name for x in graph.mac_layers if x.index not in prunable],
    }
    causes = [f"{_listed(names)} {what}" for what, names in groups.items() if names]
    if not causes:
        coarse = "powers of two are coarse" if options.power_of_two else "no threshold skips more"
        causes = [f"thresholds that are {coarse}" if options.power_of_two else coarse]
    text = f"asked to skip {asked:.0%} of the MACs, {point.name!r} skips {point.skip_rate:.1%}: {'; '.join(causes)}"
    return (text,)


def too_large(model: Model, target: Target) -> tuple[str, ...]:
    """What does not fit the target: generated C, or the .tflite file where TFLM could run it; a note each."""
    notes, graph = [], model.graph
    if not graph.unsupported:
        points = model.config.points if model.config else ()
        entries = [entries_of(graph, point) for point in points]
        try:
            arena_in_fram(build_model("generated C", graph, points, entries, "unit", "dense", {}), target)
        except UnitError as error:
            notes.append(str(error))
    room = target.flash_bytes - MIN_CODE_BYTES
    if target.board["tflm_unit"]["core"].startswith("Cortex") and len(model.data) > room:
        notes.append(
            f"the .tflite file takes {len(model.data):,} bytes; {target.name} has {target.flash_bytes:,} of flash, "
            f"and code needs at least {MIN_CODE_BYTES:,}"
        )
    return tuple(notes)


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
