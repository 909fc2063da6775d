"""An answer of an earlier process, from what the catalog and the store have kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.errors import UnknownRefError
from mileage.language import parse_query
from mileage.session.binding import bind_query
from mileage.session.result import Result
from mileage.session.run import rank
from mileage.session.trials import simplest
from mileage.workflow import instantiate

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
    from dataclasses import replace

    runs = [run for run in session.catalog.runs() if run.query_id == record.id]
    if not runs:
        raise UnknownRefError(f"@q{record.id} was never run", hint="run it first")
    run = runs[-1]
    plan = bind_query(session, parse_query(record.text), record.text)
    if str(plan.dataset.fingerprint) != run.data_fingerprint:
        raise UnknownRefError(f"the data of @q{record.id} has changed since it ran", hint="run the query again")
    trials = [
        replace(
            trial,
            workflow=instantiate(
                trial.configuration, simplest(plan.features) if trial.number == 0 else plan.features, plan.setting
            )[0],
        )
        for trial in session.catalog.trials(run.id)
    ]
    board = rank(plan, trials)
    return Result(session, plan, board, run.id, record.id, run.seconds or 0.0, str(run.summary.get("ended", run.state)))
