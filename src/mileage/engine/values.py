"""Values on their way between tasks: size, shape, freezing, and packing small ones.

A value that a task has produced is never changed again: arrays are made read-only, so that a task that writes to its
input fails in every backend alike, and never spoils the input of another.
"""

from __future__ import annotations

import io
import pickle
import sys
from dataclasses import fields, is_dataclass
from typing import Any

from mileage.data.frames import frame_bytes

INLINE_BYTES = 64 * 1024
_DEPTH = 5
_ITEMS = 2000


class _FullError(Exception):
    """The packed form is larger than allowed."""


class _BoundedBuffer(io.BytesIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > self.limit:
            raise _FullError
        return super().write(data)


def pack(value: object, limit: int = INLINE_BYTES, *, size: int | None = None) -> bytes | None:
    """Return the pickled value, or None if it is larger than ``limit`` bytes; ``size`` is its size, if that is known."""
    if (size_of(value) if size is None else size) > limit:
        return None
    try:
        buffer = _BoundedBuffer(limit)
        dump(value, buffer)
    except _FullError:
        return None
    return buffer.getvalue()


def dump(value: object, file: Any, buffers: Any = None) -> None:
    """Pickle a value; classes that only this process knows (a notebook's) go by value."""
    start = file.tell()
    try:
        pickle.Pickler(file, 5, buffer_callback=buffers).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        import cloudpickle

        file.seek(start)
        file.truncate()
        cloudpickle.Pickler(file, 5, buffer_callback=buffers).dump(value)


def unpack(packed: bytes) -> Any:
    """Return the value that :func:`pack` packed in this run; arrays are read-only."""
    return freeze(pickle.loads(packed))


def freeze(value: Any) -> Any:
    """Return the value with its arrays read-only; an array of the caller's own stays writable for the caller.

    Examples
    --------
    >>> import numpy as np
    >>> freeze(np.zeros(2)).flags.writeable
    False
    """
    if hasattr(value, "setflags"):
        value = value.view()
        value.setflags(write=False)
    elif hasattr(value, "indptr") and hasattr(value, "data"):  # a sparse matrix
        if hasattr(value, "sum_duplicates") and value.data.flags.writeable:
            value.sum_duplicates()  # readers may want canonical form, and could not make it in place any more
        for array in (value.data, value.indices, value.indptr):
            array.setflags(write=False)
    elif is_dataclass(value) and not isinstance(value, type):  # predictions
        parts: list[Any] = [getattr(value, f.name, None) for f in fields(value)]
        for part in parts:
            if hasattr(part, "setflags"):
                part.setflags(write=False)
    return value


def thaw(value: Any) -> Any:
    """Return a writable copy of an array or a matrix, and anything else as it is."""
    is_sparse = hasattr(value, "indptr") and hasattr(value, "data")
    return value.copy() if is_sparse or hasattr(value, "setflags") else value


def size_of(value: Any, depth: int = _DEPTH) -> int:
    """Return the size in bytes, estimated without copying anything.

    Examples
    --------
    >>> import numpy as np
    >>> size_of(np.zeros(1000))
    8000
    """
    if hasattr(value, "memory_usage"):
        if hasattr(value, "_mgr"):
            return frame_bytes(value)
        usage = value.memory_usage(deep=False)
        return int(usage.sum() if hasattr(usage, "sum") else usage)
    if isinstance(getattr(value, "nbytes", None), int):
        return int(value.nbytes)
    if hasattr(value, "indptr") and hasattr(value, "data"):
        return int(value.data.nbytes + value.indices.nbytes + value.indptr.nbytes)
    if depth == 0 or isinstance(value, type):
        return sys.getsizeof(value)
    return sys.getsizeof(value) + sum(size_of(part, depth - 1) for part in _parts(value))


def _parts(value: Any) -> list[Any]:
    if isinstance(value, str | bytes | int | float | None):
        return []
    if isinstance(value, dict):
        return list(value.values())[:_ITEMS]
    if isinstance(value, tuple | list | set | frozenset):
        return list(value)[:_ITEMS]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, f.name, None) for f in fields(value)]
    state = value.__getstate__() if _is_compiled(value) else getattr(value, "__dict__", {})
    return list(state.values())[:_ITEMS] if isinstance(state, dict) else [state]


def _is_compiled(value: Any) -> bool:
    """Say whether a value holds its data outside Python, and hands it out to be pickled: a tree, a booster."""
    home = getattr(type(value).__dict__.get("__getstate__"), "__module__", "") or ""
    own = "__getstate__" in type(value).__dict__ and not home.startswith("sklearn.base")
    return own and (not hasattr(value, "__dict__") or type(value).__name__ == "Booster")


def shape_of(value: Any) -> str:
    """Return type and shape in words, for the report of a failure.

    Examples
    --------
    >>> import numpy as np
    >>> shape_of(np.zeros((3, 2))), shape_of("a")
    ('ndarray (3, 2) float64', 'str')
    """
    shape = getattr(value, "shape", None)
    text = type(value).__name__
    if isinstance(shape, tuple):
        text += f" {shape}"
    dtype = getattr(value, "dtype", None)
    return f"{text} {dtype}" if dtype is not None else text
