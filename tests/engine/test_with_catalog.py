"""The engine with the catalog's artifact store: workers keep, a later run loads."""

from __future__ import annotations

from dataclasses import replace

from world import RESOURCES, plan, scored_port

from mileage.catalog.store import ArtifactStore
from mileage.engine import Executor, JobState, backends
from mileage.workflow.plan import Action
from mileage.workflow.task import TaskKind


def test_what_workers_keep_is_loaded_by_the_next_run(tmp_path):
    store = ArtifactStore(tmp_path / "artifacts")
    made = plan(1, keep=True, n=20_000)
    planned = tuple(
        replace(p, keep=p.task.outputs if p.task.kind in {TaskKind.APPLY, TaskKind.TAKE} else ()) for p in made
    )
    made = replace(made, tasks=planned)
    with Executor(backends.get("processes").new(), store, resources=RESOURCES, n_workers=2) as executor:
        executor.submit(made)
        [first] = executor.wait(60)
        assert first.state is JobState.DONE, first.error
        score = first.values[scored_port(made)]
    assert len(first.kept) == 6
    loading = replace(made, tasks=tuple(replace(p, action=Action.LOAD) if p.keep else p for p in made))
    with Executor(backends.get("processes").new(), store, resources=RESOURCES, n_workers=2) as executor:
        executor.submit(loading)
        [second] = executor.wait(60)
        assert second.state is JobState.DONE, second.error
        assert second.values[scored_port(made)] == score
    assert second.n_loaded == 4
