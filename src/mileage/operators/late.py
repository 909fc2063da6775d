"""Parameters that a fit reads last, so that one fit serves all of their values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mileage.core.domains import Value
from mileage.core.exactness import Exactness

LARGEST = "largest"  # in the registry: of the values that are asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A parameter that is read last: what one fit has learned is cut back to what a fit with another value learns.

    Attributes
    ----------
    name : str
        The parameter of the operator.
    claims : tuple of str
        What it rests upon: claims ``cuts`` of the registry of traits, as ``Class.parameter``. The weakest one says how exact a
        cut is.
    whole : tuple of value
        A value whose fit holds those of all others, one for each type of number. Without any, the largest that is asked for is
        the one (None is without end); smaller ones then take that share of its time.
    gathers : tuple of str
        Claims ``gathers`` of the registry, one for each class: answers for the same rows, or their columns, are part of what is gathered
        once with the largest value. Without any they are not.
    gathers_for : float
        To gather takes as long as so many predictions with the largest value: it pays for more than these.
    from_sums : bool
        Whether the sums of the train rows take the place of the one fit, of an operator that is fitted ``FromSums``.

    Examples
    --------
    >>> trees = Late(name="n_estimators", claims=("ExtraTreesClassifier.n_estimators",))
    >>> trees.whole_of([10, 50]), trees.share(10, 50), str(trees.exactness)
    (50, 0.2, 'bitwise')
    >>> Late(name="k", claims=("SelectKBest.k",), whole=(1, 1.0)).whole_of([0.2, 0.4])
    1.0
    """

    name: str
    claims: tuple[str, ...]
    whole: tuple[Value, ...] = ()
    gathers: tuple[str, ...] = ()
    gathers_for: float = 1.0
    from_sums: bool = False

    @property
    def grows(self) -> bool:
        """Whether a fit with a larger value is a larger fit."""
        return not self.whole

    @property
    def exactness(self) -> Exactness:
        """How exactly a fit that is cut back is the one with the smaller value."""
        return Exactness.FP if self.from_sums else _claimed("cuts", self.claims)

    @property
    def gathers_exactly(self) -> Exactness:
        """How exactly an answer from what was gathered with a larger value is one's own; ``broken`` if none is."""
        return _claimed("gathers", self.gathers) if self.gathers else Exactness.BROKEN

    def kind(self, value: Value) -> str:
        """Return what sets values apart that no one fit serves, such as a share and a number of columns."""
        return "" if self.grows or len(self.whole) == 1 else type(value).__name__

    def whole_of(self, values: Iterable[Value]) -> Value:
        """Return the value of the fit that all of ``values``, of one kind, are cut from."""
        found = list(values)
        if self.grows:
            return max(found, key=lambda value: math.inf if value is None else _number(value))
        kind = self.kind(found[0])
        return next(value for value in self.whole if not kind or type(value).__name__ == kind)

    def share(self, value: Value, whole: Value) -> float:
        """Return the share of the whole fit's time that a fit with ``value`` takes."""
        if not self.grows or value is None or whole is None:
            return 1.0
        return _number(value) / _number(whole)


def _claimed(law: str, claims: tuple[str, ...]) -> Exactness:
    from mileage.traits import claimed

    return max(claimed(law, *claim.split(".")) for claim in claims)


def _number(value: Value) -> float:
    assert isinstance(value, int | float), f"{value!r} is no number"
    return float(value)
