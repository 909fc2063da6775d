"""The physical plan of the first configurations of a search: which tasks they have, share, and need not compute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.core.reasons import Reason
from mileage.operators import StepSpec
from mileage.optimizer import Ahead, Applied, PlanContext, evaluation_tasks, optimize
from mileage.planner import LogicalPlan
from mileage.results.report import Section
from mileage.search import Proposal, SearchContext, strategies
from mileage.session.data_tasks import DataTasks, data_tasks, simplest
from mileage.session.knowledge import is_used, known_for
from mileage.session.loadable import loadable
from mileage.session.rates import known_rates
from mileage.session.recheck import known_demotions
from mileage.space import Configuration
from mileage.workflow import Action, PhysicalPlan, TaskKind, instantiate

if TYPE_CHECKING:
    from mileage.session.session import Session

SHOWN = 8
_MERGE = "merge_equal_tasks"
_WHAT = {TaskKind.PREDICT: "predictions", TaskKind.SCORE: "scores"}
_CONSTANT = Configuration((("model", (StepSpec("dummy"),)),))


def physical_plan(session: Session, plan: LogicalPlan) -> tuple[Section, ...]:
    """Return the tasks of the first configurations, as the optimizer plans them before any score is known, and what is shared."""
    leaves = data_tasks(plan)
    known: set[Fingerprint] = set()
    sharing = _Sharing()
    rows, total = [], [0, 0, 0, 0]
    for number, proposal in enumerate(_first(session, plan)):
        physical, applied = _planned(session, plan, leaves, proposal, constant=number == 0)
        wanted = [p for p in physical if p.action is not Action.PRUNE]
        computed = [p.task.fingerprint for p in wanted if p.action is Action.COMPUTE]
        shared = [f for f in computed if f in known]
        counts = (len(physical.tasks), len(computed) - len(shared), len(shared), physical.count(Action.LOAD))
        known |= set(computed)
        sharing.add(physical, applied, n_shared=len(shared))
        total = [a + b for a, b in zip(total, counts, strict=True)]
        rows.append((str(number), *map(str, counts), str(proposal.configuration), str(proposal.reason)))
    rows.append(("all", *map(str, total), "", ""))
    header = ("trial", "tasks", "computed", "shared", "loaded", "configuration", "because")
    title = f"physical plan of the first {len(rows) - 1} configurations ({leaves.n_splits} splits each)"
    return Section(title, header, tuple(rows)), *sharing.section()


@dataclass
class _Sharing:
    """What rules have put in the place of other tasks, over several plans."""

    n_merged: int = 0
    instead: dict[str, dict[Fingerprint, Exactness]] = field(default_factory=dict)
    what: dict[str, str] = field(default_factory=dict)
    besides: dict[str, set[Fingerprint]] = field(default_factory=dict)

    def add(self, physical: PhysicalPlan, applied: tuple[Applied, ...], *, n_shared: int) -> None:
        self.n_merged += n_shared + sum(one.saved for one in applied if one.rule == _MERGE)
        for planned in physical:
            if planned.by and planned.action is Action.COMPUTE:
                name = planned.task.fingerprint
                if planned.task.same_as is not None:
                    self.instead.setdefault(planned.by, {})[name] = planned.exactness
                    self.what[planned.by] = _WHAT.get(planned.task.kind, "fits")
                else:
                    self.besides.setdefault(planned.by, set()).add(name)

    def section(self) -> tuple[Section, ...]:
        """Return one row for each rule that has saved tasks."""
        rows = [(_MERGE, str(Exactness.BITWISE), str(self.n_merged), "equal tasks are computed once")]
        for name, made in self.instead.items():
            extra = len(self.besides.get(name, ()))
            how = f"{len(made)} {self.what[name]} from {extra} task{'s' * (extra != 1)}"
            rows.append((name, str(max(made.values())), str(len(made) - extra), how))
        shown = tuple(row for row in rows if row[2] != "0")
        return (Section("shared", ("rule", "exactness", "tasks saved", "how"), shown),) if shown else ()


def _first(session: Session, plan: LogicalPlan) -> Iterator[Proposal]:
    yield Proposal(_CONSTANT, Reason("the answer that needs no data"))
    known = known_for(plan, session.catalog.lessons.all(plan.task)) if is_used(plan) else ()
    context = SearchContext(
        plan.space, plan.seed, plan.setting.n_rows, len(plan.features.names), plan.setting.n_classes, known
    )
    strategy = strategies.get(str(dict(plan.hints).get("strategy", "default"))).begin(context)
    shown = SHOWN if plan.budget.trials is None else min(SHOWN, plan.budget.trials)
    for _ in range(shown):
        proposal = strategy.ask()
        if proposal is None:
            return
        yield proposal


def _planned(
    session: Session, plan: LogicalPlan, leaves: DataTasks, proposal: Proposal, *, constant: bool
) -> tuple[PhysicalPlan, tuple[Applied, ...]]:
    features = simplest(plan.features) if constant else plan.features
    leaves = leaves.of(proposal.configuration.choices)
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
    context = PlanContext(
        kept=loadable(plan, session.store.has),
        off=plan.rules_off,
        floor=plan.floor,
        ahead=Ahead() if leaves.parts is not None else Ahead(plan.space, n_trials=plan.budget.sure_trials),
        shares=plan.space.size() > 1,
        levels=plan.features.levels,
        rates=known_rates(session.project.path),
        demoted=known_demotions(session.project.path),
    )
    return optimize((*leaves.tasks, *made.tasks), made.scores, context)
