"""Feature matrices in fewer bytes, for runs on a sample: half precision, or 8 bits a value.

Half precision is scaled by a power of two for each column, so that no column overflows or vanishes and the relative error
is 2**-11. With 8 bits a column becomes 255 evenly spaced values between its least and its greatest. Missing stays missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_CODES = 254


@dataclass(frozen=True)
class Narrow:
    """A matrix in fewer bytes: codes by column, and how to read them; ``frame`` holds the columns that are no floats."""

    codes: Any
    low: Any
    span: Any
    dtypes: tuple[Any, ...]
    frame: Any = None
    columns: tuple[int, ...] = ()
    sparse: Any = None


def narrowed(value: Any, precision: str) -> Any:
    """Return a matrix of floats, dense, sparse or a frame's, in fewer bytes; any other value as it is.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.1, 1e9], [0.3, -7e8], [np.nan, 1e8]])
    >>> float(np.nanmax(np.abs(widened(narrowed(X, "f16")) / X - 1))) < 2**-11
    True
    """
    import numpy as np

    if precision == "full":
        return value
    if isinstance(value, np.ndarray):
        if value.ndim != 2 or value.dtype not in (np.float32, np.float64):
            return value
        return Narrow(*_coded(value, precision), (value.dtype,))
    if hasattr(value, "tocsr") and value.format in {"csr", "csc"} and value.dtype in (np.float32, np.float64):
        codes, low, span = _coded(value.data.reshape(-1, 1), "f16")
        return Narrow(codes, low, span, (value.dtype,), sparse=(type(value), value.indices, value.indptr, value.shape))
    if type(value).__module__.startswith("pandas") and hasattr(value, "dtypes") and getattr(value, "ndim", 1) == 2:
        return _narrowed_frame(value, precision)
    return value


def widened(value: Any) -> Any:
    """Return what :func:`narrowed` was given, as nearly as its bytes tell; any other value as it is."""
    if not isinstance(value, Narrow):
        return value
    matrix = _decoded(value)
    if value.sparse is not None:
        kind, indices, indptr, shape = value.sparse
        return kind((matrix[:, 0].astype(value.dtypes[0], copy=False), indices, indptr), shape=shape)
    if value.frame is None:
        return matrix.astype(value.dtypes[0], copy=False)
    frame = value.frame.copy(deep=False)
    for i, (position, dtype) in enumerate(zip(value.columns, value.dtypes, strict=True)):
        name, column = dtype
        frame.insert(position, name, matrix[:, i].astype(column, copy=False), allow_duplicates=True)
    return frame


def _narrowed_frame(frame: Any, precision: str) -> Any:
    import numpy as np

    floats = [i for i, dtype in enumerate(frame.dtypes) if dtype in (np.float32, np.float64)]
    if not floats:
        return frame
    rest = [i for i in range(frame.shape[1]) if i not in set(floats)]
    codes, low, span = _coded(frame.iloc[:, floats].to_numpy(), precision)
    kinds = tuple((frame.columns[i], np.dtype(frame.dtypes.iloc[i])) for i in floats)
    return Narrow(codes, low, span, kinds, frame.iloc[:, rest], tuple(floats))


def _coded(matrix: Any, precision: str) -> tuple[Any, Any, Any]:
    """Return codes, and for each column what to add and to multiply by."""
    import numpy as np

    finite = np.isfinite(matrix)
    if precision == "u8" and np.all(finite | np.isnan(matrix)):
        low = np.min(matrix, axis=0, where=finite, initial=np.inf).astype(np.float64)
        high = np.max(matrix, axis=0, where=finite, initial=-np.inf).astype(np.float64)
        low = np.where(np.isfinite(low), low, 0.0)
        span = np.where(np.isfinite(high), high, 0.0) - low
        unit = (np.nan_to_num(matrix, nan=0.0) - low) / np.where(span > 0, span, 1.0)
        codes = np.where(finite, np.rint(np.clip(unit, 0, 1) * _CODES), 255).astype(np.uint8)
        return codes, low, span
    largest = np.max(np.abs(matrix), axis=0, where=finite, initial=0.0)
    # the largest value lies in [2**14, 2**15): half ends at 65504; the smallest number above 0 is 2**-1074
    scale = np.ldexp(1.0, np.maximum(np.frexp(largest)[1] - 15, -1074))
    return (matrix / scale).astype(np.float16), None, scale


def _decoded(value: Narrow) -> Any:
    import numpy as np

    if value.low is None:
        return value.codes.astype(np.float64) * value.span
    matrix = value.low + value.codes * value.span / _CODES
    return np.where(value.codes == 255, np.nan, matrix)
