"""Text to trees: parse a script or a query, or check it and get every mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.diagnostics import Diagnostic
from mileage.core.spans import Span
from mileage.errors import ParseError
from mileage.language import ast
from mileage.language.automaton import END, automaton
from mileage.language.scan import scan

if TYPE_CHECKING:
    from mileage.language.scan import Trace


def parse(text: str, *, name: str = "query") -> ast.Script:
    """Return the tree of a script.

    Raises
    ------
    ParseError
        If the text is not MILEAGE; it holds one diagnostic for each mistake. ``name`` is the text's name in them.

    Examples
    --------
    >>> script = parse("PREDICT y FROM 'a.csv'; SHOW history")
    >>> [type(statement).__name__ for statement in script.statements]
    ['Predict', 'Show']
    """
    script, problems = read(text)
    if problems:
        raise ParseError(problems, source=text, name=name)
    assert script is not None
    return script


def parse_query(text: str, *, name: str = "query") -> ast.Predict:
    """Return the tree of a text that is one PREDICT statement.

    Examples
    --------
    >>> parse_query("PREDICT y FROM t SEED 7").clause(ast.Seed).value
    7
    """
    script = parse(text, name=name)
    match script.statements:
        case (ast.Predict() as query,):
            return query
        case ():
            problem = Diagnostic("E102", "the text is empty: a query begins with PREDICT", Span(0, len(text)))
        case (_, second, *_):
            problem = Diagnostic("E106", "one query is wanted here, not a script", second.span)
        case (other,):
            problem = Diagnostic("E106", "a query is wanted here: it begins with PREDICT", other.span)
    raise ParseError([problem], source=text, name=name)


def check(text: str) -> tuple[Diagnostic, ...]:
    """Return every mistake of a text, in the order of their places; empty if it parses.

    Examples
    --------
    >>> [(d.code, d.fixes[0].text) for d in check("PREDICT y FORM t BUDGT 2 min")]
    [('E101', 'FROM'), ('E101', 'BUDGET')]
    """
    return read(text)[1]


def read(text: str) -> tuple[ast.Script | None, tuple[Diagnostic, ...]]:
    """Return the tree, as far as the text can be repaired, and every mistake."""
    from mileage.language.recovery import repair

    trace = scan(automaton(), text)
    if trace.bad is None:
        return _tree(text, trace)
    repaired, problems = repair(text, trace)
    trace = scan(automaton(), repaired.text)
    if trace.bad is not None:
        return None, problems
    script, more = _tree(repaired.text, trace)
    # After a guess, what stands twice may be of the guess's making: only mistakes in numbers are sure.
    sure = all(problem.fixes for problem in problems)
    moved = tuple(repaired.back(problem) for problem in more if sure or problem.code == "E104")
    return script, tuple(sorted((*problems, *moved), key=lambda d: d.span.start if d.span else 0))


def _tree(text: str, trace: Trace) -> tuple[ast.Script, tuple[Diagnostic, ...]]:
    from lark import Token

    from mileage.language.build import Builder
    from mileage.language.comments import attach
    from mileage.language.lexer import Comment, skip_blank

    interactive = automaton().lark.parse_interactive("")
    comments: list[Comment] = []
    at = 0
    tree: Any = None
    for step in trace.steps:
        token = step.token
        skip_blank(text, at, comments)
        at = token.end
        place = {"start_pos": token.start, "end_pos": token.end, "line": 0, "column": 0, "end_line": 0, "end_column": 0}
        if token.kind == END:
            tree = interactive.feed_eof()  # type: ignore[no-untyped-call]  # Lark has no annotation there
        else:
            interactive.feed_token(Token(token.kind, token.text, **place))
    builder = Builder()
    script: ast.Script = builder.build(tree)
    starts = [step.token.start for step in trace.steps if step.token.kind != END]
    return attach(script, comments, starts), tuple(builder.problems)
