"""The source of a function, a class or a constant in a kept file, and what two of them differ in."""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass

_MOST_LINES = 40
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Segment:
    """Lines of a file, from ``start`` on."""

    lines: tuple[str, ...]
    start: int


def segment(text: str, qualname: str, line: int = 0) -> Segment | None:
    r"""Return the definition of a name, decorators included; without one, the smallest statement around a line.

    Examples
    --------
    >>> segment("x = 1\nclass A:\n    def f(self):\n        return 2\n", "A.f")
    Segment(lines=('    def f(self):', '        return 2'), start=3)
    """
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a cell with magics in it
        return None
    lines = text.splitlines()
    found: ast.stmt | None = _named(tree, [name for name in qualname.split(".") if name != "<locals>"])
    found = found or _around(tree, line)
    if found is None:
        return None
    start = min([found.lineno, *(d.lineno for d in getattr(found, "decorator_list", []))])
    return Segment(tuple(lines[start - 1 : found.end_lineno]), start)


def assignment_line(text: str, name: str) -> int:
    r"""Return the line of the last assignment to a name of the module; 0 without one.

    Examples
    --------
    >>> assignment_line("import os\nLIMIT = 5\n", "LIMIT")
    2
    """
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return 0
    targets = [(node, target) for node in body for target in _targets(node)]
    return max((node.lineno for node, target in targets if getattr(target, "id", "") == name), default=0)


def difference(old: Segment | None, new: Segment | None) -> tuple[tuple[str, ...], int]:
    """Return the lines that differ as a unified diff without its head, and the first changed line of the new file."""
    if old is None or new is None:
        return (), 0
    made = list(difflib.unified_diff(old.lines, new.lines, n=1, lineterm=""))[2:]
    at = new.start
    line = 0
    for text in made:
        if match := _HUNK.match(text):
            at = new.start + int(match[1]) - 1
        elif text.startswith(("+", "-")):
            line = at
            break
        else:
            at += 1
    shown = [text for text in made if not text.startswith("@@")]
    more = len(shown) - _MOST_LINES
    return (*shown[:_MOST_LINES], *([f"… {more} more lines"] if more > 0 else [])), line


def _named(tree: ast.AST, names: list[str]) -> _Definition | None:
    scope: ast.AST | None = tree
    for name in names:
        inside = [n for n in ast.walk(scope) if isinstance(n, _Definition) and n.name == name] if scope else []
        scope = inside[-1] if inside else None
    return scope if isinstance(scope, _Definition) else None


def _around(tree: ast.AST, line: int) -> ast.stmt | None:
    holding = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and n.lineno <= line <= (n.end_lineno or 0)]
    return min(holding, key=lambda n: (n.end_lineno or 0) - n.lineno, default=None)


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return [t for target in node.targets for t in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []
