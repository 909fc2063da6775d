"""A plan of a few fast tasks, run in this thread: no worker, no limit, and nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from mileage.engine.tasks import Resources, TaskError, quiet, run_task
from mileage.engine.values import freeze
from mileage.errors import EngineError
from mileage.workflow import Action, PhysicalPlan, Port, Task


def run_here(plan: PhysicalPlan, load: Callable[[Port], Any], resources: Resources) -> dict[Port, Any]:
    """Return the values of the ports that a plan is for; others are let go after their last use.

    Parameters
    ----------
    plan : PhysicalPlan
    load : callable
        Gives the value of a port that the plan does not compute.
    resources : Resources
        Handlers of what only a session can run, session-local operators.

    Raises
    ------
    EngineError
        If a task fails (X602).
    """
    computed = [planned.task for planned in plan if planned.action is Action.COMPUTE]
    uses = Counter(port for task in computed for port in task.inputs) + Counter(plan.wanted)
    values: dict[Port, Any] = {}
    with quiet({}):
        for task in computed:
            inputs = [values[port] if port in values else load(port) for port in task.inputs]
            for name, value in _run(task, inputs, resources).items():
                if uses[task.port(name)]:
                    values[task.port(name)] = freeze(value)
            for port in task.inputs:
                uses[port] -= 1
                if not uses[port]:
                    values.pop(port, None)
    return {port: values[port] if port in values else load(port) for port in plan.wanted}


def _run(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    try:
        return run_task(task, inputs, resources=resources)
    except Exception as error:
        raise EngineError(str(TaskError.of(error, task, inputs)), code="X602") from error
