"""The conformance suite of backends: laws that every place where jobs run must keep.

Another distribution's backend is checked with ``check_backend(MyBackend())`` in a test of its own.
"""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar

import numpy as np

from mileage.core.domains import whole_number
from mileage.engine import (
    Backend,
    Executor,
    JobState,
    Limits,
    Outcome,
    Resources,
    backends,
)
from mileage.operators.base import BuildContext, Operator, Params
from mileage.workflow.plan import PhysicalPlan, PlannedTask
from mileage.workflow.task import Task, TaskKind

_PATIENCE_S = 60.0


class _Model:
    """A model that sums its inputs, or misbehaves as ``mood`` says."""

    def __init__(self, mood: str = "", power: int = 1) -> None:
        self.mood, self.power = mood, power

    def fit(self, X: Any, y: Any) -> _Model:
        if self.mood == "fails":
            message = "this model always fails"
            raise ValueError(message)
        if self.mood == "hangs":
            time.sleep(_PATIENCE_S)
        if self.mood == "dies":
            os._exit(3)
        self.weights_ = (np.asarray(X, dtype=float) ** self.power).T @ np.asarray(y, dtype=float)
        return self


class _ModelOperator(Operator):
    """A model for checking backends."""

    name: ClassVar[str] = "check_model"

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return a model in the mood asked for."""
        del context
        return _Model(str(params.get("mood", "")), whole_number(params.get("power", 1)))


def _source(task: Task, inputs: list[Any]) -> dict[str, Any]:
    del inputs
    import pandas as pd

    n = whole_number(dict(task.params)["n"])
    values = np.random.default_rng(0).normal(size=(n, 3))
    return {
        "X": pd.DataFrame(values, columns=["a", "b", "c"]),
        "y": (values[:, 0] > 0).astype(int),
        "aux": None,
    }


def _plan(n: int = 100, **params: Any) -> PhysicalPlan:
    """Return a plan that takes two columns, all rows, and wants a fitted model."""
    source = Task(TaskKind.SOURCE, params=(("n", n),), outputs=("X", "y", "aux"))
    take = Task(
        TaskKind.TAKE,
        params=(("columns", ("a", "c")), ("part", "all")),
        inputs=(source.port("X"),),
    )
    fit = Task(
        TaskKind.FIT,
        "check_model",
        params=tuple(sorted(params.items())),
        inputs=(take.port(), source.port("y")),
        outputs=("state",),
        is_model=True,
        label="fit check_model",
    )
    planned = tuple(PlannedTask(task) for task in (source, take, fit))
    segments = ((source.fingerprint,), (take.fingerprint, fit.fingerprint))
    return PhysicalPlan(planned, (take.port(), fit.port("state")), segments)


def _executor(backend: Backend, n_workers: int = 2) -> Executor:
    resources = Resources(source=_source, operators={"check_model": _ModelOperator()})
    return Executor(backend, None, resources=resources, n_workers=n_workers)


def _run(executor: Executor, *plans: PhysicalPlan, limits: Limits | None = None) -> list[Outcome]:
    tickets = [executor.submit(plan, limits=limits) for plan in plans]
    ended: dict[int, Outcome] = {}
    deadline = time.monotonic() + _PATIENCE_S
    while len(ended) < len(tickets) and time.monotonic() < deadline:
        ended |= {outcome.ticket: outcome for outcome in executor.wait(1.0)}
    assert len(ended) == len(tickets), "a submitted plan gave no outcome"
    return [ended[ticket] for ticket in tickets]


def check_backend(backend: Backend) -> None:
    """Check the laws of :class:`mileage.engine.Backend`; raises AssertionError with the law that is broken.

    Parameters
    ----------
    backend : Backend
        The registered pattern, not started; each check works with a ``new()`` one.
    """
    check_same_results(backend.new())
    check_failure_is_isolated(backend.new())
    if not backend.by_reference:
        check_timeout_kills(backend.new())
        check_death_is_survived(backend.new())
        check_cancel_stops(backend.new())
    check_close_leaves_no_process(backend.new())


def check_same_results(backend: Backend) -> None:
    """Small and large values are bit-equal to those of the inline backend."""
    plans = [_plan(n, power=power) for n in (100, 20_000) for power in (1, 2)]
    with _executor(backend) as ours, _executor(backends.get("inline").new()) as inline:
        for plan, mine, wanted in zip(plans, _run(ours, *plans), _run(inline, *plans), strict=True):
            assert mine.state is JobState.DONE, f"a good plan ended as {mine.state}: {mine.error}"
            matrix, state = plan.wanted
            assert mine.values[matrix].equals(wanted.values[matrix]), "a matrix differs from the inline backend's"
            same = mine.values[state].weights_.tobytes() == wanted.values[state].weights_.tobytes()
            assert same, "a fitted state differs from the inline backend's"


def check_failure_is_isolated(backend: Backend) -> None:
    """A failing plan says which task failed and why; plans beside it are well."""
    with _executor(backend) as executor:
        bad, good = _run(executor, _plan(mood="fails"), _plan(power=3))
    assert bad.state is JobState.FAILED, f"a failing fit ended as {bad.state}"
    assert bad.error is not None, "a failure has no error"
    assert (bad.error.type, bad.error.label) == ("ValueError", "fit check_model"), f"the error is told as {bad.error}"
    assert good.state is JobState.DONE, "a failure spoiled another plan"


def check_timeout_kills(backend: Backend) -> None:
    """A fit that hangs is stopped at its limit, and the worker's place is taken."""
    with _executor(backend, 1) as executor:
        _run(executor, _plan(power=4))  # workers are up
        started = time.monotonic()
        slow, good = _run(executor, _plan(mood="hangs"), _plan(power=5), limits=Limits(timeout_s=0.3))
        took = time.monotonic() - started
    assert slow.state is JobState.TIMEOUT, f"a fit beyond its limit ended as {slow.state}"
    assert good.state is JobState.DONE, "nothing ran after a timeout"
    assert took < _PATIENCE_S / 4, f"stopping a fit at 0.3 s took {took:.1f} s"


