"""A query as plain data."""

from __future__ import annotations

import re
from typing import Any

from mileage.core.units import Quantity
from mileage.language import ast
from mileage.language import printer_base as p

Data = Any  # plain data: None, bool, int, float, str, list, dict
QUANTITY_TEXT = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?(%| [A-Za-z]+)", re.IGNORECASE)
# Words a fact's mapping uses itself: an option of such a name goes to "options".
FACT_KEYS = frozenset({"columns", "labels", "belief", "because", "note", "options"})


def write_query(query: ast.Predict) -> dict[str, Data]:
    """Return the query; clauses keep their order, and go to ``clauses`` if one kind stands twice."""
    targets = [name.text for name in query.targets]
    head: dict[str, Data] = {"target": targets[0] if len(targets) == 1 else targets}
    if query.task is not None:
        head["task"] = query.task.name
        if query.task.options:
            head["options"] = [p.param(option) for option in query.task.options]
    pairs = [_clause(clause) for clause in query.clauses]
    names = [name for name, _ in pairs]
    data: dict[str, Data] = {"predict": head}
    notes = {name: list(c.comments) for name, c in zip(names, query.clauses, strict=True) if c.comments}
    if len(set(names)) == len(names):
        data |= dict(pairs)
    else:
        data["clauses"] = [{name: value} for name, value in pairs]
    notes = ({"predict": list(query.comments)} if query.comments else {}) | notes
    return data | ({"comments": notes} if notes else {})


def _clause(item: ast.Clause) -> tuple[str, Data]:  # noqa: C901, PLR0912
    match item:
        case ast.From():
            return "from", source(item.source)
        case ast.Features():
            return "features", _names(item.columns)
        case ast.Excluding():
            return "excluding", _names(item.columns)
        case ast.Validate():
            return "validate", _validate(item)
        case ast.Optimize():
            return "optimize", [_one([p.metric(m) for m in level]) for level in item.metrics]
        case ast.Knowing():
            return "knowing", [fact(f) for f in item.facts]
        case ast.UsingKnowledge():
            return "using_knowledge", _names(item.names)
        case ast.Prefer():
            return "prefer", [intent(i) for i in item.intents]
        case ast.Require():
            return "require", [bound(i) if isinstance(i, ast.Bound) else intent(i) for i in item.items]
        case ast.With():
            return "with", _with(item)
        case ast.Without():
            return "without", [p.op(o) for o in item.ops]
        case ast.Reuse():
            return "reuse", _names(item.names) if item.mode == "views" else item.mode
        case ast.Budget():
            return "budget", [_budget(i) for i in item.items]
        case ast.Return():
            return "return", {"workflows": item.n, **({"diverse": True} if item.diverse else {})}
        case ast.Seed():
            return "seed", item.value
        case ast.Named():
            return "named", item.name.text
        case ast.Hint():
            return "hint", [p.param(option) for option in item.options]


def _names(names: tuple[ast.Name, ...]) -> list[str]:
    return [name.text for name in names]


def _one(items: list[str]) -> Data:
    return items[0] if len(items) == 1 else items


def source(item: ast.Source) -> Data:
    """Return a file as its path, any other source with its kind."""
    match item:
        case ast.FileSource(path=path):
            return path
        case ast.TableSource(name=name):
            return {"table": name.text}
        case ast.FrameSource(name=frame):
            return {"frame": frame}
        case ast.SqlSource(sql=sql):
            return {"sql": sql.text}


def _validate(item: ast.Validate) -> dict[str, Data]:
    data: dict[str, Data]
    match item.method:
        case ast.Folds(n=n):
            data = {"folds": n}
        case ast.Holdout(size=size):
            data = {"holdout": quantity(size)}
        case ast.Bootstrap(n=n):
            data = {"bootstrap": n}
        case ast.On(source=on):
            return {"on": source(on)}
    data |= {"together": _names(item.together)} if item.together else {}
    data |= {"in_order_of": item.order_by.text} if item.order_by is not None else {}
    data |= {"stratified_by": _names(item.stratified_by)} if item.stratified_by else {}
    data |= {"repeat": item.repeat} if item.repeat is not None else {}
    data |= {"confirm": item.confirm} if item.confirm is not None else {}
    return data | ({"reshuffled": True} if item.reshuffled else {})


def quantity(amount: Quantity) -> Data:
    """Return a bare number as a number, one with a unit as text."""
    return p.quantity(amount) if amount.unit else amount.value


