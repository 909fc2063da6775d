"""Queries as plain data, for JSON and YAML: loss-free both ways, and readable.

The problem, the facts and the wishes are spelled out; small languages inside (a chain of operators, a metric with its
arguments) stay text of MILEAGE. A statement that is no query is kept as its text.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from mileage.language import ast
from mileage.language.exchange_read import fail, read_query
from mileage.language.exchange_write import write_query
from mileage.language.parser import parse
from mileage.language.printer import format_statement

VERSION = 1


def to_json(node: ast.Script | ast.Statement) -> dict[str, Any]:
    """Return a script or a statement as plain data.

    Examples
    --------
    >>> from mileage.language import parse_query
    >>> to_json(parse_query("PREDICT y FROM 'a.csv' PREFER fast WITHIN 2%"))
    {'mileage': 1, 'predict': {'target': 'y'}, 'from': 'a.csv', 'prefer': [{'fast': {'within': '2%'}}]}
    """
    if isinstance(node, ast.Script):
        data: dict[str, Any] = {"mileage": VERSION, "script": [_statement(item) for item in node.statements]}
        return data | ({"comments": list(node.comments)} if node.comments else {})
    return {"mileage": VERSION, **_statement(node)}


def _statement(node: ast.Statement) -> dict[str, Any]:
    return write_query(node) if isinstance(node, ast.Predict) else {"statement": format_statement(node)}


def from_json(data: object) -> ast.Script | ast.Statement:
    """Return the tree of plain data; an unknown key is an error that names the near ones.

    Examples
    --------
    >>> from_json({"mileage": 1, "predict": {"target": "y"}, "sead": 7})
    Traceback (most recent call last):
        ...
    mileage.errors.ParseError: error[E110]: unknown key 'sead' in the query
      did you mean 'seed'?
    """
    if not isinstance(data, dict):
        fail("E111", f"a mapping is wanted, not {type(data).__name__}")
    data = {str(key): item for key, item in data.items()}
    version = data.pop("mileage", None)
    if version != VERSION:
        fail("E111", f"'mileage: {VERSION}' is wanted, not {version!r}")
    if "script" in data:
        if not isinstance(data["script"], list):
            fail("E111", "script: a list is wanted")
        statements = tuple(_read_statement(item) for item in data["script"])
        return ast.Script(statements, comments=tuple(str(c) for c in data.get("comments", ())))
    return _read_statement(data)


def _read_statement(data: object) -> ast.Statement:
    if isinstance(data, dict) and set(data) == {"statement"}:
        script = parse(str(data["statement"]))
        if len(script.statements) == 1:
            first = script.statements[0]
            return replace(first, comments=(*first.comments, *script.comments))
        fail("E111", "statement: one statement is wanted")
    return read_query(data)


def to_yaml(node: ast.Script | ast.Statement) -> str:
    """Return a script or a statement as YAML.

    Examples
    --------
    >>> from mileage.language import parse_query
    >>> print(to_yaml(parse_query("PREDICT y FROM 'a.csv' SEED 7")), end="")
    mileage: 1
    predict: {target: y}
    from: a.csv
    seed: 7
    """
    stream = io.StringIO()
    _yaml().dump(_flowed(to_json(node)), stream)
    return stream.getvalue()


def from_yaml(text: str) -> ast.Script | ast.Statement:
    """Return the tree of a YAML text; a text that is no YAML is a ParseError too."""
    from ruamel.yaml.error import YAMLError

    try:
        data = _yaml().load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        fail("E111", f"this is no YAML: {' '.join(str(error).split())[:200]}")
    return from_json(_plain(data))


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.width = 110
    yaml.allow_duplicate_keys = False
    return yaml


def _flowed(data: Any) -> Any:
    """Return mappings of the top level in block style, small things below on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    def node(item: Any, depth: int) -> Any:
        if isinstance(item, dict):
            made: Any = CommentedMap((key, node(value, depth + 1)) for key, value in item.items())
        elif isinstance(item, list):
            made = CommentedSeq(node(value, depth + 1) for value in item)
        else:
            return item
        if depth > 0 and len(str(item)) <= 100 and "\n" not in str(item):
            made.fa.set_flow_style()
        return made

    return node(data, 0)


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_plain(item) for item in data]
    if isinstance(data, bool) or data is None:
        return data
    for kind in (int, float, str):
        if isinstance(data, kind):
            return kind(data)
    return str(data)
