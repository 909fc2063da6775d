"""A tiny world for the engine: a source of numbers, splits, operators that misbehave, and plans made of them."""

from __future__ import annotations

import os
import pickle
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mileage.engine import Resources
from mileage.operators.base import Operator
from mileage.workflow.plan import Action, PhysicalPlan, PlannedTask
from mileage.workflow.task import Port, Task, TaskKind


class Rows:
    def __init__(self, indices: np.ndarray) -> None:
        self._indices = indices

    def indices(self) -> np.ndarray:
        return self._indices


@dataclass
class Pair:
    train: Rows
    test: Rows


@dataclass
class Splits:
    pairs: list[Pair]


class Center:
    """Takes the mean away; ``behavior`` says what goes wrong in fit."""

    def __init__(self, behavior: str = "", seconds: float = 0.0, path: str = "") -> None:
        self.behavior, self.seconds, self.path = behavior, seconds, path

    def fit(self, X: Any, y: Any = None) -> Center:
        if self.path:
            with Path(self.path).open("a") as file:
                file.write("fit\n")
        _misbehave(self.behavior, self.seconds)
        if self.behavior == "killed_once" and Path(self.path).read_text().count("fit") == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.behavior == "writes":
            X += 1
        self.mean_ = np.asarray(X).mean(axis=0)
        return self

    def transform(self, X: Any) -> np.ndarray:
        return np.asarray(X) - self.mean_

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        return self.fit(X, y).transform(X)

    def predict(self, X: Any) -> np.ndarray:
        return self.transform(X).sum(axis=1)

    def set_output(self, **_: Any) -> Center:
        return self


def _misbehave(behavior: str, seconds: float) -> None:
    if behavior == "sleep":
        time.sleep(seconds)
    elif behavior == "busy":
        while True:
            np.ones(1000).sum()
    elif behavior == "deaf":
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
        while True:
            np.ones(1000).sum()
    elif behavior == "hog":
        held = []
        while True:
            held.append(np.ones(2_000_000))
    elif behavior == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif behavior == "raise":
        message = "no good"
        raise ValueError(message)
    elif behavior == "warn":
        np.log(np.zeros(3))
        np.log(np.zeros(3))


class CenterOperator(Operator):
    """Take the mean of each column away."""

    name: ClassVar[str] = "center"

    def build(self, params: Any, context: Any) -> Any:
        return Center(**dict(params))


def source(task: Task, inputs: list[Any]) -> dict[str, Any]:
    n = dict(task.params).get("n", 40)
    rng = np.random.default_rng(7)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    return {"X": X, "y": (X["a"] > 0).to_numpy().astype(int), "aux": None}


def deal(task: Task, inputs: list[Any]) -> dict[str, Any]:
    n = len(inputs[0])
    half = np.arange(n) < n // 2
    odd = np.arange(n) % 2 == 1
    pairs = [Pair(Rows(np.flatnonzero(~mask)), Rows(np.flatnonzero(mask))) for mask in (half, odd)]
    return {"splits": Splits(pairs)}


def score(task: Task, inputs: list[Any]) -> dict[str, Any]:
    return {"out": [float(np.sum(part.values)) for part in inputs[:-2]]}


RESOURCES = Resources(source, {"center": CenterOperator()}, deal=deal, score=score)


class DictStore:
    """A store of pickles in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.path.mkdir(exist_ok=True)

    def put(self, key: str, value: Any) -> int:
        data = pickle.dumps(value)
        (self.path / f"{key}.tmp").write_bytes(data)
        (self.path / f"{key}.tmp").replace(self.path / key)
        return len(data)

    def get(self, key: str) -> Any:
        return pickle.loads((self.path / key).read_bytes())

    def has(self, key: str) -> bool:
        return (self.path / key).exists()


def workflow(tag: int = 0, *, n: int = 40, **params: Any) -> tuple[list[Task], list[list[Task]], Task]:
    """Return tasks, segments and the score task: center (shared prefix), then a model with ``tag`` and params."""
    src = Task(TaskKind.SOURCE, params=(("n", n),), outputs=("X", "y", "aux"), label="source")
    dealt = Task(TaskKind.DEAL, inputs=(src.port("y"), src.port("aux")), outputs=("splits",))
    tasks, segments, predictions = [src, dealt], [[src, dealt]], []
    for split in range(2):
        parts = [_take(src, dealt, split, part) for part in ("train", "test")]
        center = Task(
            TaskKind.FIT,
            "center",
            inputs=(parts[0].port(),),
            outputs=("state", "out"),
            label="fit center",
        )
        applied = Task(TaskKind.APPLY, inputs=(center.port("state"), parts[1].port()))
        y = Task(
            TaskKind.TARGET,
            params=(("split", split), ("part", "train")),
            inputs=(src.port("y"), dealt.port("splits")),
        )
        model = Task(
            TaskKind.FIT,
            "center",
            params=tuple(sorted(params.items())),
            context=(("seed", tag),),
            inputs=(center.port("out"), y.port()),
            outputs=("state",),
            is_model=True,
            label=f"fit model {tag}",
        )
        predicted = Task(
            TaskKind.PREDICT,
            params=(("task", "regression"),),
            inputs=(model.port("state"), applied.port()),
        )
        tasks += [*parts, center, applied, y, model, predicted]
        segments += [[*parts, center, applied], [y, model, predicted]]
        predictions.append(predicted.port())
    scored = Task(
        TaskKind.SCORE,
        "sum",
        inputs=(*predictions, src.port("y"), dealt.port("splits")),
        label="score",
    )
    return [*tasks, scored], [*segments, [scored]], scored


def _take(src: Task, dealt: Task, split: int, part: str) -> Task:
    params = (("split", split), ("part", part), ("columns", ("a", "b", "d")))
    return Task(TaskKind.TAKE, params=params, inputs=(src.port("X"), dealt.port("splits")))


def plan(tag: int = 0, *, keep: bool = False, wanted: tuple[Port, ...] = (), **params: Any) -> PhysicalPlan:
    """Return the plan of one workflow; its score is wanted."""
    tasks, segments, scored = workflow(tag, **params)
    planned = tuple(PlannedTask(t, Action.COMPUTE, t.outputs if keep and t.kind is TaskKind.FIT else ()) for t in tasks)
    names = tuple(tuple(task.fingerprint for task in segment) for segment in segments)
    return PhysicalPlan(planned, (scored.port(), *wanted), names)


def scored_port(made: PhysicalPlan) -> Port:
    """Return the port of the plan's score."""
    return made.wanted[0]
