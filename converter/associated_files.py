"""The zip archive behind the flatbuffer, where TFLite metadata keeps associated files."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

from .errors import ModelError

MAX_TOTAL = 2**28  # bytes, unpacked; stops archives that unpack without end
_UNIX = 3
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's first date: the archive must not depend on when it was made


@dataclass(frozen=True)
class AssociatedFile:
    info: zipfile.ZipInfo
    contents: bytes


def new_file(name: str, contents: bytes) -> AssociatedFile:
    """A file to append; stored without compression, as readers on phones expect."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = _UNIX
    info.external_attr = 0o644 << 16
    return AssociatedFile(info, contents)


def read(model: bytes) -> dict[str, AssociatedFile]:
    """Files behind the flatbuffer in their order, by name. Raises ModelError when the archive is damaged."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(model))
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError):
        return {}  # no archive, or weights that look like the end of one
    with archive:
        infos = archive.infolist()
        if sum(info.file_size for info in infos) > MAX_TOTAL:
            raise ModelError(f"the model's associated files unpack to more than {MAX_TOTAL} bytes")
        try:
            return {info.filename: AssociatedFile(info, archive.read(info)) for info in infos}
        except (
            zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError,
        ) as error:  # fmt: skip
            raise ModelError(f"the model's associated files are damaged: {error}") from error


def append(flatbuffer: bytes, files: dict[str, AssociatedFile]) -> bytes:
    """The flatbuffer with `files` behind it; the same bytes for the same files."""
    if not files:
        return flatbuffer
    stream = io.BytesIO()
    stream.write(flatbuffer)
    with zipfile.ZipFile(stream, "a") as archive:
        for file in files.values():
            archive.writestr(_clean(file.info), file.contents)
    return stream.getvalue()


def _clean(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """What describes the file, without offsets and flags of the archive that it came from."""
    clean = zipfile.ZipInfo(info.filename, info.date_time)
    clean.compress_type = info.compress_type
    clean.create_system = info.create_system
    clean.external_attr = info.external_attr
    clean.comment = info.comment
    return clean
