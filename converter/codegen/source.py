"""Text of <name>.c and of <name>_data.h and .c."""

from __future__ import annotations

from ..graph import ConvParams
from ..plans import WeightPlan
from ..pruning import FATRELU_OFF, NEVER_SKIP, LayerPruning
from .c_source import comment, string_literal
from .layers import c_type, element
from .model import CodeModel, GeneratedLayer


def data_header(model: CodeModel) -> str:
    guard = f"{model.name.upper()}_DATA_H_"
    declarations = "".join(array.declaration() for array in model.constants)
    return f"""\
/* Constants of {model.name}: weights, biases, requantization, thresholds. Only {model.name}.c needs them. */
#ifndef {guard}
#define {guard}

#include <tflm_unit_core.h>

#ifdef __cplusplus
extern "C" {{
#endif

{declarations}
#ifdef __cplusplus
}}
#endif

#endif /* {guard} */
"""


def data_source(model: CodeModel) -> str:
    definitions = "\n".join(array.definition() for array in model.constants)
    return f'#include "{model.name}_data.h"\n\n{definitions}'


def source(model: CodeModel) -> str:
    """<name>.c: the arena, one function per layer, the public functions."""
    functions = "\n".join(_layer_function(model, i) for i in range(len(model.layers)))
    return "\n".join(
        (
            f'#include "{model.name}.h"\n\n#include "{model.name}_data.h"\n',
            _state(model),
            functions,
            _api(model),
        )
    )


def _state(model: CodeModel) -> str:
    """Arena, operating point and counters."""
    upper = model.name.upper()
    views = [f"  int8_t s8[{upper}_ARENA_BYTES];"]
    views.append(f"  int32_t s32[{upper}_ARENA_BYTES / 4]; /* scratch; aligns the arena */")
    if model.has_floats:
        views.append(f"  float f32[{upper}_ARENA_BYTES / 4];")
    macs = sum(1 for layer in model.layers if layer.schedules)
    point = "static int active_point = 0;\n\n" if len(model.points) > 1 else ""
    names = _names("layer_names", upper + "_LAYERS", model.name, [g.layer.name for g in model.layers])
    points = _names("point_names", upper + "_POINTS", model.name, [p.name for p in model.points])
    newline = "\n"
    return f"""\
{names}
{points}
/* Activations and scratch of all layers; {model.name}.h has the plan. */
static union {{
{newline.join(views)}
}} arena UNIT_ARENA;

{point}#ifdef UNIT_ENABLE_COUNTERS
static unit_counters counters[{max(macs, 1)}]; /* of the layers with MACs */
#define {upper}_COUNTERS(index) (&counters[index])
{f"#define {upper}_COUNTED(weights) (weights){newline}" if model.has_plans else ""}#else
#define {upper}_COUNTERS(index) NULL
{f"#define {upper}_COUNTED(weights) NULL{newline}" if model.has_plans else ""}#endif
"""


def _names(what: str, size: str, prefix: str, names: list[str]) -> str:
    rows = ",\n".join(f"    {string_literal(name)}" for name in names)
    return f"const char *const {prefix}_{what}[{size}] = {{\n{rows}}};\n"


def _layer_function(model: CodeModel, number: int) -> str:
    generated = model.layers[number]
    layer, tensors = generated.layer, model.graph.tensors
    inputs = ", ".join(_shape(tensors[t].shape) for t in layer.inputs if t in model.arena.offsets)
    lines = [
        f"Layer {number}: {layer.name}, {layer.op} {inputs} -> {_shape(tensors[layer.outputs[0]].shape)}"
    ]
    if generated.schedules:
        macs = model.graph.macs(layer)
        lines[0] += f", filter {_shape(model.graph.weights(layer).shape)}, {macs:,} MACs"
        if isinstance(layer.params, ConvParams) and layer.params.pool != (1, 1):
            lines[0] += f", with max pooling {_shape(layer.params.pool)}"
        lines += _schedules(model, generated)
    statements = "\n".join(generated.body)
    return f"{comment(lines)}\nstatic unit_status run_{generated.identifier}(void) {{\n{statements}\n}}\n"


