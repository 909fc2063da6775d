"""The parts that clauses are made of: words, values, operators, problem clauses and facts.

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
class Assign(Node):
    """``SLOT = chain``."""

    slot: Name
    chain: Chain


# --- problem clauses ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task(Node):
    """``AS CLASSIFICATION`` and its like; ``name`` is in lower case."""

    name: str
    options: tuple[Param, ...] = ()


@dataclass(frozen=True, slots=True)
class FileSource(Node):
    """A file or a glob of files."""

    path: str


@dataclass(frozen=True, slots=True)
class TableSource(Node):
    """A table or view of the session."""

    name: Name


@dataclass(frozen=True, slots=True)
class FrameSource(Node):
    """A frame of the host program, written ``:name``."""

    name: str


@dataclass(frozen=True, slots=True)
class SqlSource(Node):
    """A SELECT in parentheses."""

    sql: Sql


Source: TypeAlias = FileSource | TableSource | FrameSource | SqlSource


@dataclass(frozen=True, slots=True)
class From(Commented):
    """``FROM source``."""

    source: Source


@dataclass(frozen=True, slots=True)
class Features(Commented):
    """``FEATURES (a, b)``: these columns only."""

    columns: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Excluding(Commented):
    """``EXCLUDING a, b``: all columns but these."""

    columns: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Folds(Node):
    """``BY n FOLDS``."""

    n: int


@dataclass(frozen=True, slots=True)
class Holdout(Node):
    """``BY HOLDOUT size``."""

    size: Quantity


@dataclass(frozen=True, slots=True)
class Bootstrap(Node):
    """``BY BOOTSTRAP n``."""

    n: int


@dataclass(frozen=True, slots=True)
class On(Node):
    """``ON source``: a table of its own to score on."""

    source: Source


Method: TypeAlias = Folds | Holdout | Bootstrap | On


@dataclass(frozen=True, slots=True)
class Validate(Commented):
    """``VALIDATE``: how workflows are scored."""

    method: Method
    together: tuple[Name, ...] = ()
    order_by: Name | None = None
    stratified_by: tuple[Name, ...] = ()
    repeat: int | None = None


@dataclass(frozen=True, slots=True)
class Optimize(Commented):
    """``OPTIMIZE``: the outer tuple are the levels parted by THEN, the inner one is a Pareto set."""

    metrics: tuple[tuple[Metric, ...], ...]


# --- knowledge ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind(Node):
    """What is said of a column: ``name`` and the fields that kind uses.

    ``noisy``: ``options``. ``missing``: ``mechanism`` (``at_random``, ``not_at_random`` or None) and ``codes``.
    ``proxy``: ``of``. ``numeric``: ``unit``. ``ordinal``: ``values``. ``between``: ``low``, ``high``.
    ``known_only_after``: ``event``. ``leaky``, ``sensitive``, ``important``, ``irrelevant``, ``identifier``,
    ``categorical`` and ``text`` use none.
    """

    name: str
    options: tuple[Param, ...] = ()
    mechanism: str | None = None
    codes: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()
    of: Name | None = None
    unit: str | None = None
    low: int | float | None = None
    high: int | float | None = None
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Trait(Node):
    """``columns ARE kind``, or ``LABELS ARE kind`` with ``labels`` true and no columns."""

    columns: tuple[Name, ...]
    labels: bool
    kind: Kind


@dataclass(frozen=True, slots=True)
class Cost(Node):
    """``FALSE NEGATIVES OF label COST cost``; ``error`` is ``negatives`` or ``positives``."""

    error: str
    label: Value
    cost: float


@dataclass(frozen=True, slots=True)
class Mistaking(Node):
    """``MISTAKING actual FOR predicted COSTS cost``."""

    actual: Value
    predicted: Value
    cost: float


@dataclass(frozen=True, slots=True)
class Monotone(Node):
    """``target RISES WITH columns``; ``direction`` is ``rises`` or ``falls``."""

    target: Name
    direction: str
    columns: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Interaction(Node):
    """``left INTERACTS WITH right``."""

    left: Name
    right: Name


@dataclass(frozen=True, slots=True)
class Derived(Node):
    """``name = (sql)``: a new column."""

    name: Name
    sql: Sql


FactBody: TypeAlias = Trait | Cost | Mistaking | Monotone | Interaction | Derived


@dataclass(frozen=True, slots=True)
class Fact(Commented):
    """A belief (``certainly``, ``likely``, ``maybe``; None if unwritten), what is believed, and why."""

    belief: str | None
    body: FactBody
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Knowing(Commented):
    """``KNOWING fact, fact``."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class UsingKnowledge(Commented):
    """``USING KNOWLEDGE pack, pack``."""

    names: tuple[Name, ...]


# --- wishes and bounds ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Intent(Node):
    """A wish in the user's words and what narrows it: TO, ACROSS, IN, WITHIN, BY."""

    name: str
    to: Name | None = None
    across: tuple[Name, ...] = ()
    columns: tuple[Name, ...] = ()
    within: Quantity | None = None
    by: Op | None = None


@dataclass(frozen=True, slots=True)
class Bound(Node):
    """A measurable requirement; ``op`` is one of ``>= <= > < =``."""

    metric: Metric
    op: str
    quantity: Quantity
    where: Sql | None = None
    confidence: Quantity | None = None
