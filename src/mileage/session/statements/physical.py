"""The physical plan of the first configurations of a search: which tasks they have, share, and need not compute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.core.reasons import Reason
from mileage.core.units import format_seconds
from mileage.operators import StepSpec
from mileage.optimizer import Ahead, Applied, PlanContext, Rates, evaluation_tasks, expected_s, optimize
from mileage.planner import LogicalPlan
from mileage.results.report import Section
from mileage.search import Proposal, strategies
from mileage.session.data_tasks import DataTasks, data_tasks, simplest
from mileage.session.knowledge import is_used, known_for
from mileage.session.loadable import loadable
from mileage.session.proposals import search_context
from mileage.session.rates import known_rates
from mileage.session.recheck import known_demotions
from mileage.space import Configuration
from mileage.workflow import Action, PhysicalPlan, PlannedTask, TaskKind, instantiate

if TYPE_CHECKING:
    from mileage.session.session import Session

SHOWN = 8
_MERGE = "merge_equal_tasks"
_WHAT = {TaskKind.PREDICT: "predictions", TaskKind.SCORE: "scores"}
_CONSTANT = Configuration((("model", (StepSpec("dummy"),)),))


def physical_plan(session: Session, plan: LogicalPlan, text: str) -> tuple[Section, ...]:
    """Return the tasks of the first configurations, as the optimizer plans them before any score is known, and what is shared.

    Seconds saved are expected by the priors of operators and the rates of the machine; for a query that has run, its canonical ``text`` finds
    what its last run has measured.
    """
    leaves = data_tasks(plan)
    known: set[Fingerprint] = set()
    sharing = _Sharing(known_rates(session.project.path))
    rows, total = [], [0, 0, 0, 0, 0]
    for number, proposal in enumerate(_first(session, plan)):
        physical, applied = _planned(session, plan, leaves, proposal, constant=number == 0)
        wanted = [p for p in physical if p.action is not Action.PRUNE]
        computed = [p.task.fingerprint for p in wanted if p.action is Action.COMPUTE]
        shared = [p for p in wanted if p.action is Action.COMPUTE and p.task.fingerprint in known]
        left = (physical.count(Action.LOAD), physical.count(Action.PRUNE))
        counts = (len(physical.tasks), len(computed) - len(shared), len(shared), *left)
        known |= set(computed)
        sharing.add(physical, applied, shared)
        total = [a + b for a, b in zip(total, counts, strict=True)]
        rows.append((str(number), *map(str, counts), str(proposal.configuration), str(proposal.reason)))
    rows.append(("all", *map(str, total), "", ""))
    header = ("trial", "tasks", "computed", "shared", "loaded", "pruned", "configuration", "because")
    title = f"physical plan of the first {len(rows) - 1} configurations ({leaves.n_splits} splits each)"
    return Section(title, header, tuple(rows)), *sharing.section(), *_measured(session, text)


def _measured(session: Session, text: str) -> tuple[Section, ...]:
    """Return what the last run of a query, by its canonical text, has saved; nothing where it has saved nothing."""
    ids = {query.id for query in session.catalog.queries() if query.text == text}
    kept = [run.summary["reuse"] for run in session.catalog.runs() if run.query_id in ids and run.summary.get("reuse")]
    if not kept:
        return ()
    alone, computed = (float(kept[-1][name]) for name in ("alone_s", "computed_s"))
    if alone <= computed:
        return ()
    row = tuple(format_seconds(s) for s in (alone, computed, alone - computed))
    return (Section("measured by its last run", ("one by one", "computed", "saved"), (row,)),)


@dataclass
class _Sharing:
    """What rules have put in the place of other tasks, over several plans."""

    rates: Rates
    n_merged: int = 0
    merged_s: float = 0.0
    instead: dict[str, dict[Fingerprint, Exactness]] = field(default_factory=dict)
    what: dict[str, str] = field(default_factory=dict)
    besides: dict[str, dict[Fingerprint, float]] = field(default_factory=dict)
    saved_s: dict[str, dict[Fingerprint, float]] = field(default_factory=dict)

    def add(self, physical: PhysicalPlan, applied: tuple[Applied, ...], shared: list[PlannedTask]) -> None:
        # what a rule has made for several is counted with the rule
        self.merged_s += sum(expected_s(p.task, self.rates) for p in shared if not p.by)
        self.n_merged += len(shared) + sum(one.saved for one in applied if one.rule == _MERGE)
        for planned in physical:
            if planned.by and planned.action is Action.COMPUTE:
                name = planned.task.fingerprint
                if planned.task.same_as is not None:
                    self.instead.setdefault(planned.by, {})[name] = planned.exactness
                    self.saved_s.setdefault(planned.by, {})[name] = expected_s(planned.task, self.rates)
                    self.what[planned.by] = _WHAT.get(planned.task.kind, "fits")
                else:
                    self.besides.setdefault(planned.by, {})[name] = expected_s(planned.task, self.rates)

    def section(self) -> tuple[Section, ...]:
        """Return one row for each rule that has saved tasks."""
        merged = format_seconds(self.merged_s)
        rows = [(_MERGE, str(Exactness.BITWISE), str(self.n_merged), merged, "equal tasks are computed once")]
        for name, made in self.instead.items():
            others = self.besides.get(name, {})
            extra, saved = len(others), max(0.0, sum(self.saved_s[name].values()) - sum(others.values()))
            how = f"{len(made)} {self.what[name]} from {extra} task{'s' * (extra != 1)}"
            rows.append((name, str(max(made.values())), str(len(made) - extra), format_seconds(saved), how))
        shown = tuple(row for row in rows if row[2] != "0")
        return (
            (Section("shared", ("rule", "exactness", "tasks saved", "expected to save", "how"), shown),)
            if shown
            else ()
        )


def _first(session: Session, plan: LogicalPlan) -> Iterator[Proposal]:
    yield Proposal(_CONSTANT, Reason("the answer that needs no data"))
    known = known_for(plan, session.catalog.lessons.all(plan.task)) if is_used(plan) else ()
    strategy = strategies.get(str(dict(plan.hints).get("strategy", "default"))).begin(search_context(plan, known))
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
