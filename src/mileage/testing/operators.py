"""The conformance suite of operators: each declared trait is a law, tried on small made-up tables.

``check_operator(MINE)`` in a test of your own distribution runs all of it; ``operator_checks(MINE)`` yields the single
checks for ``pytest.mark.parametrize``. Each law is a function in ``testing/laws/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mileage.operators.base import Branch, Operator
from mileage.testing.laws import algebra, bins, codes, contract, late, levels, prefixes, structure, sums, traits

_CAPABILITIES = {**sums.CAPABILITIES, **codes.CAPABILITIES, **bins.CAPABILITIES, **levels.CAPABILITIES}


@dataclass(frozen=True)
class Check:
    """One law for one operator; call it to check. It raises AssertionError where the law is broken."""

    name: str
    law: Callable[..., None] = field(repr=False)
    arguments: tuple[object, ...] = field(repr=False, default=())

    def __call__(self) -> None:
        """Check the law; what libraries warn of on tiny tables is not heard."""
        import warnings

        import numpy as np

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            self.law(*self.arguments)

    def __str__(self) -> str:
        return self.name


def operator_checks(operator: Operator) -> Iterator[Check]:
    """Yield every check that applies to an operator: its contract, then its declared traits on each branch and task.

    Examples
    --------
    >>> from mileage.operators import operators
    >>> [check.name for check in operator_checks(operators.get("standard"))][:2]
    ['standard: declaration', 'standard: unknown_parameter']
    """
    for own_law in contract.OF_OPERATOR:
        yield Check(f"{operator.name}: {own_law.__name__}", own_law, (operator,))
    for branch in operator.accepts or (Branch.NUMERIC,):
        for task in operator.tasks:
            if not (operator.traits.reads_y or operator.is_model) and task != operator.tasks[0]:
                continue
            for law in (
                *contract.OF_ESTIMATOR,
                *traits.LAWS,
                *structure.LAWS,
                prefixes.prefix,
                late.late,
                *algebra.LAWS,
                *sums.LAWS,
                *codes.LAWS,
                *bins.LAWS,
                *levels.LAWS,
            ):
                if applies(operator, law, branch):
                    yield Check(
                        f"{operator.name}: {law.__name__} on {branch} for {task}", law, (operator, branch, task)
                    )


def applies(operator: Operator, law: Callable[..., None], branch: Branch) -> bool:
    """Say whether a law is claimed: by the trait of its name, or by what the operator is besides."""
    if branch is Branch.CATEGORICAL and law.__name__ == "sparse":
        return False
    if law.__name__ in _CAPABILITIES:
        return isinstance(operator, _CAPABILITIES[law.__name__])
    declared = operator.late if law is late.late else getattr(operator.traits, law.__name__, True)
    return bool(declared)


def check_operator(operator: Operator) -> None:
    """Check all laws of an operator.

    Raises
    ------
    AssertionError
        Naming the first law that is broken.
    """
    for check in operator_checks(operator):
        try:
            check()
        except AssertionError as error:
            message = f"{check.name}: {error}"
            raise AssertionError(message) from error
