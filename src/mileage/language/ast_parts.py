"""The parts that clauses are made of: words, values, operators and chains of them.

Other folders take them from :mod:`mileage.language.ast`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mileage.core.spans import Span
from mileage.core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes: the place in the text, and who wrote it (``user``, ``default``, ``pack:x``, ...)."""

    span: Span | None = field(default=None, compare=False, kw_only=True)
    origin: str = field(default="user", compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Commented(Node):
    """A node that carries comments, without their marks."""

    comments: tuple[str, ...] = field(default=(), compare=False, kw_only=True)


# --- words and values -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A bare or double-quoted identifier; ``quoted`` is remembered and does not count.

    Examples
    --------
    >>> str(Name("age")), Name("age") == Name("age", quoted=True)
    ('age', True)
    """

    text: str
    quoted: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """A reference such as ``@q3``, ``@last`` or ``@w1.scale``; ``name`` is without the ``@``."""

    name: str
    part: str | None = None

    def __str__(self) -> str:
        return f"@{self.name}.{self.part}" if self.part else f"@{self.name}"


@dataclass(frozen=True, slots=True)
class Sql(Node):
    """DuckDB text; ``text`` and ``span`` are the inside of the outer parentheses, exactly as written."""

    text: str


Value: TypeAlias = bool | int | float | str | Name | Quantity
Plain: TypeAlias = bool | int | float | str | Quantity


def plain(value: Value) -> Plain:
    """Return the value with a bare word as its text.

    Examples
    --------
    >>> plain(Name("entropy")), plain(3)
    ('entropy', 3)
    """
    return value.text if isinstance(value, Name) else value


@dataclass(frozen=True, slots=True)
class RangeDomain(Node):
    """``low..high``; ``log`` says that ``LOG`` was written."""

    low: int | float
    high: int | float
    log: bool = False


@dataclass(frozen=True, slots=True)
class SetDomain(Node):
    """``{v, v, ...}``."""

    values: tuple[Value, ...]


Domain: TypeAlias = RangeDomain | SetDomain


@dataclass(frozen=True, slots=True)
class Param(Node):
    """``name = value``, ``name IN domain`` or a positional ``value``; either value or domain is given."""

    name: str | None
    value: Value | None = None
    domain: Domain | None = None


@dataclass(frozen=True, slots=True)
class Arg(Node):
    """An argument of a metric; positional if ``name`` is None."""

    name: str | None
    value: Value


@dataclass(frozen=True, slots=True)
class Metric(Node):
    """A metric, such as ``recall('lung')``."""

    name: str
    args: tuple[Arg, ...] = ()


# --- operators and spaces -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Op(Node):
    """An operator and what is said of its parameters."""

    name: str
    params: tuple[Param, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative(Node):
    """One member of a choice; ``weight`` is its prior, None if unwritten."""

    body: Op | Chain
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """``a | b | c``."""

    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """``first >> second >> third``."""

    choices: tuple[Choice, ...]

    def ops(self) -> Iterator[Op]:
        """Yield all operators named in the chain, in the order written."""
        for choice in self.choices:
            for alternative in choice.alternatives:
                if isinstance(alternative.body, Op):
                    yield alternative.body
                else:
                    yield from alternative.body.ops()


@dataclass(frozen=True, slots=True)
class Assign(Commented):
    """``SLOT = chain``."""

    slot: Name
    chain: Chain
