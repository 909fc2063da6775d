"""A ranked workflow as one fitted scikit-learn pipeline; the fit runs as a task like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.events import EventBus
from mileage.engine import Limits
from mileage.operators import Branch, BuildContext, Family, Operator, Params, operators
from mileage.operators.versions import versions
from mileage.optimizer import PlanContext, optimize
from mileage.session.data_tasks import SessionData, fitting_source
from mileage.session.engines import finished, open_executor
from mileage.session.labels import labels, with_labels
from mileage.workflow import Task, TaskKind, Workflow, lesson_in, to_estimator

if TYPE_CHECKING:
    from mileage.results import Trial
    from mileage.session.result import Result


class WholePipeline(Operator):
    """All steps of one workflow as a single estimator, for those who take it away."""

    name = "whole_pipeline"
    family = Family.OTHER
    accepts = (Branch.MATRIX,)

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the unfitted estimator."""
        del params, context
        return to_estimator(self.workflow)


def fitted_pipeline(result: Result, trial: Trial) -> Any:
    """Return a scikit-learn ``Pipeline`` (of a blend, a vote of several) fitted on all rows; it reads the raw columns.

    Of a distilled workflow it is the student alone, which is all that predicts.

    It predicts the classes of the target, though its model was fitted on their codes (:func:`with_labels`).
    """
    assert trial.workflow is not None
    whole = WholePipeline(trial.workflow)
    source = fitting_source(result.plan, trial)
    steps = [operators.get(step.spec.operator) for step in trial.workflow.steps if step.spec is not None]
    fit = Task(
        TaskKind.FIT,
        whole.name,
        params=(("workflow", str(trial.workflow.fingerprint)),),
        versions=tuple(dict.fromkeys(v for step in steps for v in (step.version, *versions(step)))),
        inputs=(source.port("X"), source.port("y")),
        outputs=("state",),
        is_model=True,
        label=f"fit {trial.describe}",
    )
    context = PlanContext(kept=result.session.store.has, shares=False, keep=frozenset({TaskKind.FIT}))
    physical, _ = optimize((source, fit), (fit.port("state"),), context)
    data = SessionData.of(result.plan)
    executor, _ = open_executor(result.session, data, EventBus(), plan=result.plan, local=(whole,))
    with executor:
        executor.submit(physical, label="fit the pipeline", limits=Limits())
        pipeline = finished(executor).values[fit.port("state")]
    pipeline = pipeline.student_ if lesson_in(trial.workflow) is not None else pipeline
    return pipeline if result.plan.task == "regression" else with_labels(pipeline, labels(result.plan))
