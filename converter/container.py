"""Puts operating points and the pruning report into a .tflite file, and takes them out again."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from . import associated_files as zipped
from . import description
from .errors import ModelError, UnitError
from .flatbuffer import dump, load, text
from .graph import Graph
from .metadata import pack, unpack
from .metadata_format import NAME
from .pruning import PruningConfig
from .reader import read_graph

REPORT_FILE = "tflm_unit_report.json"


def attach(model: bytes, config: PruningConfig, report: Mapping[str, Any] | None = None) -> bytes:
    """The model with `config` as its only TFLM_UNIT block, and `report` as its pruning report, if any.

    report: anything json.dumps takes, without NaN. The same arguments give the same bytes.
    Raises ModelError for a model that cannot be read and MetadataError for a config that does not fit it.
    """
    block = pack(config, read_graph(model))
    file = load(model)
    files = zipped.read(model)
    _remove(file, files)
    if report is not None:
        files[REPORT_FILE] = zipped.new_file(REPORT_FILE, _encode(report))
    described = description.add(
        _value(file, description.NAME), config, REPORT_FILE if report is not None else ""
    )
    if described is not None:
        _set(file, description.NAME, described)
    _set(file, NAME, block)
    return zipped.append(dump(file), files)


def strip(model: bytes) -> bytes:
    """The model without anything that `attach` added; unchanged when there is nothing.

    Raises ModelError for a model that cannot be read.
    """
    file = load(model)
    files = zipped.read(model)
    if not _remove(file, files):
        return model
    return zipped.append(dump(file), files)


def read_config(model: bytes, graph: Graph | None = None) -> PruningConfig | None:
    """Operating points of the model, None when it has no TFLM_UNIT block; graph: `read_graph(model)`.

    Raises MetadataError when the block is malformed or of an unknown version.
    """
    block = _value(load(model), NAME)
    return None if block is None else unpack(block, graph or read_graph(model))


def read_report(model: bytes) -> dict[str, Any] | None:
    """The pruning report in the model, None when there is none. Raises ModelError when it is damaged."""
    files = zipped.read(model)
    if REPORT_FILE not in files:
        return None
    try:
        report = json.loads(files[REPORT_FILE].contents)
    except ValueError as error:
        raise ModelError(f"{REPORT_FILE} in the model is damaged: {error}; strip the model") from error
    if not isinstance(report, dict):
        raise ModelError(f"{REPORT_FILE} in the model is not a JSON object; strip the model")
    return report


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file whole or not at all. Raises UnitError naming the path when that fails."""
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # a device or pipe: it cannot be replaced
            return
        temporary = target.with_name(f".{target.name[:64]}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnitError(
            f"cannot write {path}: {reason}; the folder must exist, be writable and have {len(data)} bytes free"
        ) from error


def _encode(report: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(report, indent=1, allow_nan=False).encode("utf-8")
    except ValueError as error:
        raise UnitError(f"the pruning report cannot be written as JSON: {error}") from error


def _remove(file: Any, files: dict[str, zipped.AssociatedFile]) -> bool:
    """Takes out what `attach` adds; whether there was anything."""
    found = _value(file, NAME) is not None
    _set(file, NAME, None)
    described = _value(file, description.NAME)
    rest = description.remove(described, REPORT_FILE)
    if rest != described:
        found = True
        _set(file, description.NAME, rest)
    return files.pop(REPORT_FILE, None) is not None or found


def _value(file: Any, name: str) -> bytes | None:
    """Contents of the metadata entry `name`."""
    for entry in file.metadata or ():
        if text(entry.name) == name:
            if not 0 <= entry.buffer < len(file.buffers):
                raise ModelError(f"metadata '{name}' names buffer {entry.buffer} of {len(file.buffers)}")
            data = file.buffers[entry.buffer].data
            return b"" if data is None else bytes(data)
    return None


def _set(file: Any, name: str, value: bytes | None) -> None:
    """Replaces the metadata entry `name` by one at the end; None: removes it."""
    old = [entry.buffer for entry in file.metadata or () if text(entry.name) == name]
    file.metadata = [entry for entry in file.metadata or () if text(entry.name) != name]
    for index in sorted(set(old), reverse=True):
        _drop_buffer(file, index)
    if value is not None:
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(value, np.uint8)
        entry.name, entry.buffer = name, len(file.buffers)
        file.buffers.append(buffer)
        file.metadata.append(entry)
    file.metadata = file.metadata or None


def _drop_buffer(file: Any, index: int) -> None:
    """Removes a buffer that nothing refers to any more, and renumbers those behind it."""
    users = [tensor for subgraph in file.subgraphs for tensor in subgraph.tensors or ()]
    users += file.metadata
    # `metadataBuffer` is a deprecated list of metadata buffers.
    listed = [int(i) for i in (file.metadataBuffer if file.metadataBuffer is not None else ())]
    if index == 0 or index >= len(file.buffers) or any(user.buffer == index for user in users):
        return
    del file.buffers[index]
    for user in users:
        user.buffer -= user.buffer > index
    if listed:
        file.metadataBuffer = [i - (i > index) for i in listed if i != index]
