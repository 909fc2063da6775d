"""How exactly a shared computation gives what the plain one gives: a lattice, the finest class first."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

_FP = 1e-9
_TIES = 0.01
_TOLERANCE = 1e-3


class Exactness(IntEnum):
    """Classes of equality; a smaller one is finer.

    ================= ==================================================================================
    class             two results are
    ================= ==================================================================================
    bitwise           equal, bit by bit
    fp                equal up to rounding: 1e-9 of the largest value
    tie_equal         equal but for rows on which equally good choices differ: at most one in a hundred
    opt_equal         both within the tolerance at which a solver stops
    same_distribution draws of one distribution
    transductive      made with a look at rows that the plain one does not see
    approx            near, within a stated error
    broken            not the same thing
    ================= ==================================================================================

    Examples
    --------
    >>> Exactness.BITWISE < Exactness.FP < Exactness.APPROX
    True
    >>> str(Exactness.OPT_EQUAL), Exactness.of("fp")
    ('opt_equal', <Exactness.FP: 1>)
    """

    BITWISE = 0
    FP = 1
    TIE_EQUAL = 2
    OPT_EQUAL = 3
    SAME_DISTRIBUTION = 4
    TRANSDUCTIVE = 5
    APPROX = 6
    BROKEN = 7

    @classmethod
    def of(cls, name: str) -> Exactness:
        """Return the class of a name, as it stands in the registry."""
        return cls[name.upper()]

    def __str__(self) -> str:
        return self.name.lower()


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
