"""Writes and reads the TFLM_UNIT block; docs/metadata.md describes it byte by byte."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .centers import add_center_bias, center_problem, centered, remove_center_bias
from .errors import MetadataError
from .graph import Graph, Layer
from .metadata_block import BlockReader, BlockWriter, check_zero, read_header
from .metadata_format import (
    CHECKED_FROM,
    ENTRY,
    HEADER,
    LAYER,
    MAGIC,
    MAX_CENTER,
    MAX_NAME_BYTES,
    NAME,
    OPERATORS,
    POINT,
    VERSION,
    weights_crc32,
)
from .metadata_plans import Plans, add_plan, check_plans, plans_of, read_plan
from .plans import WeightPlan
from .pruning import Divider, LayerPruning, OperatingPoint, PruningConfig, Schedule
from .pruning_checks import TABLE_COLUMNS, TREE_NODES, check_fit, check_pruning


def pack(config: PruningConfig, graph: Graph) -> bytes:
    """The block for `config`: the same bytes for equal contents; equal arrays are stored once.

    graph: of the model, with or without the centers. Raises MetadataError when a point or a layer's entry or center
    is out of range or does not fit the graph, and when a layer with the schedule PLANNED cannot be planned.
    """
    if not 1 <= len(config.points) <= np.iinfo(np.uint16).max:
        raise MetadataError(f"{len(config.points)} operating points; expected 1..65535")
    indices = sorted({index for point in config.points for index in point.layers})
    unknown = [index for index in indices if index not in graph.by_weights]
    if unknown:
        raise MetadataError(f"tensor {unknown[0]} is not the weight tensor of a layer that can be pruned")
    graph = centered(graph, {index: config.centers.get(index, 0) for index in indices})
    owners = graph.by_weights
    # The format wants a layer even where every point runs dense.
    layers = [owners[index] for index in indices or sorted(owners)[:1]]
    records = np.zeros(len(layers), LAYER)
    for record, layer in zip(records, layers, strict=True):
        _fill_layer(record, graph, layer)
    names = [_name_bytes(point.name) for point in config.points]
    if len(set(names)) != len(names):
        raise MetadataError(f"operating points share a name: {[point.name for point in config.points]}")

    _check_entries(config, graph)
    plans = plans_of(config.points, graph, layers)
    header = np.zeros((), HEADER)
    points = np.zeros(len(config.points), POINT)
    block = BlockWriter(HEADER.itemsize + records.nbytes + points.nbytes)
    for number, (record, name, point) in enumerate(zip(points, names, config.points, strict=True)):
        record["name"] = name.ljust(MAX_NAME_BYTES + 1, b"\0")
        record["accuracy"] = _rate_out(point, "accuracy")
        record["skip_rate"] = _rate_out(point, "skip_rate")
        record["entries_offset"] = block.add(_entries(block, graph, layers, point, plans, number))
    header["magic"], header["version"], header["header_size"] = MAGIC, VERSION, HEADER.itemsize
    header["size"], header["layer_count"], header["point_count"] = len(block.data), len(records), len(points)
    header["layers_offset"] = HEADER.itemsize
    header["points_offset"] = HEADER.itemsize + records.nbytes
    block.data[: block.reserved] = header.tobytes() + records.tobytes() + points.tobytes()
    header["crc32"] = zlib.crc32(block.data[CHECKED_FROM:])
    block.data[: HEADER.itemsize] = header.tobytes()
    return bytes(block.data)


def _fill_layer(record: np.ndarray, graph: Graph, layer: Layer) -> None:
    weights = graph.weights(layer)
    record["weights_tensor"] = weights.index
    record["weights_crc32"] = weights_crc32(graph, layer)
    record["output_channels"] = graph.output_channels(layer)
    record["op"] = OPERATORS[layer.op]
    record["center"] = graph.centers.get(weights.index, 0)


def _check_entries(config: PruningConfig, graph: Graph) -> None:
    owners = graph.by_weights
    for point in config.points:
        for index, pruning in point.layers.items():
            layer = owners[index]
            try:
                check_pruning(pruning, graph.output_channels(layer))
                check_fit(pruning, graph, layer)
            except MetadataError as error:
                raise MetadataError(f"point '{point.name}', layer '{layer.name}': {error}") from error


def _entries(
    block: BlockWriter, graph: Graph, layers: list[Layer], point: OperatingPoint, plans: Plans, number: int
) -> np.ndarray:
    """The entries of point `number`."""
    entries = np.zeros(len(layers), ENTRY)
    for entry, layer in zip(entries, layers, strict=True):
        index = graph.weights(layer).index
        pruning = point.layers.get(index)
        if pruning is None:
            continue
        entry["present"], entry["divider"] = 1, pruning.divider
        entry["fatrelu_min"], entry["group_size"] = pruning.fatrelu_min, pruning.group_size
        pruning = replace(pruning, compensation=add_center_bias(pruning.compensation, graph, layer))
        for name in ("thresholds", "compensation", "tree", "table", "table_row"):
            array = getattr(pruning, name)
            entry[name] = 0 if array is None else block.add(array)
        entry["table_rows"] = 0 if pruning.table is None else len(pruning.table)
        entry["schedule"], entry["taps"] = pruning.schedule, pruning.taps
        if pruning.schedule is Schedule.PLANNED:
            entry["plan"] = add_plan(block, plans[number, index], graph, layer)
    return entries


def _name_bytes(name: str) -> bytes:
    encoded = name.encode("utf-8", "replace")
    if not 1 <= len(encoded) <= MAX_NAME_BYTES or not name.isprintable():
        raise MetadataError(
            f"operating point name {name!r}: expected 1..{MAX_NAME_BYTES} printable bytes of UTF-8"
        )
    return encoded


def _rate_out(point: OperatingPoint, field: str) -> float:
    value: float | None = getattr(point, field)
    if value is None:
        return math.nan
    if not 0 <= value <= 1:
        raise MetadataError(f"point '{point.name}': {field} is {value}; expected 0..1")
    return value


def unpack(block: bytes, graph: Graph) -> PruningConfig:
    """The operating points of a block, for `centered(graph, config.centers)`; graph: without centers. Entries whose
    weights or operator are not those of the graph, or whose center the layer cannot have, are left out with a
    warning: these layers run dense, as they do on the device.

    Raises MetadataError naming the field when the block is malformed or of another version.
    """
    header = read_header(block)
    reader = BlockReader(block[: int(header["size"])])
    records = reader.array(header["layers_offset"], header["layer_count"], LAYER, "layers_offset")
    points = reader.array(header["points_offset"], header["point_count"], POINT, "points_offset")
    _check_records(records)
    matching = _match(records, graph)
    centers = {int(r["weights_tensor"]): int(r["center"]) for r in records if r["weights_tensor"] in matching}
    graph = centered(graph, centers)
    matching = {index: layer for index, layer in graph.by_weights.items() if index in matching}
    plans: dict[tuple[int, int], tuple[WeightPlan, int]] = {}
    config = PruningConfig(
        tuple(
            _read_point(reader, point, records, matching, graph, plans, number)
            for number, point in enumerate(points)
        ),
        graph.centers,
    )
    check_plans(plans, config.points, graph, list(matching.values()))
    return config


def _check_records(records: np.ndarray) -> None:
    if np.any(np.diff(records["weights_tensor"].astype(np.int64)) <= 0):
        raise MetadataError(f"{NAME}: weights_tensor is not ascending")
    unknown = [int(op) for op in records["op"] if op not in OPERATORS.values()]
    if unknown:
        raise MetadataError(f"{NAME}: op is {unknown[0]}, expected one of {sorted(OPERATORS.values())}")
    if np.any(records["output_channels"] == 0):
        raise MetadataError(f"{NAME}: output_channels is 0")
    check_zero(records["reserved"], "layer.reserved")
    far = [int(center) for center in records["center"] if abs(int(center)) > MAX_CENTER]
    if far:
        raise MetadataError(f"{NAME}: center is {far[0]}, expected -{MAX_CENTER}..{MAX_CENTER}")


def _match(records: np.ndarray, graph: Graph) -> Mapping[int, Layer]:
    """Weight tensor -> layer, for the records that describe the graph's own weights."""
    owners = graph.by_weights
    matching = {}
    for record in records:
        index = int(record["weights_tensor"])
        layer = owners.get(index)
        if (
            layer is not None
            and record["op"] == OPERATORS[layer.op]
            and record["output_channels"] == graph.output_channels(layer)
            and record["weights_crc32"] == weights_crc32(graph, layer)
            and not (record["center"] and center_problem(graph, layer, int(record["center"])))
        ):
            matching[index] = layer
        else:
            what = f"layer '{layer.name}'" if layer else f"tensor {index}"
            warnings.warn(
                f"{what} is not the one its thresholds were made for; they are ignored", stacklevel=4
            )
    return matching


