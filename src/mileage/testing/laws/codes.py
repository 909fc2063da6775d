"""The law of ``FromCodes``: what is fitted on codes of cells is what is fitted on the cells."""

from __future__ import annotations

import numpy as np

from mileage.operators import Branch, Operator, running
from mileage.operators.from_codes import FromCodes, as_coded
from mileage.testing.laws.fitting import dense, fitted, same
from mileage.testing.tables import table


def from_codes(operator: Operator, branch: Branch, task: str) -> None:
    """Fitted on the codes of some rows, it answers for these and for others as fitted on their cells, bit by bit."""
    assert isinstance(operator, FromCodes)
    data = table(operator, branch, task, missing=operator.traits.native_missing)
    params = operator.complete({})
    codes, levels = operator.code(operator.code_params(params), data.X)
    for part in (0, 1):
        train = np.arange(len(data.y)) % 3 != part
        state, out = fitted(operator, data.rows(train))
        coded = as_coded(codes[train], levels)
        told, seen = operator.fit_codes(params, data.context, coded, data.y[train], transforms=True)
        bare, nothing = operator.fit_codes(params, data.context, coded, data.y[train], transforms=False)
        assert nothing is None, "output that was not asked for"
        assert seen is not None, "no output"
        assert same(dense(seen), dense(out), tolerance=0), "the output for the train rows differs"
        wanted = dense(running.apply(state, data.X))
        for one in (told, bare):
            assert same(dense(running.apply(one, data.X)), wanted, tolerance=0), "it answers otherwise"
            assert same(dense(as_coded(codes, levels).told(one)), wanted, tolerance=0), (
                "it answers otherwise from codes"
            )


LAWS = (from_codes,)
CAPABILITIES = {"from_codes": FromCodes}
