"""Hashes of rows in Arrow form; of a file's bytes: :mod:`mileage.core.content`."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mileage.core.fingerprint import Fingerprint

if TYPE_CHECKING:
    import pyarrow as pa
    from blake3 import blake3


def hash_parts(parts: Iterable[pa.Table]) -> Fingerprint:
    """Return the hash of a table's rows, in order; its columns come in parts, of which one is held at a time.

    How the columns are parted and cut into chunks does not matter.

    Examples
    --------
    >>> import pyarrow as pa
    >>> whole = pa.table({"a": [1, 2], "b": [3, 4]})
    >>> hash_parts([whole]) == hash_parts([pa.concat_tables([whole[:1], whole[1:]])])
    True
    >>> hash_parts([whole]) == hash_parts([whole.select(["a"]), whole.select(["b"])])
    True
    """
    import pyarrow as pa
    from blake3 import blake3

    hasher = blake3()
    sink = pa.PythonFile(_Sink(hasher), mode="w")
    for part in parts:
        for name, column in zip(part.column_names, part.columns, strict=True):
            plain = pa.table(_canonical(column), [name, "?"])
            with pa.ipc.new_stream(sink, plain.schema) as writer:
                writer.write_table(plain, max_chunksize=1 << 16)
    return Fingerprint(hasher.hexdigest(length=16))


def _canonical(column: pa.ChunkedArray) -> list[pa.Array]:
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
    return [values if len(values) == len(mask) else pa.array([repr(v) for v in column.to_pylist()]), mask]


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
