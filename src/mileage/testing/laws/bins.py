"""The law of ``Binned``: a model that is given the bins of its train rows is the one that makes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mileage.core.domains import FloatRange, IntRange, Value
from mileage.operators import Branch, Operator
from mileage.operators.bins import Binned
from mileage.testing.laws.fitting import fitted, output, same
from mileage.testing.tables import table

_N_ROWS, _MOST = 400, 100


def binned(operator: Operator, branch: Branch, task: str) -> None:
    """With bins of its train rows it answers as fitted without, whatever the parameters that bins serve, bit by bit."""
    assert isinstance(operator, Binned)
    data = table(operator, branch, task, missing=operator.traits.native_missing, n_rows=_N_ROWS)
    lone = data.X.copy()
    lone[:, 1] = np.arange(_N_ROWS) == 0  # no cut of this column leaves rows enough on both sides
    for one in (data, type(data)(lone, data.y, data.context)):
        for params in _varied(operator):
            complete = operator.complete(params)
            bins = operator.bins(operator.bin_params(complete), data.context, one.X)
            made = operator.fit_binned(complete, data.context, bins, one.X, one.y)
            wanted = output(operator, fitted(operator, one, **params)[0], one)
            assert same(output(operator, made, one), wanted, tolerance=0), f"with {params} it answers otherwise"


def _varied(operator: Any) -> list[dict[str, Value]]:
    """Return the defaults, then each parameter with the least and the most that is searched, and few rows in a leaf."""
    searched = [(p.name, p.search) for p in operator.params if isinstance(p.search, IntRange | FloatRange)]
    varied: list[dict[str, Value]] = [dict.fromkeys(operator.bin_params(operator.complete({})), 2)]
    for name, domain in searched:
        varied += [{name: domain.low}, {name: min(domain.high, _MOST)}]
    return varied


LAWS = (binned,)
CAPABILITIES = {"binned": Binned}