def value(item: ast.Value) -> Data:
    """Return a value; a bare word and a text that looks like a quantity say what they are."""
    if isinstance(item, ast.Name):
        return {"name": item.text}
    if isinstance(item, Quantity):
        return quantity(item)
    if isinstance(item, str) and QUANTITY_TEXT.fullmatch(item):
        return {"text": item}
    return item


def fact(item: ast.Fact) -> dict[str, Data]:
    """Return a fact as ``{kind: {fields}}``."""
    name, data = _fact_body(item.body)
    data |= {} if item.belief is None else {"belief": item.belief}
    data |= {} if item.because is None else {"because": item.because}
    return {name: data | ({"note": list(item.comments)} if item.comments else {})}


def _fact_body(item: ast.FactBody) -> tuple[str, dict[str, Data]]:
    match item:
        case ast.Trait():
            first: dict[str, Data] = {"labels": True} if item.labels else {"columns": _names(item.columns)}
            return item.kind.name, first | _kind(item.kind)
        case ast.Cost():
            return f"false_{item.error}", {"of": value(item.label), "cost": _cost(item.cost)}
        case ast.Mistaking():
            return "mistaking", {
                "actual": value(item.actual),
                "predicted": value(item.predicted),
                "cost": _cost(item.cost),
            }
        case ast.Monotone():
            return item.direction, {"column": item.target.text, "with": _names(item.columns)}
        case ast.Interaction():
            return "interacts", {"column": item.left.text, "with": item.right.text}
        case ast.Derived():
            return "derived", {"column": item.name.text, "sql": item.sql.text}


def _cost(cost: float) -> Data:
    return int(cost) if cost.is_integer() else cost


def _kind(item: ast.Kind) -> dict[str, Data]:
    data: dict[str, Data] = {}
    if item.options:
        named = {o.name: o.value for o in item.options if o.name is not None and o.value is not None}
        if len(named) == len(item.options) and not FACT_KEYS & set(named):
            data |= {name: value(v) for name, v in named.items()}
        else:
            data["options"] = [p.param(o) for o in item.options]
    plain = {"mechanism": item.mechanism, "unit": item.unit, "low": item.low, "high": item.high, "event": item.event}
    data |= {key: v for key, v in plain.items() if v is not None}
    data |= {"codes": [value(v) for v in item.codes]} if item.codes else {}
    data |= {"values": [value(v) for v in item.values]} if item.values else {}
    return data | ({"of": item.of.text} if item.of is not None else {})


def intent(item: ast.Intent) -> Data:
    """Return a bare wish as its name, a narrowed one as ``{name: {fields}}``."""
    data: dict[str, Data] = {}
    data |= {"to": item.to.text} if item.to is not None else {}
    data |= {"across": _names(item.across)} if item.across else {}
    data |= {"in": _names(item.columns)} if item.columns else {}
    data |= {"within": quantity(item.within)} if item.within is not None else {}
    data |= {"by": p.op(item.by)} if item.by is not None else {}
    data |= {"note": list(item.comments)} if item.comments else {}
    # A wish that is named like the key of a bound is told from it by its mapping.
    return {item.name: data} if data or item.name == "metric" else item.name


def bound(item: ast.Bound) -> dict[str, Data]:
    """Return a requirement with its metric as text."""
    data: dict[str, Data] = {"metric": p.metric(item.metric), "op": item.op, "value": quantity(item.quantity)}
    data |= {"where": item.where.text} if item.where is not None else {}
    data |= {"note": list(item.comments)} if item.comments else {}
    return data | ({"confidence": quantity(item.confidence)} if item.confidence is not None else {})


def _with(item: ast.With) -> Data:
    pairs = [(a.slot.text, p.chain(a.chain)) for a in item.assignments]
    if any(a.comments for a in item.assignments):
        return [
            {"slot": a.slot.text, "chain": p.chain(a.chain), **({"note": list(a.comments)} if a.comments else {})}
            for a in item.assignments
        ]
    return dict(pairs) if len(dict(pairs)) == len(pairs) else [{slot: chain} for slot, chain in pairs]


def _budget(item: ast.BudgetItem) -> Data:
    match item:
        case ast.BudgetQuantity(quantity=amount):
            return quantity(amount)
        case ast.Until():
            return {"until": {"metric": p.metric(item.metric), "op": item.op, "value": quantity(item.quantity)}}
        case ast.Patience(quantity=amount):
            return {"patience": quantity(amount)}
