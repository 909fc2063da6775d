"""An answer of an earlier process, from what the catalog and the store have kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mileage.errors import UnknownRefError
from mileage.language import ast, parse_query
from mileage.operators.metrics import resolve_metric
from mileage.planner import LogicalPlan, bind, stated_requirements
from mileage.results import Leaderboard, Trial
from mileage.session.data_tasks import simplest
from mileage.session.distil import distilled_of
from mileage.session.kept_table import keep_table
from mileage.session.known_data import known_profile
from mileage.session.result import Result
from mileage.session.run import rank
from mileage.workflow import Workflow, blended, instantiate, members_of, teachers_of

if TYPE_CHECKING:
    from mileage.catalog import QueryRecord
    from mileage.session.session import Session


def reopen(session: Session, record: QueryRecord) -> Result:
    """Return the answer of a query's last run.

    Raises
    ------
    UnknownRefError
        If the query never ran, or its data has changed since.
    """
    runs = [run for run in session.catalog.runs() if run.query_id == record.id]
    if not runs:
        raise UnknownRefError(f"@q{record.id} was never run", hint="run it first")
    run = runs[-1]
    look = partial(known_profile, session.store)
    keep_table(session.project)
    plan = bind(parse_query(record.text), session.database, source=record.text, look=look)
    if str(plan.dataset.fingerprint) != run.data_fingerprint:
        raise UnknownRefError(f"the data of @q{record.id} has changed since it ran", hint="run the query again")
    board = rank(plan, _with_workflows(plan, session.catalog.trials(run.id)))
    return Result(session, plan, board, run.id, record.id, run.seconds or 0.0, str(run.summary.get("ended", run.state)))


def _with_workflows(plan: LogicalPlan, trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of a run with the workflows that their configurations mean for this plan."""
    made: dict[int, Trial] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):  # a blend comes after its members
        if members := members_of(trial.configuration):
            workflow = blended(_parts(made, members), trial.configuration)
        elif teachers := teachers_of(trial.configuration):
            workflow = distilled_of(plan, _parts(made, teachers), trial.configuration)
        else:
            features = simplest(plan.features) if trial.number == 0 else plan.features
            workflow, _ = instantiate(trial.configuration, features, plan.setting)
        made[trial.number] = replace(trial, workflow=workflow)
    return list(made.values())


def _parts(made: Mapping[int, Trial], members: Sequence[tuple[int, float]]) -> list[tuple[float, Workflow]]:
    """Return the workflows of some trials with their weights."""
    parts = [(weight, made[number].workflow) for number, weight in members]
    return [(weight, part) for weight, part in parts if part is not None]


def recorded(session: Session, record: QueryRecord) -> Leaderboard | None:
    """Return the ranked list of a query's last run from the catalog alone; None if nothing was kept.

    It serves where the data has changed or is gone: scores and reasons stay, nothing can be computed from them.
    """
    runs = [run for run in session.catalog.runs() if run.query_id == record.id]
    trials = session.catalog.trials(runs[-1].id) if runs else ()
    scored = next((t for t in trials if t.scores and t.workflow is not None), None)
    if scored is None or scored.workflow is None:
        return None
    task = scored.workflow.task
    query = parse_query(record.text)
    requirements, wanted = stated_requirements(query), query.clause(ast.Return)
    bounded = {bound.metric for bound in requirements}
    first, *then = scored.scores  # those of OPTIMIZE in their order, then those that are bounded only
    names = (first, *[name for name in then if name not in bounded])
    objectives = tuple((name, resolve_metric(name, task).greater_is_better) for name in names)
    n = wanted.n if wanted else Leaderboard.n
    return Leaderboard(trials, objectives=objectives, n=n, requirements=requirements)
