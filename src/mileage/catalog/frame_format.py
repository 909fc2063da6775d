"""Frames and series as the very memory of their columns: nothing is copied on the way out, nothing converted on the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.catalog.container import Encoded

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_KINDS = "biufM"
_STRING = "str"


def encode_frame(frame: pd.DataFrame) -> Encoded | None:
    """Return a frame as bytes, or None where a column, the names or the index have no exact form here.

    Each column is one part, its values, or three: validity, offsets and text of strings, as Arrow has them.
    """
    names = list(frame.columns)
    labels = str(frame.columns.dtype)
    plain = all(type(name) is str for name in names) and len(set(names)) == len(names)
    if not plain or frame.columns.name is not None or frame.attrs or labels not in {_STRING, "object"}:
        return None
    index = _encode_index(frame.index)
    columns = [_encode_column(frame[name]) for name in names]
    if index is None or any(column is None for column in columns):
        return None
    listed = [column for column in columns if column is not None]
    meta = {
        "names": names,
        "labels": labels,
        "rows": len(frame),
        "dtypes": [dtype for dtype, _ in listed],
        "index": index[0],
    }
    return Encoded("columns", (*index[1], *(part for _, parts in listed for part in parts)), meta)


def encode_series(series: pd.Series) -> Encoded | None:
    """Return a series as bytes, or None."""
    if series.name is not None and type(series.name) is not str:
        return None
    made = encode_frame(series.to_frame("")) if not series.attrs else None
    return None if made is None else Encoded(made.format, made.parts, {**made.meta, "series": [series.name]})


def decode_frame(encoded: Encoded) -> Any:
    """Return the frame, or the series; its columns share the bytes' memory and are read-only."""
    import pandas as pd

    meta, parts = encoded.meta, list(encoded.parts)
    index = _decode_index(meta["index"], parts, meta["rows"])
    values = [_decode_column(dtype, parts, meta["rows"]) for dtype in meta["dtypes"]]
    if "series" in meta:
        return pd.Series(values[0], index=index, name=meta["series"][0], copy=False)
    frame = pd.DataFrame(dict(zip(meta["names"], values, strict=True)), index=index, copy=False)
    if not values or meta["labels"] != str(frame.columns.dtype):
        frame.columns = pd.Index(meta["names"], dtype=meta["labels"])
    return frame


def raw(array: np.ndarray) -> memoryview:
    """Return the memory of a contiguous array as bytes."""
    memory: Any = array.reshape(-1).view("u1")
    return memoryview(memory)


def values_of(part: Any, dtype: str, n: int) -> np.ndarray:
    """Return the ``n`` values of a part, without a copy."""
    import numpy as np

    return np.frombuffer(part, dtype=np.dtype(dtype), count=n) if n else np.empty(0, np.dtype(dtype))


def _encode_column(series: Any) -> tuple[str, list[Any]] | None:
    import numpy as np
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind not in _KINDS or dtype.itemsize > 8 or not dtype.isnative:
            return None
        return dtype.str, [raw(np.ascontiguousarray(series.to_numpy()))]
    if isinstance(dtype, pd.StringDtype) and str(dtype) == _STRING and dtype.storage == "pyarrow":
        return _STRING, _encode_strings(series)
    return None


def _encode_strings(series: Any) -> list[Any]:
    import numpy as np
    import pyarrow as pa

    texts = pa.array(series, type=pa.large_string(), from_pandas=True)
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if not len(texts):
        return [b"", b"", b""]
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    first, last = int(ends[0]), int(ends[-1])
    text = memoryview(data)[first:last] if data is not None else b""
    valid: memoryview | bytes = b""
    if texts.null_count:
        valid = raw(np.packbits(texts.is_valid().to_numpy(zero_copy_only=False), bitorder="little"))
    return [valid, raw(ends if first == 0 else ends - first), text]


def _decode_column(dtype: str, parts: list[Any], rows: int) -> Any:
    import numpy as np

    if dtype != _STRING:
        return values_of(parts.pop(0), dtype, rows)
    import pandas as pd
    import pyarrow as pa

    valid, ends, text = parts.pop(0), parts.pop(0), parts.pop(0)
    if not rows:
        return pd.array([], dtype=_STRING)
    buffers = [pa.py_buffer(valid) if len(valid) else None, pa.py_buffer(ends), pa.py_buffer(text)]
    made = pa.chunked_array([pa.Array.from_buffers(pa.large_string(), rows, buffers)])
    return pd.arrays.ArrowStringArray(made, dtype=pd.StringDtype("pyarrow", na_value=np.nan))


def _encode_index(index: Any) -> tuple[list[Any], list[Any]] | None:
    """Return an index as plain data with its parts: a range needs none."""
    import pandas as pd

    if index.name is not None and type(index.name) is not str:
        return None
    if type(index) is pd.RangeIndex:
        return ["range", index.name, index.start, index.stop, index.step], []
    if type(index) is not pd.Index or (made := _encode_column(index.to_series())) is None:
        return None
    return [made[0], index.name], made[1]


def _decode_index(meta: list[Any], parts: list[Any], rows: int) -> Any:
    import pandas as pd

    kind, name, *bounds = meta
    if kind == "range":
        return pd.RangeIndex(*bounds, name=name)
    return pd.Index(_decode_column(kind, parts, rows), name=name, copy=False)
