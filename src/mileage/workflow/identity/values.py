"""Values in a form that is equal for equal values only: type-tagged, in order, complete; nothing is guessed.

Never ``repr``, ``hash()`` or a pickle: these are unstable, or equal for what differs. What has no such form is refused.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import logging
import pathlib
import re
import struct
import sys
import uuid
from collections.abc import Callable
from typing import Any

from mileage.errors import MileError

Encode = Callable[[object], object]
_SET = frozenset({"_sklearn_output_config", "_metadata_request"})  # what set_output and set_…_request leave behind
_BY_TEXT = (
    dt.date,
    dt.time,
    dt.timedelta,
    dt.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    pathlib.PurePath,
)


class IdentityError(MileError, TypeError):
    """A value that a step reads has no identity: whether it changed could only be guessed."""


def encode_value(value: object, encode: Encode) -> object:
    """Return a value as plain data; ``encode`` does the same for what is inside it.

    Raises
    ------
    IdentityError
        If the value is of a kind that has no complete form.

    Examples
    --------
    >>> same = lambda value: encode_value(value, same)
    >>> same(1) == same(True), same([1]) == same((1,)), same(0.0) == same(-0.0), same({3, 1}) == same({1, 3})
    (False, False, False, True)
    """
    for look in (_plain, _containers, _by_text, _arrays, _tables, _own, _reduced):
        found = look(value, encode)
        if found is not None:
            return found
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise IdentityError(
        f"a {kind} has no identity that tells whether it changed",
        code="F701",
        hint="pass it as an input, make it inside the step, or give its class a method __mileage_key__()",
    )


def _plain(value: object, encode: Encode) -> object:
    del encode
    if value is None or value is Ellipsis or value is NotImplemented:
        return ("single", str(value))
    if type(value) in {bool, int, str, bytes}:
        return (type(value).__name__, value)
    if type(value) is float:
        return ("float", struct.pack(">d", value))
    if type(value) is complex:
        return ("complex", struct.pack(">dd", value.real, value.imag))
    return None


def _containers(value: object, encode: Encode) -> object:
    if type(value) in {list, tuple}:
        return (type(value).__name__, tuple(encode(item) for item in value))  # type: ignore[attr-defined]
    if type(value) in {set, frozenset}:
        return (type(value).__name__, tuple(sorted((encode(item) for item in value), key=str)))  # type: ignore[attr-defined]
    if type(value) is dict:  # in its order: code that walks it sees the order
        return ("dict", tuple((encode(k), encode(v)) for k, v in value.items()))
    if isinstance(value, range | slice):
        ends = (value.start, value.stop, value.step)
        return (type(value).__name__, tuple(encode(end) for end in ends))
    if isinstance(value, bytearray | memoryview):
        return (type(value).__name__, bytes(value))
    return None


def _by_text(value: object, encode: Encode) -> object:
    if isinstance(value, enum.Enum):
        return ("enum", encode(type(value)), value.name)
    if isinstance(value, _BY_TEXT):
        return ("text", type(value).__module__, type(value).__qualname__, str(value), repr(value))
    if isinstance(value, re.Pattern):
        return ("pattern", encode(value.pattern), value.flags)
    if isinstance(value, logging.Logger):
        return ("logger", value.name)
    return None


def _arrays(value: Any, encode: Encode) -> object:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(value, numpy.ndarray):
        if value.dtype.names:  # field by field: the bytes between them are arbitrary
            return ("record", str(value.dtype), tuple(encode(value[name]) for name in value.dtype.names))
        if value.dtype.hasobject:
            return ("array", str(value.dtype), value.shape, tuple(encode(item) for item in value.ravel().tolist()))
        return ("array", str(value.dtype), value.shape, numpy.ascontiguousarray(value).tobytes())
    if isinstance(value, numpy.generic):
        return ("scalar", str(value.dtype), value.tobytes())
    if isinstance(value, numpy.dtype):
        return ("dtype", str(value))
    if isinstance(value, numpy.random.Generator):
        return ("generator", encode(value.bit_generator.state))
    if isinstance(value, numpy.random.RandomState):
        return ("random state", encode(value.get_state()))
    return _sparse(value, encode)


def _sparse(value: Any, encode: Encode) -> object:
    sparse = sys.modules.get("scipy.sparse")
    if sparse is None or not sparse.issparse(value):
        return None
    parts = value.tocsr()
    return (
        "sparse",
        type(value).__name__,
        value.shape,
        *(encode(p) for p in (parts.data, parts.indices, parts.indptr)),
    )


def _tables(value: Any, encode: Encode) -> object:
    pandas, polars, arrow = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series | pandas.Index):
        return _pandas(value, encode)
    if polars is not None and isinstance(value, polars.DataFrame | polars.Series):
        frame = value if isinstance(value, polars.DataFrame) else value.to_frame()
        return ("polars", type(value).__name__, *_arrow(frame.to_arrow(), encode))
    if arrow is not None and isinstance(value, arrow.Table):
        return ("arrow", *_arrow(value, encode))
    return None


def _pandas(value: Any, encode: Encode) -> object:
    """A frame is its columns, their types and its index: text as Python strings, the rest as arrays."""
    if isinstance(value, _type("pandas", "Index")):
        values = [value.get_level_values(i) for i in range(value.nlevels)]
        return ("index", type(value).__name__, encode(tuple(value.names)), tuple(_column(v, encode) for v in values))
    index = _pandas(value.index, encode)
    if isinstance(value, _type("pandas", "Series")):
        return ("series", encode(value.name), _column(value, encode), index)
    columns = tuple(_column(value.iloc[:, i], encode) for i in range(value.shape[1]))
    return ("frame", _pandas(value.columns, encode), columns, index)


def _column(values: Any, encode: Encode) -> object:
    dtype = str(values.dtype)
    made = values.to_numpy()
    if made.dtype.hasobject:
        missing = tuple(bool(m) for m in values.isna())
        return (dtype, missing, tuple(encode(v) for v, m in zip(made.tolist(), missing, strict=True) if not m))
    return (dtype, encode(made))


def _arrow(table: Any, encode: Encode) -> tuple[object, ...]:
    from mileage.data.hashing import hash_parts

    del encode
    return (str(table.schema), table.num_rows, str(hash_parts([table])))


def _own(value: Any, encode: Encode) -> object:
    """Objects that say what they are: by a method for this, as scikit-learn estimators, or by their attributes."""
    from mileage.workflow.identity.library import is_library

    cls = type(value)
    key = getattr(cls, "__mileage_key__", None)
    if key is not None:
        return ("key", encode(cls), encode(key(value)))
    if hasattr(cls, "get_params") and hasattr(cls, "fit"):
        fitted = {k: v for k, v in vars(value).items() if (k.endswith("_") and not k.startswith("_")) or k in _SET}
        return ("estimator", encode(cls), encode(value.get_params(deep=False)), encode(fitted))
    if not is_library(cls.__module__) and cls.__module__ != "builtins" and hasattr(value, "__dict__"):
        slots = {n: getattr(value, n) for c in cls.__mro__ for n in _slots(c) if hasattr(value, n)}
        return ("object", encode(cls), encode({**vars(value), **slots}))
    return None


def _reduced(value: Any, encode: Encode) -> object:
    """A library's object: what it says must be known to make a copy of it, which is data again."""
    try:
        made = value.__reduce_ex__(4)
    except (TypeError, AttributeError, NotImplementedError):
        return None
    if isinstance(made, str):
        return ("name", type(value).__module__, made)
    parts = [list(part) if i >= 3 and part is not None else part for i, part in enumerate(made[:5])]
    return ("reduced", *(encode(part) for part in parts))


def _slots(cls: type) -> tuple[str, ...]:
    found = getattr(cls, "__slots__", ())
    names = (found,) if isinstance(found, str) else tuple(found)
    return tuple(name for name in names if name not in {"__dict__", "__weakref__"})


def _type(module: str, name: str) -> Any:
    return getattr(sys.modules[module], name)
