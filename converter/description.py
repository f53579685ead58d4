"""A paragraph for people in the model's TFLITE_METADATA, which viewers and app tooling show.

Needs the schema module of tflite-support, which has no wheels for Python 3.12; without it, models get no
description and an existing one stays as it is.
"""

from __future__ import annotations

import struct
from types import ModuleType
from typing import Any

import flatbuffers

from .errors import ModelError
from .flatbuffer import text
from .pruning import OperatingPoint, PruningConfig

NAME = "TFLITE_METADATA"
FILE_IDENTIFIER = b"M001"
PARSER_VERSION = "1.0.0"  # the first that knows associated files
_BEGIN = "[tflm-unit] "
_SEPARATOR = "\n\n"


def add(existing: bytes | None, config: PruningConfig, report_file: str) -> bytes | None:
    """TFLITE_METADATA that describes `config` and names the report ('': none), beside what `existing` says.

    None when nothing is to be written. Raises ModelError when the existing metadata are damaged.
    """
    schema = _schema()
    if schema is None:
        return existing
    metadata = _load(schema, existing)
    paragraphs = [p for p in (text_of(metadata.description), _paragraph(config)) if p]
    metadata.description = _SEPARATOR.join(paragraphs)
    if report_file:
        file = schema.AssociatedFileT()
        file.name = report_file
        file.description = "How the thresholds of tflm-unit were chosen and what they save, as JSON."
        file.type = schema.AssociatedFileType.DESCRIPTIONS
        metadata.associatedFiles = [*(metadata.associatedFiles or ()), file]
    metadata.minParserVersion = metadata.minParserVersion or PARSER_VERSION
    return _dump(metadata)


def remove(existing: bytes | None, report_file: str) -> bytes | None:
    """`existing` without what `add` wrote, None when nothing else is left; unchanged when there was nothing.

    Raises ModelError when the metadata are damaged.
    """
    schema = _schema()
    if schema is None or existing is None:
        return existing
    metadata = _load(schema, existing)
    old = text_of(metadata.description)
    paragraphs = [p for p in old.split(_SEPARATOR) if not p.startswith(_BEGIN)]
    files = [f for f in metadata.associatedFiles or () if text(f.name) != report_file]
    if _SEPARATOR.join(paragraphs) == old and len(files) == len(metadata.associatedFiles or ()):
        return existing
    metadata.description = _SEPARATOR.join(paragraphs) or None
    metadata.associatedFiles = files or None
    said = {field for field, value in vars(metadata).items() if value is not None}
    return _dump(metadata) if said - {"minParserVersion"} else None


def text_of(value: bytes | str | None) -> str:
    """A flatbuffer string with its line breaks."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _schema() -> ModuleType | None:
    # The package's metadata.py would import TensorFlow and a USB library; the schema needs neither.
    try:
        from tensorflow_lite_support.metadata import metadata_schema_py_generated
    except ImportError:
        return None
    module: ModuleType = metadata_schema_py_generated
    return module


def _load(schema: ModuleType, existing: bytes | None) -> Any:
    if existing is None:
        return schema.ModelMetadataT()
    try:
        if existing[4:8] != FILE_IDENTIFIER:
            raise ValueError(f"no {FILE_IDENTIFIER.decode()} identifier")
        return schema.ModelMetadataT.InitFromPackedBuf(existing, 0)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"the model's {NAME} are damaged: {error}; write them again or remove them"
        ) from error


def _dump(metadata: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(metadata.Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())


def _paragraph(config: PruningConfig) -> str:
    points = "; ".join(_point(point) for point in config.points)
    return (
        f"{_BEGIN}Carries thresholds for UnIT inference-time pruning with {len(config.points)} operating "
        f"point{'s' * (len(config.points) > 1)}: {points}. Runtimes without tflm-unit ignore them."
    )


def _point(point: OperatingPoint) -> str:
    figures = []
    if point.skip_rate is not None:
        figures.append(f"{point.skip_rate:.1%} of the MACs skipped")
    if point.accuracy is not None:
        figures.append(f"accuracy {point.accuracy:.2%}")
    return f"{point.name} ({', '.join(figures)})" if figures else point.name
