"""What the tasks of a grid take: the time of those that lead to its scores, taken where the engine runs them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Ran = dict[str, tuple[Any, float]]


@contextmanager
def timed_tasks() -> Iterator[Ran]:
    """Yield the tasks that run in this process, by fingerprint, each with its CPU seconds."""
    from mileage.engine import segment
    from mileage.session import run as session_run

    ran: Ran = {}
    run_task, recheck = segment.run_task, session_run.recheck

    def timed(task: Any, inputs: Any, *, resources: Any) -> Any:
        started = time.process_time()
        made = run_task(task, inputs, resources=resources)
        ran[task.fingerprint] = task, time.process_time() - started
        return made

    session_run.recheck = lambda _loop: {}  # looking twice at a hundredth of what is shared is no part of a grid
    segment.run_task = timed  # the one place that all tasks go through
    try:
        yield ran
    finally:
        segment.run_task, session_run.recheck = run_task, recheck


def of_the_grid(ran: Ran) -> float:
    """Return what the tasks took that lead to scores, but for those that read or deal the data or lead to the scores of the constant alone.

    So what fits the best on all of its rows is no part of it.
    """
    led: dict[str, bool] = {}  # by task: whether the constant is part of what led to it
    for name, (task, _) in ran.items():
        led[name] = task.operator == "dummy" or any(led.get(port.task, False) for port in task.inputs)
    open_ = [name for name, (task, _) in ran.items() if str(task.kind) == "score" and not led[name]]
    needed = set[str]()
    while open_:
        name = open_.pop()
        if name in ran and name not in needed:
            needed.add(name)
            open_ += [port.task for port in ran[name][0].inputs]
    return sum(s for name, (task, s) in ran.items() if name in needed and str(task.kind) not in {"source", "deal"})
