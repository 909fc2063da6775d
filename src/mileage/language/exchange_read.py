"""A query from plain data: every key is known or an error, and every text inside is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from mileage.core.diagnostics import Diagnostic
from mileage.core.near import near_matches
from mileage.core.units import Quantity
from mileage.errors import ParseError
from mileage.language import ast
from mileage.language import fragments as f
from mileage.language.exchange_write import FACT_KEYS, QUANTITY_TEXT
from mileage.language.parser import parse
from mileage.language.printer import format_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Data = Any  # plain data as it came: checked here, key by key
FIELDS: dict[str, tuple[str, ...]] = {
    "query": ("predict", "comments", "clauses"),
    "predict": ("target", "task", "options"),
    "validate": (
        "folds",
        "holdout",
        "bootstrap",
        "on",
        "together",
        "in_order_of",
        "stratified_by",
        "repeat",
        "confirm",
        "reshuffled",
    ),
    "source": ("table", "frame", "sql"),
    "bound": ("metric", "op", "value", "where", "confidence", "note"),
    "intent": ("to", "across", "in", "within", "by", "note"),
    "slot": ("slot", "chain", "note"),
    "until": ("metric", "op", "value"),
    "return": ("workflows", "diverse"),
}
KINDS: dict[str, tuple[str, ...]] = {
    "noisy": (),
    "missing": ("mechanism", "codes"),
    "leaky": (),
    "sensitive": (),
    "proxy": ("of",),
    "important": (),
    "irrelevant": (),
    "identifier": (),
    "categorical": (),
    "text": (),
    "numeric": ("unit",),
    "ordinal": ("values",),
    "between": ("low", "high"),
    "known_only_after": ("event",),
}
OTHER_FACTS: dict[str, tuple[str, ...]] = {
    "false_negatives": ("of", "cost"),
    "false_positives": ("of", "cost"),
    "mistaking": ("actual", "predicted", "cost"),
    "rises": ("column", "with"),
    "falls": ("column", "with"),
    "interacts": ("column", "with"),
    "derived": ("column", "sql"),
}


def fail(code: str, message: str, hint: str | None = None) -> NoReturn:
    """Raise a report without a place: plain data has none."""
    raise ParseError([Diagnostic(code, message, hint=hint)])


def known(where: str, data: Data, keys: Iterable[str]) -> dict[str, Data]:
    """Return a mapping whose keys are all known."""
    if not isinstance(data, dict):
        fail("E111", f"{where}: a mapping is wanted, not {_shown(data)}")
    allowed = tuple(keys)
    for key in data:
        if key not in allowed:
            near = near_matches(str(key), allowed, at_most=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(allowed)}"
            fail("E110", f"unknown key '{key}' in {where}", hint)
    return data


def read_query(data: Data) -> ast.Predict:
    """Return the query of plain data."""
    known("the query", data, (*FIELDS["query"], *_CLAUSES))
    if "predict" not in data:
        fail("E111", "the query: 'predict' is missing")
    head = known("predict", data["predict"], FIELDS["predict"])
    pairs = [(name, value) for name, value in data.items() if name in _CLAUSES]
    for item in _list("clauses", data.get("clauses", [])):
        pairs += known("clauses", item, _CLAUSES).items()
    notes = known("comments", data.get("comments", {}), ("predict", *_CLAUSES))
    clauses = []
    for name, value in pairs:
        clause = _CLAUSES[name](value)
        comments = tuple(str(text) for text in _list("comments", notes.get(name, [])))
        clauses.append(_commented(clause, comments if name in notes else ()))
        notes = {key: text for key, text in notes.items() if key != name}
    query = ast.Predict(_names("target", head.get("target")), _task(head), tuple(clauses))
    return _checked(_commented(query, tuple(str(text) for text in _list("comments", notes.get("predict", [])))))


def _commented(node: Any, comments: tuple[str, ...]) -> Any:
    from dataclasses import replace

    return replace(node, comments=comments) if comments else node


def _checked(query: ast.Predict) -> ast.Predict:
    """Return the query if its text parses: what data can say, the language can say."""
    parse(format_node(query), name="the query as text")
    return query


def _task(head: dict[str, Data]) -> ast.Task | None:
    if "task" not in head:
        return None
    tasks = ("classification", "regression", "ranking", "forecast", "quantiles")
    return ast.Task(_choice("task", head["task"], tasks), _params("options", head.get("options", [])))


def _shown(data: Data) -> str:
    return repr(data) if len(repr(data)) <= 40 else f"{repr(data)[:40]}…"


def _list(where: str, data: Data) -> list[Data]:
    return data if isinstance(data, list) else fail("E111", f"{where}: a list is wanted, not {_shown(data)}")


def _some(where: str, data: Data) -> list[Data]:
    items = _list(where, data)
    return items or fail("E111", f"{where}: the list is empty")


def _text(where: str, data: Data) -> str:
    return data if isinstance(data, str) else fail("E111", f"{where}: a text is wanted, not {_shown(data)}")


def _whole(where: str, data: Data) -> int:
    fits = isinstance(data, int) and not isinstance(data, bool) and data >= 0
    return int(data) if fits else fail("E111", f"{where}: a whole number is wanted, not {_shown(data)}")


def _number(where: str, data: Data) -> int | float:
    fits = isinstance(data, int | float) and not isinstance(data, bool) and abs(data) < 1e300
    number: int | float = data if fits else fail("E111", f"{where}: a number is wanted, not {_shown(data)}")
    return number


def _choice(where: str, data: Data, options: tuple[str, ...]) -> str:
    text = _text(where, data)
    if text not in options:
        near = near_matches(text, options, at_most=1)
        fail(
            "E110",
            f"{where}: unknown word '{text}'",
            f"did you mean '{near[0]}'?" if near else f"one of {', '.join(options)}",
        )
    return text


def _names(where: str, data: Data) -> tuple[ast.Name, ...]:
    items = [data] if isinstance(data, str) else _some(where, data)
    return tuple(ast.Name(_text(where, item)) for item in items)


def _quantity(where: str, data: Data) -> Quantity:
    return f.quantity_of(data, where=where) if isinstance(data, str) else Quantity(_number(where, data))


def _value(where: str, data: Data) -> ast.Value:
    if isinstance(data, dict):
        data = known(where, data, ("name", "text"))
        return ast.Name(_text(where, data["name"])) if "name" in data else _text(where, data.get("text"))
    if isinstance(data, str):
        return f.quantity_of(data, where=where) if QUANTITY_TEXT.fullmatch(data) else data
    return data if isinstance(data, bool) else _number(where, data)


def _values(where: str, data: Data) -> tuple[ast.Value, ...]:
    return tuple(_value(where, item) for item in _some(where, data))


def _params(where: str, data: Data) -> tuple[ast.Param, ...]:
    return tuple(p for item in _list(where, data) for p in f.params_of(_text(where, item), where=where))


def _source(data: Data) -> ast.Source:
    if isinstance(data, str):
        return ast.FileSource(data)
    data = known("from", data, FIELDS["source"])
    if len(data) != 1:
        fail("E111", "from: a path, or one of table, frame and sql, is wanted")
    kind, text = next((k, _text("from", v)) for k, v in data.items())
    if kind == "sql":
        return ast.SqlSource(ast.Sql(text))
    return ast.TableSource(ast.Name(text)) if kind == "table" else ast.FrameSource(text)


def _validate(data: Data) -> ast.Validate:
    data = known("validate", data, FIELDS["validate"])
    methods: dict[str, Callable[[Data], ast.Method]] = {
        "folds": lambda item: ast.Folds(_whole("folds", item)),
        "holdout": lambda item: ast.Holdout(_quantity("holdout", item)),
        "bootstrap": lambda item: ast.Bootstrap(_whole("bootstrap", item)),
        "on": lambda item: ast.On(_source(item)),
    }
    given = [name for name in methods if name in data]
    if len(given) != 1:
        fail("E111", "validate: exactly one of folds, holdout, bootstrap and on is wanted")
    return ast.Validate(
        methods[given[0]](data[given[0]]),
        _names("together", data["together"]) if "together" in data else (),
        ast.Name(_text("in_order_of", data["in_order_of"])) if "in_order_of" in data else None,
        _names("stratified_by", data["stratified_by"]) if "stratified_by" in data else (),
        _whole("repeat", data["repeat"]) if "repeat" in data else None,
        _whole("confirm", data["confirm"]) if "confirm" in data else None,
        data.get("reshuffled", False) is True,
    )


def _optimize(data: Data) -> ast.Optimize:
    levels = []
    for level in [data] if isinstance(data, str) else _some("optimize", data):
        metrics = [level] if isinstance(level, str) else _some("optimize", level)
        levels.append(", ".join(_text("optimize", metric) for metric in metrics))
    return ast.Optimize(f.levels_of(" THEN ".join(levels), where="optimize"))


def _fact(data: Data) -> ast.Fact:
    data = known("knowing", data, (*KINDS, *OTHER_FACTS))
    if len(data) != 1:
        fail("E111", "knowing: a fact has one kind")
    name, fields = next(iter(data.items()))
    common = ("belief", "because", "note")
    if name == "noisy":
        if not isinstance(fields, dict):
            fail("E111", "noisy: a mapping is wanted")
    elif name in KINDS:
        known(name, fields, ("columns", "labels", *KINDS[name], *common))
    else:
        known(name, fields, (*OTHER_FACTS[name], *common))
    belief = _choice("belief", fields["belief"], ("certainly", "likely", "maybe")) if "belief" in fields else None
    because = _text("because", fields["because"]) if "because" in fields else None
    body = _trait(name, fields) if name in KINDS else _other_fact(name, fields)
    return ast.Fact(belief, body, because, comments=_notes(fields))


def _trait(name: str, data: dict[str, Data]) -> ast.Trait:
    labels = data.get("labels", False) is True
    columns = () if labels else _names(f"{name}.columns", data.get("columns"))
    options: tuple[ast.Param, ...] = ()
    if name == "noisy":
        options = _params("options", data.get("options", []))
        options += tuple(ast.Param(str(k), _value(str(k), v)) for k, v in data.items() if k not in FACT_KEYS)
    kind = ast.Kind(
        name,
        options=options,
        mechanism=_choice("mechanism", data["mechanism"], ("at_random", "not_at_random"))
        if "mechanism" in data
        else None,
        codes=_values("codes", data["codes"]) if "codes" in data else (),
        values=_values("values", data.get("values")) if name == "ordinal" else (),
        of=ast.Name(_text("of", data.get("of"))) if name == "proxy" else None,
        unit=_text("unit", data["unit"]) if "unit" in data and name == "numeric" else None,
        low=_number("low", data.get("low")) if name == "between" else None,
        high=_number("high", data.get("high")) if name == "between" else None,
        event=_text("event", data.get("event")) if name == "known_only_after" else None,
    )
    return ast.Trait(columns, labels, kind)


def _other_fact(name: str, data: dict[str, Data]) -> ast.FactBody:
    def get(key: str) -> Data:
        return data[key] if key in data else fail("E111", f"{name}: '{key}' is missing")

    if name in ("false_negatives", "false_positives"):
        return ast.Cost(name.removeprefix("false_"), _value("of", get("of")), float(_number("cost", get("cost"))))
    if name == "mistaking":
        actual, predicted = _value("actual", get("actual")), _value("predicted", get("predicted"))
        return ast.Mistaking(actual, predicted, float(_number("cost", get("cost"))))
    column = ast.Name(_text("column", get("column")))
    if name == "derived":
        return ast.Derived(column, ast.Sql(_text("sql", get("sql"))))
    others = _names("with", get("with"))
    return ast.Interaction(column, others[0]) if name == "interacts" else ast.Monotone(column, name, others)


def _intent(data: Data) -> ast.Intent:
    if isinstance(data, str):
        return ast.Intent(data)
    if not isinstance(data, dict) or len(data) != 1:
        fail("E111", f"a wish is a name or one name with its fields, not {_shown(data)}")
    name, fields = next(iter(data.items()))
    fields = known(str(name), fields, FIELDS["intent"])
    return ast.Intent(
        str(name),
        to=ast.Name(_text("to", fields["to"])) if "to" in fields else None,
        across=_names("across", fields["across"]) if "across" in fields else (),
        columns=_names("in", fields["in"]) if "in" in fields else (),
        within=_quantity("within", fields["within"]) if "within" in fields else None,
        by=f.ops_of(_text("by", fields["by"]), where="by")[0] if "by" in fields else None,
        comments=_notes(fields),
    )


def _notes(fields: dict[str, Data]) -> tuple[str, ...]:
    return tuple(str(text) for text in _list("note", fields.get("note", [])))


def _requirement(data: Data) -> ast.Intent | ast.Bound:
    if not isinstance(data, dict) or "metric" not in data or isinstance(data["metric"], dict):
        return _intent(data)
    metric, sign, amount = _compared("require", known("require", data, FIELDS["bound"]))
    where = ast.Sql(_text("where", data["where"])) if "where" in data else None
    confidence = _quantity("confidence", data["confidence"]) if "confidence" in data else None
    return ast.Bound(metric, sign, amount, where, confidence, comments=_notes(data))


def _compared(where: str, data: dict[str, Data]) -> tuple[ast.Metric, str, Quantity]:
    metric = f.levels_of(_text(f"{where}.metric", data.get("metric")), where=where)[0][0]
    sign = _choice(f"{where}.op", data.get("op"), (">=", "<=", ">", "<", "="))
    return metric, sign, _quantity(f"{where}.value", data.get("value"))


def _with(data: Data) -> ast.With:
    items = [data] if isinstance(data, dict) else _some("with", data)
    assigned = []
    for item in items:
        if not isinstance(item, dict) or not item:
            fail("E111", "with: slots and what stands for them are wanted")
        notes: tuple[str, ...] = ()
        if set(item) >= {"slot", "chain"}:
            fields = known("with", item, FIELDS["slot"])
            notes, item = _notes(fields), {_text("slot", fields["slot"]): fields["chain"]}  # noqa: PLW2901
        for slot, chain in item.items():
            made = f.chain_of(_text(str(slot), chain), where=str(slot))
            assigned.append(ast.Assign(ast.Name(str(slot)), made, comments=notes))
    return ast.With(tuple(assigned))


def _limit(data: Data) -> ast.BudgetItem:
    if not isinstance(data, dict):
        return ast.BudgetQuantity(_quantity("budget", data))
    data = known("budget", data, ("until", "patience"))
    if "until" in data:
        return ast.Until(*_compared("until", known("until", data["until"], FIELDS["until"])))
    return ast.Patience(_quantity("patience", data.get("patience")))


def _reuse(data: Data) -> ast.Reuse:
    if isinstance(data, str) and data in ("auto", "everything", "nothing"):
        return ast.Reuse(data)
    return ast.Reuse("views", _names("reuse", data))


def _return(data: Data) -> ast.Return:
    data = known("return", data, FIELDS["return"])
    return ast.Return(_whole("workflows", data.get("workflows")), data.get("diverse", False) is True)


def _ops(data: Data) -> tuple[ast.Op, ...]:
    return tuple(op for item in _some("without", data) for op in f.ops_of(_text("without", item), where="without"))


_CLAUSES: dict[str, Callable[[Data], ast.Clause]] = {
    "from": lambda data: ast.From(_source(data)),
    "features": lambda data: ast.Features(_names("features", data)),
    "excluding": lambda data: ast.Excluding(_names("excluding", data)),
    "validate": _validate,
    "optimize": _optimize,
    "knowing": lambda data: ast.Knowing(tuple(_fact(item) for item in _some("knowing", data))),
    "using_knowledge": lambda data: ast.UsingKnowledge(_names("using_knowledge", data)),
    "prefer": lambda data: ast.Prefer(tuple(_intent(item) for item in _some("prefer", data))),
    "require": lambda data: ast.Require(tuple(_requirement(item) for item in _some("require", data))),
    "with": _with,
    "without": lambda data: ast.Without(_ops(data)),
    "reuse": _reuse,
    "budget": lambda data: ast.Budget(
        tuple(_limit(item) for item in ([data] if isinstance(data, str) else _some("budget", data)))
    ),
    "return": _return,
    "seed": lambda data: ast.Seed(_whole("seed", data)),
    "named": lambda data: ast.Named(ast.Name(_text("named", data))),
    "hint": lambda data: ast.Hint(_params("hint", _some("hint", data))),
}
CLAUSE_KEYS = tuple(_CLAUSES)
