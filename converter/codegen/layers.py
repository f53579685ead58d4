"""From a layer of a Graph to the body of the C function that runs it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..graph import (
    Activation,
    AddParams,
    ConcatenationParams,
    Graph,
    Layer,
    MeanParams,
    PadParams,
    Params,
    PoolParams,
    QuantizeParams,
    RequantizeParams,
    SoftmaxParams,
)
from ..pruning import FATRELU_OFF
from .arena import Arena
from .c_source import float_literal, in_comment

Fields = Sequence[tuple[str, object]]  # name and value of a struct's members, in their order


@dataclass
class Body:
    """Collects the statements of `static unit_status run_<layer>(void)`."""

    graph: Graph
    layer: Layer
    arena: Arena
    lines: list[str] = field(default_factory=list)

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.graph.tensors[tensor].shape

    @property
    def output_size(self) -> int:
        return self.graph.tensors[self.layer.outputs[0]].size

    def dims(self, name: str, *sizes: int) -> None:
        """A unit_dims of up to four sizes; missing ones are 1 and come first."""
        self.lines.append(f"  static const unit_dims {name} = {braces((1,) * (4 - len(sizes)) + sizes)};")

    def struct(self, kind: str, name: str, fields: Fields) -> None:
        self.lines.append(f"  static const {kind} {name} = {{\n{members(fields, 6)}}};")

    def pointers(self) -> None:
        """`input`, or `input1`, `input2` ..., and `output`."""
        inputs = [t for t in self.layer.inputs if t in self.arena.offsets]
        for number, tensor in enumerate(inputs, 1):
            self.lines.append(
                pointer(self.graph, self.arena, tensor, f"input{number if len(inputs) > 1 else ''}")
            )
        self.lines.append(pointer(self.graph, self.arena, self.layer.outputs[0], "output"))

    def returns(self, call: str) -> None:
        self.lines.append(f"  return {call};")


def members(fields: Fields, indent: int) -> str:
    """One member per line, its name in a comment; no line break at the end."""
    rows = [
        f"{' ' * indent}{value}{',' if i < len(fields) - 1 else ''}" for i, (_, value) in enumerate(fields)
    ]
    width = max(map(len, rows))
    return (
        "\n".join(f"{row:<{width}} /* {name} */" for row, (name, _) in zip(rows, fields, strict=True))
        + "\n"
        + " " * (indent - 4)
    )


def braces(values: Sequence[int]) -> str:
    return "{" + ", ".join(map(str, values)) + "}"


def activation(values: Activation, fatrelu_min: int = FATRELU_OFF) -> tuple[str, str]:
    """Member of type unit_activation."""
    fatrelu = "UNIT_FATRELU_OFF" if fatrelu_min == FATRELU_OFF else str(fatrelu_min)
    return "activation: min, max, fatrelu_min", f"{{{values.min}, {values.max}, {fatrelu}}}"


def pointer(graph: Graph, arena: Arena, tensor: int, name: str) -> str:
    """Definition of a pointer to an activation, with the name of its row in the plan."""
    constness = "" if name == "output" else "const "
    definition = f"{constness}{c_type(graph, tensor)} *const {name} = {element(graph, arena, tensor)};"
    return f"  {definition} /* {in_comment(arena.names[tensor][:40])} */"


def c_type(graph: Graph, tensor: int) -> str:
    return "float" if graph.tensors[tensor].dtype == np.float32 else "int8_t"


def element(graph: Graph, arena: Arena, tensor: int) -> str:
    """Address of an activation's first element."""
    offset = arena.offsets[tensor]
    return f"&arena.f32[{offset // 4}]" if c_type(graph, tensor) == "float" else f"&arena.s8[{offset}]"


@functools.singledispatch
def emit(params: Params | None, body: Body) -> None:
    """Appends the statements of a layer without MACs."""
    raise TypeError(f"parameters of type {type(params).__name__}")


@emit.register
def _(params: PoolParams, body: Body) -> None:
    x, y = body.layer.inputs[0], body.layer.outputs[0]
    fields = (
        ("stride: h, w", braces(params.stride)),
        ("padding", braces(params.padding)),
        activation(params.activation),
    )
    body.struct("unit_pool_params", "params", fields)
    body.dims("input_dims", *body.shape(x))
    body.dims("filter_dims", 1, *params.filter, 1)
    body.dims("output_dims", *body.shape(y))
    body.pointers()
    kernel = "unit_avg_pool_s8" if body.layer.op == "AVERAGE_POOL_2D" else "unit_max_pool_s8"
    body.returns(f"{kernel}(&params, &input_dims, input, &filter_dims, &output_dims, output)")


@emit.register
def _(params: AddParams, body: Body) -> None:
    names = [name for name in vars(params) if name != "activation"]
    fields = [(name, getattr(params, name)) for name in names]
    body.struct("unit_add_params", "params", [*fields, activation(params.activation)])
    body.pointers()
    body.returns(f"unit_add_s8(&params, input1, input2, {body.output_size}, output)")


@emit.register
def _(params: PadParams, body: Body) -> None:
    body.dims("pre", *params.pre)
    body.dims("post", *params.post)
    body.dims("input_dims", *body.shape(body.layer.inputs[0]))
    body.pointers()
    body.returns(f"unit_pad_s8(&pre, &post, {params.value}, &input_dims, input, output)")


@emit.register
def _(params: MeanParams, body: Body) -> None:
    body.struct("unit_requant_params", "params", _requant_fields(params))
    body.pointers()
    sizes = f"{params.outer}, {params.reduced}, {params.inner}"
    body.returns(f"unit_mean_s8(&params, {sizes}, input, output)")


@emit.register
def _(params: SoftmaxParams, body: Body) -> None:
    body.pointers()
    values = ", ".join(map(str, vars(params).values()))
    body.lines.append("  /* rows, row_size, multiplier, shift, diff_min */")
    body.returns(f"unit_softmax_s8(input, {values}, output)")


@emit.register
def _(params: RequantizeParams, body: Body) -> None:
    body.struct("unit_requant_params", "params", _requant_fields(params))
    (_, values) = activation(params.activation)
    body.lines.append(f"  static const unit_activation activation = {values};")
    body.pointers()
    body.returns(f"unit_requantize_s8(&params, &activation, input, {body.output_size}, output)")


@emit.register
def _(params: QuantizeParams, body: Body) -> None:
    quantizes = body.graph.tensors[body.layer.inputs[0]].dtype == np.float32
    kernel = "unit_quantize_f32_s8" if quantizes else "unit_dequantize_s8_f32"
    body.pointers()
    scale = float_literal(params.scale)
    body.returns(f"{kernel}({scale}, {params.zero_point}, input, {body.output_size}, output)")


@emit.register
def _(params: ConcatenationParams, body: Body) -> None:
    body.pointers()
    width, calls = sum(params.inner), []
    for number, inner in enumerate(params.inner, 1):
        name = f"input{number}" if len(params.inner) > 1 else "input"
        column = sum(params.inner[: number - 1])
        calls.append(f"unit_concatenation_s8({name}, {params.outer}, {inner}, {column}, {width}, output)")
    body.lines.append(f"  unit_status status = {calls[0]};")
    body.lines += [f"  if (status == UNIT_SUCCESS) status = {call};" for call in calls[1:]]
    body.returns("status")


def _requant_fields(params: MeanParams | RequantizeParams) -> Fields:
    return [
        (name, getattr(params, name)) for name in ("input_offset", "output_offset", "multiplier", "shift")
    ]
