"""The law of ``ByLevel``: an encoder is what it makes of each level."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from mileage.operators import Branch, Operator, running
from mileage.operators.by_level import ByLevel, Looked
from mileage.testing.laws.fitting import dense, fitted, same
from mileage.testing.tables import table


def by_level(operator: Operator, branch: Branch, task: str) -> None:
    """Looked up, rows become what the encoder makes of them, bit by bit: those it has seen, others, and missing ones."""
    assert isinstance(operator, ByLevel)
    data = table(operator, branch, task, missing=operator.traits.native_missing)
    some = np.arange(len(data.y)) % 3 == 0
    state, _ = fitted(operator, data.rows(some))
    others = data.X.iloc[::-1].copy()
    others.iloc[::7, 0] = "never seen"
    looked = Looked(operator, state)
    for rows in (data.X, others, others.iloc[:1], others.iloc[7:9]):
        wanted, got = running.apply(state, rows), running.apply(looked, rows)
        assert sparse.issparse(got) == sparse.issparse(wanted), "one is sparse, the other is not"
        assert dense(got).dtype == dense(wanted).dtype, "the numbers are of another type"
        assert same(dense(got), dense(wanted), tolerance=0), "looked up it is another one"


LAWS = (by_level,)
CAPABILITIES = {"by_level": ByLevel}
