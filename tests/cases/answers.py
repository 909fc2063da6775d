"""What a heading of a ``.case`` file asks: each question is one function from what is given to text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from mileage.core.exactness import Exactness
from mileage.data import Database, bounds_of
from mileage.engine import Executor, Outcome, Resources, backends
from mileage.engine.scratch import Scratch, Store
from mileage.errors import MileError
from mileage.language import apply_refine, ast, diff, format_node, format_script, parse, parse_query
from mileage.optimizer import (
    BATCHES,
    PlanContext,
    apply_tasks,
    evaluation_tasks,
    fit_tasks,
    optimize,
    sample_task,
    weakest,
)
from mileage.optimizer.rule import run_rule
from mileage.planner import LogicalPlan, bind, explain_plan, explain_space
from mileage.session.data_tasks import SessionData, data_tasks, rows_task
from mileage.workflow import PhysicalPlan, PlannedTask, Port, Task, TaskKind, instantiate

TABLES = Path(__file__).parents[2] / "examples" / "data"
GIVEN = ("query", "other query", "refine", "kept", "samples")
Given = Mapping[str, str]
_TOLERANCE = {
    Exactness.BITWISE: 0.0,
    Exactness.FP: 1e-9,
    Exactness.TIE_EQUAL: 0.01,
    Exactness.OPT_EQUAL: 1e-3,
}  # of scores
KEEP = frozenset({TaskKind.PREDICT, TaskKind.SCORE})


def answer(heading: str, given: Given) -> str:
    """Answer one question; ``HEADING RULE`` asks about a rule of the optimizer."""
    if heading in ASKED:
        return ASKED[heading](given)
    question, _, rule = heading.rpartition(" ")
    assert question in ASKED_OF_RULES, f"no question '{heading}'; known: {', '.join([*ASKED, *ASKED_OF_RULES])}"
    return ASKED_OF_RULES[question](given, rule)


# --- language -----------------------------------------------------------------------------------------------------------


def _prints(given: Given) -> str:
    text = format_script(parse(given["query"]))
    assert format_script(parse(text)) == text, "what was printed prints differently"
    return text


def _reports(given: Given) -> str:
    try:
        parse(given["query"])
        _plan(given)
    except MileError as error:
        return str(error)
    return "nothing"


def _becomes(given: Given) -> str:
    refine = parse(f"REFINE @last {given['refine']}").statements[0]
    assert isinstance(refine, ast.Refine)
    return format_node(apply_refine(parse_query(given["query"]), refine.deltas))


def _differs_by(given: Given) -> str:
    before, after = parse_query(given["query"]), parse_query(given["other query"])
    return "\n".join(format_node(delta) for delta in diff(before, after)) or "nothing"


# --- planner ------------------------------------------------------------------------------------------------------------


def _plan(given: Given) -> LogicalPlan:
    database = Database(TABLES)
    query = parse_query(given["query"])
    return bind(query, database, source=given["query"])


def _section(title: str) -> Callable[[Given], str]:
    def ask(given: Given) -> str:
        plan = _plan(given)
        sections = {section.title.partition(":")[0]: section for section in (*explain_plan(plan), *explain_space(plan))}
        if title not in sections:
            return "none"
        return "\n".join(" | ".join(row).rstrip(" |") for row in sections[title].rows)

    return ask


# --- optimizer ----------------------------------------------------------------------------------------------------------


def _tasks(plan: LogicalPlan, samples: tuple[float, ...] = ()) -> tuple[list[Task], list[Port]]:
    """Return the tasks of every workflow of a finite space, as they are before any rule, and the wanted scores.

    Each is evaluated on samples of the train rows, if there are any, and on all of them.
    """
    data = data_tasks(plan)
    dealt = [*(sample_task(data.deal, share) for share in samples), data.deal]
    tasks, wanted = [*data.tasks, *dealt[:-1]], []
    for point, common in product(plan.space.points(), dealt):
        choices = tuple((slot.name, chosen) for slot, chosen in zip(plan.space.slots, point, strict=True))
        splits = common if data.parts is None else data.of(choices).deal
        tasks += [] if data.parts is None else [splits]
        made = evaluation_tasks(
            instantiate(choices, plan.features, plan.setting)[0],
            data.source,
            splits,
            n_splits=data.n_splits,
            metrics=tuple(o.call for o in plan.objectives),
            setting=data.scoring,
        )
        tasks += made.tasks
        wanted += made.scores
    return tasks, wanted


def _samples(given: Given) -> tuple[float, ...]:
    return tuple(map(float, given.get("samples", "").split()))


def _context(given: Given, plan: LogicalPlan, tasks: list[Task]) -> PlanContext:
    kept = kept_of_kinds(tasks, frozenset(given.get("kept", "").split()))
    return PlanContext(kept=kept.__contains__, keep=KEEP, floor=plan.floor, levels=plan.features.levels)


def _run_up_to(given: Given, rule: str) -> tuple[PhysicalPlan, PhysicalPlan]:
    asked = _plan(given)
    tasks, wanted = _tasks(asked, _samples(given))
    context = _context(given, asked, tasks)
    plan = PhysicalPlan(tuple(PlannedTask(task) for task in tasks), tuple(wanted), ())
    for step in (each for _, rules in BATCHES for each in rules):
        after, _ = run_rule(step, plan, context)
        if step.__name__ == rule:
            return plan, after
        plan = after
    message = f"no rule {rule}"
    raise LookupError(message)


def _drawn(plan: PhysicalPlan) -> str:
    """Draw a plan: one line for tasks that look alike, in the order they first stand in; segments if it has any."""
    labels = {p.task.fingerprint: p.task.label for p in plan}
    if plan.segments:
        lines = Counter(" → ".join(labels[name] for name in segment) for segment in plan.segments)
    else:
        lines = Counter(f"{p.task.label}{_marks(p)}" for p in plan)
    return "\n".join(f"{n} x {line}" for line, n in lines.items())


def _marks(planned: PlannedTask) -> str:
    action = "" if planned.action == "compute" else f" [{planned.action}]"
    return f"{action}{' [keep]' if planned.keep else ''}"


def _same_scores(given: Given, rule: str) -> str:
    """Run the plan with all rules and without one, after a run that kept what is ``kept``; the scores are equal.

    They are equal bit by bit, or as exactly as the plan says of itself: the answer names a weaker class.
    """
    plan, kinds, samples = _plan(given), frozenset(given.get("kept", "").split()), _samples(given)
    assert rule in {step.__name__ for _, rules in BATCHES for step in rules}, f"no rule {rule}"
    with closing(Scratch()) as store:
        first = scores_of(plan, store, keep=KEEP | kinds, samples=samples)
        kept = kept_of_kinds(_tasks(plan, samples)[0], kinds)
        assert all(store.has(key) for key in kept), "what is said to be kept is not"
        again = scores_of(plan, store, kept=kept, samples=samples)
        without = scores_of(plan, store, kept=kept, off=frozenset({rule}), samples=samples)
    exactness = weakest(
        optimize(*_tasks(plan, samples), PlanContext(keep=KEEP, floor=plan.floor, levels=plan.features.levels))[0]
    )
    for scores in (again, without):
        assert np.allclose(first, scores, rtol=0, atol=_TOLERANCE[exactness]), f"the scores are {first}, then {scores}"
    return f"{len(first)} x {len(first[0])} scores{f', {exactness}' if exactness else ''}"


def kept_of_kinds(tasks: list[Task], kinds: frozenset[str]) -> frozenset[str]:
    """Return the keys of all that tasks of some kinds give."""
    return frozenset(task.port(output).key for task in tasks if task.kind in kinds for output in task.outputs)


def scores_of(
    plan: LogicalPlan,
    store: Store,
    *,
    keep: frozenset[str] = KEEP,
    kept: frozenset[str] = frozenset(),
    off: frozenset[str] = frozenset(),
    samples: tuple[float, ...] = (),
) -> list[tuple[float, ...]]:
    """Return the scores of every workflow of a finite space, split by split."""
    tasks, wanted = _tasks(plan, samples)
    context = PlanContext(kept=kept.__contains__, off=off, keep=keep, floor=plan.floor, levels=plan.features.levels)
    physical, _ = optimize(tasks, wanted, context)
    outcome = _run(plan, store, physical)
    return [tuple(outcome.values[port].tolist()) for port in wanted]


def _application(given: Given, rule: str) -> str:
    """Draw the plan that predicts for the rows of the query's own source, with what each task reads."""
    with closing(Scratch()) as store:
        _, after = _applied(_plan(given), store, rule)
    tasks = [planned.task for planned in after]
    first = max(i for i, task in enumerate(tasks) if task.kind is TaskKind.SOURCE)  # before it: the fits
    return "\n".join(f"{task.label}{_reads(task)}" for task in tasks[first:])


