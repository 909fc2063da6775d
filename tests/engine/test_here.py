"""Plans that run in the caller's thread give what an executor gives, and keep nothing."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import Any

import pytest
from world import RESOURCES, plan, scored_port

from mileage.engine import Executor, backends, run_here
from mileage.errors import EngineError
from mileage.workflow.plan import Action
from mileage.workflow.task import Port


def nothing(port: Port) -> Any:
    """Load nothing."""
    raise KeyError(port.key)


def test_values_are_those_of_an_executor() -> None:
    made = plan(3)
    with Executor(backends.get("inline").new(), None, resources=RESOURCES) as executor:
        executor.submit(made)
        [outcome] = executor.wait(30)
    port = scored_port(made)
    assert run_here(made, nothing, RESOURCES) == {port: outcome.values[port]}


def test_what_a_plan_loads_is_loaded_and_what_is_pruned_is_not() -> None:
    made = plan(3)
    last = made.tasks[-1]
    needed = set(last.task.inputs)
    values: dict[Port, Any] = {}
    for port in needed:
        values |= run_here(replace(made, wanted=(port,)), nothing, RESOURCES)
    of = {port.task for port in needed}
    actions = [
        replace(p, action=Action.LOAD if p.task.fingerprint in of else Action.PRUNE) if p is not last else p
        for p in made.tasks
    ]
    asked: list[Port] = []
    found = run_here(replace(made, tasks=tuple(actions)), lambda port: (asked.append(port), values[port])[1], RESOURCES)
    assert found == run_here(made, nothing, RESOURCES)
    assert set(asked) == needed


def test_a_task_that_fails_is_an_error_that_names_it() -> None:
    made = plan(3)
    broken = replace(RESOURCES, source=lambda *_: (_ for _ in ()).throw(ValueError("no rows")))
    with pytest.raises(EngineError, match="ValueError: no rows") as caught:
        run_here(made, nothing, broken)
    assert caught.value.code == "X602"


def test_values_are_let_go_after_their_last_use() -> None:
    made = plan(3)
    assert RESOURCES.source is not None
    source, score, seen, alive = RESOURCES.source, RESOURCES.score, list[weakref.ref[Any]](), list[int]()

    def watched(task: Any, inputs: list[Any]) -> Any:
        outputs = source(task, inputs)
        seen.append(weakref.ref(outputs["X"]))
        return outputs

    def counted(task: Any, inputs: list[Any]) -> Any:
        alive.append(sum(ref() is not None for ref in seen))
        return score(task, inputs)

    run_here(made, nothing, replace(RESOURCES, source=watched, score=counted))
    assert (len(seen), alive) == (1, [0])
