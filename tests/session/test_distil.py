"""One fast model learns what the best of a search says."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.errors import InternalError, MileError, UnknownRefError
from mileage.optimizer import PlanContext, evaluation_tasks, optimize
from mileage.optimizer.provenance import check_leaks
from mileage.results import Trial
from mileage.session import Result
from mileage.session import distil as distilling
from mileage.session.blend import has_mean
from mileage.session.data_tasks import DataTasks, data_tasks
from mileage.testing.leaks import Table, leaks_of
from mileage.workflow import Task, TaskKind, lesson_in, members_of, serving, teachers_of

QUERY = (
    "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS{confirm} BUDGET {budget} "
    "WITHOUT lightgbm, hist_gbm, random_forest, extra_trees, mlp, catboost, spline {more}"
)
ASKED = "WITH DISTILLED = soft_trees(n_estimators = 20)"


def table(folder: Path, task: str) -> Path:
    """Write a table with a category and missing numbers."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(160, 3)), columns=list("abc"))
    frame["d"] = rng.choice(["u", "v", "w"], 160)
    y = frame["a"] + np.sin(2 * frame["b"]) + (frame["d"] == "u") + rng.normal(0, 0.5, 160)
    cuts = {"binary": [0.5], "multiclass": [0, 1]}
    frame["y"] = y if task == "regression" else np.array(["lo", "mid", "hi"])[np.digitize(y, cuts[task])]
    frame.loc[::9, "c"] = np.nan
    frame.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def run(folder: Path, csv: Path, *, budget: str = "9 trials", confirm: str = "", more: str = ASKED) -> Result:
    """Run the query in a project that stays open."""
    session = mileage.connect(folder / "project", backend="inline")
    answer = session.run(QUERY.format(csv=csv, budget=budget, confirm=confirm, more=more))
    assert isinstance(answer, Result)
    return answer