def _reads(task: Task) -> str:
    params: dict[str, Any] = dict(task.params)
    if task.kind is TaskKind.SOURCE:
        return f": {', '.join(name for name, _ in params['columns'])}"
    if task.kind is TaskKind.TAKE:
        return f": {', '.join(params['columns'])}"
    return f" [columns {', '.join(map(str, params['kept']))}]" if "kept" in params else ""


def _same_predictions(given: Given, rule: str) -> str:
    """Predict with all rules and without one; the same up to the order of sums."""
    plan = _plan(given)
    with closing(Scratch()) as store:
        found = [_predicted(plan, store, _applied(plan, store, off=off)[1]) for off in ("", rule)]
    assert np.allclose(*found, rtol=0, atol=1e-12)
    return f"{len(found[0])} rows"


def _applied(plan: LogicalPlan, store: Store, rule: str = "", *, off: str = "") -> tuple[PhysicalPlan, PhysicalPlan]:
    """Fit the only workflow of a space on all rows; return the plan that applies it, before and after a rule, or all."""
    [point] = plan.space.points()
    choices = tuple((slot.name, chosen) for slot, chosen in zip(plan.space.slots, point, strict=True))
    workflow = instantiate(choices, plan.features, plan.setting)[0]
    source = data_tasks(plan).source
    fits, states = fit_tasks(workflow, source)
    fitted, _ = optimize((source, *fits), states.values(), PlanContext(keep=frozenset({TaskKind.FIT})))
    _run(plan, store, fitted)
    rows = rows_task(plan, plan.dataset.fingerprint, plan.dataset.describe)
    tasks, port = apply_tasks(workflow, states, rows)
    before = PhysicalPlan(tuple(PlannedTask(task) for task in (source, *fits, rows, *tasks)), (port,), ())
    known = bounds_of(plan.dataset, plan.features.numeric)
    context = PlanContext(
        kept=store.has, fitted=lambda state: store.get(state.key), bounds=known.__getitem__, off=frozenset({off})
    )
    after = before
    for step in (each for _, rules in BATCHES for each in rules):
        before, (after, _) = after, run_rule(step, after, context)
        if step.__name__ == rule:
            break
    return before, after


