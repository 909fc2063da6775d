"""Versions of the libraries an operator runs on: part of the identity of its tasks."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from mileage.operators.base import Operator

_LIBRARIES = {"lightgbm": "lightgbm", "xgboost": "xgboost", "catboost": "catboost", "ebm": "interpret-core"}


def versions(operator: Operator) -> tuple[str, ...]:
    """Return names with versions, such as ``("scikit-learn 1.9.1",)``; nothing is imported."""
    ours = _LIBRARIES.get(operator.name)
    return _versions(tuple(dict.fromkeys(("scikit-learn", *operator.libraries, *([ours] if ours else [])))))


@cache
def _versions(libraries: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for name in libraries:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} missing")
    return tuple(found)


def versions_of(names: list[str]) -> tuple[str, ...]:
    """Return the versions behind several operators, each library once."""
    from mileage.operators.family import operators

    return tuple(dict.fromkeys(v for name in names for v in versions(operators.get(name))))
