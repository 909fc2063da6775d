"""How exactly two results agree, measured. The classes are :class:`~mileage.core.exactness.Exactness`."""

from __future__ import annotations

import numpy as np

from mileage.core.exactness import Exactness

__all__ = ["Exactness", "compare"]

_FP = 1e-9
_TIES = 0.01
_TOLERANCE = 1e-3


def compare(got: np.ndarray, wanted: np.ndarray) -> tuple[Exactness, float]:
    """Return how exactly two results agree, and their largest difference as a share of the largest value.

    Examples
    --------
    >>> one = np.array([1.0, 2.0])
    >>> compare(one, one.copy())[0], compare(one, one + 1e-12)[0], compare(one, one + 1)[0]
    (<Exactness.BITWISE: 0>, <Exactness.FP: 1>, <Exactness.BROKEN: 7>)
    """
    if got.shape != wanted.shape:
        return Exactness.BROKEN, float("inf")
    if got.dtype.kind not in "fiub" or wanted.dtype.kind not in "fiub":
        equal = got.astype(str) == wanted.astype(str)
        return (Exactness.BITWISE, 0.0) if equal.all() else (Exactness.BROKEN, 1.0)
    if np.array_equal(got, wanted, equal_nan=got.dtype.kind == "f" and wanted.dtype.kind == "f"):
        return Exactness.BITWISE, 0.0
    a, b = np.asarray(got, dtype=float), np.asarray(wanted, dtype=float)
    if (np.isnan(a) != np.isnan(b)).any():
        return Exactness.BROKEN, float("inf")
    off = np.nan_to_num(np.abs(a - b))
    share = float(off.max() / max(float(np.nanmax(np.abs(b), initial=0.0)), 1e-12))
    if share <= _FP:
        return Exactness.FP, share
    rows = off.reshape(len(off), -1).max(axis=1) if off.ndim else off.reshape(1)
    if (rows > _FP * max(1.0, float(np.nanmax(np.abs(b))))).mean() <= _TIES:
        return Exactness.TIE_EQUAL, share
    return (Exactness.OPT_EQUAL, share) if share <= _TOLERANCE else (Exactness.BROKEN, share)
