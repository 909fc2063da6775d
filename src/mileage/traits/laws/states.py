"""Laws of states: what is learned from all rows can be told from states of parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mileage.traits.algebra import ALGEBRAS, Algebra, State
from mileage.traits.declaration import Claim, Declaration
from mileage.traits.laws.evidence import Evidence, measured, weakest
from mileage.traits.subject import Subject, rows_of, state_of

_CUT = 50
PARTIAL = "partial_fit"


def monoid(declared: Declaration, claim: Claim) -> Evidence:
    """Finishing the merged states of two parts is fitting on both, for every value of what is read at the end."""
    if claim.argument == PARTIAL:
        return _partial(declared.subject)
    algebra = ALGEBRAS[claim.argument]
    X, y = declared.subject.data()
    state = algebra.merged(_lifted(algebra, X, y, slice(0, _CUT)), _lifted(algebra, X, y, slice(_CUT, None)))
    return weakest(_finished(declared, algebra, state, (X, y)))


def group(declared: Declaration, claim: Claim) -> Evidence:
    """Finishing the state of all rows without that of some is fitting on the others."""
    algebra = ALGEBRAS[claim.argument]
    X, y = declared.subject.data()
    state = algebra.without(_lifted(algebra, X, y, slice(None)), _lifted(algebra, X, y, slice(0, _CUT)))
    rest = (rows_of(X, slice(_CUT, None)), None if y is None else y[_CUT:])
    return weakest(_finished(declared, algebra, state, rest))


def _lifted(algebra: Algebra, X: Any, y: np.ndarray | None, part: slice) -> State:
    return algebra.lift(rows_of(X, part), None if y is None else y[part])


def _finished(declared: Declaration, algebra: Algebra, state: State, rows: tuple[Any, Any]) -> Iterator[Evidence]:
    s = declared.subject
    tried: list[dict[str, Any]] = [{}]
    tried += [{c.argument: value} for c in declared.bindings if c.stage == "finalize" for value in c.values]
    for params in tried:
        learned = algebra.finish(state, {**dict(s.params), **params})
        fitted = state_of(s.fit(*rows, **params), tuple(learned))
        for name, wanted in fitted.items():
            yield measured(np.asarray(learned[name]), wanted, f"{name} is not learned from the state, with {params}")


def _partial(s: Subject) -> Evidence:
    X, y = s.data()
    made, more = s.make(), {}
    if y is not None and s.y == "classes":
        more = {"classes": np.unique(y)}
    for part in (slice(0, _CUT), slice(_CUT, None)):
        rows = rows_of(X, part)
        made.partial_fit(rows, **more) if y is None else made.partial_fit(rows, y[part], **more)
    return measured(s.answer(made, X), s.answer(s.fit(X, y), X), "fitting in parts is not fitting on all")