def _run(plan: LogicalPlan, store: Store, physical: PhysicalPlan) -> Outcome:
    data = SessionData.of(plan)
    with Executor(backends.get("inline").new(), store, resources=Resources(data.source)) as executor:
        executor.submit(physical)
        (outcome,) = executor.wait()
        assert outcome.error is None, outcome.error
        return outcome


def _predicted(plan: LogicalPlan, store: Store, physical: PhysicalPlan) -> np.ndarray:
    return _run(plan, store, physical).values[physical.wanted[0]].values


ASKED: dict[str, Callable[[Given], str]] = {
    "prints": _prints,
    "reports": _reports,
    "becomes": _becomes,
    "differs by": _differs_by,
    "plan": _section("logical plan"),
    "assumes": _section("assumed"),
    "leaves out": _section("left out"),
    "space": _section("space"),
    "cuts": _section("cut"),
    "searches": _section("parameters searched"),
    "knows": _section("known"),
}
ASKED_OF_RULES: dict[str, Callable[[Given, str], str]] = {
    "plan before": lambda given, rule: _drawn(_run_up_to(given, rule)[0]),
    "plan after": lambda given, rule: _drawn(_run_up_to(given, rule)[1]),
    "same scores without": _same_scores,
    "application after": _application,
    "same predictions without": _same_predictions,
}
