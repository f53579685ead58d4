"""C of the layers with MACs: a call of each schedule that the layer runs at some operating point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import ConvParams, FullyConnectedParams
from ..pruning import FATRELU_OFF, Divider, LayerPruning
from .c_source import ConstantPool
from .layers import Body, Fields, activation, braces, members

_OPERATORS = {"CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise_conv", "FULLY_CONNECTED": "fully_connected"}
_NO_THRESHOLDS: Fields = (
    ("threshold: runs without", "NULL"),
    ("group_size", 1),
    ("compensation", "NULL"),
    ("divider", "UNIT_DIVIDER_EXACT"),
    ("tree", "NULL"),
    ("table", "NULL"),
    ("table_row", "NULL"),
)


@dataclass(frozen=True)
class PrunableSource:
    """Thresholds of a layer and how it is called.

    name: part of an identifier. counters: C expression. entries: per operating point, None: runs `baseline`,
    which is 'dense' or 'zero_skip'. pool: takes the layer's constants.
    """

    name: str
    counters: str
    entries: tuple[LayerPruning | None, ...]
    baseline: str
    pool: ConstantPool

    @property
    def schedules(self) -> tuple[str, ...]:
        """Per operating point."""
        return tuple("compare" if entry else self.baseline for entry in self.entries)

    def add(self, name: str, values: np.ndarray, layer: str) -> str:
        """Symbol of a constant array of this layer."""
        return self.pool.add(f"{self.name}_{name}", values, f"{layer}: {name} {list(values.shape)}")


def emit_prunable(body: Body, source: PrunableSource) -> None:
    """Appends the statements of CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED."""
    layer = body.layer
    bias = layer.inputs[2] if len(layer.inputs) > 2 else -1
    constants = [(layer.inputs[1], "weights"), (bias, "bias")]
    filter_symbol, bias_symbol = (_constant(body, source, t, what) for t, what in constants)
    params = _emit_params(body, source)
    _emit_quant(body, source)
    prune = _emit_prune(body, source)
    _emit_dims(body)
    body.pointers()
    offset, size = body.arena.scratch.get(layer.index, (0, 0))
    scratch = f"&arena.s32[{offset // 4}], {size}" if size else "NULL, 0"
    body.lines.append(f"  const unit_context context = {{{scratch}, {source.counters}}};")

    def call(schedule: str, indent: str) -> str:
        lines = (
            f"unit_{_OPERATORS[layer.op]}_{schedule}_s8(",
            f"&context, {params}, &quant, {prune + ', ' if schedule == 'compare' else ''}&input_dims, input,",
            f"&filter_dims, {filter_symbol}, {bias_symbol}, &output_dims, output)",
        )
        return f"\n{indent}".join(lines)

    if len(set(source.schedules)) == 2:
        body.lines.append("  if (prune[active_point].threshold == NULL) {")
        body.lines.append(f"    return {call(source.baseline, ' ' * 8)};\n  }}")
    body.returns(call("compare" if prune else source.baseline, " " * 6))


def _constant(body: Body, source: PrunableSource, tensor: int, what: str) -> str:
    if tensor < 0:
        return "NULL"
    data = body.graph.tensors[tensor].data
    assert data is not None
    return source.add(what, data, body.layer.name)


def _emit_params(body: Body, source: PrunableSource) -> str:
    """Defines `params`, one per point where FATReLU differs between them; returns the argument."""
    fatrelu = [entry.fatrelu_min if entry else FATRELU_OFF for entry in source.entries]
    variants = [_params(body, level) for level in (fatrelu if len(set(fatrelu)) > 1 else fatrelu[:1])]
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
    return [*fields, activation(params.activation, fatrelu_min)]


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


def _emit_prune(body: Body, source: PrunableSource) -> str:
    """Defines `prune`, one per point where the points differ; returns the argument."""
    if all(entry is None for entry in source.entries):
        return ""
    variants = [
        _NO_THRESHOLDS if entry is None else _prune(entry, point, body, source)
        for point, entry in enumerate(source.entries)
    ]
    return _emit_variants(body, source, "unit_prune_params", "prune", variants)


def _prune(entry: LayerPruning, point: int, body: Body, source: PrunableSource) -> Fields:
    """Arrays are named after the first point that has them."""

    def symbol(name: str, values: np.ndarray | None) -> str:
        suffix = f"_{point}" if len(source.entries) > 1 else ""
        return "NULL" if values is None else source.add(name + suffix, values, body.layer.name)

    table, table_row = "NULL", None
    if entry.table is not None and entry.table_row is not None:
        table_row = source.pool.add_quotients(entry.table, entry.table_row)
        table = f"{source.pool.prefix}_quotients"
    return (
        ("threshold", symbol("threshold", entry.thresholds)),
        ("group_size", entry.group_size),
        ("compensation", symbol("compensation", entry.compensation)),
        ("divider", f"UNIT_DIVIDER_{Divider(entry.divider).name}"),
        ("tree", symbol("tree", entry.tree)),
        ("table", table),
        ("table_row", symbol("table_row", table_row)),
    )


def _emit_variants(
    body: Body, source: PrunableSource, kind: str, name: str, variants: Sequence[Fields]
) -> str:
    """A struct, or an array of them by operating point where they differ; returns the pointer to pass."""
    if all(variant == variants[0] for variant in variants):
        body.struct(kind, name, variants[0])
        return f"&{name}"
    rows = ",\n".join(f"      {{\n{members(variant, 10)}}}" for variant in variants)
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
