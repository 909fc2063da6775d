"""Clauses as text: the keyword, and the items that follow it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from mileage.core.quoting import quoted
from mileage.language import ast
from mileage.language import printer_base as p

WIDTH = 88
T = TypeVar("T", bound=ast.Commented)


def clause_lines(item: ast.Clause) -> list[str]:
    """Return a clause, its comments before it."""
    return [*comment_lines(item.comments), *_body(item)]


def comment_lines(comments: tuple[str, ...]) -> list[str]:
    """Return comments, each on its own lines."""
    lines: list[str] = []
    for text in comments:
        parts = text.splitlines() or [""]
        if len(parts) == 1 or "*/" in text:
            lines += [f"-- {part}".rstrip() for part in parts]
        else:
            lines += [f"/* {parts[0]}".rstrip(), *parts[1:-1], f"{parts[-1]} */"]
    return lines


def _body(item: ast.Clause) -> list[str]:
    match item:
        case ast.Knowing():
            return fact_lines("KNOWING ", item.facts)
        case ast.Prefer():
            return _noted("PREFER ", item.intents, intent)
        case ast.Require():
            return _noted("REQUIRE ", item.items, _requirement)
        case ast.With():
            return _noted("WITH ", item.assignments, p.assign)
        case ast.Without():
            return _listed("WITHOUT ", [p.op(o) for o in item.ops])
        case ast.Excluding():
            return _listed("EXCLUDING ", [p.word(n) for n in item.columns])
        case ast.Budget():
            return _listed("BUDGET ", [budget_item(i) for i in item.items])
        case ast.Features():
            lines = _listed("FEATURES (", [p.word(n) for n in item.columns])
            return [*lines[:-1], f"{lines[-1]})"]
        case _:
            return [_line(item)]


def _line(item: ast.Clause) -> str:
    match item:
        case ast.From():
            return f"FROM {p.source(item.source)}"
        case ast.Validate():
            return _validate(item)
        case ast.Optimize():
            return "OPTIMIZE " + " THEN ".join(", ".join(p.metric(m) for m in level) for level in item.metrics)
        case ast.UsingKnowledge():
            return f"USING KNOWLEDGE {p.words(item.names)}"
        case ast.Reuse():
            names = ", ".join(p.word(n, p.REUSE_WORDS) for n in item.names)
            return f"REUSE {names if item.mode == 'views' else item.mode.upper()}"
        case ast.Return():
            return f"RETURN {item.n}{' DIVERSE' if item.diverse else ''} WORKFLOWS"
        case ast.Seed():
            return f"SEED {item.value}"
        case ast.Named():
            return f"NAMED {p.word(item.name)}"
        case ast.Hint():
            return f"HINT {p.params(item.options)}"
        case _:
            return "\n".join(_body(item))


def _listed(head: str, items: list[str]) -> list[str]:
    """Return the items on one line if they fit, else one on a line."""
    line = head + ", ".join(items)
    if len(line) <= WIDTH and "\n" not in line:
        return [line]
    indent = " " * len(head)
    lines = [f"{head if at == 0 else indent}{item}," for at, item in enumerate(items)]
    return [*lines[:-1], lines[-1][:-1]]


def fact_lines(head: str, facts: tuple[ast.Fact, ...]) -> list[str]:
    """Return facts, one on a line, under a keyword."""
    return _one_a_line(head, facts, fact)


def _noted(head: str, items: Sequence[T], write: Callable[[T], str]) -> list[str]:
    """Return items on one line if they fit and none has a comment, else one on a line."""
    if any(item.comments for item in items):
        return _one_a_line(head, items, write)
    return _listed(head, [write(item) for item in items])


def _one_a_line(head: str, items: Sequence[T], write: Callable[[T], str]) -> list[str]:
    indent = " " * len(head)
    lines = [head.rstrip()] if items[0].comments else []
    for at, item in enumerate(items):
        lines += [indent + line for line in comment_lines(item.comments)]
        comma = "," if at < len(items) - 1 else ""
        lines.append(f"{head if not lines else indent}{write(item)}{comma}")
    return lines


def _requirement(item: ast.Intent | ast.Bound) -> str:
    return bound(item) if isinstance(item, ast.Bound) else intent(item)


def _validate(item: ast.Validate) -> str:
    match item.method:
        case ast.Folds(n=n):
            text = f"BY {n} FOLDS"
        case ast.Holdout(size=size):
            text = f"BY HOLDOUT {p.quantity(size)}"
        case ast.Bootstrap(n=n):
            text = f"BY BOOTSTRAP {n}"
        case ast.On(source=source):
            return f"VALIDATE ON {p.source(source)}"
    text += f" KEEPING {p.words(item.together)} TOGETHER" if item.together else ""
    text += f" IN ORDER OF {p.word(item.order_by)}" if item.order_by is not None else ""
    text += f" STRATIFIED BY {p.words(item.stratified_by)}" if item.stratified_by else ""
    text += f" REPEAT {item.repeat}" if item.repeat is not None else ""
    text += f" CONFIRM {item.confirm}" if item.confirm is not None else ""
    text += " RESHUFFLED" if item.reshuffled else ""
    return f"VALIDATE {text}"


def budget_item(item: ast.BudgetItem) -> str:
    """Return one limit."""
    match item:
        case ast.BudgetQuantity(quantity=amount):
            return p.quantity(amount)
        case ast.Until():
            return f"UNTIL {p.metric(item.metric)} {item.op} {p.quantity(item.quantity)}"
        case ast.Patience(quantity=amount):
            return f"PATIENCE {p.quantity(amount)}"


def fact(item: ast.Fact) -> str:
    """Return a fact without its comments."""
    belief = "" if item.belief is None else f"{item.belief.upper()} "
    return f"{belief}{_fact_body(item.body)}{p.because(item.because)}"


def _fact_body(item: ast.FactBody) -> str:
    match item:
        case ast.Trait():
            first = "LABELS" if item.labels else ""
            names = [p.word(n, p.FACT_WORDS if at == 0 else frozenset()) for at, n in enumerate(item.columns)]
            be = "ARE" if item.labels or len(names) > 1 else "IS"
            return f"{first or ' AND '.join(names)} {be} {kind(item.kind)}"
        case ast.Cost():
            return f"FALSE {item.error.upper()} OF {p.value(item.label)} COST {p.short(item.cost)}"
        case ast.Mistaking():
            return f"MISTAKING {p.value(item.actual)} FOR {p.value(item.predicted)} COSTS {p.short(item.cost)}"
        case ast.Monotone():
            return f"{p.word(item.target, p.FACT_WORDS)} {item.direction.upper()} WITH {p.words(item.columns, ' AND ')}"
        case ast.Interaction():
            return f"{p.word(item.left, p.FACT_WORDS)} INTERACTS WITH {p.word(item.right)}"
        case ast.Derived():
            return f"{p.word(item.name, p.FACT_WORDS)} = {p.sql(item.sql)}"


def kind(item: ast.Kind) -> str:
    """Return what is said of columns."""
    upper = item.name.upper().replace("_", " ")
    match item.name:
        case "noisy":
            return f"NOISY {p.params(item.options)}".rstrip()
        case "missing":
            how = f" {item.mechanism.upper().replace('_', ' ')}" if item.mechanism else ""
            return f"MISSING{how}" + (f" CODED AS ({p.values(item.codes)})" if item.codes else "")
        case "proxy" if item.of is not None:
            return f"PROXY FOR {p.word(item.of)}"
        case "numeric":
            return upper if item.unit is None else f"NUMERIC IN {quoted(item.unit)}"
        case "ordinal":
            return f"ORDINAL ({p.values(item.values)})"
        case "between":
            return f"BETWEEN {item.low!r} AND {item.high!r}"
        case "known_only_after" if item.event is not None:
            return f"KNOWN ONLY AFTER {quoted(item.event)}"
        case _:
            return upper


def intent(item: ast.Intent) -> str:
    """Return a wish."""
    text = p.word(item.name)
    text += f" TO {p.word(item.to)}" if item.to is not None else ""
    text += f" ACROSS {p.words(item.across, ' AND ')}" if item.across else ""
    text += f" IN ({p.words(item.columns)})" if item.columns else ""
    text += f" WITHIN {p.quantity(item.within)}" if item.within is not None else ""
    return text + (f" BY {p.op(item.by)}" if item.by is not None else "")


def bound(item: ast.Bound) -> str:
    """Return a measurable requirement."""
    text = f"{p.metric(item.metric)} {item.op} {p.quantity(item.quantity)}"
    text += f" WHERE {p.sql(item.where)}" if item.where is not None else ""
    return text + (f" WITH CONFIDENCE {p.quantity(item.confidence)}" if item.confidence is not None else "")
