"""Hashes of content: of a file's bytes, and of rows in Arrow form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.fingerprint import Fingerprint

if TYPE_CHECKING:
    import pyarrow as pa

Stamp = tuple[str, int, int, int]
_COLUMNS = 16  # hashed at a time: more would be copied into memory together


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

    hasher, names = blake3(), table.column_names
    for start in range(0, len(names), _COLUMNS):
        arrays, labels = [], []
        for i, name in enumerate(names[start : start + _COLUMNS], start):
            values, mask = _canonical(table.column(i))
            arrays += [values, mask]
            labels += [name, f"{i}?"]
        plain, sink = pa.table(arrays, labels), pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, plain.schema) as writer:
            writer.write_table(plain, max_chunksize=1 << 16)
        hasher.update(sink.getvalue())
    return Fingerprint(hasher.hexdigest(length=16))


def _canonical(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return values and what is missing: the bytes below a missing value are arbitrary, so they are filled."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    chunks = column.chunks or [pa.array([], column.type)]
    values = pa.concat_arrays(chunks)
    mask = values.is_null()
    if values.null_count and not pa.types.is_nested(values.type) and not pa.types.is_null(values.type):
        empty = "" if pa.types.is_string(values.type) or pa.types.is_large_string(values.type) else 0
        try:
            values = pc.fill_null(values, pa.scalar(empty, values.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            values = values.drop_null()
    return values if len(values) == len(mask) else pa.array([repr(v) for v in column.to_pylist()]), mask
