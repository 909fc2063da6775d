"""Comments find the node they were written at.

A comment on a line of its own belongs to the statement, delta, clause or item that begins next; any other comment to the
one begun last. The printer puts comments before their node, on lines of their own.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from mileage.language import ast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mileage.language.lexer import Comment

N = TypeVar("N", bound=ast.Node)


def attach(script: ast.Script, comments: Sequence[Comment], starts: Sequence[int]) -> ast.Script:
    """Return the script with each comment at its node; ``starts`` are the places of all tokens, in order."""
    if not comments:
        return script
    places = sorted({span.start for node in commented(script) if (span := node.span)})
    owned: dict[int, list[str]] = {}
    tail: list[str] = []
    for comment in comments:
        follower = bisect_right(starts, comment.start)
        following = starts[follower] if follower < len(starts) else None
        before = bisect_right(places, comment.start)
        if comment.alone and following is None:
            tail.append(comment.text)
        elif (comment.alone and following in places) or before == 0:
            owned.setdefault(following if following in places else -1, []).append(comment.text)
        else:
            owned.setdefault(places[before - 1], []).append(comment.text)
    tail = owned.pop(-1, []) + tail
    return replace(_give(script, owned), comments=tuple(tail))


def commented(node: object) -> Iterator[ast.Commented]:
    """Yield all nodes below that may carry comments, outer ones first."""
    if isinstance(node, tuple):
        for item in node:
            yield from commented(item)
    elif isinstance(node, ast.Node):
        if isinstance(node, ast.Commented) and not isinstance(node, ast.Script):
            yield node
        if isinstance(node, ast.Focus | ast.Prune):
            return  # one line: what is written within it belongs to the statement
        for field in fields(node):
            yield from commented(getattr(node, field.name))


def _give(node: N, owned: dict[int, list[str]]) -> N:
    """Return the node with comments given to it and below; the outer of two that begin at one place gets them."""
    changes: dict[str, Any] = {}
    if isinstance(node, ast.Commented) and not isinstance(node, ast.Script) and node.span and node.span.start in owned:
        changes["comments"] = tuple(owned.pop(node.span.start))
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, ast.Node):
            changes[field.name] = _give(value, owned)
        elif isinstance(value, tuple) and any(isinstance(item, ast.Node) for item in value):
            changes[field.name] = tuple(_give(item, owned) if isinstance(item, ast.Node) else item for item in value)
    return replace(node, **changes) if changes else node
