"""How exactly a computation that was rewritten gives what the plain one gives: a lattice, the finest class first."""

from __future__ import annotations

from enum import IntEnum


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
        """Return the class of a name.

        Raises
        ------
        KeyError
            If no class has the name.
        """
        return cls[name.upper()]

    def __str__(self) -> str:
        return self.name.lower()


DEFAULT_FLOOR = Exactness.OPT_EQUAL
FLOORS = tuple(str(one) for one in Exactness if one is not Exactness.BROKEN)
