"""Queries from Python: each method returns a new query with one clause more.

Texts inside are MILEAGE (``"logistic | hist_gbm"``, ``"recall('lung') >= 0.90"``), so nothing can be said here that the
language cannot say, and ``str(query)`` prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mileage.core.quoting import quoted
from mileage.core.units import Quantity
from mileage.errors import MileError
from mileage.language import ast
from mileage.language import fragments as f
from mileage.language.lexer import FILE_ENDINGS
from mileage.language.printer import format_query
from mileage.language.printer_base import value, word

Number = int | float


@dataclass(frozen=True, slots=True)
class QueryBuilder:
    """A query that is being written; ``query`` is its tree, ``frames`` the host's tables in it, ``runner`` what runs it.

    Examples
    --------
    >>> print(predict("y").from_("a.csv").prefer("interpretable", within="2%").budget("10 min", trials=20))
    PREDICT y FROM 'a.csv'
    PREFER interpretable WITHIN 2%
    BUDGET 10 min, 20 trials
    """

    query: ast.Predict
    frames: Mapping[str, Any] = field(default_factory=dict)
    runner: Callable[..., Any] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return format_query(self.query)

    def run(self, session: Any = None, **options: Any) -> Any:
        """Run the query; the language itself runs nothing, so what ``mileage.predict`` begins brings its runner."""
        if self.runner is None:
            message = "nothing is set to run this query"
            raise MileError(message, hint="begin it with mileage.predict(...), or give it to session.run(...)")
        return self.runner(self, session, **options)

    def _with(self, *clauses: ast.Clause) -> QueryBuilder:
        """Return a copy with clauses: one that stands once is replaced, the items of the others are joined."""
        kept = self.query.clauses
        for clause in clauses:
            if type(clause) in ast.ONCE:
                kept = tuple(old for old in kept if type(old) is not type(clause))
            kept = (*kept, clause)
        return replace(self, query=replace(self.query, clauses=kept))

    # problem

    def from_(self, source: Any, *, name: str = "frame") -> QueryBuilder:
        """Take the rows from a file, a table, a ``(SELECT ...)`` or a frame of this program.

        A text with a slash, a star or a file's ending is a file; one in parentheses is SQL; any other, such as
        ``shop.orders``, is a table.
        """
        found, frames = _source(source, name)
        return replace(self._with(ast.From(found)), frames={**self.frames, **frames})

    def features(self, *columns: str) -> QueryBuilder:
        """Use these columns only."""
        return self._with(ast.Features(_names(columns)))

    def excluding(self, *columns: str) -> QueryBuilder:
        """Use all columns but these."""
        return self._with(ast.Excluding(_names(columns)))

    def validate(  # noqa: PLR0913
        self,
        *,
        folds: int | None = None,
        holdout: str | Number | None = None,
        bootstrap: int | None = None,
        on: Any = None,
        together: str | tuple[str, ...] | list[str] = (),
        in_order_of: str | None = None,
        stratified_by: str | tuple[str, ...] | list[str] = (),
        repeat: int | None = None,
        confirm: int | None = None,
        reshuffled: bool = False,
    ) -> QueryBuilder:
        """Say how workflows are scored: exactly one of folds, holdout, bootstrap and on.

        ``confirm`` is on how many fresh deals of the rows the best ones are scored again; ``reshuffled`` deals the rows anew
        for each workflow.
        """
        method, frames = _method(folds, holdout, bootstrap, on)
        order_by = None if in_order_of is None else ast.Name(in_order_of)
        names = (_names(_many(together)), order_by, _names(_many(stratified_by)))
        clause = ast.Validate(method, *names, repeat, confirm, reshuffled)
        return replace(self._with(clause), frames={**self.frames, **frames})

    def optimize(self, *metrics: str, then: str | tuple[str, ...] | list[str] = ()) -> QueryBuilder:
        """Optimize metrics at once; those of ``then`` decide among equals, one after the other."""
        levels = [", ".join(metrics), *_many(then)]
        return self._with(ast.Optimize(f.levels_of(" THEN ".join(levels), where="optimize")))

    # domain knowledge and wishes

    def know(self, *facts: str | ast.Fact | FactBuilder) -> QueryBuilder:
        """State facts: as text, or from :func:`col` and its like."""
        return self._with(ast.Knowing(tuple(found for fact in facts for found in _facts(fact))))

    def using_knowledge(self, *packs: str) -> QueryBuilder:
        """Use packs of knowledge by name."""
        return self._with(ast.UsingKnowledge(_names(packs)))

    def prefer(
        self,
        *intents: str,
        to: str | None = None,
        across: str | tuple[str, ...] | list[str] = (),
        columns: str | tuple[str, ...] | list[str] = (),
        within: str | Number | None = None,
        by: str | None = None,
    ) -> QueryBuilder:
        """Wish for something; the keyword arguments narrow the last wish named."""
        text = ", ".join(intents)
        text += "" if to is None else f" TO {word(to)}"
        text += f" ACROSS {' AND '.join(word(c) for c in _many(across))}" if across else ""
        text += f" IN ({', '.join(word(c) for c in _many(columns))})" if columns else ""
        text += "" if within is None else f" WITHIN {within}"
        text += "" if by is None else f" BY {by}"
        return self._with(f.clause_of(ast.Prefer, f"PREFER {text}", where="prefer"))

    def require(self, *items: str, where: str | None = None, confidence: str | Number | None = None) -> QueryBuilder:
        """Demand something measurable; ``where`` and ``confidence`` (0.95 or "95%") belong to the last item."""
        text = ", ".join(items)
        text += "" if where is None else f" WHERE ({where})"
        text += "" if confidence is None else f" WITH CONFIDENCE {confidence}"
        return self._with(f.clause_of(ast.Require, f"REQUIRE {text}", where="require"))

    # space and budget

    def with_(self, **slots: str | ast.Chain) -> QueryBuilder:
        """Fix or narrow slots, as in ``with_(model="logistic | hist_gbm")``."""
        assigned = tuple(
            ast.Assign(ast.Name(slot), chain if isinstance(chain, ast.Chain) else f.chain_of(chain, where=slot))
            for slot, chain in slots.items()
        )
        return self._with(ast.With(assigned))

    def without(self, *ops: str) -> QueryBuilder:
        """Leave operators out."""
        return self._with(ast.Without(f.ops_of(", ".join(ops), where="without")))

    def reuse(self, *views: str) -> QueryBuilder:
        """Reuse ``"auto"``, ``"everything"``, ``"nothing"``, or views by name."""
        if len(views) == 1 and views[0] in ("auto", "everything", "nothing"):
            return self._with(ast.Reuse(views[0]))
        return self._with(ast.Reuse("views", _names(views)))

    def budget(
        self, *limits: str, trials: int | None = None, until: str | None = None, patience: str | None = None
    ) -> QueryBuilder:
        """Limit the search: quantities such as ``"10 min"``, a number of trials, a goal, a patience."""
        items = [*limits]
        items += [] if trials is None else [f"{trials} trials"]
        items += [] if until is None else [f"UNTIL {until}"]
        items += [] if patience is None else [f"PATIENCE {patience}"]
        return self._with(f.clause_of(ast.Budget, f"BUDGET {', '.join(items)}", where="budget"))

    # results and execution

    def returning(self, n: int, *, diverse: bool = False) -> QueryBuilder:
        """Ask for the best ``n`` workflows."""
        return self._with(ast.Return(n, diverse))

    def seed(self, number: int) -> QueryBuilder:
        """Fix the seed."""
        return self._with(ast.Seed(number))

    def named(self, name: str) -> QueryBuilder:
        """Give the query a name."""
        return self._with(ast.Named(ast.Name(name)))

    def hint(self, **options: str | Number | bool) -> QueryBuilder:
        """Give physical advice, as in ``hint(workers=4)``."""
        return self._with(ast.Hint(tuple(ast.Param(name, option) for name, option in options.items())))

    def note(self, text: str) -> QueryBuilder:
        """Write a comment above the query."""
        return replace(self, query=replace(self.query, comments=(*self.query.comments, text)))


def predict(*targets: str, task: str | None = None) -> QueryBuilder:
    """Begin a query.

    Examples
    --------
    >>> print(predict("price", task="regression").from_("houses").excluding("listing_id"))
    PREDICT price AS REGRESSION FROM houses
    EXCLUDING listing_id
    """
    return QueryBuilder(ast.Predict(_names(targets), None if task is None else ast.Task(task.lower())))


@dataclass(frozen=True, slots=True)
class FactBuilder:
    """Facts of columns: each method states one, as in ``col("age").noisy(sd="5%")``.

    Examples
    --------
    >>> print(predict("y").from_("t").know(col("age", "packs").noisy(sd="5%"), col("sex").likely().sensitive()))
    PREDICT y FROM t
    KNOWING age AND packs ARE NOISY (sd = 5%),
            LIKELY sex IS SENSITIVE
    """

    subject: str
    belief: str = ""
    text: str = ""
    because: str | None = None

    def _is(self, kind: str, because: str | None = None) -> FactBuilder:
        return replace(self, text=f"{self.subject} {kind}", because=because)

    def likely(self) -> FactBuilder:
        """Let data overrule the fact."""
        return replace(self, belief="LIKELY ")

    def maybe(self) -> FactBuilder:
        """Make the fact a suggestion only."""
        return replace(self, belief="MAYBE ")

    def noisy(self, *, because: str | None = None, **options: str | Number) -> FactBuilder:
        """State noise, such as ``sd="5%"``."""
        text = ", ".join(f"{word(name)} = {option}" for name, option in options.items())
        return self._is(f"ARE NOISY ({text})" if text else "ARE NOISY", because)

    def missing(
        self, mechanism: str | None = None, *, codes: tuple[Any, ...] = (), because: str | None = None
    ) -> FactBuilder:
        """State missing values: ``"at random"``, ``"not at random"``, or coded by values."""
        how = f" {mechanism.upper().replace('_', ' ')}" if mechanism else ""
        coded = f" CODED AS ({', '.join(value(code) for code in codes)})" if codes else ""
        return self._is(f"ARE MISSING{how}{coded}", because)

    def leaky(self, *, because: str | None = None) -> FactBuilder:
        """State that the columns give the target away."""
        return self._is("ARE LEAKY", because)

    def sensitive(self, *, because: str | None = None) -> FactBuilder:
        """State that the columns are kept for audit only."""
        return self._is("ARE SENSITIVE", because)

    def important(self, *, because: str | None = None) -> FactBuilder:
        """State that the columns matter."""
        return self._is("ARE IMPORTANT", because)

    def irrelevant(self, *, because: str | None = None) -> FactBuilder:
        """State that the columns do not matter."""
        return self._is("ARE IRRELEVANT", because)

    def categorical(self, *, because: str | None = None) -> FactBuilder:
        """State that the values are categories."""
        return self._is("ARE CATEGORICAL", because)

    def between(self, low: Number, high: Number, *, because: str | None = None) -> FactBuilder:
        """State the range of the values."""
        return self._is(f"ARE BETWEEN {low!r} AND {high!r}", because)

    def known_only_after(self, event: str, *, because: str | None = None) -> FactBuilder:
        """State when the columns become known."""
        return self._is(f"ARE KNOWN ONLY AFTER {quoted(event)}", because)

    def rises_with(self, *columns: str, because: str | None = None) -> FactBuilder:
        """State that the column rises with others."""
        return self._is(f"RISES WITH {' AND '.join(word(c) for c in columns)}", because)

    def falls_with(self, *columns: str, because: str | None = None) -> FactBuilder:
        """State that the column falls with others."""
        return self._is(f"FALLS WITH {' AND '.join(word(c) for c in columns)}", because)


def col(*columns: str) -> FactBuilder:
    """Begin a fact of columns.

    Examples
    --------
    >>> print(predict("y").from_("t").know(col("age", "weight").noisy(sd="5%")))
    PREDICT y FROM t
    KNOWING age AND weight ARE NOISY (sd = 5%)
    """
    from mileage.language.printer_base import FACT_WORDS

    return FactBuilder(" AND ".join(word(column, FACT_WORDS) for column in columns))


def false_negatives(of: str | Number | bool, *, cost: float, because: str | None = None) -> ast.Fact:
    """State what it costs to miss a case of a class.

    Examples
    --------
    >>> print(predict("y").from_("t").know(false_negatives("lung", cost=10, because="fatal")))
    PREDICT y FROM t
    KNOWING FALSE NEGATIVES OF 'lung' COST 10 BECAUSE 'fatal'
    """
    return ast.Fact(None, ast.Cost("negatives", of, float(cost)), because)


def false_positives(of: str | Number | bool, *, cost: float, because: str | None = None) -> ast.Fact:
    """State what it costs to see a case of a class where there is none.

    Examples
    --------
    >>> print(predict("y").from_("t").know(false_positives("spam", cost=5)))
    PREDICT y FROM t
    KNOWING FALSE POSITIVES OF 'spam' COST 5
    """
    return ast.Fact(None, ast.Cost("positives", of, float(cost)), because)


def _facts(fact: str | ast.Fact | FactBuilder) -> tuple[ast.Fact, ...]:
    if isinstance(fact, ast.Fact):
        return (fact,)
    if isinstance(fact, str):
        return f.clause_of(ast.Knowing, f"KNOWING {fact}", where="know").facts
    found = f.clause_of(ast.Knowing, f"KNOWING {fact.belief}{fact.text}", where="know").facts
    return tuple(replace(item, because=fact.because) for item in found)


def _many(items: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (items,) if isinstance(items, str) else tuple(items)


def _names(columns: tuple[str, ...]) -> tuple[ast.Name, ...]:
    return tuple(ast.Name(column) for column in columns)


def _is_table(text: str) -> bool:
    """Say whether a text names a table: no path, and dots only as in ``shop.orders``."""
    parts = text.split(".")
    dotted = all(part.isidentifier() for part in parts) and parts[-1].casefold() not in FILE_ENDINGS
    return dotted if len(parts) > 1 else not any(sign in text for sign in "/*\\")


def _source(source: Any, name: str) -> tuple[ast.Source, dict[str, Any]]:
    if isinstance(source, str) and source.startswith("("):
        clause = f.clause_of(ast.From, f"FROM {source}", where="from_")
        return clause.source, {}
    if isinstance(source, str) and _is_table(source):
        return ast.TableSource(ast.Name(source)), {}
    if isinstance(source, str) or hasattr(source, "__fspath__"):
        return ast.FileSource(str(source)), {}
    return ast.FrameSource(name), {name: source}


def _method(
    folds: int | None,
    holdout: str | Number | None,
    bootstrap: int | None,
    on: Any,
) -> tuple[ast.Method, dict[str, Any]]:
    given = [item for item in (folds, holdout, bootstrap, on) if item is not None]
    if len(given) != 1:
        message = f"validate takes exactly one of folds, holdout, bootstrap and on; got {len(given)}"
        raise MileError(message, code="E111")
    if folds is not None:
        return ast.Folds(folds), {}
    if bootstrap is not None:
        return ast.Bootstrap(bootstrap), {}
    if holdout is not None:
        size = Quantity(holdout) if isinstance(holdout, int | float) else f.quantity_of(holdout, where="holdout")
        return ast.Holdout(size), {}
    source, frames = _source(on, "validation")
    return ast.On(source), frames


__all__ = ["FactBuilder", "QueryBuilder", "col", "false_negatives", "false_positives", "predict"]