def distilled_in(answer: Result) -> Trial:
    """Return the distilled trial of an answer."""
    found = answer.leaderboard.distilled
    assert found is not None, answer.notes
    return found


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def answer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Return the answer for each kind of targets."""
    folder = tmp_path_factory.mktemp(request.param)
    return run(folder, table(folder, request.param))


def rows_of(answer: Result) -> pd.DataFrame:
    """Return the rows of an answer without the target."""
    return pd.read_csv(answer.plan.dataset.describe.strip("'")).drop(columns="y")


def test_it_learns_from_the_blend_and_stands_in_the_list(answer: Result) -> None:
    board, found = answer.leaderboard, distilled_in(answer)
    blend = next(t for t in board.order if members_of(t.configuration))
    assert teachers_of(found.configuration) == members_of(blend.configuration)
    assert len(found.scores[board.objectives[0][0]]) == 3
    assert found.model == "soft_trees"
    assert "what the blend says" in str(found.reason)
    assert found.fit_s is not None and found.fit_s > 0
    assert found.predict_s is not None and found.predict_s > 0
    shown = answer.session.run(f"SHOW WORKFLOWS OF @q{answer.query_id}.distilled").text()
    for words in ("teacher/model", "make up rows", "soft_trees(n_estimators = 20)"):
        assert words in shown


def test_it_predicts_by_its_own_steps(answer: Result) -> None:
    found = distilled_in(answer)
    assert found.workflow is not None
    assert [step.name for step in serving(found.workflow).steps if step.is_model] == ["model"]
    said = answer.distilled.predict(rows_of(answer))
    blend = next(t for t in answer.leaderboard.order if members_of(t.configuration))
    from mileage.session.result import Fitted

    taught = Fitted(answer, blend).predict(rows_of(answer))
    if answer.plan.task == "regression":
        assert np.corrcoef(said, taught)[0, 1] > 0.9
    else:
        assert (said == taught).mean() > 0.8


def test_it_is_taken_away(answer: Result, tmp_path: Path) -> None:
    rows = rows_of(answer)
    plain = answer.distilled.to_sklearn()
    assert type(plain).__name__ == "Pipeline"
    if answer.plan.task == "regression":
        assert np.allclose(answer.distilled.predict(rows), plain.predict(rows), atol=1e-6, rtol=0)
    else:
        assert answer.distilled.predict(rows).tolist() == plain.predict(rows).tolist()
        assert np.allclose(answer.distilled.predict_proba(rows), plain.predict_proba(rows), atol=1e-6, rtol=0)
    path = tmp_path / "distilled.py"
    answer.session.run(f"EXPORT @q{answer.query_id}.distilled TO '{path}' AS sklearn")
    assert "mileage." not in path.read_text().replace("mileage.predict", "")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])["scores"]
    assert said == pytest.approx(distilled_in(answer).scores[answer.leaderboard.objectives[0][0]], abs=1e-6)


def test_a_replay_gives_the_same(answer: Result) -> None:
    said = answer.replay().data
    assert not said["differ"]
    assert said["workflows"] == said["same"]["bitwise"] + said["same"]["fp"]


def test_it_is_found_again_by_another_session(answer: Result) -> None:
    folder = Path(answer.plan.dataset.describe.strip("'")).parent
    again = mileage.connect(folder / "project", backend="inline")[f"q{answer.query_id}.distilled"]
    assert again.trial.workflow == distilled_in(answer).workflow
    rows = rows_of(answer).head(5)
    assert again.predict(rows).tolist() == answer.distilled.predict(rows).tolist()


def test_it_is_the_same_by_seed(answer: Result, tmp_path: Path) -> None:
    again = run(tmp_path, Path(answer.plan.dataset.describe.strip("'")))
    assert distilled_in(again).scores == distilled_in(answer).scores


# --- leaks ------------------------------------------------------------------------------------------------------------


def tasks_of(answer: Result) -> tuple[DataTasks, tuple[Task, ...], Any]:
    """Return the leaf tasks and those that score the distilled workflow, and where its scores are."""
    data, workflow = data_tasks(answer.plan), distilled_in(answer).workflow
    assert workflow is not None
    metric = answer.leaderboard.objectives[0][0]
    made = evaluation_tasks(
        workflow, data.source, data.deal, n_splits=data.n_splits, metrics=(metric,), setting=data.scoring
    )
    return data, made.tasks, made.scores


def test_no_row_that_scores_was_learned_from(answer: Result) -> None:
    data, tasks, scores = tasks_of(answer)
    plan, _ = optimize((*data.tasks, *tasks), scores, PlanContext())
    check_leaks(plan)
    y = np.arange(160.0) if answer.plan.task == "regression" else np.arange(160) % answer.plan.setting.n_classes
    assert leaks_of(plan, {data.source.fingerprint: Table(y)}) == []


def test_rows_made_up_of_left_out_rows_are_a_leak(answer: Result) -> None:
    data, tasks, _ = tasks_of(answer)
    moved: dict[Any, Any] = {}
    changed = []
    for task in tasks:
        inputs = tuple(moved.get(port, port) for port in task.inputs)
        if task.kind is TaskKind.MUNGE:  # of all rows in the place of the train rows
            inputs = (data.source.port("X"),)
        new = replace(task, inputs=inputs)
        moved |= {task.port(output): new.port(output) for output in task.outputs}
        changed.append(new)
    scores = [task.port() for task in changed if task.kind is TaskKind.SCORE]
    with pytest.raises(InternalError, match="leaks"):
        check_leaks(optimize((*data.tasks, *changed), scores, PlanContext())[0])


# --- requests ---------------------------------------------------------------------------------------------------------


def test_where_there_is_no_blend_the_best_teaches(tmp_path: Path) -> None:
    answer = run(tmp_path, table(tmp_path, "binary"), more=f"{ASKED} WITHOUT blend")
    found = distilled_in(answer)
    best = next(t for t in answer.leaderboard.order if not teachers_of(t.configuration) and has_mean(t))
    assert teachers_of(found.configuration) == ((best.number, 1.0),)
    assert found.workflow is not None
    lesson = lesson_in(found.workflow)
    assert lesson is not None and best.workflow is not None
    assert lesson.teacher.steps == best.workflow.steps
    path = tmp_path / "one.py"
    answer.session.run(f"EXPORT @distilled TO '{path}' AS sklearn")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])["scores"]
    assert said == pytest.approx(found.scores["roc_auc"], abs=1e-6)


def test_it_is_scored_again_as_the_best_are(tmp_path: Path) -> None:
    found = distilled_in(run(tmp_path, table(tmp_path, "binary"), budget="18 trials", confirm=" CONFIRM 2"))
    assert found.is_confirmed
    assert (len(found.scores["roc_auc"]), len(found.searched["roc_auc"])) == (6, 3)


def test_it_is_tried_where_the_blend_misses_a_bound(tmp_path: Path) -> None:
    csv = table(tmp_path, "binary")
    plain = run(tmp_path, csv, more="")
    blend = next(t for t in plain.leaderboard.order if members_of(t.configuration))
    assert plain.leaderboard.distilled is None
    assert blend.size_bytes is not None
    largest = max(
        t.size_bytes or 0 for t in plain.leaderboard.trials if t.number in dict(members_of(blend.configuration))
    )
    bound = (largest + blend.size_bytes) // 2  # each of its members keeps it
    bounded = run(tmp_path / "bounded", csv, more=f"REQUIRE size <= {bound / 1000:.3f} KB")
    found = distilled_in(bounded)
    assert "misses a bound" in str(found.reason)
    assert len(teachers_of(found.configuration)) > 1


def test_why_there_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distilling, "_seconds", lambda *_: 1e6)
    answer = run(tmp_path, table(tmp_path, "binary"), budget="3 s")
    assert answer.leaderboard.distilled is None
    assert any(note.startswith("nothing was distilled: forecast") for note in answer.notes)
    with pytest.raises(UnknownRefError, match="no distilled workflow"):
        answer.trial("distilled")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("WITH DISTILLED = knn", "it learns classes, no probabilities"),
        ("WITH DISTILLED = soft_trees | soft_trees(num_leaves = 3)", "names one model"),
        ("WITH DISTILLED = median", "no model operator"),
    ],
)
def test_who_cannot_learn_is_refused(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(MileError) as caught:
        run(tmp_path, table(tmp_path, "binary"), more=more)
    assert said in str(caught.value)


def test_of_numbers_any_model_can_learn(tmp_path: Path) -> None:
    found = distilled_in(run(tmp_path, table(tmp_path, "regression"), more="WITH DISTILLED = ridge"))
    assert found.model == "ridge"


def test_who_teaches_need_not_be_there_to_predict(tmp_path: Path) -> None:
    session = mileage.connect(tmp_path / "project", backend="inline")
    asked = "WITH DISTILLED = soft_trees(n_estimators = 5), MODEL = lightgbm(n_estimators = 5)"
    answer = session.run(f"PREDICT y FROM '{table(tmp_path, 'binary')}' VALIDATE BY 3 FOLDS BUDGET 3 trials {asked}")
    assert isinstance(answer, Result)
    found = distilled_in(answer)
    assert found.workflow is not None
    lesson = lesson_in(found.workflow)
    assert lesson is not None and lesson.teacher.model.spec is not None
    assert lesson.teacher.model.spec.operator == "lightgbm"
    assert len(answer.distilled.predict(rows_of(answer).head(5))) == 5


def test_python_asks_for_it() -> None:
    asked = str(mileage.predict("y").from_("t.csv").with_(distilled="soft_trees"))
    assert "WITH DISTILLED = SOFT_TREES" in asked.upper()
