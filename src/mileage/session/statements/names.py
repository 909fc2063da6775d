"""Names in statements that are known without data: what can be shown, explained and exported, and what is later work."""

from __future__ import annotations

from collections.abc import Iterator

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.near import near_matches
from mileage.language import ast

SHOWN = ("leaderboard", "workflows", "data", "history", "query", "tables", "search")
SHOWN_LATER = ("coverage", "slices", "lineage")
EXPLAINED = ("plan", "space", "data")
FORMATS = ("sklearn", "skops")
_EXECUTED = (ast.Predict, ast.Refine, ast.Explain, ast.Show, ast.Compare, ast.Apply, ast.Export, ast.Attach)
_VERBS = "PREDICT, REFINE, EXPLAIN, SHOW, COMPARE, APPLY, EXPORT and ATTACH are executed"


def statement_mistakes(statement: ast.Commented, text: str) -> Iterator[Diagnostic]:
    """Yield what a statement has wrong by itself: E302 for what this version does not execute, else unknown names."""
    if not isinstance(statement, _EXECUTED):
        word = _first_words(statement, text)
        yield Diagnostic("E302", f"{word} is not executed yet", statement.span, hint=_VERBS)
    elif isinstance(statement, ast.Explain) and statement.what not in (None, *EXPLAINED):
        message = f"EXPLAIN {str(statement.what).upper()} is not executed yet"
        yield Diagnostic("E302", message, statement.span, hint="EXPLAIN PLAN, SPACE and DATA are")
    elif isinstance(statement, ast.Compare):
        yield from _compare(statement)
    elif isinstance(statement, ast.Show):
        yield from _show(statement)
    elif isinstance(statement, ast.Export) and statement.format is not None:
        yield from _unknown("E216", "export format", statement.format, FORMATS)
    elif isinstance(statement, ast.Refine):
        yield from _refine(statement)


def _first_words(statement: ast.Commented, text: str) -> str:
    if isinstance(statement, ast.ExplainWhy):
        return "EXPLAIN WHY"
    if isinstance(statement, ast.ExplainPrediction):
        return "EXPLAIN PREDICTION"
    written = text[statement.span.start :].split() if statement.span is not None and text else []
    return (written or [type(statement).__name__])[0].strip(";").upper()


def _compare(statement: ast.Compare) -> Iterator[Diagnostic]:
    if statement.by:
        yield Diagnostic("E302", "COMPARE ... BY is not executed yet", statement.by[0].span, hint="leave BY out")
    if len(statement.refs) < 2:
        yield Diagnostic("E220", "COMPARE needs two workflows", statement.span, hint="for example COMPARE @w1, @w2")


def _show(statement: ast.Show) -> Iterator[Diagnostic]:
    name = statement.what.text.lower()
    if name in SHOWN_LATER:
        hint = f"executed: {', '.join(SHOWN)}"
        yield Diagnostic("E302", f"SHOW {name} is not executed yet", statement.span, hint=hint)
    elif f"{name}s" not in SHOWN:
        yield from _unknown("E217", "topic of SHOW", statement.what, SHOWN)


def _refine(statement: ast.Refine) -> Iterator[Diagnostic]:
    for delta in statement.deltas:
        if isinstance(delta, ast.Accept | ast.Reject):
            word = type(delta).__name__.upper()
            hint = "suggestions are later work: write the change itself, as ADD, SET or DROP"
            yield Diagnostic("E302", f"REFINE ... {word} is not executed yet", delta.span, hint=hint)


def _unknown(code: str, what: str, name: ast.Name, known: tuple[str, ...]) -> Iterator[Diagnostic]:
    if name.text.lower() in known:
        return
    near = near_matches(name.text, known, at_most=1)
    fixes = (Fix(name.span, near[0]),) if near and name.span is not None else ()
    yield Diagnostic(code, f"no {what} '{name.text}'", name.span, fixes, f"known: {', '.join(known)}")
