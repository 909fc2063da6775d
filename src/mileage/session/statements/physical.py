"""The physical plan of the first configurations of a search: which tasks they have, share, and need not compute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mileage.core.fingerprint import Fingerprint
from mileage.core.reasons import Reason
from mileage.operators import StepSpec
from mileage.optimizer import PlanContext, evaluation_tasks, largest_ahead, optimize
from mileage.planner import LogicalPlan
from mileage.results.report import Section
from mileage.search import Proposal, SearchContext, strategies
from mileage.session.data_tasks import DataTasks, data_tasks
from mileage.session.trials import simplest
from mileage.space import Configuration
from mileage.workflow import Action, PhysicalPlan, instantiate

if TYPE_CHECKING:
    from mileage.session.session import Session

SHOWN = 8
_CONSTANT = Configuration((("model", (StepSpec("dummy"),)),))


def physical_plan(session: Session, plan: LogicalPlan) -> Section:
    """Return the tasks of the first configurations, as the optimizer plans them before any score is known."""
    leaves = data_tasks(plan)
    known: set[Fingerprint] = set()
    rows, total = [], [0, 0, 0, 0]
    for number, proposal in enumerate(_first(plan)):
        physical = _planned(session, plan, leaves, proposal, constant=number == 0)
        wanted = [p for p in physical if p.action is not Action.PRUNE]
        computed = [p.task.fingerprint for p in wanted if p.action is Action.COMPUTE]
        shared = [f for f in computed if f in known]
        counts = (len(physical.tasks), len(computed) - len(shared), len(shared), physical.count(Action.LOAD))
        known |= set(computed)
        total = [a + b for a, b in zip(total, counts, strict=True)]
        rows.append((str(number), *map(str, counts), str(proposal.configuration), str(proposal.reason)))
    rows.append(("all", *map(str, total), "", ""))
    header = ("trial", "tasks", "computed", "shared", "loaded", "configuration", "because")
    title = f"physical plan of the first {len(rows) - 1} configurations ({leaves.n_splits} splits each)"
    return Section(title, header, tuple(rows))


def _first(plan: LogicalPlan) -> Iterator[Proposal]:
    yield Proposal(_CONSTANT, Reason("the answer that needs no data"))
    context = SearchContext(plan.space, plan.seed, plan.setting.n_rows, len(plan.features.names))
    strategy = strategies.get(str(dict(plan.hints).get("strategy", "default"))).begin(context)
    shown = SHOWN if plan.budget.trials is None else min(SHOWN, plan.budget.trials)
    for _ in range(shown):
        proposal = strategy.ask()
        if proposal is None:
            return
        yield proposal


def _planned(
    session: Session, plan: LogicalPlan, leaves: DataTasks, proposal: Proposal, *, constant: bool
) -> PhysicalPlan:
    features = simplest(plan.features) if constant else plan.features
    workflow, _ = instantiate(proposal.configuration.choices, features, plan.setting)
    goal = plan.budget.until
    metrics = dict.fromkeys([*(o.call for o in plan.objectives), *([goal.metric] if goal is not None else [])])
    made = evaluation_tasks(
        workflow,
        leaves.source,
        leaves.deal,
        n_splits=leaves.n_splits,
        metrics=tuple(metrics),
        setting=leaves.scoring,
        test=leaves.test,
    )
    off = frozenset(str(value) for name, value in plan.hints if name == "off")
    ahead = largest_ahead(plan.space)
    context = PlanContext(kept=session.store.has, off=off, ahead=ahead, shares=plan.space.size() > 1)
    return optimize((*leaves.tasks, *made.tasks), made.scores, context)[0]
