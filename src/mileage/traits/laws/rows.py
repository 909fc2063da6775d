"""Laws about rows: which of them an answer, or a fit, depends on."""

from __future__ import annotations

import numpy as np

from mileage.traits.declaration import Claim, Declaration
from mileage.traits.laws.evidence import Evidence, measured
from mileage.traits.subject import rows_of, sample

_HALF = slice(0, None, 2)


def fitted_rowwise(declared: Declaration, claim: Claim) -> Evidence:
    """A fitted one answers for some rows as it does for these rows among others."""
    del claim
    s = declared.subject
    X, y = s.data()
    fitted = s.fit(X, y)
    whole, part = s.answer(fitted, X), s.answer(fitted, rows_of(X, _HALF))
    return measured(part, whole[_HALF], "the answer for a row depends on other rows")


def repeatable(declared: Declaration, claim: Claim) -> Evidence:
    """The same rows and the same seed give the same fit."""
    del claim
    s = declared.subject
    X, y = s.data()
    one, other = (s.answer(s.fit(X, y), X) for _ in range(2))
    return measured(one, other, "a second fit with the same seed differs")


def ignores_order(declared: Declaration, claim: Claim) -> Evidence:
    """The order of the train rows does not matter."""
    del claim
    s = declared.subject
    X, y = s.data()
    order = np.random.default_rng(1).permutation(len(X))
    mixed = s.fit(rows_of(X, order), None if y is None else y[order])
    return measured(s.answer(mixed, X), s.answer(s.fit(X, y), X), "the order of the train rows matters")


def ignores_y(declared: Declaration, claim: Claim) -> Evidence:
    """Nothing is learned from the target."""
    del claim
    s = declared.subject
    X, y = sample(s.X, "classes", n_rows=s.n_rows)
    assert y is not None
    other_y = y[np.random.default_rng(1).permutation(len(y))]
    one, other = (s.answer(s.fit(X, target), X) for target in (y, other_y))
    return measured(one, other, "it learns from the target")


def weighted01(declared: Declaration, claim: Claim) -> Evidence:
    """A row of weight 0 is as if it was not there."""
    del claim
    s = declared.subject
    X, y = s.data()
    kept = np.arange(len(X)) % 3 > 0
    weighted = s.make()
    if y is None:
        weighted.fit(X, sample_weight=kept.astype(float))
    else:
        weighted.fit(X, y, sample_weight=kept.astype(float))
    alone = s.fit(rows_of(X, kept), None if y is None else y[kept])
    return measured(s.answer(weighted, X), s.answer(alone, X), "a row of weight 0 is not absent")
