"""A TFLM_UNIT block as bytes: arrays added by the writer and copied out by the reader, and the header."""

from __future__ import annotations

import zlib

import numpy as np

from .errors import MetadataError
from .metadata_format import CHECKED_FROM, HEADER, MAGIC, NAME, VERSION


def _alignment(dtype: np.dtype) -> int:
    return 4 if dtype.names else dtype.itemsize  # records hold 32-bit fields at most


class BlockWriter:
    """A growing block; equal arrays are added once, aligned to their elements."""

    def __init__(self, reserved: int) -> None:
        self.reserved = reserved
        self.data = bytearray(reserved)
        self._offsets: dict[tuple[bytes, int], int] = {}

    def add(self, array: np.ndarray) -> int:
        """Offset of the array's little-endian contents."""
        alignment = _alignment(array.dtype)
        contents = array.astype(array.dtype.newbyteorder("<")).tobytes()
        key = (contents, alignment)
        if key not in self._offsets:
            self.data.extend(bytes(-len(self.data) % alignment))
            self._offsets[key] = len(self.data)
            self.data.extend(contents)
        return self._offsets[key]


def read_header(block: bytes) -> np.void:
    """The HEADER of a block. Raises MetadataError naming the field unless it is sound and of this version."""
    if len(block) < HEADER.itemsize:
        raise MetadataError(f"{NAME}: size is {len(block)} bytes, less than the header")
    header: np.void = np.frombuffer(block, HEADER, 1)[0]
    expected = {"magic": MAGIC, "version": VERSION, "header_size": HEADER.itemsize}
    for name, value in expected.items():
        if header[name] != value:
            hint = "; convert the model again or update tflm-unit" if name == "version" else ""
            raise MetadataError(f"{NAME}: {name} is {header[name]}, expected {value}{hint}")
    if not HEADER.itemsize <= header["size"] <= len(block):
        raise MetadataError(f"{NAME}: size is {header['size']}, the buffer has {len(block)} bytes")
    crc32 = zlib.crc32(block[CHECKED_FROM : int(header["size"])])
    if header["crc32"] != crc32:
        raise MetadataError(f"{NAME}: crc32 is {header['crc32']:08x}, the contents have {crc32:08x}")
    for name in ("layer_count", "point_count"):
        if header[name] == 0:
            raise MetadataError(f"{NAME}: {name} is 0")
    check_zero(header["reserved"], "header.reserved")
    return header


class BlockReader:
    """A block whose header has been checked."""

    def __init__(self, block: bytes) -> None:
        self._block = block

    def array(self, offset: int, count: int, dtype: np.dtype | str, field: str) -> np.ndarray:
        """A copy of `count` elements at `offset`; MetadataError when they are not all inside the block."""
        dtype = np.dtype(dtype)
        start, number = int(offset), int(count)
        if (
            start < HEADER.itemsize
            or start % _alignment(dtype)
            or start + number * dtype.itemsize > len(self._block)
        ):
            raise MetadataError(f"{NAME}: {field} {start} with {number} elements does not fit the block")
        return np.frombuffer(self._block, dtype, number, start).astype(dtype.newbyteorder("="))


def check_zero(value: np.ndarray, field: str) -> None:
    """Raises MetadataError unless all bytes of a reserved field are 0."""
    if np.any(value):
        raise MetadataError(f"{NAME}: {field} is not 0")
