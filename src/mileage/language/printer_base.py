"""Words, values and operators as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mileage.core.quoting import quoted
from mileage.core.units import Quantity
from mileage.language import ast
from mileage.language.lexer import FILE_ENDINGS, sql_end

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN = re.compile(r"[^\W\d]\w*")
# Where a name and one of these keywords may both stand, the name is quoted; elsewhere no word is reserved.
VALUE_WORDS = frozenset({"TRUE", "FALSE"})
FACT_WORDS = frozenset({"CERTAINLY", "LIKELY", "MAYBE", "LABELS", "FALSE", "MISTAKING"})
REUSE_WORDS = frozenset({"AUTO", "EVERYTHING", "NOTHING"})
NOT_WORD = frozenset({"NOT"})


def word(name: ast.Name | str, avoid: frozenset[str] = frozenset()) -> str:
    """Return a name, in double quotes where it must be.

    Examples
    --------
    >>> word("age"), word("net income"), word("likely", FACT_WORDS)
    ('age', '"net income"', '"likely"')
    """
    text = str(name)
    if _PLAIN.fullmatch(text) and text.upper() not in avoid:
        return text
    return '"' + text.replace('"', '""') + '"'


def words(names: Iterable[ast.Name], between: str = ", ") -> str:
    """Return names in a row."""
    return between.join(word(name) for name in names)


def short(number: float) -> str:
    """Return a number of which it does not matter whether it is whole.

    Examples
    --------
    >>> short(10.0), short(0.05)
    ('10', '0.05')
    """
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(number)


def quantity(amount: Quantity) -> str:
    """Return a number with its unit; never rounded."""
    gap = "" if amount.unit in ("", "%") else " "
    return f"{short(amount.value)}{gap}{amount.unit}"


def value(item: ast.Value) -> str:
    """Return a value, so that reading it gives the same type again."""
    if isinstance(item, bool):
        return "TRUE" if item else "FALSE"
    if isinstance(item, Quantity):
        return quantity(item)
    if isinstance(item, ast.Name):
        return word(item, VALUE_WORDS)
    return quoted(item) if isinstance(item, str) else repr(item)


def values(items: Iterable[ast.Value]) -> str:
    """Return values in a row."""
    return ", ".join(value(item) for item in items)


def sql(island: ast.Sql) -> str:
    """Return SQL in its parentheses; a comment at its end must not swallow the last one."""
    text = f"({island.text})"
    return text if sql_end(text, 0) == len(text) else f"({island.text}\n)"


def source(item: ast.Source) -> str:
    """Return what stands after FROM."""
    match item:
        case ast.FileSource(path=path):
            return quoted(path)
        case ast.TableSource(name=name):
            return table(name)
        case ast.FrameSource(name=frame):
            return f":{frame}"
        case ast.SqlSource(sql=island):
            return sql(island)


def table(name: ast.Name) -> str:
    """Return the name of a table, its database and schema before it.

    Examples
    --------
    >>> table(ast.Name("shop.orders")), table(ast.Name("orders.csv"))
    ('shop.orders', '"orders.csv"')
    """
    parts = name.text.split(".")
    dotted = len(parts) > 1 and all(_PLAIN.fullmatch(part) for part in parts)
    return name.text if dotted and parts[-1].casefold() not in FILE_ENDINGS else word(name)


def domain(item: ast.Domain) -> str:
    """Return a range or a set of values."""
    if isinstance(item, ast.SetDomain):
        return f"{{{values(item.values)}}}"
    return f"{'LOG ' if item.log else ''}{item.low!r}..{item.high!r}"


def param(item: ast.Param) -> str:
    """Return one parameter of an operator."""
    name = "" if item.name is None else word(item.name, VALUE_WORDS)
    if item.domain is not None:
        return f"{name} IN {domain(item.domain)}"
    text = "" if item.value is None else value(item.value)
    return f"{name} = {text}" if name else text


def params(items: tuple[ast.Param, ...]) -> str:
    """Return parameters in parentheses, or nothing."""
    return f"({', '.join(param(item) for item in items)})" if items else ""


def op(item: ast.Op, avoid: frozenset[str] = frozenset()) -> str:
    """Return an operator."""
    return word(item.name, avoid) + params(item.params)


def metric(item: ast.Metric) -> str:
    """Return a metric."""
    args = [
        f"{word(a.name, VALUE_WORDS)} = {value(a.value)}" if a.name is not None else value(a.value) for a in item.args
    ]
    return word(item.name) + (f"({', '.join(args)})" if args else "")


def chain(item: ast.Chain) -> str:
    """Return ``a >> b | c``."""
    return " >> ".join(" | ".join(alternative(a) for a in choice.alternatives) for choice in item.choices)


def alternative(item: ast.Alternative) -> str:
    """Return one alternative; a nested chain keeps its parentheses."""
    body = op(item.body) if isinstance(item.body, ast.Op) else f"({chain(item.body)})"
    return body if item.weight is None else f"{body} * {short(item.weight)}"


def assign(item: ast.Assign) -> str:
    """Return ``SLOT = chain``."""
    return f"{word(item.slot)} = {chain(item.chain)}"


def ref(item: ast.Ref) -> str:
    """Return ``@name``."""
    return str(item)


def refs(items: Iterable[ast.Ref]) -> str:
    """Return references in a row."""
    return ", ".join(str(item) for item in items)


def because(text: str | None) -> str:
    """Return the reason with its keyword, or nothing."""
    return "" if text is None else f" BECAUSE {quoted(text)}"
