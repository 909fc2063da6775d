"""Values to bytes and back, by type, exact in both directions.

Arrays, sparse matrices, frames and plain data have formats that run no code when read; everything else is pickled, and
its arrays are kept apart so that they need not be copied.
"""

from __future__ import annotations

import io
import json
import math
import pickle
from typing import Any

from mileage.catalog.container import Damaged, Encoded

_PLAIN = (bool, int, float, str, type(None))


def encode(value: Any) -> Encoded:
    """Return a value as bytes in the format for its type."""
    module = type(value).__module__.split(".")[0]
    made: Encoded | None = None
    if module == "numpy" and _is_array(value):
        made = Encoded("npy", (_npy(value),))
    elif module == "scipy" and getattr(value, "format", "") == "csr":
        made = _encode_csr(value)
    elif module == "pandas" and type(value).__name__ == "DataFrame":
        made = _encode_frame(value)
    elif module == "pyarrow" and type(value).__name__ == "Table":
        made = Encoded("table", (_ipc(value),))
    elif _is_plain(value):
        made = Encoded("json", (json.dumps(value, separators=(",", ":")).encode(),))
    return made if made is not None else _encode_pickle(value)


def decode(encoded: Encoded) -> Any:
    """Return the value of checked bytes; arrays are read-only and share the bytes' memory."""
    decoder = _DECODERS.get(encoded.format)
    if decoder is None:
        message = f"unknown format '{encoded.format}'"
        raise Damaged(message)
    return decoder(encoded)


def _is_array(value: Any) -> bool:
    return type(value).__name__ in {"ndarray", "memmap"} and not value.dtype.hasobject


def _is_plain(value: Any, depth: int = 8) -> bool:
    """Say whether JSON gives the very same value back."""
    if type(value) is float:
        return math.isfinite(value)
    if type(value) in _PLAIN:
        return True
    if depth == 0:
        return False
    if type(value) is list:
        return all(_is_plain(item, depth - 1) for item in value)
    return type(value) is dict and all(type(k) is str and _is_plain(v, depth - 1) for k, v in value.items())


def _npy(array: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def _from_npy(part: memoryview) -> Any:
    import numpy as np

    head = io.BytesIO(part[:65536])
    version = np.lib.format.read_magic(head)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(head)
    flat = np.frombuffer(part, dtype=dtype, offset=head.tell(), count=math.prod(shape))
    return flat.reshape(shape, order="F" if fortran else "C")


def _encode_csr(value: Any) -> Encoded | None:
    kind = type(value).__name__
    if kind not in {"csr_matrix", "csr_array"} or value.data.dtype.hasobject:
        return None
    canonical = bool(value.has_canonical_format)
    meta = {
        "kind": kind,
        "shape": list(map(int, value.shape)),
        "canonical": canonical,
        "sorted": bool(value.has_sorted_indices),
    }
    return Encoded("csr", tuple(_npy(a) for a in (value.data, value.indices, value.indptr)), meta)


def _decode_csr(encoded: Encoded) -> Any:
    import scipy.sparse

    data, indices, indptr = (_from_npy(part) for part in encoded.parts)
    made = getattr(scipy.sparse, encoded.meta["kind"])(tuple(encoded.meta["shape"]), dtype=data.dtype)
    made.data, made.indices, made.indptr = data, indices, indptr  # as they are: the constructor might convert them
    made.has_sorted_indices = encoded.meta["sorted"]
    made.has_canonical_format = encoded.meta["canonical"]
    return made


def _encode_frame(frame: Any) -> Encoded | None:
    """Return a frame as Arrow, or None where Arrow would not give the very same frame back."""
    import pandas as pd
    import pyarrow as pa

    index, names = frame.index, list(frame.columns)
    plain = type(index) is pd.RangeIndex and index.start == 0 and index.step == 1 and index.name is None
    if (
        not plain
        or not all(type(n) is str for n in names)
        or len(set(names)) < len(names)
        or frame.attrs
        or frame.columns.name is not None
    ):
        return None
    columns = [_column(frame[name]) for name in names]
    if any(column is None for column in columns):
        return None
    table = pa.Table.from_arrays(columns, names=names)
    return Encoded("frame", (_ipc(table),), {"dtypes": [str(t) for t in frame.dtypes], "rows": len(frame)})


def _column(series: Any) -> Any:
    """Return a column as an Arrow array, NaN kept as NaN, or None if its type has no exact form."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        exact = dtype.kind in "biuf" and dtype.itemsize <= 8 and dtype.isnative
        if exact and dtype.kind != "b":
            return pa.array(series.to_numpy(), from_pandas=False)
        if dtype.kind == "b":
            return pa.array(series.to_numpy().view("uint8"), from_pandas=False)
        return pa.array(series.to_numpy().view("int64")) if dtype.kind == "M" else None
    if isinstance(dtype, pd.StringDtype) and str(dtype) == "str" and dtype.storage == "pyarrow":
        made = pa.array(series, type=pa.large_string(), from_pandas=True)
        return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
    return None


def _ipc(table: Any) -> Any:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue()).cast("B")


def _read_ipc(part: memoryview) -> Any:
    import pyarrow as pa

    return pa.ipc.open_file(pa.py_buffer(part)).read_all()


def _decode_frame(encoded: Encoded) -> Any:
    import pandas as pd

    table = _read_ipc(encoded.parts[0])
    dtypes = encoded.meta["dtypes"]
    columns = {
        name: _series(column, dtype)
        for name, column, dtype in zip(table.column_names, table.columns, dtypes, strict=True)
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(encoded.meta["rows"]), copy=False)


def _series(column: Any, dtype: str) -> Any:
    import numpy as np
    import pandas as pd

    if dtype == "str":
        return (
            pd.array(column, dtype="str")
            if column.num_chunks == 0
            else pd.Series(column.to_pandas(), dtype="str").array
        )
    values = column.chunk(0).to_numpy(zero_copy_only=True) if column.num_chunks else np.empty(0)
    if dtype == "bool" or dtype.startswith("datetime64"):
        return values.view(dtype) if len(values) else np.empty(0, dtype)
    return values if len(values) else np.empty(0, dtype)


def _encode_pickle(value: Any) -> Encoded:
    buffers: list[pickle.PickleBuffer] = []
    body = io.BytesIO()
    try:
        pickle.Pickler(body, 5, buffer_callback=buffers.append).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError):  # a class of a notebook goes by value
        import cloudpickle

        buffers, body = [], io.BytesIO()
        cloudpickle.Pickler(body, 5, buffer_callback=buffers.append).dump(value)
    return Encoded("pickle", (body.getvalue(), *[buffer.raw() for buffer in buffers]))


def _decode_pickle(encoded: Encoded) -> Any:
    return pickle.loads(encoded.parts[0], buffers=encoded.parts[1:])


_DECODERS = {
    "npy": lambda encoded: _from_npy(encoded.parts[0]),
    "csr": _decode_csr,
    "frame": _decode_frame,
    "table": lambda encoded: _read_ipc(encoded.parts[0]),
    "json": lambda encoded: json.loads(bytes(encoded.parts[0])),
    "pickle": _decode_pickle,
}
