"""The main job end to end."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.core.events import Event
from mileage.errors import DataError, MileError, QueryError, UnknownRefError
from mileage.session import Result, Session

QUERY = "PREDICT y FROM '{csv}' WITH MODEL = logistic | decision_tree(max_depth = 3) BUDGET 4 trials"


def run(session: Session, csv: Path, text: str = QUERY, **options: object) -> Result:
    """Run a query on the table."""
    answer = session.run(text.format(csv=csv), **options)  # type: ignore[arg-type]
    assert isinstance(answer, Result)
    return answer


def test_a_query_gives_a_ranked_list_that_beats_the_constant(session: Session, csv: Path) -> None:
    result = run(session, csv)
    best, constant = result.trial("w1"), result.leaderboard.reference
    assert constant is not None
    assert constant.mean("roc_auc") == 0.5
    assert best.mean("roc_auc") > 0.8
    assert result.to_json()["leaderboard"][0]["ref"] == "w1"
    assert "w1" in result.text()


def test_a_frame_can_be_predicted_from_and_for(session: Session, table: pd.DataFrame) -> None:
    result = session.run("PREDICT y FROM :df WITH MODEL = logistic(C = 1.0) BUDGET 1 trials", frames={"df": table})
    assert isinstance(result, Result)
    predicted, proba = result["w1"].predict(table), result["w1"].predict_proba(table)
    assert (predicted == table["y"]).mean() > 0.8
    assert proba.shape == (160, 2)
    assert np.allclose(proba.sum(axis=1), 1)


def test_the_fluent_builder_runs(session: Session, table: pd.DataFrame) -> None:
    result = mileage.predict("y").from_(table).with_(model="logistic").budget(trials=2).run(session)
    assert result.trial("w1").mean("roc_auc") > 0.8


def test_backends_and_workers_give_the_same_trials(csv: Path, tmp_path: Path) -> None:
    boards = []
    for i, (backend, workers) in enumerate([("inline", 1), ("processes", 1), ("processes", 2)]):
        with mileage.connect(tmp_path / f"p{i}", backend=backend, workers=workers) as session:
            result = run(session, csv, "PREDICT y FROM '{csv}' BUDGET 7 trials SEED 3")
            boards.append(
                [(t.describe, dict(t.scores)) for t in sorted(result.leaderboard.trials, key=lambda t: t.number)]
            )
    assert boards[0] == boards[1] == boards[2]


def test_a_second_run_fits_nothing(session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(session, csv)
    from mileage.operators import running

    def refuse(*args: object) -> None:
        raise AssertionError(args)

    monkeypatch.setattr(running, "fit_model", refuse)
    monkeypatch.setattr(running, "fit_transform", refuse)
    second = run(session, csv)
    assert [dict(t.scores) for t in first.leaderboard.order] == [dict(t.scores) for t in second.leaderboard.order]


def test_refine_makes_a_new_version(session: Session, csv: Path) -> None:
    run(session, csv)
    refined = session.run("REFINE @last SET OPTIMIZE accuracy ADD WITHOUT decision_tree")
    assert isinstance(refined, Result)
    assert refined.query_id == 2
    assert {t.model for t in refined.leaderboard.ranked} <= {"logistic", "dummy"}
    history = session.run("SHOW history").to_json()
    assert [row["from"] for row in history["sections"][0]["rows"]] == ["", "@q1"]


def test_compare_shows_the_difference(session: Session, csv: Path) -> None:
    run(session, csv)
    text = session.run("COMPARE @w1, @w2 ON accuracy").text()
    assert "accuracy" in text


def test_answers_are_there_in_the_next_session(csv: Path, tmp_path: Path) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        first = run(session, csv)
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        again = session.run("SHOW leaderboard").to_json()
        assert again["leaderboard"][0]["score"] == first.to_json()["leaderboard"][0]["score"]
        applied = session.run(f"APPLY @w1 TO '{csv}'").to_json()
        assert applied["rows"] == 160


def test_apply_writes_a_file(session: Session, csv: Path, tmp_path: Path) -> None:
    run(session, csv)
    out = tmp_path / "scored.parquet"
    session.run(f"APPLY @w1 TO '{csv}' INTO '{out}'")
    scored = pd.read_parquet(out)
    assert "predicted_y" in scored.columns, list(scored.columns)


def test_apply_names_a_missing_column(session: Session, csv: Path, table: pd.DataFrame) -> None:
    result = run(session, csv)
    with pytest.raises(DataError, match="lacks size"):
        result["w1"].predict(table.drop(columns="size"))


def test_apply_names_a_retyped_column(session: Session, csv: Path, table: pd.DataFrame) -> None:
    result = run(session, csv)
    with pytest.raises(DataError, match="other types: size"):
        result["w1"].predict(table.assign(size="big"))


def test_unseen_categories_are_predicted(session: Session, csv: Path, table: pd.DataFrame) -> None:
    result = run(session, csv)
    assert len(result["w1"].predict(table.assign(colour="violet"))) == 160


@pytest.mark.parametrize("query", [QUERY, "PREDICT size FROM '{csv}' WITH MODEL = ridge | hist_gbm BUDGET 2 trials"])
def test_the_exported_script_reproduces_the_score(session: Session, csv: Path, tmp_path: Path, query: str) -> None:
    result = run(session, csv, query)
    path = tmp_path / "train.py"
    session.run(f"EXPORT @w1 TO '{path}' AS sklearn")
    assert "mileage" not in [line.split()[1] for line in path.read_text().splitlines() if line.startswith("import")]
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True, cwd=tmp_path)
    printed = next(json.loads(line) for line in reversed(done.stdout.splitlines()) if line.startswith("{"))
    metric = result.plan.objectives[0].call
    assert printed["mean"] == pytest.approx(result.trial("w1").mean(metric), abs=1e-9)


def test_the_pipeline_predicts_the_same(session: Session, csv: Path, table: pd.DataFrame) -> None:
    result = run(session, csv)
    pipeline = result["w1"].to_sklearn()
    codes = pipeline.predict(table[["size", "noise", "colour"]])
    assert [result.plan.classes[c] for c in codes] == result["w1"].predict(table).tolist()


def test_mistakes_are_found_before_anything_runs(session: Session, csv: Path) -> None:
    with pytest.raises(QueryError) as caught:
        run(session, csv, "PREDICT yy FROM '{csv}' EXCLUDING nois")
    assert [d.code for d in caught.value.diagnostics] == ["E204", "E204"]
    assert session.catalog.queries() == ()


def test_clauses_that_are_not_executed_are_refused_by_name(session: Session, csv: Path) -> None:
    with pytest.raises(MileError, match="PREFER is not executed yet"):
        run(session, csv, "PREDICT y FROM '{csv}' PREFER interpretable")


def test_unknown_references_say_what_there_is(session: Session) -> None:
    with pytest.raises(UnknownRefError, match="no query has run"):
        session.run("SHOW leaderboard")


def test_events_tell_the_run(session: Session, csv: Path) -> None:
    seen: list[Event] = []
    run(session, csv, on_event=seen.append)
    kinds = [event.kind for event in seen]
    assert kinds[-1] == "run_finished"
    assert kinds.count("trial_finished") == 5


@pytest.mark.parametrize(
    "validate",
    [
        "BY 3 FOLDS",
        "BY 3 FOLDS REPEAT 2",
        "BY HOLDOUT 25%",
        "BY BOOTSTRAP 3",
        "BY 3 FOLDS KEEPING colour TOGETHER",
        "BY HOLDOUT 20% IN ORDER OF noise",
        "BY 3 FOLDS IN ORDER OF noise",
        "BY 3 FOLDS STRATIFIED BY colour",
        "ON '{csv}'",
    ],
)
def test_every_form_of_validate_runs(session: Session, csv: Path, validate: str) -> None:
    query = (
        "PREDICT y FROM '{csv}' VALIDATE "
        + validate
        + " WITH MODEL = logistic(C = 1.0), SCALE = standard, ENCODE = one_hot BUDGET 1 trials"
    )
    assert run(session, csv, query).trial("w1").mean("roc_auc") > 0.6


def test_a_time_budget_is_kept(session: Session, csv: Path) -> None:
    result = run(session, csv, "PREDICT y FROM '{csv}' BUDGET 3 s")
    assert result.seconds <= 5.0
