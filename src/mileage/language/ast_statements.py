"""The statements of a script, and the edits of a REFINE.

Other folders take them from :mod:`mileage.language.ast`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from mileage.core.units import Quantity
from mileage.language.ast_clauses import Clause, Fact, Source, Task
from mileage.language.ast_parts import Assign, Chain, Commented, Metric, Name, Node, Op, Ref, Sql

C = TypeVar("C", bound=Commented)


@dataclass(frozen=True, slots=True)
class Predict(Commented):
    """The query: targets, an optional task, and clauses in the order written.

    Examples
    --------
    >>> from mileage.language.ast import Budget, Seed
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


@dataclass(frozen=True, slots=True)
class Attach(Commented):
    """``ATTACH 'file' [AS name]``: the tables of a database file become tables of the project."""

    path: str
    name: Name | None = None


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
    | Attach
)


@dataclass(frozen=True, slots=True)
class Script(Commented):
    """Statements in order; ``comments`` are those after the last one."""

    statements: tuple[Statement, ...]
