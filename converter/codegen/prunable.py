"""C of the layers with MACs: a call of each schedule that the layer runs at some operating point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import ConvParams, FullyConnectedParams
from ..pruning import FATRELU_OFF, Divider
from .c_source import ConstantPool
from .layers import Body, Fields, activation, braces, members
from .schedules import PointSchedule

_OPERATORS = {"CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise_conv", "FULLY_CONNECTED": "fully_connected"}
_NO_THRESHOLDS: Fields = (
    ("threshold: this point needs none", "NULL"),
    ("group_size", 1),
    ("compensation", "NULL"),
    ("divider", "UNIT_DIVIDER_EXACT"),
    ("tree", "NULL"),
    ("table", "NULL"),
    ("table_row", "NULL"),
)
_NO_PLAN: Fields = (
    ("weight: this point has no plan", "NULL"),
    *((name, "NULL") for name in ("at", "critical", "count", "first", "class_of", "compensation", "filter")),
    *((name, 0) for name in ("classes", "taps", "outputs")),
)


@dataclass(frozen=True)
class PrunableSource:
    """How a layer is called.

    name: part of an identifier. counters: C expression. schedules: per operating point. pool: takes the layer's
    constants.
    """

    name: str
    counters: str
    schedules: tuple[PointSchedule, ...]
    pool: ConstantPool

    def add(self, name: str, values: np.ndarray, layer: str, *, counting: bool = False) -> str:
        """Symbol of a constant array of this layer. counting: only counting builds need it."""
        note = f"{layer}: {name} {list(values.shape)}{', to count zero products' if counting else ''}"
        return self.pool.add(f"{self.name}_{name}", values, note, counting=counting)

    def add_at(self, point: int, name: str, values: np.ndarray | None, layer: str) -> str:
        """The same for an array of one operating point, the first that has it; NULL for None."""
        suffix = f"_{point}" if len(self.schedules) > 1 else ""
        return "NULL" if values is None else self.add(name + suffix, values, layer)


def emit_prunable(body: Body, source: PrunableSource) -> None:
    """Appends the statements of CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED."""
    layer, names = body.layer, {s.name for s in source.schedules}
    weights = _data(body, layer.inputs[1])
    assert weights is not None
    filter_symbol = source.add("weights", weights, layer.name, counting=names == {"planned"})
    bias = _data(body, layer.inputs[2] if len(layer.inputs) > 2 else -1)
    bias_symbol = "NULL" if bias is None else source.add("bias", bias, layer.name)
    params = _emit_params(body, source)
    _emit_quant(body, source)
    thresholds = _emit_thresholds(body, source, filter_symbol)
    _emit_dims(body)
    body.pointers()
    offset, size = body.arena.scratch.get(layer.index, (0, 0))
    scratch = f"&arena.s32[{offset // 4}], {size}" if size else "NULL, 0"
    body.lines.append(f"  const unit_context context = {{{scratch}, {source.counters}}};")

    def call(schedule: str, indent: str) -> str:
        extra = f"{thresholds[schedule]}, " if schedule in thresholds else ""
        weights = "" if schedule == "planned" else f"{filter_symbol}, "
        lines = (
            f"unit_{_OPERATORS[layer.op]}_{schedule}_s8(",
            f"&context, {params}, &quant, {extra}&input_dims, input,",
            f"&filter_dims, {weights}{bias_symbol}, &output_dims, output)",
        )
        return f"\n{indent}".join(lines)

    first, *others = sorted(names, key=[s.name for s in source.schedules].index)
    if not others:
        body.returns(call(first, " " * 6))
        return
    body.lines.append("  switch (active_point) {")
    for name in others:
        body.lines += [f"    case {i}:" for i, s in enumerate(source.schedules) if s.name == name]
        body.lines.append(f"      return {call(name, ' ' * 10)};")
    body.lines += ["    default:", f"      return {call(first, ' ' * 10)};", "  }"]


def _data(body: Body, tensor: int) -> np.ndarray | None:
    return body.graph.tensors[tensor].data if tensor >= 0 else None


def _emit_params(body: Body, source: PrunableSource) -> str:
    """Defines `params`, one per point where FATReLU differs between them; returns the argument."""
    fatrelu = [s.entry.fatrelu_min if s.entry else FATRELU_OFF for s in source.schedules]
    variants = [_params(body, level) for level in fatrelu]
    kind = "unit_fc_params"
    if isinstance(body.layer.params, ConvParams):
        kind = "unit_dw_conv_params" if body.layer.params.ch_mult else "unit_conv_params"
    return _emit_variants(body, source, kind, "params", variants)


def _params(body: Body, fatrelu_min: int) -> Fields:
    params = body.layer.params
    assert isinstance(params, (ConvParams, FullyConnectedParams))
    fields: list[tuple[str, object]] = [
        ("input_offset", params.input_offset),
        ("output_offset", params.output_offset),
    ]
    if isinstance(params, ConvParams):
        if params.ch_mult:
            fields.append(("ch_mult", params.ch_mult))
        fields += [(name, braces(getattr(params, name))) for name in ("stride", "padding", "dilation")]
    fields.append(activation(params.activation, fatrelu_min))
    if isinstance(params, ConvParams) and not params.ch_mult:
        fields.append(("pool: h, w", braces(params.pool)))
    return fields


def _emit_quant(body: Body, source: PrunableSource) -> None:
    params = body.layer.params
    assert isinstance(params, (ConvParams, FullyConnectedParams))
    pair = (params.requantization.multiplier, params.requantization.shift)
    per_channel = any(len(np.unique(values)) > 1 for values in pair)
    symbols = [
        source.add(name, values if per_channel else values[:1], body.layer.name)
        for name, values in zip(("multiplier", "shift"), pair, strict=True)
    ]
    body.lines.append(
        f"  static const unit_quant_params quant = {{{symbols[0]}, {symbols[1]}, {int(per_channel)}}};"
    )


def _emit_thresholds(body: Body, source: PrunableSource, filter_symbol: str) -> dict[str, str]:
    """Defines `prune` and `plan`, those that are needed; returns the argument by schedule."""
    rows: dict[str, list[Fields | None]] = {"prune": [], "plan": []}
    for point, schedule in enumerate(source.schedules):
        pruned = schedule.name in ("compare", "activation_sorted")
        rows["prune"].append(_prune(schedule, point, body, source) if pruned else None)
        rows["plan"].append(_plan(schedule, point, body, source, filter_symbol) if schedule.plan else None)
    kinds = (
        ("prune", "unit_prune_params", _NO_THRESHOLDS, ("compare", "activation_sorted")),
        ("plan", "unit_plan", _NO_PLAN, ("planned",)),
    )
    return {
        schedule: argument
        for name, kind, unused, schedules in kinds
        if any(rows[name])
        for argument in (_emit_variants(body, source, kind, name, rows[name], unused),)
        for schedule in schedules
    }


def _prune(schedule: PointSchedule, point: int, body: Body, source: PrunableSource) -> Fields:
    entry, layer = schedule.entry, body.layer.name
    assert entry is not None
    table, table_row = "NULL", None
    if entry.table is not None and entry.table_row is not None:
        table_row = source.pool.add_quotients(entry.table, entry.table_row)
        table = f"{source.pool.prefix}_quotients"
    return (
        ("threshold", source.add_at(point, "threshold", entry.thresholds, layer)),
        ("group_size", entry.group_size),
        ("compensation", source.add_at(point, "compensation", entry.compensation, layer)),
        ("divider", f"UNIT_DIVIDER_{Divider(entry.divider).name}"),
        ("tree", source.add_at(point, "tree", entry.tree, layer)),
        ("table", table),
        ("table_row", source.add_at(point, "table_row", table_row, layer)),
    )


def _plan(
    schedule: PointSchedule, point: int, body: Body, source: PrunableSource, filter_symbol: str
) -> Fields:
    entry, plan, layer = schedule.entry, schedule.plan, body.layer.name
    assert entry is not None
    assert plan is not None
    arrays = ("weight", "at", "critical", "count", "first", "class_of")
    return (
        *((name, source.add_at(point, f"plan_{name}", getattr(plan, name), layer)) for name in arrays),
        ("compensation", source.add_at(point, "compensation", entry.compensation, layer)),
        ("filter", f"{source.pool.prefix.upper()}_COUNTED({filter_symbol})"),
        ("classes", plan.count.shape[1]),
        ("taps", plan.taps),
        ("outputs", plan.outputs),
    )


def _emit_variants(
    body: Body,
    source: PrunableSource,
    kind: str,
    name: str,
    variants: Sequence[Fields | None],
    unused: Fields = (),
) -> str:
    """A struct, or an array of them by operating point where they differ; returns the pointer to pass.

    variants: per point; None where nothing reads it, for which `unused` stands in an array.
    """
    needed = [variant for variant in variants if variant]
    if all(variant == needed[0] for variant in needed):
        body.struct(kind, name, needed[0])
        return f"&{name}"
    rows = ",\n".join(f"      {{\n{members(variant or unused, 10)}}}" for variant in variants)
    body.lines.append(f"  static const {kind} {name}[{source.pool.prefix.upper()}_POINTS] = {{\n{rows}}};")
    return f"&{name}[active_point]"


def _emit_dims(body: Body) -> None:
    layer = body.layer
    weights = body.graph.weights(layer).shape
    if isinstance(layer.params, ConvParams):
        shapes = [body.shape(layer.inputs[0]), weights, body.shape(layer.outputs[0])]
    else:
        outputs, inputs = weights
        rows = body.output_size // outputs
        shapes = [(rows, 1, 1, inputs), (inputs, 1, 1, outputs), (rows, 1, 1, outputs)]
    for name, shape in zip(("input_dims", "filter_dims", "output_dims"), shapes, strict=True):
        body.dims(name, *shape)
