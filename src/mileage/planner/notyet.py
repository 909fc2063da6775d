"""Clauses that parse and that this version does not execute: refused by name before anything runs."""

from __future__ import annotations

from mileage.core.spans import Span
from mileage.language import ast
from mileage.planner.facts import facts
from mileage.planner.mistakes import Mistakes

_CLAUSES: dict[type, tuple[str, str]] = {
    ast.Prefer: ("PREFER", "wishes are not weighed yet; narrow the space by WITH or WITHOUT instead"),
    ast.UsingKnowledge: ("USING KNOWLEDGE", "packs are not executed yet; write the facts in KNOWING"),
}
_TASKS = {"classification", "regression"}
_WORDS = {
    "cost": "FALSE ... COST",
    "mistaking": "MISTAKING ... COSTS",
    "monotone": "RISES/FALLS WITH",
    "interaction": "INTERACTS WITH",
    "derived": "column = (SQL)",
}


def refuse(query: ast.Predict, mistakes: Mistakes) -> None:
    """Note one mistake (E301) for each part of the query that is not executed yet."""
    for clause in query.clauses:
        if type(clause) in _CLAUSES:
            name, hint = _CLAUSES[type(clause)]
            _refuse(mistakes, name, clause.span, hint)
        elif isinstance(clause, ast.Knowing):
            _facts(clause, mistakes)
        elif isinstance(clause, ast.Require):
            _bounds(clause, mistakes)
        elif isinstance(clause, ast.Reuse) and clause.mode != "auto":
            name = "REUSE of views" if clause.mode == "views" else f"REUSE {clause.mode.upper()}"
            _refuse(mistakes, name, clause.span, "leave it out: what is kept is reused")
        elif isinstance(clause, ast.Optimize) and any(len(level) > 1 for level in clause.metrics):
            _refuse(mistakes, "OPTIMIZE with several metrics at once", clause.span, "write THEN between them")
    if len(query.targets) > 1:
        _refuse(mistakes, "PREDICT of several targets", query.targets[1].span, "write one query for each target")
    if query.task is not None and query.task.name not in _TASKS:
        _refuse(
            mistakes,
            f"AS {query.task.name.upper()}",
            query.task.span,
            "AS CLASSIFICATION and AS REGRESSION are executed",
        )


def _facts(clause: ast.Knowing, mistakes: Mistakes) -> None:
    for fact in clause.facts:
        body = fact.body
        word = body.kind.name if isinstance(body, ast.Trait) else type(body).__name__.lower()
        if not isinstance(body, ast.Trait) or body.labels or word not in facts:
            shown = "LABELS ARE " if isinstance(body, ast.Trait) and body.labels else ""
            shown += _WORDS.get(word, word.replace("_", " ").upper())
            _refuse(mistakes, f"KNOWING ... {shown}", fact.span, f"executed: {', '.join(sorted(facts)).upper()}")
        elif fact.belief in {"likely", "maybe"}:
            hint = "leave it out: the fact is then taken as certain"
            _refuse(mistakes, f"KNOWING {fact.belief.upper()} ...", fact.span, hint)


def _bounds(clause: ast.Require, mistakes: Mistakes) -> None:
    for item in clause.items:
        if isinstance(item, ast.Intent):
            hint = "bounds of metrics, of latency, fit_time, predict_time and size are executed"
            _refuse(mistakes, f"REQUIRE {item.name}", item.span, hint)
        elif item.where is not None:
            _refuse(mistakes, "REQUIRE ... WHERE", item.span, "bound the metric over all rows")
        elif item.confidence is not None:
            _refuse(
                mistakes, "REQUIRE ... WITH CONFIDENCE", item.span, "leave it out: the mean over the splits is bounded"
            )


def _refuse(mistakes: Mistakes, name: str, span: Span | None, hint: str) -> None:
    mistakes.add("E301", f"{name} is not executed yet", span, hint=hint)