def _read_point(
    reader: BlockReader,
    point: np.void,
    records: np.ndarray,
    matching: Mapping[int, Layer],
    graph: Graph,
    plans: dict[tuple[int, int], tuple[WeightPlan, int]],
    number: int,
) -> OperatingPoint:
    """Point `number`; its plans go to `plans`."""
    raw = bytes(point["name"])
    text, _, rest = raw.partition(b"\0")
    try:
        name = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MetadataError(f"{NAME}: name {text!r} is not UTF-8") from error
    if len(text) > MAX_NAME_BYTES or rest.strip(b"\0"):
        raise MetadataError(f"{NAME}: name {raw!r} is not padded with NUL")
    check_zero(point["reserved"], "point.reserved")
    entries = reader.array(point["entries_offset"], len(records), ENTRY, "entries_offset")
    layers = {}
    for entry, record in zip(entries, records, strict=True):
        pruning = _read_entry(reader, entry, record)
        index = int(record["weights_tensor"])
        layer = matching.get(index)
        if pruning is None:
            continue
        if pruning.schedule is Schedule.PLANNED:
            plans[number, index] = read_plan(reader, entry["plan"])
        if layer is not None:
            pruning = replace(pruning, compensation=remove_center_bias(pruning.compensation, graph, layer))
            check_fit(pruning, graph, layer)
            layers[index] = pruning
    return OperatingPoint(name, layers, _rate_in(point, "accuracy"), _rate_in(point, "skip_rate"))


