"""Plain values to strict JSON and back: tuples, NaN and infinities survive."""

from __future__ import annotations

import math
from typing import Any

from mileage.core.domains import Value


def float_to_json(value: float) -> float | str:
    """Return a float as a JSON number, or as text where JSON has no number for it.

    Examples
    --------
    >>> float_to_json(0.5), float_to_json(float("nan")), float_to_json(float("-inf"))
    (0.5, 'nan', '-inf')
    """
    value = float(value)
    return value if math.isfinite(value) else str(value)


def float_from_json(value: float | str | None) -> float:
    """Return the float that :func:`float_to_json` wrote; null is NaN."""
    return math.nan if value is None else float(value)


def value_to_json(value: Value) -> Any:
    """Return a parameter value as JSON; a number without a JSON form is marked.

    Examples
    --------
    >>> value_to_json((1, 2.0, None)), value_to_json(float("inf"))
    ([1, 2.0, None], {'float': 'inf'})
    """
    if isinstance(value, tuple | list):
        return [value_to_json(item) for item in value]
    if value is not None and hasattr(value, "item"):
        value = value.item()  # a numpy scalar
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def value_from_json(data: Any) -> Value:
    """Return the parameter value that :func:`value_to_json` wrote."""
    if isinstance(data, list):
        return tuple(value_from_json(item) for item in data)
    if isinstance(data, dict):
        return float(data["float"])
    plain: Value = data
    return plain


def finite_or_none(value: float | None) -> float | None:
    """Return the number, or None where JSON readers would stumble over it."""
    return value if value is not None and math.isfinite(value) else None