def _schedules(model: CodeModel, generated: GeneratedLayer) -> list[str]:
    """One line per operating point; one line alone where no point has thresholds."""
    if all(schedule.entry is None for schedule in generated.schedules):
        return [f"{generated.schedules[0].name} at every operating point"]
    weights = model.graph.weights(generated.layer).size
    lines = []
    for point, schedule in enumerate(generated.schedules):
        what, share = schedule.name, model.skipped.get((point, generated.layer.name))
        if schedule.entry:
            what += f", {_thresholds(schedule.entry)}"
            what += f", {share:.1%} of the MACs expected to be skipped" if share is not None else ""
        if schedule.plan:
            what += f"; plan: {_plan(schedule.plan, weights)}"
        lines.append(f"point {point} ({model.points[point].name}): {what}")
    return lines


def _plan(plan: WeightPlan, weights: int) -> str:
    """Size of a plan in words; its arrays may be shared with other points."""
    lists, classes = plan.count.shape
    entries = f"{plan.weight.size:,} of {weights:,} weights"
    return f"{entries} in {lists:,} lists of {classes} classes, {plan.bytes:,} bytes"


def _thresholds(entry: LayerPruning) -> str:
    """Of one layer at one operating point, in words."""
    low, high = int(entry.thresholds.min()), int(entry.thresholds.max())
    span = str(low) if low == high else f"{low}..{high}"
    never = " (never skips)" if high == NEVER_SKIP else ""
    groups = len(entry.thresholds)
    words = f"{groups} threshold{'s' * (groups > 1)} {span}{never}, divider {entry.divider.name.lower()}"
    words += ", compensated" if entry.compensation is not None else ""
    return words + ("" if entry.fatrelu_min == FATRELU_OFF else f", FATReLU below {entry.fatrelu_min}")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _api(model: CodeModel) -> str:
    name, upper = model.name, model.name.upper()
    accessors = "".join(
        f"{signature} {{ return {element(model.graph, model.arena, t)}; }}\n\n"
        for signature, t in accessor_signatures(model)
    )
    cases = "\n".join(
        f"    case {number}:\n      return run_{layer.identifier}();"
        for number, layer in enumerate(model.layers)
    )
    store = "  active_point = point;\n" if len(model.points) > 1 else ""
    return f"""\
unit_status {name}_init(void) {{
  {name}_clear_stats();
  return {name}_set_point(0);
}}

{accessors}unit_status {name}_invoke(void) {{
  unit_status status = UNIT_SUCCESS;
  for (int layer = 0; layer < {upper}_LAYERS && status == UNIT_SUCCESS; layer++) {{
    status = {name}_invoke_layer(layer);
  }}
  return status;
}}

unit_status {name}_invoke_layer(int layer) {{
  switch (layer) {{
{cases}
    default:
      return UNIT_ARG_ERROR;
  }}
}}

unit_status {name}_set_point(int point) {{
  if (point < 0 || point >= {upper}_POINTS) return UNIT_ARG_ERROR;
{store}  return UNIT_SUCCESS;
}}

{_stats(model)}"""


def _stats(model: CodeModel) -> str:
    name = model.name
    with_macs = [number for number, layer in enumerate(model.layers) if layer.schedules]
    cases = "\n".join(
        f"    case {number}:\n      return {name.upper()}_COUNTERS({index});"
        for index, number in enumerate(with_macs)
    )
    return f"""\
const unit_counters *{name}_stats(int layer) {{
  switch (layer) {{
{cases}
    default:
      return NULL;
  }}
}}

void {name}_clear_stats(void) {{
#ifdef UNIT_ENABLE_COUNTERS
  static const unit_counters none = {{0, 0, 0, NULL}};
  for (int i = 0; i < {max(len(with_macs), 1)}; i++) counters[i] = none;
#endif
}}
"""


def accessor_signatures(model: CodeModel) -> list[tuple[str, int]]:
    """C signature and tensor of `<name>_input`, `<name>_input_1` ... and `<name>_output` ..."""
    graph = model.graph
    return [
        (f"{const}{c_type(graph, t)} *{model.name}_{what}{f'_{number}' if number else ''}(void)", t)
        for what, const, tensors in (("input", "", graph.inputs), ("output", "const ", graph.outputs))
        for number, t in enumerate(tensors)
    ]
