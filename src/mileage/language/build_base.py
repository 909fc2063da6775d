"""What every builder of nodes needs: places, names, values, operators."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from lark import Token, Tree

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.spans import Span
from mileage.core.units import Quantity
from mileage.language import ast
from mileage.language.lexer import FILE_ENDINGS, unit_of

Branch: TypeAlias = Tree[Token]


def span_of(item: Branch | Token) -> Span:
    """Return the place of a tree or a token."""
    if isinstance(item, Token):
        return Span(item.start_pos or 0, item.end_pos or 0)
    return Span(item.meta.start_pos, item.meta.end_pos) if not item.meta.empty else Span(0, 0)


def unquote(text: str) -> str:
    """Return the inside of a quoted text, doubled quotes made single."""
    return text[1:-1].replace(text[0] * 2, text[0])


class BaseBuilder:
    """Builds a node from a tree by the method named as its rule; mistakes go to ``problems``."""

    def __init__(self) -> None:
        self.problems: list[Diagnostic] = []

    def build(self, item: Branch | Token) -> Any:
        """Return the node of a tree."""
        assert isinstance(item, Tree)
        return getattr(self, f"on_{item.data}")(item)

    def every(self, item: Branch) -> tuple[Any, ...]:
        """Return the nodes of all children."""
        return tuple(self.build(child) for child in item.children)

    def find(self, item: Branch, rule: str) -> Branch | None:
        """Return the first child of a rule."""
        return next((c for c in item.children if isinstance(c, Tree) and c.data == rule), None)

    def word(self, item: Branch, kind: str) -> str | None:
        """Return the first child token of a kind, in lower case."""
        return next((str(c).lower() for c in item.children if isinstance(c, Token) and c.type == kind), None)

    # numbers

    def number(self, token: Branch | Token) -> int | float:
        """Return the number, whole if it is written so."""
        assert isinstance(token, Token)
        text = str(token)
        try:
            value = int(text) if text.lstrip("+-").replace("_", "").isdigit() else float(text)
        except ValueError:
            value = math.inf
        if math.isinf(value) or abs(value) > 1e300:
            self._bad_number(token, f"'{_short(text)}' is not a number that can be kept", None)
            return 0
        return value

    def whole(self, token: Branch | Token, what: str) -> int:
        """Return a whole number, 0 or more; anything else is a mistake."""
        value = self.number(token)
        assert isinstance(token, Token)
        if isinstance(value, float) or value < 0:
            near = str(max(1, round(value)))
            self._bad_number(token, f"{what} needs a whole number, not {_short(str(token))}", near)
        return abs(int(value))

    def _bad_number(self, token: Token, message: str, near: str | None) -> None:
        span = span_of(token)
        fixes = (Fix(span, near),) if near is not None else ()
        self.problems.append(Diagnostic("E104", message, span, fixes))

    def on_qty(self, item: Branch) -> Quantity:
        value = self.number(item.children[0])
        unit = unit_of(str(item.children[1])) if len(item.children) > 1 else ""
        return Quantity(value, unit or "")

    # names and values

    def on_name(self, item: Branch) -> ast.Name:
        token = item.children[0]
        assert isinstance(token, Token)
        quoted = token.type == "QUOTED"
        return ast.Name(unquote(str(token)) if quoted else str(token), quoted, span=span_of(token))

    def on_cols(self, item: Branch) -> tuple[ast.Name, ...]:
        return self.every(item)

    on_and_names = on_cols
    on_list = on_cols

    def on_string(self, item: Branch) -> str:
        return unquote(str(item.children[0]))

    def on_bool(self, item: Branch) -> bool:
        return str(item.children[0]).lower() == "true"

    def on_number(self, item: Branch) -> int | float:
        return self.number(item.children[0])

    def on_ref(self, item: Branch) -> ast.Ref:
        name, _, part = str(item.children[0])[1:].partition(".")
        return ast.Ref(name, part or None, span=span_of(item))

    def on_refs(self, item: Branch) -> tuple[ast.Ref, ...]:
        return self.every(item)

    def sql(self, token: Branch | Token) -> ast.Sql:
        """Return an island of SQL without its parentheses."""
        span = span_of(token)
        return ast.Sql(str(token)[1:-1], span=Span(span.start + 1, span.end - 1))

    def source(self, item: Branch | Token) -> ast.Source:
        """Return the source that a token or a tree names."""
        span = span_of(item)
        if isinstance(item, Token):
            return ast.SqlSource(self.sql(item), span=span)
        if item.data == "string":
            return ast.FileSource(self.on_string(item), span=span)
        if item.data == "frame":
            return ast.FrameSource(str(item.children[0]), span=span)
        return ast.TableSource(self.on_table(item), span=span)

    def on_table(self, item: Branch) -> ast.Name:
        """Return the name of a table, its database and schema before it; a file without quotes is a mistake."""
        names: tuple[ast.Name, ...] = self.every(item)
        span = span_of(item)
        text = ".".join(name.text for name in names)
        if len(names) > 1 and not names[-1].quoted and names[-1].text.casefold() in FILE_ENDINGS:
            message = f"a file is named in quotes: {text}"
            self.problems.append(Diagnostic("E103", message, span, (Fix(span, f"'{text}'"),)))
        return ast.Name(text, any(name.quoted for name in names), span=span)

    # metrics

    def on_metric(self, item: Branch) -> ast.Metric:
        return ast.Metric(
            self.on_name(_tree(item, 0)).text, tuple(self.build(c) for c in item.children[1:]), span=span_of(item)
        )

    def on_arg(self, item: Branch) -> ast.Arg:
        return ast.Arg(None, self.build(item.children[0]), span=span_of(item))

    def on_named_arg(self, item: Branch) -> ast.Arg:
        name, value = self.every(item)
        return ast.Arg(name.text, value, span=span_of(item))

    # operators

    def on_op(self, item: Branch) -> ast.Op:
        return ast.Op(
            self.on_name(_tree(item, 0)).text, tuple(self.build(c) for c in item.children[1:]), span=span_of(item)
        )

    def on_opts(self, item: Branch) -> tuple[ast.Param, ...]:
        return self.every(item)

    def param_value(self, item: Branch | Token) -> ast.Value:
        """Return a value; a number without a unit is a plain number."""
        value: ast.Value = self.build(item)
        if isinstance(value, Quantity) and not value.unit:
            return value.value
        return value

    def on_param(self, item: Branch) -> ast.Param:
        return ast.Param(None, self.param_value(item.children[0]), span=span_of(item))

    def on_set_param(self, item: Branch) -> ast.Param:
        return ast.Param(self.on_name(_tree(item, 0)).text, self.param_value(item.children[1]), span=span_of(item))

    def on_vary_param(self, item: Branch) -> ast.Param:
        return ast.Param(self.on_name(_tree(item, 0)).text, None, self.build(item.children[1]), span=span_of(item))

    def on_range(self, item: Branch) -> ast.RangeDomain:
        log = self.word(item, "LOG") is not None
        low, high = (self.number(c) for c in item.children[-2:])
        if low > high:
            span = Span(span_of(item.children[-2]).start, span_of(item.children[-1]).end)
            turned = f"{item.children[-1]}..{item.children[-2]}"
            self.problems.append(Diagnostic("E104", f"the range {low}..{high} is empty", span, (Fix(span, turned),)))
        return ast.RangeDomain(low, high, log, span=span_of(item))

    def on_set(self, item: Branch) -> ast.SetDomain:
        return ast.SetDomain(self.every(item), span=span_of(item))

    def on_chain(self, item: Branch) -> ast.Chain:
        return ast.Chain(self.every(item), span=span_of(item))

    def on_choice(self, item: Branch) -> ast.Choice:
        return ast.Choice(self.every(item), span=span_of(item))

    def on_alternative(self, item: Branch) -> ast.Alternative:
        return ast.Alternative(self.build(item.children[0]), span=span_of(item))

    on_group = on_alternative

    def on_weighted(self, item: Branch) -> ast.Alternative:
        weight = self.number(item.children[1])
        if weight < 0:
            assert isinstance(item.children[1], Token)
            self._bad_number(item.children[1], "a weight is 0 or more", str(-weight))
        return ast.Alternative(self.build(item.children[0]), float(abs(weight)), span=span_of(item))

    on_weighted_group = on_weighted

    def on_assign(self, item: Branch) -> ast.Assign:
        slot, chain = self.every(item)
        return ast.Assign(slot, chain, span=span_of(item))


def _tree(item: Branch, at: int) -> Branch:
    child = item.children[at]
    assert isinstance(child, Tree)
    return child


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:24]}…"
