r"""The file format of an artifact: an authenticated header, then parts aligned to 64 bytes.

::

    "MILE1\0\0\0" | length of the header (4 bytes) | header (JSON) | keyed blake3 of the header (32 bytes) | padding
    part 0 | padding | part 1 | padding | ...

The header names format, lengths and the keyed hash of the parts, so one check of 32 bytes says who wrote a file.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from blake3 import blake3

MAGIC = b"MILE1\0\0\0"
ALIGN = 64
HASHED_BYTES = 16 * 2**20  # plain parts above this are not hashed: reading a column must not read all of a file
PACKED = "packed"
_LENGTH = struct.Struct("<I")
_MAC = 32
_MAX_HEADER = 1 << 24


class Packing(StrEnum):
    """How a value is packed, by the codec: at the pace at which plain bytes are written, or into fewer bytes, slower."""

    QUICK = "lz4"
    SMALL = "zstd"


class Readable(Protocol):
    """What a header is read from."""

    def read(self, n: int, /) -> bytes:
        """Return the next ``n`` bytes, or what there is."""


class Damaged(Exception):  # noqa: N818  (a state of a file; it never leaves the store)
    """A file is cut short, changed, or was written with another key."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value as bytes: format, plain facts about it, and parts."""

    format: str
    parts: tuple[Any, ...]
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def hashed(self) -> bool:
        """Whether the content is checked too; always where decoding may run code, or reads all of it anyway."""
        return self.format in {"pickle", PACKED} or self.size_bytes <= HASHED_BYTES

    @property
    def size_bytes(self) -> int:
        """Bytes of all parts."""
        return sum(len(part) for part in self.parts)


def pack_header(encoded: Encoded, key: bytes) -> bytes:
    """Return everything that stands before the first part."""
    digest = _digest(encoded.parts, key) if encoded.hashed else None
    fields = {
        "format": encoded.format,
        "lengths": [len(p) for p in encoded.parts],
        "meta": encoded.meta,
        "digest": digest,
    }
    body = json.dumps(fields, separators=(",", ":")).encode()
    head = MAGIC + _LENGTH.pack(len(body)) + body + blake3(body, key=key).digest()
    return head + b"\0" * (-len(head) % ALIGN)


def read_header(file: Readable, key: bytes, size: int) -> tuple[dict[str, Any], int]:
    """Return the header and the place of the first part.

    Raises
    ------
    Damaged
        If the header is not this project's, or the file has not the length it says.
    """
    start = file.read(4096)
    if len(start) < len(MAGIC) + _LENGTH.size or not start.startswith(MAGIC):
        raise Damaged("no artifact file")
    (length,) = _LENGTH.unpack_from(start, len(MAGIC))
    begin = len(MAGIC) + _LENGTH.size
    end = begin + length + _MAC
    if length > _MAX_HEADER or end > size:
        raise Damaged("cut short")
    if end > len(start):
        start += file.read(end - len(start))
    body, mac = start[begin : begin + length], start[begin + length : end]
    if not _same(blake3(body, key=key).digest(), mac):
        raise Damaged("not written by this project, or changed since")
    header: dict[str, Any] = json.loads(body)
    at = end + -end % ALIGN
    if at + sum(n + -n % ALIGN for n in header["lengths"]) != size:
        raise Damaged("cut short")
    return header, at


def unpack(view: memoryview, key: bytes) -> Encoded:
    """Return the checked content of a file as views of it.

    Raises
    ------
    Damaged
        If anything does not match what was written.
    """
    header, at = read_header(_Reader(view), key, len(view))
    parts = []
    for length in header["lengths"]:
        parts.append(view[at : at + length])
        at += length + -length % ALIGN
    encoded = Encoded(header["format"], tuple(parts), header["meta"])
    if encoded.hashed and not _same(_digest(encoded.parts, key).encode(), str(header["digest"]).encode()):
        raise Damaged("its content has changed since it was written")
    return encoded


class _Reader:
    """Reads a view like a file, copying only what is asked for."""

    def __init__(self, view: memoryview) -> None:
        self.view, self.at = view, 0

    def read(self, n: int) -> bytes:
        got = bytes(self.view[self.at : self.at + n])
        self.at += len(got)
        return got


def _digest(parts: tuple[Any, ...], key: bytes) -> str:
    hasher = blake3(key=key)
    for part in parts:
        hasher.update(part)
    return hasher.hexdigest()


def _same(one: bytes, other: bytes) -> bool:
    from hmac import compare_digest

    return compare_digest(one, other)
