"""Steps, workflows, tasks, fingerprints and plans: what is to be computed, as immutable data.

Nothing here computes anything. Tasks are run by :mod:`mileage.engine`, plans are made by :mod:`mileage.optimizer`.
"""

from mileage.workflow.assemble import Assembly, assemble, to_estimator
from mileage.workflow.blend import blend_slots, blended, members_of, unblended
from mileage.workflow.distil import MADE_UP, Lesson, distilled, distilled_slots, lesson_in, serving, teachers_of
from mileage.workflow.instantiate import Features, Setting, instantiate
from mileage.workflow.plan import Action, PhysicalPlan, PlannedTask
from mileage.workflow.step import Step, Workflow
from mileage.workflow.task import Port, Task, TaskKind

__all__ = [
    "MADE_UP",
    "Action",
    "Assembly",
    "Features",
    "Lesson",
    "PhysicalPlan",
    "PlannedTask",
    "Port",
    "Setting",
    "Step",
    "Task",
    "TaskKind",
    "Workflow",
    "assemble",
    "blend_slots",
    "blended",
    "distilled",
    "distilled_slots",
    "instantiate",
    "lesson_in",
    "members_of",
    "serving",
    "teachers_of",
    "to_estimator",
    "unblended",
]
