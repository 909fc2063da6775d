"""All that MILE computes is a task: no estimator is called outside one, and no task of a kept result runs twice.

Every estimator class of scikit-learn, of LightGBM and of MILE itself is patched; a call is lawful if a task runs in its
thread. Calls inside calls are the library's own. One thing is let through: before a run the planner tries the metric on
twenty made-up rows, and a metric of scikit-learn may encode their labels.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import all_estimators

import mileage
from mileage.engine import here, segment
from mileage.workflow import TaskKind

METHODS = (
    "fit",
    "fit_transform",
    "fit_predict",
    "partial_fit",
    "transform",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
)
# 20 points, of which some share their preparation; every kind of branch occurs.
SPACE = (
    "WITH IMPUTE = mean | median, ENCODE = one_hot, SCALE = standard, SELECT = none, REDUCE = none, "
    "MODEL = logistic(C IN {0.1, 1.0, 10.0}) | decision_tree(max_depth IN {2, 3, 4}) | gaussian_nb(var_smoothing = 1e-9) | "
    "lightgbm(n_estimators IN {5, 10, 15})"
)
QUERY = f"PREDICT y FROM 'table.csv' VALIDATE BY 3 FOLDS {SPACE} BUDGET 20 trials HINT (strategy = exhaustive)"


def glue_classes() -> set[type]:
    """Return the estimator classes that MILE itself defines."""
    found = set()
    for info in pkgutil.walk_packages(mileage.__path__, "mileage."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        found |= {v for v in vars(module).values() if inspect.isclass(v) and issubclass(v, BaseEstimator)}
    return {cls for cls in found if cls.__module__.startswith("mileage.")}


def estimator_classes() -> set[type]:
    """Return every estimator class there is, bases that define methods included."""
    classes = {cls for _, cls in all_estimators()} | glue_classes()
    classes |= {v for v in vars(lightgbm.sklearn).values() if inspect.isclass(v) and issubclass(v, BaseEstimator)}
    return {
        base
        for cls in classes
        for base in cls.__mro__
        if base.__module__.split(".")[0] in {"sklearn", "lightgbm", "mileage"}
    }


@dataclass
class Watch:
    """What was called, by kind of task and method; what ran, by kind and fingerprint; and what is outside of any task."""

    inside: Counter[tuple[str, str]] = field(default_factory=Counter)
    ran: Counter[tuple[str, str]] = field(default_factory=Counter)
    outside: list[str] = field(default_factory=list)

    @property
    def fits(self) -> int:
        """Calls that fit something in a task of that kind; a metric may fit an encoder of labels within its score."""
        return sum(n for (kind, name), n in self.inside.items() if "fit" in name and kind == TaskKind.FIT)


_task: ContextVar[str] = ContextVar("task", default="")
_deep: ContextVar[bool] = ContextVar("deep", default=False)


def is_of_made_up_rows() -> bool:
    """Say whether the planner asks what a metric says of made-up rows, or the optimizer what a step makes of three."""
    return any(frame.function in {"_trial_score", "ends_of"} for frame in inspect.stack(context=0))


def caller() -> str:
    """Return the nearest place of MILE or of this test that led here."""
    for frame in inspect.stack()[2:]:
        if "mileage" in frame.filename or frame.filename == __file__:
            return f"{Path(frame.filename).name}:{frame.lineno} {frame.function}"
    return "nowhere"


def watched(method, name, cls, watch):
    """Return a method that says where it is called."""

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        if _deep.get():
            return method(self, *args, **kwargs)
        if not _task.get() and is_of_made_up_rows():
            return method(self, *args, **kwargs)
        if _task.get():
            watch.inside[_task.get(), name] += 1
        else:
            watch.outside.append(f"{cls.__name__}.{name} from {caller()}")
        token = _deep.set(True)
        try:
            return method(self, *args, **kwargs)
        finally:
            _deep.reset(token)

    return call


@pytest.fixture
def watch(monkeypatch):
    """Patch every estimator, and the two places where the engine runs a task: in a segment, and at once in the caller's thread."""
    made = Watch()
    run_task = segment.run_task

    def running(task, inputs, *, resources):
        made.ran[str(task.kind), task.fingerprint] += 1
        token = _task.set(str(task.kind))
        try:
            return run_task(task, inputs, resources=resources)
        finally:
            _task.reset(token)

    for place in (segment, here):
        monkeypatch.setattr(place, "run_task", running)
    patched = 0
    for cls in estimator_classes():
        for name in METHODS:
            method = vars(cls).get(name)
            if inspect.isfunction(method):
                monkeypatch.setattr(cls, name, watched(method, name, cls, made))
            elif hasattr(method, "fn"):  # behind available_if, as a pipeline's are
                monkeypatch.setattr(method, "fn", watched(method.fn, name, cls, made))
            patched += method is not None
    assert patched > 400
    return made


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a table that has numbers, gaps, names, dates and texts."""
    rng = np.random.default_rng(0)
    n = 120
    table = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "weight": rng.normal(size=n),
            "colour": rng.choice(["red", "green", "blue"], n),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, n), unit="D"),
            "words": [" ".join(rng.choice(["good", "bad", "old", "new", "fine"], 6)) + f" {i}" for i in range(n)],
        }
    )
    table["y"] = np.where(table["weight"] + (table["colour"] == "red") > 0.3, "yes", "no")
    table.to_csv(tmp_path / "table.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


CHEAP = {TaskKind.TAKE, TaskKind.TARGET, TaskKind.JOIN}  # selecting rows again is cheaper than keeping them


def twice(watch) -> dict[tuple[str, str], int]:
    """Return the tasks of weight that ran more than once."""
    return {task: n for task, n in watch.ran.items() if n > 1 and task[0] not in CHEAP}


def fitted(watch) -> set[str]:
    """Return the fingerprints of the tasks that fitted something."""
    return {name for kind, name in watch.ran if kind == TaskKind.FIT}


def answered(session, text):
    """Return the scores of an answer by what each workflow is."""
    result = session.run(text)
    return result, {t.describe: dict(t.scores) for t in result.leaderboard.trials}


def test_the_patch_sees_a_call_outside_of_a_task(watch):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression().fit([[0.0], [1.0]], [0, 1]).predict([[0.0]])
    assert [text.split(" from ")[0] for text in watch.outside] == [
        "LogisticRegression.fit",
        "LinearClassifierMixin.predict",
    ]
    assert "test_one_path.py" in watch.outside[0]


def test_every_call_of_an_estimator_is_inside_a_task(folder, watch):
    with mileage.connect(folder, backend="inline") as session:
        result = session.run("PREDICT y FROM 'table.csv' VALIDATE BY 3 FOLDS BUDGET 14 trials SEED 1")
        assert {t.state for t in result.leaderboard.trials} == {"ok"}
        session.run("REFINE @last SET OPTIMIZE accuracy")
        session.run("REFINE @last ADD WITHOUT lightgbm SET BUDGET 3 trials")
        session.run("APPLY @q1.w1 TO 'table.csv' INTO 'out.csv'")
        session.run("APPLY @q1.w2 TO 'table.csv' INTO 'out.csv'")
        session.run("EXPORT @q1.w1 TO 'train.py' AS sklearn")
        session.run("EXPORT @q1.w1 TO 'model.skops' AS skops")
        session.run("COMPARE @q1.w1, @q1.w2 ON f1_macro")
        session.run("EXPLAIN DATA PREDICT y FROM 'table.csv'")
        session.run("SHOW leaderboard")
        result["w2"].predict_proba(pd.read_csv("table.csv", parse_dates=["day"]).drop(columns="y"))
        result["w1"].to_sklearn()
    assert watch.outside == []
    assert watch.fits > 20
    assert sum(n for (kind, _), n in watch.inside.items() if kind == TaskKind.PREDICT) > 20


def test_a_plan_of_20_configurations_fits_nothing_the_second_time(folder, watch):
    with mileage.connect(folder, backend="inline") as session:
        first, scores = answered(session, QUERY)
    assert first.leaderboard.count("ok") == 21
    assert not twice(watch), "a task ran twice in one run"
    assert len(fitted(watch)) > 60
    watch.ran.clear()
    watch.inside.clear()
    with mileage.connect(folder, backend="inline") as session:
        _, again = answered(session, QUERY)
    assert again == scores
    assert (watch.fits, fitted(watch)) == (0, set())
    assert not watch.inside and not watch.outside


RUN_ONCE = """
import json, sys
import mileage
from mileage.engine.executor import Executor

