"""Conformance suites: what every member of a family must keep, for our own and for outsiders' tests.

Examples
--------
>>> from mileage.operators import operators
>>> from mileage.testing import check_operator
>>> check_operator(operators.get("standard"))
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mileage.testing.backends import check_backend
    from mileage.testing.metrics import check_metric
    from mileage.testing.monitors import check_monitor
    from mileage.testing.operators import Check, check_operator, operator_checks
    from mileage.testing.strategies import check_strategy

_HOMES = {
    "Check": "mileage.testing.operators",
    "check_backend": "mileage.testing.backends",
    "check_metric": "mileage.testing.metrics",
    "check_monitor": "mileage.testing.monitors",
    "check_operator": "mileage.testing.operators",
    "check_strategy": "mileage.testing.strategies",
    "operator_checks": "mileage.testing.operators",
}

__all__ = [
    "Check",
    "check_backend",
    "check_metric",
    "check_monitor",
    "check_operator",
    "check_strategy",
    "operator_checks",
]


def __getattr__(name: str) -> object:
    """Load a suite when it is first used, so that none needs what another checks."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module 'mileage.testing' has no attribute {name!r}"
    raise AttributeError(message)
