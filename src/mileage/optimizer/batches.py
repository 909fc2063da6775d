"""The optimizer on one page: which rules run, in which order."""

from __future__ import annotations

from collections.abc import Iterable

from mileage.optimizer.provenance import check_leaks
from mileage.optimizer.rule import Applied, PlanContext, Rule, run_rule
from mileage.optimizer.rules.answer_from_cells import answer_from_cells
from mileage.optimizer.rules.bin_once import bin_once
from mileage.optimizer.rules.bind_late import bind_late
from mileage.optimizer.rules.choose_reuse import choose_reuse
from mileage.optimizer.rules.code_once import code_once
from mileage.optimizer.rules.fit_from_sums import fit_from_sums
from mileage.optimizer.rules.form_segments import form_segments
from mileage.optimizer.rules.fuse_fits import fuse_fits
from mileage.optimizer.rules.gather_once import gather_once
from mileage.optimizer.rules.grow_sums import grow_sums
from mileage.optimizer.rules.keep_results import keep_results
from mileage.optimizer.rules.learn_together import learn_together
from mileage.optimizer.rules.load_kept import load_kept
from mileage.optimizer.rules.mask_fits import mask_fits
from mileage.optimizer.rules.merge_equal_tasks import merge_equal_tasks
from mileage.optimizer.rules.project_dead_columns import project_dead_columns
from mileage.optimizer.rules.prune_unused import prune_unused
from mileage.optimizer.rules.score_from_sums import score_from_sums
from mileage.optimizer.rules.stack_fits import stack_fits
from mileage.workflow import PhysicalPlan, PlannedTask, Port, Task

BATCHES: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    (
        "share",
        (
            merge_equal_tasks,
            code_once,
            fit_from_sums,
            grow_sums,
            bind_late,
            bin_once,
            gather_once,
            learn_together,
            score_from_sums,
            answer_from_cells,
            fuse_fits,
            stack_fits,
            mask_fits,
        ),
    ),
    ("narrow", (project_dead_columns,)),
    ("reuse", (choose_reuse, load_kept, prune_unused)),
    ("keep", (keep_results,)),
    ("place", (form_segments,)),
)

SHARING = frozenset(
    rule.__name__ for name, rules in BATCHES if name == "share" for rule in rules[1:]
)  # all but equal tasks


def optimize(
    tasks: Iterable[Task], wanted: Iterable[Port], context: PlanContext
) -> tuple[PhysicalPlan, tuple[Applied, ...]]:
    """Return the physical plan for ``wanted``, checked for leaks, and what each rule did."""
    plan = PhysicalPlan(tuple(PlannedTask(task) for task in tasks), tuple(wanted), ())
    record = []
    for _, rules in BATCHES:
        for rule in rules:
            plan, applied = run_rule(rule, plan, context)
            if applied is not None:
                record.append(applied)
    if not plan.segments:  # the placing rule is switched off: one task, one segment
        plan, _ = run_rule(form_segments, plan, PlanContext(kept=context.kept, shares=False))
    check_leaks(plan, context.traced)
    return plan, tuple(record)
