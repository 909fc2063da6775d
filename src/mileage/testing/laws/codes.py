"""The law of ``FromCodes``: what is fitted on codes of categories is what is fitted on the categories."""

from __future__ import annotations

import numpy as np

from mileage.operators import Branch, Operator, running
from mileage.operators.from_codes import Coded, FromCodes, code_categories
from mileage.testing.laws.fitting import dense, fitted, same
from mileage.testing.tables import table


def from_codes(operator: Operator, branch: Branch, task: str) -> None:
    """Fitted on the codes of some rows, it answers for these and for others as fitted on their categories, bit by bit."""
    assert isinstance(operator, FromCodes)
    data = table(operator, branch, task, missing=operator.traits.native_missing)
    codes, levels = code_categories(data.X)
    for part in (0, 1):
        train = np.arange(len(data.y)) % 3 != part
        state, out = fitted(operator, data.rows(train))
        coded, params = Coded(codes[train], levels), operator.complete({})
        told, seen = operator.fit_codes(params, data.context, coded, data.y[train], transforms=True)
        bare, nothing = operator.fit_codes(params, data.context, coded, data.y[train], transforms=False)
        assert nothing is None, "output that was not asked for"
        assert seen is not None, "no output"
        assert same(seen, dense(out), tolerance=0), "the output for the train rows differs"
        wanted = dense(running.apply(state, data.X))
        for one in (told, bare):
            assert same(dense(running.apply(one, data.X)), wanted, tolerance=0), "it answers otherwise"
            assert same(Coded(codes, levels).told(one), wanted, tolerance=0), "it answers otherwise from codes"


LAWS = (from_codes,)
CAPABILITIES = {"from_codes": FromCodes}
