"""Text of <name>.h: what the model is, how to use it, where its memory goes."""

from __future__ import annotations

from ..graph import Tensor
from .c_source import float_literal, in_comment
from .model import CodeModel
from .source import accessor_signatures


def header(model: CodeModel) -> str:
    name, upper = model.name, model.name.upper()
    accessors = "\n".join(f"{signature};" for signature, _ in accessor_signatures(model))
    return f"""\
{_comment([*_overview(model), "", *_usage(model), "", *_memory(model)])}
#ifndef {upper}_H_
#define {upper}_H_

#include <tflm_unit_core.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {upper}_LAYERS {len(model.layers)}
#define {upper}_POINTS {len(model.points)}
#define {upper}_ARENA_BYTES {model.arena.bytes}

{_tensors(model)}
extern const char *const {name}_layer_names[{upper}_LAYERS];
extern const char *const {name}_point_names[{upper}_POINTS];

/* Selects operating point 0 and clears the statistics. */
unit_status {name}_init(void);

/* Where to write the inputs before an inference and to read the outputs after it. Both lie in the
 * arena: an inference overwrites the inputs, and inputs may lie where outputs were. */
{accessors}

/* One inference; the status of the first layer that fails. */
unit_status {name}_invoke(void);

/* The same layer by layer, 0..{upper}_LAYERS - 1 in this order. */
unit_status {name}_invoke_layer(int layer);

/* Switches the operating point, between two inferences; UNIT_ARG_ERROR when there is no such point. */
unit_status {name}_set_point(int point);

/* What a layer did since {name}_init() or {name}_clear_stats(). NULL: it has no MACs, or the build
 * has no UNIT_ENABLE_COUNTERS. */
const unit_counters *{name}_stats(int layer);
void {name}_clear_stats(void);

#ifdef __cplusplus
}}
#endif

#endif /* {upper}_H_ */
"""


def _comment(lines: list[str]) -> str:
    return "/* " + "\n".join(f" * {line}".rstrip() for line in lines)[3:] + "\n */"


def _overview(model: CodeModel) -> list[str]:
    graph = model.graph
    macs = sum(graph.macs(layer) for layer in graph.mac_layers)
    lines = [
        f"{model.name}: {len(model.layers)} layers, {macs:,} MACs, {model.constant_bytes:,} bytes of constants.",
        "",
        "Operating points:",
    ]
    for number, point in enumerate(model.points):
        skipped = "" if point.skip_rate is None else f", {point.skip_rate:.1%} of the MACs skipped"
        accuracy = "" if point.accuracy is None else f", accuracy {point.accuracy:.2%}"
        lines.append(in_comment(f"  {number}  {point.name}{skipped}{accuracy}"))
    return lines


def _usage(model: CodeModel) -> list[str]:
    name, tensor = model.name, model.graph.tensors[model.graph.inputs[0]]
    return [
        "Usage (compile the C files of core/ as well, with the folder above it on the include path):",
        f"  if ({name}_init() != UNIT_SUCCESS) return;",
        f"  memcpy({name}_input(), data, {model.name.upper()}_INPUT_SIZE{_times_float(tensor)});",
        f"  if ({name}_invoke() == UNIT_SUCCESS) use({name}_output());",
    ]


def _times_float(tensor: Tensor) -> str:
    return " * sizeof(float)" if tensor.dtype.kind == "f" else ""


def _memory(model: CodeModel) -> list[str]:
    """The plan as a table."""
    rows, total = model.arena.rows, sum(row.bytes for row in model.arena.rows)
    lines = [
        f"Arena: {model.arena.bytes:,} bytes at the peak for {total:,} bytes of buffers. Live from layer to layer,",
        "'in': written by the application, 'out': read by it.",
        "  offset    bytes    live      buffer",
    ]
    for row in rows:
        first = "in" if row.first < 0 else str(row.first)
        last = "out" if row.last >= len(model.layers) else str(max(row.last, 0))
        place = ", in place" if row.in_place else ""
        lines.append(
            in_comment(f"{row.offset:>8} {row.bytes:>8}  {first:>4} - {last:<4} {row.name[:60]}{place}")
        )
    return lines


def _tensors(model: CodeModel) -> str:
    """Size and quantization of the inputs and outputs; real value = (q - zero point) * scale."""
    blocks = []
    for what, tensors in (("INPUT", model.graph.inputs), ("OUTPUT", model.graph.outputs)):
        for number, index in enumerate(tensors):
            tensor = model.graph.tensors[index]
            prefix = f"{model.name.upper()}_{what}{f'_{number}' if number else ''}"
            shape = "x".join(map(str, tensor.shape))
            lines = [f"/* {in_comment(tensor.name)}: {tensor.dtype.name} {shape} */"]
            lines.append(f"#define {prefix}_SIZE {tensor.size}")
            if tensor.dtype.kind != "f":
                scale = float_literal(float(tensor.scale[0])) if len(tensor.scale) else "1.0f"
                zero_point = int(tensor.zero_point[0]) if len(tensor.zero_point) else 0
                lines.append(f"#define {prefix}_SCALE {scale}")
                lines.append(f"#define {prefix}_ZERO_POINT ({zero_point})")
            blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)