kinds, made = {}, []
submit, init = Executor.submit, Executor.__init__

def remember(self, *args, **kwargs):
    init(self, *args, **kwargs)
    made.append(self)

def note(self, plan, **kwargs):
    kinds.update({planned.task.fingerprint: planned.task.kind for planned in plan})
    return submit(self, plan, **kwargs)

Executor.__init__, Executor.submit = remember, note
with mileage.connect(".", backend="processes", workers=2) as session:
    result = session.run(sys.argv[1])
ran = [(str(kinds[name]), name) for executor in made for name in executor.computed.elements()]
scores = [[trial.describe, dict(trial.scores)] for trial in result.leaderboard.order]
print(json.dumps({"ran": ran, "scores": scores}))
"""


def test_in_another_process_it_fits_nothing_either(folder):
    def run():
        done = subprocess.run([sys.executable, "-c", RUN_ONCE, QUERY], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    first, second = run(), run()
    counts = Counter(name for kind, name in first["ran"] if kind not in CHEAP)
    assert len(counts) > 100
    assert set(counts.values()) == {1}, "a task ran twice in one run"
    assert second == {"ran": [], "scores": first["scores"]}


def test_another_metric_fits_no_fold_again(folder, watch):
    with mileage.connect(folder, backend="inline") as session:
        first = session.run(QUERY.replace("exhaustive", "default"))
        tried = {t.describe for t in first.leaderboard.trials}
        for metric in ("log_loss", "balanced_accuracy"):
            watch.ran.clear()
            refined = session.run(f"REFINE @last SET OPTIMIZE {metric}")
            assert {t.describe for t in refined.leaderboard.trials} == tried
            assert {t.state for t in refined.leaderboard.trials} == {"ok"}
            assert all(t.fit_s is not None for t in refined.leaderboard.ranked)
            # Only a workflow that never was the best is fitted, on all rows, for whoever applies it.
            assert fitted(watch) <= {port.task for ports in refined.refit.values() for port in ports.values()}
            assert not [kind for kind, _ in watch.ran if kind == TaskKind.PREDICT]
    assert watch.outside == []


def test_the_same_winner_under_another_metric_is_not_fitted_again(folder, watch):
    with mileage.connect(folder, backend="inline") as session:
        session.run("PREDICT y FROM 'table.csv' VALIDATE BY 3 FOLDS WITH MODEL = logistic(C = 1.0) BUDGET 3 trials")
        fits = watch.fits
        session.run("REFINE @last SET OPTIMIZE accuracy")
    assert watch.fits == fits


def test_only_tasks_that_fit_do_fit(folder, watch):
    with mileage.connect(folder, backend="inline") as session:
        session.run("PREDICT y FROM 'table.csv' OPTIMIZE accuracy VALIDATE BY 2 FOLDS BUDGET 4 trials")
    assert {kind for (kind, name), n in watch.inside.items() if "fit" in name and n} == {TaskKind.FIT}
    assert {kind for kind, _ in watch.inside} == {TaskKind.FIT, TaskKind.APPLY, TaskKind.PREDICT}
