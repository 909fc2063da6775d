"""All mistakes of a script in one pass: statements are bound to their data, nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.near import near_matches
from mileage.errors import BindError, MileError, NotYetError, QueryError
from mileage.language import apply_refine, ast, format_query, parse_query
from mileage.planner import LogicalPlan, bind
from mileage.session.attachments import attach
from mileage.session.known_data import known_profile
from mileage.session.refs import query_record
from mileage.session.statements.names import statement_mistakes

if TYPE_CHECKING:
    from mileage.session.session import Session

_HINTS = {
    "backend": "backend",
    "strategy": "search strategy",
    "off": "rule of the optimizer",
    "exactness": "class of exactness",
}


def script_mistakes(session: Session, script: ast.Script, text: str) -> tuple[Diagnostic, ...]:
    """Return the mistakes of all statements, in the order of the text."""
    return tuple(found for _, found in _Checker(session, text).check(script.statements))


def refuse_mistakes(session: Session, script: ast.Script, text: str) -> None:
    """Raise the mistakes of a script before its first statement runs.

    What is wrong with the data of a later statement is left to that statement: an earlier one may make the file.

    Raises
    ------
    BindError, NotYetError
    """
    checker = _Checker(session, text)
    # The first statement is checked when it runs, at once; to bind its data twice would only cost time.
    alone = len(script.statements) == 1
    found = checker.check(script.statements, bind_first=not alone)
    wrong = [d for d, _ in ((d, s) for s, d in found) if not d.code.startswith(("D", "R"))]
    if wrong:
        kind = NotYetError if all(d.code.startswith("E3") for d in wrong) else BindError
        raise kind(wrong, source=text)


class _Checker:
    """Checks statements in their order; a query that REFINE edits may be one of the script itself."""

    def __init__(self, session: Session, text: str) -> None:
        self.session, self.text = session, text
        self.last: tuple[ast.Predict, str] | None = None
        self.made: set[str] = set()

    def check(
        self, statements: tuple[ast.Statement, ...], *, bind_first: bool = True
    ) -> list[tuple[ast.Statement, Diagnostic]]:
        """Return each mistake with its statement."""
        found: list[tuple[ast.Statement, Diagnostic]] = []
        for at, statement in enumerate(statements):
            problems = list(statement_mistakes(statement, self.text))
            if not problems and (at > 0 or bind_first):
                problems = list(self._of(statement))
            found += [(statement, problem) for problem in problems]
        return found

    def _of(self, statement: ast.Statement) -> Iterator[Diagnostic]:
        match statement:
            case ast.Predict():
                self.last = (statement, self.text)
                yield from self._query(statement, self.text)
            case ast.Explain(subject=ast.Predict() as query):
                yield from self._query(query, self.text)
            case ast.Refine():
                yield from self._refine(statement)
            case ast.Attach(path=path, name=name):
                try:
                    alias = name.text if name is not None else None
                    attach(self.session.project, self.session.database, path, alias, remember=False)
                except MileError as error:
                    yield Diagnostic(error.code, error.message, statement.span, hint=error.hint)
            case ast.Apply(into=str(into)):
                self.made.add(into)

    def _query(self, query: ast.Predict, text: str) -> Iterator[Diagnostic]:
        source = query.clause(ast.From)
        if source is not None and isinstance(source.source, ast.FileSource) and source.source.path in self.made:
            return  # an earlier statement will have written it
        try:
            bound(self.session, query, text)
        except QueryError as error:
            yield from error.diagnostics
        except MileError as error:
            yield Diagnostic(error.code, error.message, query.span, hint=error.hint)

    def _refine(self, statement: ast.Refine) -> Iterator[Diagnostic]:
        """Check the edited query; its places are in its own text, so a report stands at the edit."""
        try:
            if self.last is not None and statement.ref.name.lower() == "last":
                before = self.last[0]
            elif self.last is not None:
                return  # it may name a query that the script will have made
            else:
                before = parse_query(query_record(self.session, statement.ref).text)
            edited = edit(before, statement)
        except QueryError as error:
            yield from error.diagnostics
            return
        except MileError as error:
            yield Diagnostic(error.code, error.message, statement.ref.span, hint=error.hint)
            return
        text = format_query(edited)
        self.last = (parse_query(text), text)
        for problem in self._query(*self.last):
            yield replace(problem, span=statement.span, fixes=())


def edit(before: ast.Predict, statement: ast.Refine) -> ast.Predict:
    """Return the edited query; a PIN that takes what the last answer chose changes no name, and is passed over.

    Raises
    ------
    BindError
        If an edit names what is not there, or adds what is.
    """
    deltas = [d for d in statement.deltas if not isinstance(d, ast.Pin) or d.chain is not None]
    check_added(before, statement)
    return apply_refine(before, deltas)


def check_added(before: ast.Predict, statement: ast.Refine) -> None:
    """Refuse ``ADD WITH SLOT = ...`` where the query says already what the slot is."""
    slots = {a.slot.text.casefold(): a for clause in before.clauses_of(ast.With) for a in clause.assignments}
    for delta in statement.deltas:
        if isinstance(delta, ast.Add) and isinstance(delta.clause, ast.With):
            for assign in delta.clause.assignments:
                if assign.slot.text.casefold() in slots:
                    slot = assign.slot.text.upper()
                    hint = f"write SET WITH {slot} = ... in its place"
                    message = f"the query says already what {slot} is"
                    raise BindError([Diagnostic("E261", message, delta.span, hint=hint)])


def bound(session: Session, query: ast.Predict, text: str) -> LogicalPlan:
    """Return the logical plan of a query, its hints checked against what this session can do.

    Raises
    ------
    BindError, NotYetError, DataError
    """
    problems = tuple(_hint_mistakes(query))
    try:
        plan = bind(query, session.database, source=text, look=partial(known_profile, session.store))
    except QueryError as error:
        if not problems:
            raise
        raise BindError((*error.diagnostics, *problems), source=text) from None
    if problems:
        raise BindError(problems, source=text)
    return plan


def _hint_mistakes(query: ast.Predict) -> Iterator[Diagnostic]:
    """Yield what is wrong with the values of HINT: the planner knows no backend, strategy or rule."""
    for clause in query.clauses_of(ast.Hint):
        for option in clause.options:
            if option.name not in _HINTS or option.value is None:
                continue
            known, value = hint_values(option.name), str(ast.plain(option.value))
            why = _why_not(option.name, value)
            if value in known:
                continue
            near, span = near_matches(value, known, at_most=1), option.span
            fixes = (Fix(span, f"{option.name} = {near[0]}"),) if near and span is not None else ()
            message = f"no {_HINTS[option.name]} '{value}'"
            yield Diagnostic("E215", message, span, () if why else fixes, why or f"known: {', '.join(known)}")


def _why_not(hint: str, value: str) -> str | None:
    """Return why another distribution's backend or strategy of this name is not there, or None."""
    from mileage.engine import backends
    from mileage.search import strategies

    return {"backend": backends.why_not, "strategy": strategies.why_not}.get(hint, lambda _: None)(value)


def hint_values(hint: str) -> tuple[str, ...]:
    """Return what a hint may be, none for one that is a number."""
    if hint not in _HINTS:
        return ()
    if hint == "backend":
        from mileage.engine import backends

        return tuple(backends.names())
    if hint == "strategy":
        from mileage.search import strategies

        return tuple(strategies.names())
    if hint == "exactness":
        from mileage.core.exactness import FLOORS

        return FLOORS
    from mileage.optimizer.batches import BATCHES

    return tuple(rule.__name__ for _, rules in BATCHES for rule in rules)
