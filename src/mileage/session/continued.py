"""What a search goes on from: trials of an earlier run whose predictions are kept, so that they cost a score and no fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.errors import QueryError
from mileage.language import ast, parse_query, semantic_hash
from mileage.session.knowledge import is_used

if TYPE_CHECKING:
    from mileage.catalog import RunRecord
    from mileage.core.fingerprint import Fingerprint
    from mileage.planner import LogicalPlan
    from mileage.results import Trial
    from mileage.session.session import Session


def trials_before(session: Session, query: ast.Predict, plan: LogicalPlan, parent: int | None) -> tuple[Trial, ...]:
    """Return the trials that a run may begin with, in the order of their numbers.

    They are those of the last run of the ``parent`` version, if the query refines one; else those of the run of the same question
    with another budget that has tried most. The very same query has none: it tries the same again, in the same order.
    """
    run = _last_run(session, parent) if parent is not None else _shorter_or_longer(session, query, plan)
    trials = session.catalog.trials(run.id) if run is not None else ()
    return tuple(sorted((trial for trial in trials if trial.number > 0), key=lambda trial: trial.number))


def _last_run(session: Session, query_id: int) -> RunRecord | None:
    return next((run for run in reversed(session.catalog.runs()) if run.query_id == query_id), None)


def _shorter_or_longer(session: Session, query: ast.Predict, plan: LogicalPlan) -> RunRecord | None:
    """Return the run that differs from this one in its budget only.

    None where trials are counted, as its trials would take the place of others, and where times or sizes are bounded, as what others
    have kept besides takes none.
    """
    timed = any(bound.is_measured for bound in plan.requirements)
    if timed or not is_used(plan) or plan.budget.trials is not None:
        return None
    mine, whole = semantic_hash(_without_budget(query)), str(semantic_hash(query))
    data = str(plan.dataset.fingerprint)
    runs = [run for run in session.catalog.runs() if run.data_fingerprint == data]
    texts = {record.id: record.text for record in session.catalog.queries() if record.semantic_hash != whole}
    for run in sorted(runs, key=lambda run: -run.n_trials):
        text = texts.get(run.query_id)
        if text is not None and _hash_of(text) == mine:
            return run
    return None


def _hash_of(text: str) -> Fingerprint | None:
    """Return what a recorded query asks but for its budget; None if an earlier version wrote what is no query any more."""
    try:
        return semantic_hash(_without_budget(parse_query(text)))
    except QueryError:
        return None


def _without_budget(query: ast.Predict) -> ast.Predict:
    return replace(query, clauses=tuple(clause for clause in query.clauses if not isinstance(clause, ast.Budget)))
