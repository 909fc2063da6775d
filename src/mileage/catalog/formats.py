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

from mileage.catalog.container import PACKED, Damaged, Encoded
from mileage.catalog.frame_format import decode_frame, encode_frame, encode_series, raw, values_of

_PLAIN = (bool, int, float, str, type(None))
_OF_NUMBERS = frozenset({"builtins", "numpy", "pandas", "polars", "pyarrow", "scipy"})


def encode(value: Any) -> Encoded:
    """Return a value as bytes in the format for its type."""
    module = type(value).__module__.split(".")[0]
    made: Encoded | None = None
    if module == "numpy" and _is_array(value):
        made = _encode_array(value)
    elif module == "scipy" and getattr(value, "format", "") == "csr":
        made = _encode_csr(value)
    elif module == "pandas" and type(value).__name__ == "DataFrame":
        made = encode_frame(value)
    elif module == "pandas" and type(value).__name__ == "Series":
        made = encode_series(value)
    elif module == "pyarrow" and type(value).__name__ == "Table":
        made = Encoded("table", (_ipc(value),))
    elif _is_plain(value):
        made = Encoded("json", (json.dumps(value, separators=(",", ":")).encode(),))
    return made if made is not None else _encode_pickle(value)


def decode(encoded: Encoded) -> Any:
    """Return the value of checked bytes; arrays are read-only and share the bytes' memory, but not those within an object.

    An object may write into arrays of its own whenever it is used: a figure does when it is drawn.
    """
    if encoded.format == PACKED:
        from mileage.catalog.packing import unpacked

        encoded = unpacked(encoded)
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


def _encode_array(array: Any) -> Encoded | None:
    import numpy as np

    plain = np.asarray(array)
    if plain.dtype.names or plain.dtype.kind not in "biufcSUMm" or not plain.dtype.itemsize:
        return None
    order = "F" if plain.flags.f_contiguous and not plain.flags.c_contiguous else "C"
    memory = plain.T if order == "F" else np.ascontiguousarray(plain)
    return Encoded("array", (raw(memory),), {"dtype": plain.dtype.str, "shape": list(plain.shape), "order": order})


def _decode_array(encoded: Encoded) -> Any:
    shape, order = encoded.meta["shape"], encoded.meta["order"]
    return values_of(encoded.parts[0], encoded.meta["dtype"], math.prod(shape)).reshape(shape, order=order)


def _encode_csr(value: Any) -> Encoded | None:
    kind = type(value).__name__
    if kind not in {"csr_matrix", "csr_array"} or value.data.dtype.hasobject:
        return None
    canonical = bool(value.has_canonical_format)
    import numpy as np

    meta: dict[str, Any] = {
        "kind": kind,
        "shape": list(map(int, value.shape)),
        "canonical": canonical,
        "sorted": bool(value.has_sorted_indices),
    }
    arrays = [np.ascontiguousarray(array) for array in (value.data, value.indices, value.indptr)]
    meta |= {"arrays": [[array.dtype.str, len(array)] for array in arrays]}
    return Encoded("csr", tuple(raw(array) for array in arrays), meta)


def _decode_csr(encoded: Encoded) -> Any:
    import scipy.sparse

    listed = zip(encoded.parts, encoded.meta["arrays"], strict=True)
    data, indices, indptr = (values_of(part, dtype, n) for part, (dtype, n) in listed)
    made = getattr(scipy.sparse, encoded.meta["kind"])(tuple(encoded.meta["shape"]), dtype=data.dtype)
    made.data, made.indices, made.indptr = data, indices, indptr  # as they are: the constructor might convert them
    made.has_sorted_indices = encoded.meta["sorted"]
    made.has_canonical_format = encoded.meta["canonical"]
    return made


def _ipc(table: Any) -> Any:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue()).cast("B")


def _read_ipc(part: memoryview) -> Any:
    import pyarrow as pa

    return pa.ipc.open_file(pa.py_buffer(part)).read_all()


def _encode_pickle(value: Any) -> Encoded:
    buffers: list[pickle.PickleBuffer] = []
    body = io.BytesIO()
    try:
        pickle.Pickler(body, 5, buffer_callback=buffers.append).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError):  # a class of a notebook goes by value
        import cloudpickle

        buffers, body = [], io.BytesIO()
        cloudpickle.Pickler(body, 5, buffer_callback=buffers.append).dump(value)
    meta = {} if type(value).__module__.partition(".")[0] in _OF_NUMBERS else {"writes": True}
    return Encoded("pickle", (body.getvalue(), *[buffer.raw() for buffer in buffers]), meta)


def _decode_pickle(encoded: Encoded) -> Any:
    buffers: Any = encoded.parts[1:]
    return pickle.loads(encoded.parts[0], buffers=map(bytearray, buffers) if encoded.meta.get("writes") else buffers)


_DECODERS = {
    "array": _decode_array,
    "csr": _decode_csr,
    "columns": decode_frame,
    "table": lambda encoded: _read_ipc(encoded.parts[0]),
    "json": lambda encoded: json.loads(bytes(encoded.parts[0])),
    "pickle": _decode_pickle,
}
