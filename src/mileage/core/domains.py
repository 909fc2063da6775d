"""The legal values of a parameter, to check a value and to sample one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeGuard

Value: TypeAlias = "bool | int | float | str | None | tuple[Value, ...]"


class Domain(Protocol):
    """A set of values: ``contains`` checks one, ``describe`` says the set in a few words."""

    def contains(self, value: Value) -> bool:
        """Say whether ``value`` is legal."""

    def describe(self) -> str:
        """Return the set in words a user reads in an error."""


@dataclass(frozen=True, slots=True)
class IntRange:
    """Whole numbers from ``low`` to ``high``, both included; ``log`` samples magnitudes evenly.

    Examples
    --------
    >>> IntRange(1, 10).contains(3), IntRange(1, 10).contains(3.5), IntRange(1, 10).describe()
    (True, False, 'a whole number in 1..10')
    """

    low: int
    high: int
    log: bool = False

    def contains(self, value: Value) -> bool:
        """Say whether ``value`` is a whole number of the range."""
        return _is_number(value) and float(value) == int(value) and self.low <= int(value) <= self.high

    def describe(self) -> str:
        """Return the range in words."""
        return f"a whole number in {self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class FloatRange:
    """Numbers from ``low`` to ``high``, both included; ``log`` samples magnitudes evenly.

    Examples
    --------
    >>> FloatRange(1e-3, 1e2, log=True).contains(1), FloatRange(0, 1).contains("a")
    (True, False)
    """

    low: float
    high: float
    log: bool = False

    def contains(self, value: Value) -> bool:
        """Say whether ``value`` is a number of the range."""
        return _is_number(value) and self.low <= float(value) <= self.high

    def describe(self) -> str:
        """Return the range in words."""
        return f"a number in {self.low:g}..{self.high:g}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A listed set of values, in order of preference.

    Examples
    --------
    >>> OneOf(("gini", "entropy")).contains("entropy"), OneOf((True, False)).contains(1)
    (True, False)
    """

    values: tuple[Value, ...]

    def contains(self, value: Value) -> bool:
        """Say whether ``value`` is listed, its type included (True is not 1)."""
        return any(v == value and isinstance(v, bool) == isinstance(value, bool) for v in self.values)

    def describe(self) -> str:
        """Return the list in words."""
        return "one of " + ", ".join(
            "none" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in self.values
        )


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A value of any of several domains, such as a number or a name.

    Examples
    --------
    >>> AnyOf((OneOf(("sqrt",)), FloatRange(0, 1))).describe()
    'one of sqrt or a number in 0..1'
    """

    domains: tuple[Domain, ...]

    def contains(self, value: Value) -> bool:
        """Say whether one of the domains has ``value``."""
        return any(domain.contains(value) for domain in self.domains)

    def describe(self) -> str:
        """Return the domains in words."""
        return " or ".join(domain.describe() for domain in self.domains)


@dataclass(frozen=True, slots=True)
class Anything:
    """Any plain value: for operators that check their parameters themselves."""

    def contains(self, value: Value) -> bool:
        """Say yes."""
        del value
        return True

    def describe(self) -> str:
        """Return the set in words."""
        return "any value"


def whole_number(value: Value) -> int:
    """Return a value that a domain has let through as a whole number.

    Examples
    --------
    >>> whole_number(3)
    3
    """
    assert isinstance(value, int), f"{value!r} is no whole number"
    return value


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
