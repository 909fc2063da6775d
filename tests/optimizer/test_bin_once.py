"""Bins go to the fits of their own train rows, and to no others."""

import pytest

from mileage.errors import InternalError
from mileage.optimizer.provenance import check_leaks
from mileage.workflow import PhysicalPlan, PlannedTask, Port, Task, TaskKind

_DEAL = {
    "groups": (),
    "method": "folds",
    "n": 2,
    "order_by": None,
    "repeat": 1,
    "seed": 0,
    "size": 0.2,
    "stratify": True,
}


def _plan(split_of_bins: int) -> PhysicalPlan:
    source = Task(TaskKind.SOURCE, params=(("columns", (("a", "numeric"),)),), outputs=("X", "y", "aux"))
    deal = Task(
        TaskKind.DEAL, params=tuple(_DEAL.items()), inputs=(source.port("y"), source.port("aux")), outputs=("splits",)
    )

    def train(kind: TaskKind, split: int, name: str) -> Task:
        params = (("columns", ("a",)), ("part", "train"), ("split", split))
        return Task(kind, params=params, inputs=(source.port(name), deal.port("splits")))

    X, y, binned = (
        train(TaskKind.TAKE, 0, "X"),
        train(TaskKind.TARGET, 0, "y"),
        train(TaskKind.TAKE, split_of_bins, "X"),
    )
    bins = Task(TaskKind.BIN, "lightgbm", inputs=(binned.port(),))
    inputs: tuple[Port, ...] = (X.port(), y.port(), bins.port())
    fit = Task(TaskKind.FIT, "lightgbm", inputs=inputs, outputs=("state",), is_model=True)
    tasks = {task.fingerprint: task for task in (source, deal, X, y, binned, bins, fit)}
    return PhysicalPlan(tuple(map(PlannedTask, tasks.values())), (fit.port("state"),), ())


def test_bins_of_other_rows_are_a_leak() -> None:
    check_leaks(_plan(0))
    with pytest.raises(InternalError, match="leaks"):
        check_leaks(_plan(1))