def _rate_in(point: np.void, field: str) -> float | None:
    value = float(point[field])
    if math.isnan(value):
        return None
    if not 0 <= value <= 1:
        raise MetadataError(f"{NAME}: {field} is {value}, expected 0..1")
    return value


def _read_entry(reader: BlockReader, entry: np.void, record: np.void) -> LayerPruning | None:
    if entry["present"] == 0:
        check_zero(np.frombuffer(entry.tobytes(), np.uint8), "an entry that is not present")
        return None
    if entry["present"] != 1:
        raise MetadataError(f"{NAME}: present is {entry['present']}, expected 0 or 1")
    if entry["divider"] >= len(Divider):
        raise MetadataError(f"{NAME}: divider is {entry['divider']}, expected 0..{len(Divider) - 1}")
    _check_schedule(entry, record)
    if record["center"] and not entry["compensation"]:
        raise MetadataError(f"{NAME}: compensation is missing beside a center")
    channels = int(record["output_channels"])
    group_size, rows = int(entry["group_size"]), int(entry["table_rows"])
    groups = -(-channels // max(group_size, 1))

    def optional(name: str, count: int, dtype: str) -> np.ndarray | None:
        return reader.array(entry[name], count, dtype, name) if entry[name] else None

    table = optional("table", rows * TABLE_COLUMNS, "u1")
    if table is None and rows:
        raise MetadataError(f"{NAME}: table_rows is {rows} without a table")
    pruning = LayerPruning(
        thresholds=reader.array(entry["thresholds"], groups, "<i2", "thresholds"),
        group_size=group_size,
        divider=Divider(int(entry["divider"])),
        compensation=optional("compensation", channels, "<i4"),
        fatrelu_min=int(entry["fatrelu_min"]),
        tree=optional("tree", 3 * TREE_NODES, "u1"),
        table=None if table is None else table.reshape(rows, TABLE_COLUMNS),
        table_row=optional("table_row", groups, "<u2"),
        schedule=Schedule(int(entry["schedule"])),
        taps=int(entry["taps"]),
    )
    try:
        check_pruning(pruning, channels)
    except MetadataError as error:
        raise MetadataError(f"{NAME}: {error}") from error
    return pruning


def _check_schedule(entry: np.void, record: np.void) -> None:
    check_zero(entry["reserved"], "entry.reserved")
    schedule = entry["schedule"]
    if schedule >= len(Schedule):
        raise MetadataError(f"{NAME}: schedule is {schedule}, expected 0..{len(Schedule) - 1}")
    if schedule == Schedule.ACTIVATION_SORTED and record["op"] == OPERATORS["FULLY_CONNECTED"]:
        raise MetadataError(f"{NAME}: schedule is {schedule} for FULLY_CONNECTED, expected 0 or 1")
    if schedule != Schedule.PLANNED:
        check_zero(entry["plan"], "plan of another schedule")
