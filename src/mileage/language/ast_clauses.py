"""The clauses of a query, and the facts, wishes and limits that stand in them.

Other folders take them from :mod:`mileage.language.ast`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mileage.core.units import Quantity
from mileage.language.ast_parts import Assign, Commented, Metric, Name, Node, Op, Param, Sql, Value

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
    """``VALIDATE``: how workflows are scored; with ``CONFIRM`` the best ones again, on so many fresh deals of the rows.

    ``RESHUFFLED`` deals the rows anew for each workflow.
    """

    method: Method
    together: tuple[Name, ...] = ()
    order_by: Name | None = None
    stratified_by: tuple[Name, ...] = ()
    repeat: int | None = None
    confirm: int | None = None
    reshuffled: bool = False


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
class Intent(Commented):
    """A wish in the user's words and what narrows it: TO, ACROSS, IN, WITHIN, BY."""

    name: str
    to: Name | None = None
    across: tuple[Name, ...] = ()
    columns: tuple[Name, ...] = ()
    within: Quantity | None = None
    by: Op | None = None


@dataclass(frozen=True, slots=True)
class Bound(Commented):
    """A measurable requirement; ``op`` is one of ``>= <= > < =``."""

    metric: Metric
    op: str
    quantity: Quantity
    where: Sql | None = None
    confidence: Quantity | None = None


# --- limits and space ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prefer(Commented):
    """``PREFER intent, intent``."""

    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class Require(Commented):
    """``REQUIRE item, item``."""

    items: tuple[Intent | Bound, ...]


@dataclass(frozen=True, slots=True)
class With(Commented):
    """``WITH SLOT = chain, ...``."""

    assignments: tuple[Assign, ...]


@dataclass(frozen=True, slots=True)
class Without(Commented):
    """``WITHOUT op, op``."""

    ops: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class Reuse(Commented):
    """``REUSE``: ``mode`` is ``auto``, ``everything``, ``nothing``, or ``views`` with their names."""

    mode: str
    names: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class BudgetQuantity(Node):
    """A plain limit, such as ``10 min`` or ``200 trials``."""

    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Until(Node):
    """``UNTIL metric >= goal``."""

    metric: Metric
    op: str
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Patience(Node):
    """``PATIENCE 40 trials``: stop when nothing improved for so long."""

    quantity: Quantity


BudgetItem: TypeAlias = BudgetQuantity | Until | Patience


@dataclass(frozen=True, slots=True)
class Budget(Commented):
    """``BUDGET item, item``."""

    items: tuple[BudgetItem, ...]


@dataclass(frozen=True, slots=True)
class Return(Commented):
    """``RETURN n [DIVERSE] WORKFLOWS``."""

    n: int
    diverse: bool = False


@dataclass(frozen=True, slots=True)
class Seed(Commented):
    """``SEED value``."""

    value: int


@dataclass(frozen=True, slots=True)
class Named(Commented):
    """``NAMED name``."""

    name: Name


@dataclass(frozen=True, slots=True)
class Hint(Commented):
    """``HINT (options)``: physical advice that may not change what is admissible."""

    options: tuple[Param, ...]


Clause: TypeAlias = (
    From
    | Features
    | Excluding
    | Validate
    | Optimize
    | Knowing
    | UsingKnowledge
    | Prefer
    | Require
    | With
    | Without
    | Reuse
    | Budget
    | Return
    | Seed
    | Named
    | Hint
)

# Clauses that a query may have once; the items of the others are joined.
ONCE: tuple[type[Commented], ...] = (
    From,
    Features,
    Validate,
    Optimize,
    Budget,
    Reuse,
    Return,
    Seed,
    Named,
    Hint,
)

# The list of a clause whose items are joined, where it stands more than once.
ITEMS: dict[type[Commented], str] = {
    Excluding: "columns",
    Knowing: "facts",
    UsingKnowledge: "names",
    Prefer: "intents",
    Require: "items",
    With: "assignments",
    Without: "ops",
}
