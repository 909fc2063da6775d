"""The tree of a MILEAGE text: frozen records that say what was written and nothing of what it means.

Every node knows its ``span`` in the text and its ``origin``; statements, deltas, clauses and facts carry the
``comments`` that were written at them. None of the three takes part in equality, so two texts with the same content
give equal trees. Lists are tuples, and every optional word is recorded. Next: :mod:`mileage.language.parser` makes
trees, :mod:`mileage.language.printer` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

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


# --- wishes, limits, space ------------------------------------------------------------------------------------------


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
C = TypeVar("C", bound=Commented)

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


# --- statements -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Predict(Commented):
    """The query: targets, an optional task, and clauses in the order written.

    Examples
    --------
    >>> query = Predict((Name("y"),), None, (Seed(7),))
    >>> query.clause(Seed).value, query.clause(Budget)
    (7, None)
    """

    targets: tuple[Name, ...]
    task: Task | None = None
    clauses: tuple[Clause, ...] = ()

    def clause(self, kind: type[C]) -> C | None:
        """Return the first clause of a type, or None."""
        return next((clause for clause in self.clauses if isinstance(clause, kind)), None)

    def clauses_of(self, kind: type[C]) -> tuple[C, ...]:
        """Return all clauses of a type, in the order written."""
        return tuple(clause for clause in self.clauses if isinstance(clause, kind))


@dataclass(frozen=True, slots=True)
class Add(Commented):
    """``ADD clause``."""

    clause: Clause


@dataclass(frozen=True, slots=True)
class Set(Commented):
    """``SET clause``: in the place of what it names: the same slot, bound, wish or fact, else the whole clause."""

    clause: Clause


@dataclass(frozen=True, slots=True)
class Drop(Commented):
    """``DROP #k3`` or ``DROP clause``; exactly one of the two is given, the handle without ``#``."""

    handle: str | None = None
    clause: Clause | None = None


@dataclass(frozen=True, slots=True)
class Pin(Commented):
    """``PIN SLOT [= chain]``: without a chain, to what the last answer chose."""

    slot: Name
    chain: Chain | None = None


@dataclass(frozen=True, slots=True)
class Unpin(Commented):
    """``UNPIN SLOT``."""

    slot: Name


@dataclass(frozen=True, slots=True)
class Accept(Commented):
    """``ACCEPT @s1, @s2``."""

    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Reject(Commented):
    """``REJECT @s1 [BECAUSE '...']``."""

    refs: tuple[Ref, ...]
    because: str | None = None


Delta: TypeAlias = Add | Set | Drop | Pin | Unpin | Accept | Reject


@dataclass(frozen=True, slots=True)
class Refine(Commented):
    """``REFINE ref delta delta``."""

    ref: Ref
    deltas: tuple[Delta, ...]


@dataclass(frozen=True, slots=True)
class Decide(Commented):
    """A statement of its own that accepts or rejects suggestions."""

    decision: Accept | Reject


@dataclass(frozen=True, slots=True)
class StepView(Node):
    """``STEP slot OF ref``: the prefix of a workflow up to a step."""

    slot: Name
    ref: Ref


@dataclass(frozen=True, slots=True)
class CreateView(Commented):
    """``CREATE [MATERIALIZED] VIEW name AS body``."""

    name: Name
    body: Sql | StepView
    materialized: bool = False


@dataclass(frozen=True, slots=True)
class IntentEffect(Node):
    """One effect of a defined intent; ``level`` is ``space``, ``train``, ``objective``, ``post``, ``probe`` or ``report``."""

    level: str
    op: Op


@dataclass(frozen=True, slots=True)
class DefineIntent(Commented):
    """``DEFINE INTENT name AS (effect, ...)``."""

    name: Name
    effects: tuple[IntentEffect, ...]


@dataclass(frozen=True, slots=True)
class DefineKnowledge(Commented):
    """``DEFINE KNOWLEDGE name AS fact, ...``."""

    name: Name
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Explain(Commented):
    """``EXPLAIN [what] subject``; ``what`` is plan, space, intents, knowledge, cost, conflicts, data or None."""

    what: str | None
    subject: Predict | Ref


@dataclass(frozen=True, slots=True)
class ExplainWhy(Commented):
    """``EXPLAIN WHY [NOT] subject``."""

    negated: bool
    subject: Ref | Op


@dataclass(frozen=True, slots=True)
class ExplainPrediction(Commented):
    """``EXPLAIN PREDICTION FOR (rows) BY ref``."""

    rows: Sql
    ref: Ref


@dataclass(frozen=True, slots=True)
class Suggest(Commented):
    """``SUGGEST [count] [ABOUT topic] [FOR ref]``."""

    count: int | None = None
    about: Name | None = None
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Compare(Commented):
    """``COMPARE refs [ON metrics] [BY columns]``."""

    refs: tuple[Ref, ...]
    metrics: tuple[Metric, ...] = ()
    by: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Show(Commented):
    """``SHOW what [OF ref]``."""

    what: Name
    of: Ref | None = None


@dataclass(frozen=True, slots=True)
class Pause(Commented):
    """``PAUSE``."""


@dataclass(frozen=True, slots=True)
class Resume(Commented):
    """``RESUME``."""


@dataclass(frozen=True, slots=True)
class Stop(Commented):
    """``STOP``."""


@dataclass(frozen=True, slots=True)
class ExtendBudget(Commented):
    """``EXTEND BUDGET BY quantity``."""

    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Focus(Commented):
    """``FOCUS SLOT = chain``."""

    assign: Assign


@dataclass(frozen=True, slots=True)
class Prune(Commented):
    """``PRUNE SLOT = chain``."""

    assign: Assign


@dataclass(frozen=True, slots=True)
class Export(Commented):
    """``EXPORT ref TO 'path' [AS format]``."""

    ref: Ref
    path: str
    format: Name | None = None


@dataclass(frozen=True, slots=True)
class Apply(Commented):
    """``APPLY ref TO source [INTO 'path']``."""

    ref: Ref
    source: Source
    into: str | None = None


Define: TypeAlias = DefineIntent | DefineKnowledge
Statement: TypeAlias = (
    Predict
    | Refine
    | Decide
    | CreateView
    | DefineIntent
    | DefineKnowledge
    | Explain
    | ExplainWhy
    | ExplainPrediction
    | Suggest
    | Compare
    | Show
    | Pause
    | Resume
    | Stop
    | ExtendBudget
    | Focus
    | Prune
    | Export
    | Apply
)


@dataclass(frozen=True, slots=True)
class Script(Commented):
    """Statements in order; ``comments`` are those after the last one."""

    statements: tuple[Statement, ...]
