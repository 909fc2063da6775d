"""Hashes of content: of a file's bytes, and of rows in Arrow form."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.fingerprint import Fingerprint

if TYPE_CHECKING:
    import pyarrow as pa
    from blake3 import blake3

Stamp = tuple[str, int, int, int]


def stamp_of(path: Path) -> Stamp:
    """Return what changes when a file does: path, size, time of the last write, and inode."""
    stat = path.stat()
    return (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)


def hash_file(path: Path) -> bytes:
    """Return the hash of a file's bytes."""
    from blake3 import blake3

    return blake3(max_threads=blake3.AUTO).update_mmap(path).digest()


def hash_table(table: pa.Table) -> Fingerprint:
    """Return the hash of a table's rows, in order; how its columns are cut into chunks does not matter.

    Examples
    --------
    >>> import pyarrow as pa
    >>> whole = pa.table({"a": [1, 2]})
    >>> hash_table(whole) == hash_table(pa.concat_tables([whole[:1], whole[1:]]))
    True
    """
    import pyarrow as pa
    from blake3 import blake3

    hasher = blake3()
    # A slice keeps its parent's buffers: taking a fresh copy makes equal rows equal bytes.
    plain = pa.table([pa.concat_arrays([_fresh(c) for c in column.chunks] or [pa.array([], column.type)]) for column in table.columns], table.column_names)
    with pa.ipc.new_stream(pa.PythonFile(_Sink(hasher), mode="w"), plain.schema) as writer:
        writer.write_table(plain, max_chunksize=1 << 16)
    return Fingerprint(hasher.hexdigest(length=16))


def _fresh(array: pa.Array) -> pa.Array:
    import pyarrow as pa

    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


class _Sink(io.RawIOBase):
    """A file that hashes what is written to it."""

    def __init__(self, hasher: blake3) -> None:
        super().__init__()
        self._hasher = hasher

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        self._hasher.update(view)
        return view.nbytes
