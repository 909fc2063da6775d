"""What runs teach: recorded without data, used for tables alike, and carried from project to project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.catalog.lessons import LessonRecord
from mileage.errors import DataError
from mileage.session import Result
from mileage.session.knowledge import known_for, lesson_of, question_of, table_traits, table_traits_of, wish_of
from mileage.session.knowledge_files import (
    export_knowledge,
    exported,
    forget_knowledge,
    import_knowledge,
    imported,
    knowledge_report,
)
from mileage.workflow import blend_slots

QUERY = "PREDICT y FROM :df VALIDATE BY 3 FOLDS WITH model = logistic | knn | gaussian_nb BUDGET 20 s, 7 trials WITHOUT blend"


def frame(seed: int = 0, n: int = 120) -> pd.DataFrame:
    """Return a table with a class that says who it is of."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    made = pd.DataFrame(X, columns=["secret_a", "secret_b", "c", "d"])
    return made.assign(y=np.where(X[:, 0] + rng.normal(0, 0.7, n) > 0, "mallory", "alice"))


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    """Return an answer in a project of its own."""
    with mileage.connect(tmp_path_factory.mktemp("p"), backend="inline") as session:
        yield session.run(QUERY, frames={"df": frame()})


def test_a_search_leaves_a_lesson_without_data(answer: Result) -> None:
    (lesson,) = answer.session.catalog.lessons.all()
    assert (lesson.task, lesson.origin, lesson.record["metric"]) == ("binary", "own", "roc_auc")
    assert lesson.record["table"] | {"minority": 0} == {
        "n_rows": 120, "n_columns": 4, "n_classes": 2, "categorical": 0.0, "text": 0.0, "datetime": 0.0, "missing": 0.0,
        "minority": 0,
    }  # fmt: skip
    losses = [trial["loss"] for trial in lesson.record["trials"]]
    assert losses
    assert losses[0] == min(losses)
    best = min(-t.mean("roc_auc") for t in answer.leaderboard.order if t.number)
    assert losses[0] == best
    text = exported([lesson])
    assert not any(word in text for word in ("secret", "mallory", "alice", lesson.digest))


def test_a_table_alike_begins_with_what_did_well(answer: Result) -> None:
    session = answer.session
    best = answer.session.catalog.lessons.all()[0].record["trials"][0]["steps"]
    again = session.run(QUERY.replace(":df", ":df EXCLUDING d"), frames={"df": frame()})
    first = sorted(again.leaderboard.trials, key=lambda t: t.number)[1]
    assert "did well on a table nearly the same (120 x 4)" in str(first.reason)
    assert first.model == best["model"][0]
    off = session.run(QUERY.replace(":df", ":df EXCLUDING c") + " HINT (knowledge = off)", frames={"df": frame()})
    assert not any("did well" in str(t.reason) for t in off.leaderboard.trials)
    assert len(session.catalog.lessons.all()) == 2, "off neither reads nor writes"


def test_a_question_does_not_learn_from_itself(answer: Result) -> None:
    own = LessonRecord(question_of(answer.plan), "binary", answer.session.catalog.lessons.all()[0].record)
    assert known_for(answer.plan, [own]) == ()
    other = LessonRecord("another", "binary", own.record)
    assert known_for(answer.plan, [other])


def test_a_question_with_other_splits_or_another_budget_learns_from_it(answer: Result) -> None:
    plan, record = answer.plan, answer.session.catalog.lessons.all()[0].record
    own = LessonRecord(question_of(plan), "binary", record)
    assert known_for(replace(plan, validation=replace(plan.validation, n=5)), [own])
    assert known_for(replace(plan, budget=replace(plan.budget, seconds=40.0)), [own])


def test_what_the_answer_was_made_of_comes_first(answer: Result) -> None:
    scored = [t for t in answer.leaderboard.order if t.number]
    heavy, light = scored[-1], scored[-2]
    made_of = blend_slots((light.number, heavy.number), (0.25, 0.75))
    blend = replace(scored[0], number=99, configuration=made_of, workflow=None)
    worse = replace(heavy, number=100, configuration=blend_slots((1, 2), (0.5, 0.5)), workflow=None)
    lesson = lesson_of(answer.plan, [*answer.leaderboard.trials, blend, worse])
    assert lesson is not None
    assert sorted(trial["weight"] for trial in lesson.record["trials"] if trial["weight"]) == [0.25, 0.75]
    same_s = [{**trial, "fit_s": 1.0} for trial in lesson.record["trials"]]
    known = known_for(answer.plan, [LessonRecord("other", "binary", {**lesson.record, "trials": same_s})])
    assert [known[0].wish["model"], known[1].wish["model"]] == [t.configuration[-1][1][0] for t in (heavy, light)]


def test_an_answer_that_is_one_workflow_comes_first(answer: Result) -> None:
    weights = [trial["weight"] for trial in answer.session.catalog.lessons.all()[0].record["trials"]]
    assert weights == [1.0, *[0.0] * (len(weights) - 1)]


def test_unlike_tables_teach_nothing(answer: Result) -> None:
    record = answer.session.catalog.lessons.all()[0].record
    far = {**record, "table": {**record["table"], "n_rows": 10_000_000, "text": 0.5}}
    assert known_for(answer.plan, [LessonRecord("far", "binary", far)]) == ()


def test_too_few_workflows_teach_nothing(answer: Result) -> None:
    assert lesson_of(answer.plan, answer.leaderboard.trials[:4]) is None


def test_traits_of_a_lesson_come_back(answer: Result) -> None:
    traits = table_traits(answer.plan)
    data = {**answer.session.catalog.lessons.all()[0].record["table"], "unknown": 1}
    assert table_traits_of({**data, "minority": traits.minority}) == traits


def test_operators_of_another_version_are_passed_over() -> None:
    assert wish_of({"model": ["no_such_model", {}]}) is None


def test_lessons_go_from_project_to_project(answer: Result, tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    report = export_knowledge(answer.session, file)
    n = report.data["lessons"]
    assert n >= 1
    with pytest.raises(DataError, match="is there already"):
        export_knowledge(answer.session, file)
    with mileage.connect(tmp_path / "other", backend="inline") as other:
        assert knowledge_report(other).data["lessons"] == 0
        assert import_knowledge(other, file).data == {"new": n, "known": 0, "left_out": {}}
        assert import_knowledge(other, file).data == {"new": 0, "known": n, "left_out": {}}
        assert "from ours.json" in knowledge_report(other).lines[1]
        used = other.run(QUERY, frames={"df": frame(seed=5)})
        assert any("did well on" in str(t.reason) for t in used.leaderboard.trials)
        assert forget_knowledge(other).data == {"forgotten": n + 1}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is no JSON"),
        ("[]", "not in the format"),
        ('{"format": "mileage knowledge 1", "lessons": [{}]}', "lesson 1 is damaged"),
        (
            json.dumps(
                {
                    "format": "mileage knowledge 1",
                    "lessons": [
                        {
                            "task": "binary",
                            "metric": "m",
                            "table": {"n_rows": 1, "n_columns": 1},
                            "trials": [{"steps": {}, "loss": float("nan")}],
                        }
                    ],
                }
            ),
            "a loss or a weight is none",
        ),
    ],
)
def test_a_damaged_file_is_refused(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=why):
        imported(text, "a.json")
    (tmp_path / "a.json").write_text(text)
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        with pytest.raises(DataError, match="no knowledge to import"):
            import_knowledge(session, tmp_path / "a.json")
        assert session.catalog.lessons.all() == ()
