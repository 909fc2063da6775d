"""What a query means for its identity: without names, comments, hints and the order of commutative items."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeAlias

from mileage.core.fingerprint import canonical, fingerprint
from mileage.core.units import Quantity
from mileage.language import ast

if TYPE_CHECKING:
    from mileage.core.fingerprint import Fingerprint

Meaning: TypeAlias = "None | bool | int | float | str | list[Meaning]"

# Fields whose items may be written in any order. PREFER and THEN rank, and >> is a sequence: they are not here.
_UNORDERED: dict[type[ast.Node], tuple[str, ...]] = {
    ast.Features: ("columns",),
    ast.Excluding: ("columns",),
    ast.Validate: ("together", "stratified_by"),
    ast.Knowing: ("facts",),
    ast.UsingKnowledge: ("names",),
    ast.Trait: ("columns",),
    ast.Monotone: ("columns",),
    ast.Kind: ("codes",),
    ast.Intent: ("across", "columns"),
    ast.Require: ("items",),
    ast.With: ("assignments",),
    ast.Without: ("ops",),
    ast.Choice: ("alternatives",),
    ast.SetDomain: ("values",),
    ast.Budget: ("items",),
    ast.Reuse: ("names",),
}
_NO_MEANING = frozenset({"span", "origin", "comments", "quoted"})
_NAMELESS = (ast.Named, ast.Hint)


def semantic_hash(query: ast.Predict) -> Fingerprint:
    """Return the identity of a query: the key of what was computed for it.

    Examples
    --------
    >>> from mileage.language import parse_query
    >>> one = parse_query("PREDICT y FROM t BUDGET 1 min, 2 GB NAMED first -- a note")
    >>> two = parse_query("PREDICT y BUDGET 2 GB, 60 s FROM t")
    >>> semantic_hash(one) == semantic_hash(two)
    True
    """
    task = None if query.task is None else meaning(query.task)
    return fingerprint("query", [meaning(name) for name in query.targets], task, _clauses(query))


def _clauses(query: ast.Predict) -> list[Meaning]:
    """Return the meaning of all clauses; two KNOWING clauses are one with the facts of both."""
    merged: dict[str, list[Meaning]] = {}
    others: list[Meaning] = []
    for clause in query.clauses:
        listed = ast.ITEMS.get(type(clause))
        if isinstance(clause, _NAMELESS):
            continue
        if listed is None:
            others.append(meaning(clause))
        else:
            merged.setdefault(type(clause).__name__, []).extend(meaning(item) for item in getattr(clause, listed))
    for name, items in merged.items():
        others.append([name, items if name == "Prefer" else _sorted(items)])
    return _sorted(others)


def meaning(item: object) -> Meaning:
    """Return a node as plain data in which equal meanings are equal."""
    if isinstance(item, ast.Name):
        return item.text
    if isinstance(item, Quantity):
        return _quantity(item)
    if isinstance(item, float):
        return item + 0.0  # a zero has no sign in a query: -0.0 is written and read as 0
    if item is None or isinstance(item, bool | int | str):
        return item
    if isinstance(item, tuple):
        return [meaning(part) for part in item]
    assert isinstance(item, ast.Node)
    if isinstance(item, ast.Fact):
        return ["Fact", item.belief or default_belief(item.body), meaning(item.body), item.because]
    if isinstance(item, ast.Optimize):
        return ["Optimize", [_sorted([meaning(m) for m in level]) for level in item.metrics]]
    if isinstance(item, ast.Op):
        return ["Op", item.name, _params(item.params)]
    unordered = _UNORDERED.get(type(item), ())
    parts: list[Meaning] = [type(item).__name__]
    for field in fields(item):
        if field.name in _NO_MEANING:
            continue
        part = meaning(getattr(item, field.name))
        parts.append(_sorted(part) if field.name in unordered and isinstance(part, list) else part)
    return parts


def key(item: object) -> bytes:
    """Return the meaning as bytes, to compare and to sort by."""
    return canonical(meaning(item))


def default_belief(body: ast.FactBody) -> str:
    """Return the belief of a fact that states none.

    Examples
    --------
    >>> default_belief(ast.Trait((ast.Name("age"),), False, ast.Kind("important")))
    'likely'
    """
    if isinstance(body, ast.Monotone | ast.Interaction):
        return "likely"
    vague = isinstance(body, ast.Trait) and body.kind.name in ("important", "irrelevant")
    return "likely" if vague else "certainly"


def _quantity(amount: Quantity) -> Meaning:
    if amount.seconds is not None:
        return ["s", float(amount.seconds) + 0.0]
    if amount.bytes is not None:
        return ["bytes", amount.bytes]
    return [amount.unit if amount.unit != "%" else "", float(amount.fraction) + 0.0]


def _params(params: tuple[ast.Param, ...]) -> Meaning:
    positional = [meaning(param) for param in params if param.name is None]
    return [*positional, *_sorted([meaning(param) for param in params if param.name is not None])]


def _sorted(items: list[Meaning]) -> list[Meaning]:
    return sorted(items, key=canonical)
