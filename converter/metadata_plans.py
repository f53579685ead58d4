"""The planned schedule in the TFLM_UNIT block: plans of the layers at each point, written and checked."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from .errors import MetadataError
from .graph import ConvParams, FullyConnectedParams, Graph, Layer
from .metadata_block import BlockReader, BlockWriter, check_zero
from .metadata_format import CLASS_OF_SIZE, MAX_CLASSES, MAX_OUTPUTS, MAX_TAPS, NAME, OPERATORS, PLAN
from .plans import WeightPlan, make_plans
from .pruning import OperatingPoint, Schedule

Plans = Mapping[tuple[int, int], WeightPlan]  # by the point's index and the weight tensor


def plans_of(points: Sequence[OperatingPoint], graph: Graph, layers: Sequence[Layer]) -> Plans:
    """The plan of every entry whose schedule is PLANNED. Points of a layer share what they can.

    Raises MetadataError naming a layer that cannot be planned.
    """
    plans = {}
    for layer in layers:
        index = graph.weights(layer).index
        planned = [
            number
            for number, point in enumerate(points)
            if index in point.layers and point.layers[index].schedule is Schedule.PLANNED
        ]
        if not planned:
            continue
        made = make_plans(graph, layer, [points[number].layers[index] for number in planned])
        if made is None:
            raise MetadataError(f"layer '{layer.name}' cannot be planned; give it the schedule COMPARE")
        plans.update({(number, index): plan for number, plan in zip(planned, made, strict=True)})
    return plans


def add_plan(block: BlockWriter, plan: WeightPlan, graph: Graph, layer: Layer) -> int:
    """Offset of the plan's record."""
    record = np.zeros((), PLAN)
    for name in ("weight", "at", "critical", "count", "first", "class_of"):
        array = getattr(plan, name)
        record[name] = 0 if array is None else block.add(array)
    record["entries"] = len(plan.weight)
    record["lists"], record["classes"] = plan.count.shape
    record["firsts"] = 0 if plan.first is None else len(plan.first)
    record["taps"], record["outputs"] = plan.taps, plan.outputs
    record["layer_crc32"] = layer_crc32(graph, layer)
    return block.add(record)


def read_plan(reader: BlockReader, offset: int) -> tuple[WeightPlan, int]:
    """The plan of a record, and the layer_crc32 that it was made for."""
    record = reader.array(offset, 1, PLAN, "plan")[0]
    check_zero(record["reserved"], "plan.reserved")
    for name, low, high in (
        ("classes", 1, MAX_CLASSES),
        ("taps", 0, MAX_TAPS),
        ("outputs", 1, MAX_OUTPUTS),
    ):
        if not low <= record[name] <= high:
            raise MetadataError(f"{NAME}: plan.{name} is {record[name]}, expected {low}..{high}")
    if (record["first"] == 0) != (record["firsts"] == 0):
        raise MetadataError(f"{NAME}: plan.firsts is {record['firsts']}, plan.first {record['first']}")

    def array(name: str, count: int, dtype: str = "u1") -> np.ndarray:
        return reader.array(record[name], count, dtype, f"plan.{name}")

    entries, lists, classes = int(record["entries"]), int(record["lists"]), int(record["classes"])
    plan = WeightPlan(
        weight=array("weight", entries, "i1"),
        at=array("at", entries),
        critical=array("critical", entries) if record["critical"] else None,
        count=array("count", lists * classes).reshape(lists, classes),
        first=array("first", int(record["firsts"]), "<u4") if record["first"] else None,
        class_of=array("class_of", CLASS_OF_SIZE),
        taps=int(record["taps"]),
        outputs=int(record["outputs"]),
    )
    return plan, int(record["layer_crc32"])


def check_plans(
    stored: Mapping[tuple[int, int], tuple[WeightPlan, int]],
    points: Sequence[OperatingPoint],
    graph: Graph,
    layers: Sequence[Layer],
) -> None:
    """Raises MetadataError unless the stored plans are those that the thresholds give. layers: those of the
    graph that the block describes."""
    by_weights = {graph.weights(layer).index: layer for layer in layers}
    for (number, index), plan in plans_of(points, graph, layers).items():
        layer = by_weights[index]
        found, crc32 = stored[number, index]
        if crc32 != layer_crc32(graph, layer) or not _equal(found, plan):
            raise MetadataError(
                f"{NAME}: the plan of layer '{layer.name}' at point '{points[number].name}' is not that of its "
                "thresholds; convert the model again"
            )


def layer_crc32(graph: Graph, layer: Layer) -> int:
    """Checksum of what a plan depends on beside weights and thresholds; docs/metadata.md."""
    p, channels = layer.params, graph.output_channels(layer)
    assert isinstance(p, (ConvParams, FullyConnectedParams))
    weights = graph.weights(layer).shape
    if isinstance(p, FullyConnectedParams):
        geometry = [1, channels, weights[1], 1, 1, 1, 1, 1, 1]
    else:
        inputs = 1 if p.ch_mult else weights[3]
        groups = graph.tensors[layer.inputs[0]].shape[3] // inputs
        geometry = [groups, channels // groups, inputs, *weights[1:3], *p.stride, *p.dilation]
    return zlib.crc32(np.array([OPERATORS[layer.op], *geometry, -p.input_offset], "<i4").tobytes())


def _equal(a: WeightPlan, b: WeightPlan) -> bool:
    if (a.taps, a.outputs) != (b.taps, b.outputs):
        return False
    for name in ("weight", "at", "critical", "count", "first", "class_of"):
        one, other = getattr(a, name), getattr(b, name)
        if (one is None) != (other is None) or (one is not None and not np.array_equal(one, other)):
            return False
    return True
