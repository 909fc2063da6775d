"""Executors for a session: where its tasks run, and the two things nearly everyone asks of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mileage.core.events import EventBus
from mileage.engine import Executor, Limits, Outcome, Resources, backends
from mileage.errors import EngineError
from mileage.operators import Operator, operators
from mileage.operators.metrics import metrics
from mileage.optimizer import PlanContext, fit_tasks, optimize
from mileage.planner import LogicalPlan
from mileage.session.data_tasks import SessionData
from mileage.session.place import backend_name
from mileage.workflow import Port, Task, TaskKind, Workflow

if TYPE_CHECKING:
    from mileage.session.session import Session


def known_backends() -> tuple[str, ...]:
    """Return the names of the places where tasks can run."""
    return backends.names()


def open_executor(
    session: Session,
    data: SessionData,
    bus: EventBus,
    *,
    plan: LogicalPlan,
    backend: str | None = None,
    local: Iterable[Operator] = (),
) -> tuple[Executor, int]:
    """Return an executor on the session's backend unless another is named, and its number of workers.

    ``local`` operators are known to this executor alone.
    """
    hints = dict(plan.hints)
    name = backend or backend_name(session, hints)
    n = int(str(hints.get("workers") or session.workers or plan.budget.cores or os.cpu_count() or 1))
    known = {op.name: op for op in (*operators.added(), *local)}
    resources = Resources(data.source, known, metrics.added())
    executor = Executor(
        backends.get(name).new(),
        session.store,
        events=bus,
        resources=resources,
        memory_bytes=plan.budget.memory_bytes,
        n_workers=n,
        keeps_one_free=plan.budget.seconds is not None,  # only a search in time has what need not wait
        on_close=session.store.hold().release,
    )
    return executor, 1 if name == "inline" else n


def refit(
    session: Session, executor: Executor, source: Task, workflow: Workflow, limits: Limits
) -> tuple[dict[str, Port] | None, str]:
    """Fit a workflow on all rows as tasks that are kept; return the ports of its states, or why there are none."""
    return end_refit(executor, begin_refit(executor, source, workflow, limits, kept=session.store.has), {})


@dataclass(frozen=True)
class Refit:
    """A workflow that is being fitted on all rows: its ticket, and where its fitted steps will be."""

    ticket: int
    states: dict[str, Port]


def begin_refit(
    executor: Executor, source: Task, workflow: Workflow, limits: Limits, *, kept: Callable[[str], bool]
) -> Refit:
    """Begin to fit a workflow on all rows, behind what was begun before."""
    tasks, states = fit_tasks(workflow, source)
    shares = workflow.model.is_blend  # its members are fitted side by side
    context = PlanContext(kept=kept, shares=shares, keep=frozenset({TaskKind.FIT, TaskKind.CUT}))
    physical, _ = optimize((source, *tasks), states.values(), context)
    return Refit(executor.submit(physical, label="refit", limits=limits), states)


def end_refit(executor: Executor, refit: Refit, seen: Mapping[int, Outcome]) -> tuple[dict[str, Port] | None, str]:
    """Wait for a refit unless its outcome was ``seen``; return the ports of the fitted steps, or why there are none."""
    outcomes = dict(seen)
    while refit.ticket not in outcomes:
        outcomes |= {outcome.ticket: outcome for outcome in executor.wait(1.0)}
    outcome = outcomes[refit.ticket]
    return (refit.states, "") if outcome.state == "done" else (None, str(outcome.error or outcome.state))


def finished(executor: Executor) -> Outcome:
    """Wait for the one ticket that runs.

    Raises
    ------
    EngineError
        If it failed.
    """
    while True:
        for outcome in executor.wait(1.0):
            if outcome.state != "done":
                raise EngineError(str(outcome.error or outcome.state), code="X602")
            return outcome