def check_death_is_survived(backend: Backend) -> None:
    """A worker that dies costs its job only."""
    with _executor(backend, 1) as executor:
        dead, good = _run(executor, _plan(mood="dies"), _plan(power=6))
    assert dead.state is JobState.LOST, f"a job whose worker died ended as {dead.state}"
    assert good.state is JobState.DONE, "nothing ran after a worker died"


def check_cancel_stops(backend: Backend) -> None:
    """A cancelled fit makes room at once."""
    with _executor(backend, 1) as executor:
        _run(executor, _plan(power=7))
        ticket = executor.submit(_plan(mood="hangs"))
        executor.wait(0.2)
        executor.cancel(ticket)
        started = time.monotonic()
        [cancelled] = executor.wait(1.0)
        [good] = _run(executor, _plan(power=8))
    assert cancelled.state is JobState.CANCELLED, f"a cancelled plan ended as {cancelled.state}"
    assert good.state is JobState.DONE, "nothing ran after a cancellation"
    assert time.monotonic() - started < _PATIENCE_S / 4, "a cancelled fit went on"


def check_close_leaves_no_process(backend: Backend) -> None:
    """``close`` is quick, ends busy workers too, and may be called twice."""
    executor = _executor(backend)
    _run(executor, _plan(power=9))
    pids = backend.worker_pids()
    if not backend.by_reference:
        executor.submit(_plan(mood="hangs"))
        executor.wait(0.2)
    started = time.monotonic()
    executor.close()
    executor.close()
    assert time.monotonic() - started < 2.0, "close took more than 2 s"
    assert not [pid for pid in pids if _is_alive(pid)], "close left a worker"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
