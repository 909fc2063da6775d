"""A text workflow over the sources of Python's library, and ten iterations on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import text_steps as do

Step = Callable[..., Any]

_FIRST: dict[str, Any] = {"min_df": 5, "ngrams": 1, "sublinear": False, "dimensions": 50, "k": 30, "C": 1.0, "top": 5}
EDITS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("start", {"sample": 5000}),
    ("post", {"top": 10}),
    ("learn", {"k": 20}),
    ("prepare", {"sublinear": True}),
    ("post", {"sample": 8000}),
    ("learn", {"C": 5.0}),
    ("prepare", {"ngrams": 2}),
    ("learn", {"k": 40}),
    ("post", {"top": 20}),
    ("undo", {"ngrams": 1, "k": 20}),
)


def settings(iteration: int) -> dict[str, Any]:
    """Return all parameters of an iteration, counted from 0."""
    made = dict(_FIRST)
    for _, edit in EDITS[: iteration + 1]:
        made |= edit
    return made


def build(step: Callable[[Step], Step], data: Path, s: dict[str, Any], rows: int | None = None) -> Any:
    """Return the report of one iteration; ``step`` wraps each operator as the system at hand wants it."""
    del data
    passages = step(do.clean)(step(do.load_passages)(lines=40, most=None if rows is None else rows // 10), shortest=30)
    counts = step(do.count)(passages, min_df=s["min_df"], ngrams=s["ngrams"])
    points = step(do.place)(step(do.weigh)(counts, sublinear=s["sublinear"]), dimensions=s["dimensions"])
    groups = step(do.cluster)(points, k=s["k"])
    right = step(do.classify)(points, passages, C=s["C"])
    parts = (
        step(do.agreement)(passages, groups),
        step(do.shape)(points, groups, sample=s["sample"]),
        step(do.telling)(counts, groups, top=s["top"]),
    )
    return step(do.report)(right, *parts)
