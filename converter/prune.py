"""From statistics to operating points: layer by layer, each on what the already pruned layers before it
produce, so that thresholds and compensation are those of the deployed network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from . import thresholds as rules
from .activity import Activity
from .calibration import LayerStatistics
from .dividers import complete
from .errors import UnitError
from .fatrelu import FatRelu, check_fatrelu, fatrelu_level
from .graph import Graph, Layer
from .pruning import FATRELU_OFF, NEVER_SKIP, Divider, LayerPruning, OperatingPoint

Progress = Callable[[str, int, int], None]

# Share of a layer's MACs that it may skip more or fewer because other layers missed their quota; a small last layer
# is not to pay for a large first one.
MAX_MADE_UP = 0.02


class Statistics(Protocol):
    """Where statistics come from: the batch engine or, for graphs it cannot run, TFLM."""

    def collect(
        self, layers: Sequence[Layer], point: OperatingPoint | None
    ) -> dict[int, LayerStatistics]: ...

    def activity(self, layers: Sequence[Layer], point: OperatingPoint | None) -> dict[int, Activity]: ...


@dataclass(frozen=True)
class PruneOptions:
    """How to choose one operating point.

    groups: 'layer', 'channel' or a number of output channels that share a threshold.
    fatrelu: real threshold for every layer with a fused ReLU, or by layer name; None: off.
    power_of_two: every integer threshold is a power of two minus one.
    """

    rule: rules.Rule
    groups: str | int = "layer"
    divider: Divider = Divider.EXACT
    fatrelu: FatRelu = None
    compensation: bool = True
    power_of_two: bool = False


@dataclass(frozen=True)
class LayerReport:
    """What one layer does at one point on the calibration data.

    real_thresholds: per group, in units of the float product; None when the layer runs dense.
    """

    name: str
    op: str
    real_thresholds: tuple[float, ...] | None
    macs_total: int
    macs_zero: int
    macs_skipped: int


def prune(
    graph: Graph,
    source: Statistics,
    options: PruneOptions,
    name: str,
    dense: Mapping[int, LayerStatistics] | None = None,
    progress: Progress | None = None,
    baselines: Mapping[int, str] | None = None,
) -> tuple[OperatingPoint, tuple[LayerReport, ...]]:
    """Chooses thresholds and compensation of every prunable layer in order.

    dense: statistics of the unpruned network; gathered here when a SkipRate needs them and they are None.
    progress: called with (layer name, layers done, layers). baselines: 'dense' or 'zero_skip' by index of the layers
    that get no thresholds or those of 0; what they do not skip is not made up for.
    Raises UnitError when an option names a layer that the model does not have.
    """
    layers = graph.prunable
    rule = options.rule
    _check_names(rule, graph)
    check_fatrelu(options.fatrelu, graph)
    targets: dict[int, np.ndarray] = {}
    if isinstance(rule, rules.SkipRate):
        dense = dense or source.collect(layers, None)
        rule = rules.percentile_for(rule.value, dense)
        # Pruned layers hand fewer zeros on; keeping the dense network's counts keeps the total on target.
        for layer in layers:
            size = rules.group_size(options.groups, graph.output_channels(layer))
            targets[layer.index] = rules.quotas(rule, dense[layer.index], size)
    pruned: dict[int, LayerPruning] = {}
    reports = []
    missing = 0.0
    for done, layer in enumerate(layers):
        if progress:
            progress(layer.name, done, len(layers))
        statistics = source.collect([layer], OperatingPoint(name, dict(pruned)))[layer.index]
        if baselines and layer.index in baselines:
            if baselines[layer.index] == "zero_skip":
                level = fatrelu_level(options.fatrelu, graph, layer)
                pruned[graph.weights(layer).index] = zero_skip_entry(graph, layer, level)
            entry = pruned.get(graph.weights(layer).index)
            reports.append(_report(graph, layer, statistics, entry, None if entry is None else np.zeros(1)))
            continue
        target = targets.get(layer.index)
        wanted = target
        if target is not None and options.power_of_two:
            wanted = _made_up(target, statistics, missing)
        entry, real = _prune_layer(graph, layer, statistics, options, rule, wanted)
        if entry is not None:
            pruned[graph.weights(layer).index] = entry
        reports.append(_report(graph, layer, statistics, entry, real))
        if target is not None:
            missing += float(target.sum()) - reports[-1].macs_skipped
    if progress:
        progress("", len(layers), len(layers))
    return OperatingPoint(name, pruned, skip_rate=skip_rate(graph, reports)), tuple(reports)


def zero_skip_entry(graph: Graph, layer: Layer, fatrelu_min: int = FATRELU_OFF) -> LayerPruning:
    """Thresholds of 0, which skip zero products alone."""
    return LayerPruning(np.zeros(1, np.int16), graph.output_channels(layer), fatrelu_min=fatrelu_min)


def _made_up(target: np.ndarray, statistics: LayerStatistics, missing: float) -> np.ndarray:
    """Quotas of a layer that also skips the MACs that layers before it, whose thresholds are coarse, left over."""
    total = float(statistics.macs_total.sum())
    share = np.clip(missing / total, -MAX_MADE_UP, MAX_MADE_UP)
    return target * (1 + share * total / max(float(target.sum()), 1.0))


def skip_rate(graph: Graph, reports: Sequence[LayerReport]) -> float:
    """Share of all MACs, those of layers that cannot carry thresholds included."""
    skipped = {r.name: r.macs_skipped / max(r.macs_total, 1) for r in reports}
    macs = {layer.name: graph.macs(layer) for layer in graph.mac_layers}
    return sum(skipped.get(name, 0) * count for name, count in macs.items()) / sum(macs.values())


def _prune_layer(
    graph: Graph,
    layer: Layer,
    statistics: LayerStatistics,
    options: PruneOptions,
    rule: rules.Percentile | rules.Explicit,
    target: np.ndarray | None,
) -> tuple[LayerPruning | None, np.ndarray | None]:
    channels, scale = graph.output_channels(layer), graph.product_scale(layer)
    size = rules.group_size(options.groups, channels)
    groups = -(-channels // size)
    fatrelu_min = fatrelu_level(options.fatrelu, graph, layer)
    if isinstance(rule, rules.Explicit):
        if layer.name not in rule.values and fatrelu_min == FATRELU_OFF:
            return None, None
        # A layer with FATReLU alone needs an entry, whose threshold never skips.
        real = np.atleast_1d(np.asarray(rule.values.get(layer.name, NEVER_SKIP), np.float64))
        if len(real) not in (1, groups):
            raise UnitError(
                f"{len(real)} thresholds for layer {layer.name!r}, which has {groups} groups of {size} channels"
            )
        real = np.broadcast_to(real, (groups,))
    else:
        wanted = rules.quotas(rule, statistics, size) if target is None else target
        real = rules.solve(wanted, statistics, size, scale, options.divider, options.power_of_two)
    per_channel = rules.to_integer(np.repeat(real, size)[:channels], scale, options.power_of_two)
    stored, stored_size = _shared(per_channel, size)
    compensation = None
    if options.compensation:
        mean = statistics.mean_skipped_sum(per_channel, options.divider)
        compensation = np.rint(mean).astype(np.int32)
        compensation = compensation if compensation.any() else None
    entry = LayerPruning(
        thresholds=stored,
        group_size=stored_size,
        divider=options.divider,
        compensation=compensation,
        fatrelu_min=fatrelu_min,
    )
    return complete(entry, statistics.control_terms()), real


def _shared(per_channel: np.ndarray, size: int) -> tuple[np.ndarray, int]:
    """Thresholds as stored: one per group, or one per channel where a group's scales differ."""
    first = per_channel[::size]
    if np.array_equal(np.repeat(first, size)[: len(per_channel)], per_channel):
        return first, size
    return per_channel, 1


def _check_names(rule: rules.Rule, graph: Graph) -> None:
    names = {layer.name for layer in graph.prunable}
    unknown = sorted(set(rule.values) - names) if isinstance(rule, rules.Explicit) else []
    if unknown:
        raise UnitError(
            f"threshold for layer {unknown[0]!r}: the model has no such prunable layer; it has {sorted(names)}"
        )


def _report(
    graph: Graph,
    layer: Layer,
    statistics: LayerStatistics,
    entry: LayerPruning | None,
    real: np.ndarray | None,
) -> LayerReport:
    skipped = 0
    if entry is not None:
        per_channel = entry.per_channel(graph.output_channels(layer))
        skipped = int(statistics.skipped(per_channel, entry.divider).sum())
    return LayerReport(
        name=layer.name,
        op=layer.op,
        real_thresholds=None if real is None else tuple(float(x) for x in real),
        macs_total=int(statistics.macs_total.sum()),
        macs_zero=int(statistics.macs_zero.sum()),
        macs_skipped=skipped,
    )
