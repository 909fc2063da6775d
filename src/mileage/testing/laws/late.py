"""The law of late parameters: the one fit, cut back, answers as a fit with the other value."""

from __future__ import annotations

import numpy as np

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, OneOf, Value
from mileage.operators import Branch, Operator
from mileage.operators.cutting import cut_step
from mileage.operators.from_sums import FromSums
from mileage.operators.late import Late
from mileage.operators.sums import Seen
from mileage.testing.laws.fitting import dense, fitted, output
from mileage.testing.tables import Table, table
from mileage.traits import compare

_N_ROWS = 400
_SOME = (1, 3, 12)
_LEAST = 1e-3


def late(operator: Operator, branch: Branch, task: str) -> None:
    """Cut one fit back to some values of each late parameter, and of all at once; compare to fits with those."""
    data = table(operator, branch, task, n_rows=_N_ROWS)
    values = {one.name: _values(operator, one) for one in operator.late}
    for one in operator.late:
        for value in values[one.name]:
            _check(operator, data, {one.name: value}, values)
    _check(operator, data, {name: some[0] for name, some in values.items()}, values)


def _check(operator: Operator, data: Table, asked: dict[str, Value], values: dict[str, tuple[Value, ...]]) -> None:
    wanted = output(operator, fitted(operator, data, **asked)[0], data)
    by_sums = any(one.from_sums for one in operator.late)
    got = _learned(operator, data, asked) if by_sums else _cut(operator, data, asked, values)
    found, difference = compare(got, wanted)
    declared = max(one.exactness for one in operator.late)
    assert found <= declared, f"cut back to {asked} it answers otherwise by {difference}: {found}, not {declared}"


def _learned(operator: Operator, data: Table, asked: dict[str, Value]) -> np.ndarray:
    """Return what is answered by what was learned from sums over the rows."""
    assert isinstance(operator, FromSums)
    n_classes = 0 if data.context.task == "regression" else data.context.n_classes
    seen = Seen.of(dense(data.X), data.y, n_classes, products=operator.products)
    return output(operator, operator.learn(operator.complete(asked), data.context, seen), data)


def _cut(operator: Operator, data: Table, asked: dict[str, Value], values: dict[str, tuple[Value, ...]]) -> np.ndarray:
    """Return what is answered by a fit that is cut from the one that serves all values."""
    params, whole = operator.complete(asked), {}
    for one in operator.late:
        alike = [value for value in values[one.name] if one.kind(value) == one.kind(params[one.name])]
        whole[one.name] = one.whole_of([*alike, params[one.name]])
    large, _ = fitted(operator, data, **{**asked, **whole})
    before = output(operator, large, data)
    got = output(operator, cut_step(operator, large, params, data.context), data)
    assert compare(output(operator, large, data), before)[0] == 0, "cutting it back has changed it"
    return got


def _values(operator: Operator, one: Late) -> tuple[Value, ...]:
    """Return some legal values: small numbers, and the ends and the middle of ranges of shares."""
    param = operator.param(one.name)
    assert param is not None, f"there is no parameter {one.name}"
    return tuple(dict.fromkeys(_of_domain(param.domain)))


def _of_domain(domain: Domain) -> list[Value]:
    if isinstance(domain, AnyOf):
        return [value for part in domain.domains for value in _of_domain(part)]
    if isinstance(domain, OneOf):
        return list(domain.values)
    if isinstance(domain, IntRange):
        return [value for value in _SOME if domain.low <= value <= domain.high]
    assert isinstance(domain, FloatRange), f"{domain.describe()} cannot be tried"
    low, high = max(domain.low, _LEAST), min(domain.high, 1.0)
    return [low, (low + high) / 2, high]
