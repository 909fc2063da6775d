"""Changes of a query as data: apply a REFINE, or find the changes that lead from one query to another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from mileage.core.diagnostics import Diagnostic
from mileage.errors import BindError
from mileage.language import ast
from mileage.language.identity import key
from mileage.language.printer import format_node, handles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mileage.core.spans import Span

Item: TypeAlias = Any  # an item of any clause with a list: they share no type of their own
KEYED = (ast.Knowing, ast.Prefer, ast.Require, ast.With)


def apply_refine(
    query: ast.Predict,
    refine: ast.Refine | Sequence[ast.Delta],
    *,
    chosen: Mapping[str, ast.Chain] | None = None,
    suggestions: Mapping[str, Sequence[ast.Delta]] | None = None,
) -> ast.Predict:
    """Return the query with the changes made, in the order written.

    Parameters
    ----------
    query : Predict
        The query before; handles are numbered in it.
    refine : Refine or sequence of deltas
        The changes. A rejection changes nothing.
    chosen : mapping of str to Chain, optional
        What the last answer chose for each slot: ``PIN MODEL`` without a chain needs it.
    suggestions : mapping of str to deltas, optional
        The changes that an accepted suggestion stands for, by its name without ``@``.

    Raises
    ------
    BindError
        If a handle, a clause or a slot is not in the query (E260 to E264).

    Examples
    --------
    >>> from mileage.language import format_query, parse, parse_query
    >>> before = parse_query("PREDICT y FROM t PREFER fast, simple BUDGET 1 min")
    >>> step = parse("REFINE @last DROP #i1 SET BUDGET 5 min ADD WITHOUT svm").statements[0]
    >>> print(format_query(apply_refine(before, step)))
    PREDICT y FROM t
    PREFER simple
    BUDGET 5 min
    WITHOUT svm
    """
    named = handles(query)
    deltas = refine.deltas if isinstance(refine, ast.Refine) else refine
    for delta in deltas:
        query = _apply(query, delta, named, chosen or {}, suggestions or {})
    return query


def _apply(
    query: ast.Predict,
    delta: ast.Delta,
    named: Mapping[str, ast.Node],
    chosen: Mapping[str, ast.Chain],
    suggestions: Mapping[str, Sequence[ast.Delta]],
) -> ast.Predict:
    match delta:
        case ast.Add(clause=clause):
            return _add(query, clause)
        case ast.Set(clause=clause):
            return _set(query, clause)
        case ast.Drop(handle=str(handle)):
            return _drop_handle(query, handle, named, delta.span)
        case ast.Drop(clause=clause) if clause is not None:
            return _drop_clause(query, clause)
        case ast.Pin(slot=slot, chain=chain):
            return _pin(query, slot, chain, chosen)
        case ast.Unpin(slot=slot):
            return _unpin(query, slot)
        case ast.Accept(refs=refs):
            for ref in refs:
                if ref.name not in suggestions:
                    _fail("E263", f"no suggestion {ref} is known", ref.span)
                query = apply_refine(query, suggestions[ref.name], chosen=chosen, suggestions=suggestions)
    return query


def _fail(code: str, message: str, span: Span | None, hint: str | None = None) -> None:
    raise BindError([Diagnostic(code, message, span, hint=hint)])


def _add(query: ast.Predict, clause: ast.Clause) -> ast.Predict:
    kind = type(clause)
    present = query.clause(kind)
    if present is None:
        return replace(query, clauses=(*query.clauses, clause))
    if kind in ast.ONCE:
        word = kind.__name__.upper()
        _fail("E261", f"the query has a {word} clause already", clause.span, f"write SET {format_node(clause)}")
    last = query.clauses_of(kind)[-1]
    attribute = ast.ITEMS[kind]
    joined = _with_items(last, (*getattr(last, attribute), *getattr(clause, attribute)))
    return replace(query, clauses=tuple(joined if c is last else c for c in query.clauses))


def _with_items(clause: ast.Clause, items: tuple[Item, ...]) -> ast.Clause:
    changes: dict[str, Any] = {ast.ITEMS[type(clause)]: items}
    return replace(clause, **changes)


def _set(query: ast.Predict, clause: ast.Clause) -> ast.Predict:
    kind = type(clause)
    if not query.clauses_of(kind):
        return _add(query, clause)
    if kind in KEYED:
        attribute = ast.ITEMS[kind]
        for item in getattr(clause, attribute):
            query = _set_item(query, kind, attribute, item)
        return query
    kept: list[ast.Clause] = []
    for old in query.clauses:
        if type(old) is not kind:
            kept.append(old)
        elif not any(type(c) is kind for c in kept):
            kept.append(clause)
    return replace(query, clauses=tuple(kept))


def _set_item(query: ast.Predict, kind: type[ast.Commented], attribute: str, item: Item) -> ast.Predict:
    wanted = subject(item)
    hits = [old for clause in query.clauses_of(kind) for old in getattr(clause, attribute) if subject(old) == wanted]
    if not hits:
        return _add(query, kind(**{attribute: (item,)}))  # type: ignore[arg-type]  # ast.ITEMS names the attribute of each kind
    first, rest = hits[0], {id(hit) for hit in hits[1:]}
    return _map_items(query, lambda old: item if old is first else None if id(old) in rest else old)


def subject(item: Item) -> bytes:
    """Return what an item is about: SET replaces the item with the same subject."""
    match item:
        case ast.Assign(slot=slot):
            return key(("slot", slot.text.casefold()))
        case ast.Bound(metric=metric, op=op, where=where):
            return key(("bound", metric, op[0], where))
        case ast.Intent(name=name, to=to, across=across):
            return key(("intent", name, to, across))
        case ast.Fact(body=ast.Trait(columns=columns, labels=labels, kind=kind)):
            return key(("trait", columns, labels, kind.name))
        case ast.Fact(body=ast.Cost(error=error, label=label)):
            return key(("cost", error, label))
        case ast.Fact(body=ast.Mistaking(actual=actual, predicted=predicted)):
            return key(("mistaking", actual, predicted))
        case ast.Fact(body=ast.Monotone(target=target, columns=columns)):
            return key(("monotone", target, columns))
        case ast.Fact(body=ast.Derived(name=name)):
            return key(("derived", name))
        case ast.Fact(body=body):
            return key(body)
        case _:
            return key(item)


def _without(query: ast.Predict, item: Item) -> ast.Predict:
    return _map_items(query, lambda old: None if old is item else old)


def _map_items(query: ast.Predict, change: Callable[[Item], Item | None]) -> ast.Predict:
    """Return the query with each item changed, dropped where ``change`` gives None; empty clauses go."""
    clauses: list[ast.Clause] = []
    for clause in query.clauses:
        attribute = ast.ITEMS.get(type(clause))
        if attribute is None:
            clauses.append(clause)
            continue
        items = tuple(new for old in getattr(clause, attribute) if (new := change(old)) is not None)
        if items:
            clauses.append(_with_items(clause, items))
    return replace(query, clauses=tuple(clauses))


def _drop_handle(query: ast.Predict, handle: str, named: Mapping[str, ast.Node], span: Span | None) -> ast.Predict:
    target = named.get(f"#{handle}")
    if target is None:
        known = ", ".join(named) or "none"
        _fail("E260", f"no item #{handle} in the query", span, f"handles here: {known}")
    return _map_items(query, lambda old: None if old is target else old)


def _drop_clause(query: ast.Predict, clause: ast.Clause) -> ast.Predict:
    kind = type(clause)
    attribute = ast.ITEMS.get(kind)
    if attribute is None:
        match = next((old for old in query.clauses if type(old) is kind and key(old) == key(clause)), None)
        if match is None:
            _fail("E261", f"the query has no clause {format_node(clause)}", clause.span, _has(query, kind))
        return replace(query, clauses=tuple(old for old in query.clauses if old is not match))
    for item in getattr(clause, attribute):
        hits = [old for c in query.clauses_of(kind) for old in getattr(c, attribute) if key(old) == key(item)]
        if not hits:
            _fail("E261", f"the query has no {kind.__name__.upper()} {format_node(item)}", item.span, _has(query, kind))
        query = _without(query, hits[0])
    return query


def _has(query: ast.Predict, kind: type[ast.Commented]) -> str | None:
    texts = [format_node(clause) for clause in query.clauses_of(kind)]
    return f"it has {'; '.join(texts)}" if texts else None


def _pin(query: ast.Predict, slot: ast.Name, chain: ast.Chain | None, chosen: Mapping[str, ast.Chain]) -> ast.Predict:
    found = chain or next((c for name, c in chosen.items() if name.casefold() == slot.text.casefold()), None)
    if found is None:
        _fail("E262", f"nothing is known to pin {slot} to", slot.span, f"write PIN {slot} = an operator")
    assert found is not None
    return _set(query, ast.With((ast.Assign(slot, found),)))


def _unpin(query: ast.Predict, slot: ast.Name) -> ast.Predict:
    wanted = slot.text.casefold()
    slots = [a.slot.text for clause in query.clauses_of(ast.With) for a in clause.assignments]
    if wanted not in [name.casefold() for name in slots]:
        _fail("E262", f"{slot} is not pinned", slot.span, f"slots with a choice: {', '.join(slots) or 'none'}")
    return _map_items(
        query, lambda old: None if isinstance(old, ast.Assign) and old.slot.text.casefold() == wanted else old
    )


def diff(before: ast.Predict, after: ast.Predict) -> tuple[ast.Delta, ...]:
    """Return the changes that lead from one query to another of the same targets and task.

    ``apply_refine(before, diff(before, after))`` means the same as ``after``.

    Examples
    --------
    >>> from mileage.language import format_node, parse_query
    >>> one = parse_query("PREDICT y FROM t PREFER fast SEED 1")
    >>> two = parse_query("PREDICT y FROM t SEED 2 PREFER fast, simple")
    >>> [format_node(delta) for delta in diff(one, two)]
    ['SET SEED 2', 'ADD PREFER simple']
    """
    if key((before.targets, before.task)) != key((after.targets, after.task)):
        _fail("E264", "a REFINE cannot change the targets or the task", after.span, "write a new PREDICT")
    deltas: list[ast.Delta] = []
    for kind in ast.ONCE:
        deltas += _diff_once(before.clause(kind), after.clause(kind))
    for kind, attribute in ast.ITEMS.items():
        deltas += _diff_list(kind, attribute, before, after)
    return tuple(deltas)


def _diff_once(old: Any, new: Any) -> list[ast.Delta]:
    if old is None:
        return [] if new is None else [ast.Add(new)]
    if new is None:
        return [ast.Drop(clause=old)]
    return [] if key(old) == key(new) else [ast.Set(new)]


def _diff_list(kind: type[ast.Commented], attribute: str, before: ast.Predict, after: ast.Predict) -> list[ast.Delta]:
    old = [item for clause in before.clauses_of(kind) for item in getattr(clause, attribute)]
    new = [item for clause in after.clauses_of(kind) for item in getattr(clause, attribute)]
    gone, added = _left_over(old, new), _left_over(new, old)
    if kind is ast.Prefer:
        ids = {id(item) for item in gone}
        kept = [key(item) for item in old if id(item) not in ids]
        if [*kept, *map(key, added)] != [*map(key, new)]:
            # The order of wishes counts: where it cannot be reached by adding at the end, all are written anew.
            gone, added = old, new
    make: Callable[..., Any] = kind
    deltas: list[ast.Delta] = [ast.Drop(clause=make(tuple(gone)))] if gone else []
    return [*deltas, ast.Add(make(tuple(added)))] if added else deltas


def _left_over(items: list[Item], others: list[Item]) -> list[Item]:
    """Return the items beyond those that the others have too, each counted."""
    spare = Counter(key(item) for item in others)
    left: list[Item] = []
    for item in items:
        if spare[key(item)] > 0:
            spare[key(item)] -= 1
        else:
            left.append(item)
    return left
