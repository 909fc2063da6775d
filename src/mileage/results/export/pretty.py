"""Expressions laid out as ruff lays them out: one line if it fits, else one item a line; strings in double quotes."""

from __future__ import annotations

import ast
import io
import tokenize

_INDENT = "    "


def pretty(code: str, width: int, used: int = 0) -> str:
    """Return an expression in lines of at most ``width``, where it has places to be broken.

    ``used`` is what stands before it on its first line.

    Examples
    --------
    >>> print(pretty("make_scorer(log_loss, greater_is_better=False, response_method='predict_proba')", 40))
    make_scorer(
        log_loss,
        greater_is_better=False,
        response_method="predict_proba",
    )
    """
    return _laid(ast.parse(code, mode="eval").body, width, used)


def hoisted(code: str) -> tuple[str, str]:
    """Return the splitter of an expression and the expression with ``splitter`` in its place; ``""`` if it has none.

    One that is made anew for each seed of a loop stays where it is.

    Examples
    --------
    >>> hoisted("[(b, a) for a, b in KFold(n_splits=3).split(X)]")
    ('KFold(n_splits=3)', '[(b, a) for a, b in splitter.split(X)]')
    """
    tree = ast.parse(code, mode="eval")
    bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "split" and isinstance(node.value, ast.Call):
            made = node.value
            if any(isinstance(n, ast.Name) and n.id in bound for n in ast.walk(made)):
                continue
            node.value = ast.Name("splitter")
            return _line(made), _line(tree.body)
    return "", code


def _laid(node: ast.expr, width: int, used: int = 0) -> str:
    line = _line(node)
    if used + len(line) <= width:
        return line
    inner = width - len(_INDENT)
    match node:
        case ast.Call(func=func, args=args, keywords=keywords) if args or keywords:
            items = [_laid(a, inner, 1) for a in args]
            items += [f"{k.arg}={_laid(k.value, inner, len(str(k.arg)) + 2)}" for k in keywords]
            return f"{_line(func)}(\n{_items(items)})"
        case ast.List(elts=elts) if elts:
            return f"[\n{_items([_laid(e, inner, 1) for e in elts])}]"
        case ast.Tuple(elts=elts) if len(elts) > 1:
            return f"(\n{_items([_laid(e, inner, 1) for e in elts])})"
        case ast.Dict(keys=keys, values=values) if values:
            heads = [f"{_line(key)}: " if key is not None else "**" for key in keys]
            pairs = zip(heads, values, strict=True)
            return f"{{\n{_items([head + _laid(value, inner, len(head) + 1) for head, value in pairs])}}}"
        case ast.ListComp(elt=elt, generators=generators):
            parts = [_laid(elt, inner), *[_for(g, inner) for g in generators]]
            return "[\n" + "".join(f"{_indented(part)}\n" for part in parts) + "]"
    return line


def _for(generator: ast.comprehension, width: int) -> str:
    head = f"for {_target(generator.target)} in "
    conditions = "".join(f" if {_line(test)}" for test in generator.ifs)
    return f"{head}{_laid(generator.iter, width, len(head))}{conditions}"


def _target(node: ast.expr) -> str:
    return ", ".join(map(_line, node.elts)) if isinstance(node, ast.Tuple) else _line(node)


def _items(items: list[str]) -> str:
    return "".join(f"{_indented(item)},\n" for item in items)


def _indented(text: str) -> str:
    return _INDENT + text.replace("\n", "\n" + _INDENT)


def _line(node: ast.expr) -> str:
    """Return an expression on one line, its strings in double quotes."""
    text = ast.unparse(node)
    made, at = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        plain = token.type == tokenize.STRING and token.string.startswith("'") and '"' not in token.string
        if plain:
            made.append(text[at : token.start[1]] + '"' + token.string[1:-1] + '"')
            at = token.end[1]
    return "".join(made) + text[at:]
