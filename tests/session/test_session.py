"""The main job end to end."""

import json
from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory, small_table: pd.DataFrame) -> Iterator[Result]:
    """Return the answer to the query, for tests that only read it."""
    folder = tmp_path_factory.mktemp("answered")
    small_table.to_csv(folder / "table.csv", index=False)
    with mileage.connect(folder / "project", backend="inline") as session:
        yield run(session, folder / "table.csv")


def test_a_query_gives_a_ranked_list_that_beats_the_constant(answered: Result) -> None:
    best, constant = answered.trial("w1"), answered.leaderboard.reference
    assert constant is not None
    assert constant.mean("roc_auc") == 0.5
    assert best.mean("roc_auc") > 0.8
    assert answered.to_json()["leaderboard"][0]["ref"] == "w1"
    assert "w1" in answered.text()


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
            result = run(session, csv, "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS BUDGET 7 trials SEED 3")
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


def test_refine_makes_a_new_version_which_history_lists(session: Session, csv: Path) -> None:
    run(session, csv)
    refined = session.run("REFINE @last SET OPTIMIZE accuracy ADD WITHOUT decision_tree")
    assert isinstance(refined, Result)
    assert refined.query_id == 2
    assert {t.model for t in refined.leaderboard.ranked} <= {"logistic", "dummy"}
    rows = session.run("SHOW history").to_json()["sections"][0]["rows"]
    assert [(row["ref"], row["from"], row["state"], row["trials"]) for row in rows] == [
        ("@q1", "", "finished", "5"),
        ("@q2", "@q1", "finished", "5"),
    ]


def test_compare_shows_the_difference(answered: Result) -> None:
    text = answered.session.run("COMPARE @w1, @w2 ON accuracy").text()
    assert "accuracy" in text


def test_answers_are_there_in_the_next_session(csv: Path, tmp_path: Path) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        first = run(session, csv)
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        again = session.run("SHOW leaderboard").to_json()
        assert again["leaderboard"][0]["score"] == first.to_json()["leaderboard"][0]["score"]
        applied = session.run(f"APPLY @w1 TO '{csv}'").to_json()
        assert applied["rows"] == 160


def test_answers_are_found_by_reference(csv: Path, tmp_path: Path, table: pd.DataFrame) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        first = run(session, csv, "PREDICT y FROM '{csv}' NAMED churn WITH MODEL = logistic BUDGET 1 trials")
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        for ref in ("@q1", "q1", "@last", "churn"):
            again = session[ref]
            assert isinstance(again, Result)
            assert again.trial("w1").scores == first.trial("w1").scores
        assert session.result().query_id == 1
        one, other = session["@q1.w1"].predict(table), session["w1"].predict(table)  # type: ignore[union-attr]
        assert one.tolist() == other.tolist() == first["w1"].predict(table).tolist()
        with pytest.raises(UnknownRefError):
            session["q7"]


def test_the_list_stays_when_the_data_is_gone(csv: Path, tmp_path: Path) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        first = run(session, csv)
    csv.unlink()
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        shown = session.run("SHOW leaderboard")
        assert shown.to_json()["leaderboard"][0]["score"] == first.to_json()["leaderboard"][0]["score"]
        assert "as it was kept" in shown.text()


def test_compare_across_queries_is_paired_where_the_splits_are_the_same(session: Session, csv: Path) -> None:
    for tail in ("", "SEED 9", "VALIDATE BY 3 FOLDS"):
        run(session, csv, "PREDICT y FROM '{csv}' " + tail + " WITH MODEL = logistic | knn BUDGET 2 trials")
    run(session, csv, "PREDICT size FROM '{csv}' WITH MODEL = ridge BUDGET 1 trials")
    same = session.run("COMPARE @q1.w1, @q1.w2").to_json()
    other = session.run("COMPARE @q1.w1, @q3.w1")
    assert (same["paired"], other.to_json()["paired"]) == (True, False)
    assert "not paired: the splits differ" in other.text()
    with pytest.raises(UnknownRefError, match="predicts size"):
        session.run("COMPARE @q1.w1, @q4.w1")


def test_clean_gives_space_back_and_keeps_the_scores(session: Session, csv: Path, table: pd.DataFrame) -> None:
    result = run(session, csv)
    told = session.clean(dry_run=True).to_json()
    assert told["artifact_bytes"] > 0
    session.store.grace_s = 0.0
    assert session.clean().to_json()["artifact_bytes"] == 0
    assert (
        session.run("SHOW leaderboard").to_json()["leaderboard"][0]["score"]
        == result.to_json()["leaderboard"][0]["score"]
    )
    assert len(result["w1"].predict(table)) == 160


def test_answers_draw_themselves_and_escape_what_users_wrote(session: Session, table: pd.DataFrame) -> None:
    evil = "<script>alert(1)</script>"
    frame = table.rename(columns={"colour": evil, "size": 'it\'s "<b>"'})
    result = session.run("PREDICT y FROM :df WITH MODEL = logistic BUDGET 1 trials", frames={"df": frame})
    assert isinstance(result, Result)
    reports = [session.run(text) for text in ("EXPLAIN PLAN @q1", "SHOW workflows", "SHOW data", "SHOW leaderboard")]
    for shown in (result, result["w1"], *reports):
        html = shown._repr_html_()
        assert "<script" not in html
        assert "<b>" not in html
    for drawn in (result, result["w1"], reports[0], reports[1]):
        assert "<svg" in drawn._repr_html_()


def test_apply_writes_a_file(answered: Result, csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "scored.parquet"
    answered.session.run(f"APPLY @w1 TO '{csv}' INTO '{out}'")
    scored = pd.read_parquet(out)
    assert "predicted_y" in scored.columns, list(scored.columns)


def test_apply_adds_columns_and_says_what_it_replaced(answered: Result, csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "scored.csv"
    first, again = (answered.session.run(f"APPLY @w1 TO '{csv}' INTO '{out}'") for _ in range(2))
    given, scored = pd.read_csv(csv), pd.read_csv(out)
    assert list(scored.columns) == [*given.columns, "predicted_y", "probability_no", "probability_yes"]
    assert len(scored) == len(given)
    assert "was there before" not in first.text()
    assert "was there before" in again.text()


@pytest.mark.parametrize(
    ("into", "message"), [("x.txt", "end the name in"), ("no/x.csv", "no such folder"), ("{csv}", "is the data itself")]
)
def test_apply_refuses_a_place_before_it_predicts(answered: Result, csv: Path, into: str, message: str) -> None:
    before = csv.read_bytes()
    with pytest.raises(DataError, match=message):
        answered.session.run(f"APPLY @w1 TO '{csv}' INTO '{into.format(csv=csv)}'")
    assert csv.read_bytes() == before


def test_apply_names_an_unknown_column(answered: Result, table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="columns that the training data lacks: key") as caught:
        answered["w1"].predict(table.assign(key=1))
    assert "EXCLUDE" in str(caught.value.hint)
    assert len(answered["w1"].predict(table.drop(columns="y"))) == 160


def test_a_column_without_any_value_fits_every_type(answered: Result, table: pd.DataFrame) -> None:
    assert len(answered["w1"].predict(table.assign(size=None, colour=None))) == 160


def test_a_category_that_became_a_number_is_retyped(answered: Result, table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="other types: colour"):
        answered["w1"].predict(table.assign(colour=1.5))


def test_apply_names_a_missing_column(answered: Result, table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="lacks size"):
        answered["w1"].predict(table.drop(columns="size"))


def test_apply_names_a_retyped_column(answered: Result, table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="other types: size"):
        answered["w1"].predict(table.assign(size="big"))


def test_unseen_categories_are_predicted(answered: Result, table: pd.DataFrame) -> None:
    assert len(answered["w1"].predict(table.assign(colour="violet"))) == 160


@pytest.mark.parametrize("query", [QUERY, "PREDICT size FROM '{csv}' WITH MODEL = ridge | hist_gbm BUDGET 2 trials"])
def test_the_exported_script_reproduces_the_score(
    session: Session, csv: Path, tmp_path: Path, query: str, run_script: Callable[[Path], str]
) -> None:
    result = run(session, csv, query)
    path = tmp_path / "train.py"
    session.run(f"EXPORT @w1 TO '{path}' AS sklearn")
    assert "mileage" not in [line.split()[1] for line in path.read_text().splitlines() if line.startswith("import")]
    printed = next(json.loads(line) for line in reversed(run_script(path).splitlines()) if line.startswith("{"))
    metric = result.plan.objectives[0].call
    assert printed["mean"] == pytest.approx(result.trial("w1").mean(metric), abs=1e-9)


def test_the_pipeline_predicts_the_same(answered: Result, table: pd.DataFrame) -> None:
    pipeline = answered["w1"].to_sklearn()
    columns = table[["size", "noise", "colour"]]
    assert pipeline.predict(columns).tolist() == answered["w1"].predict(table).tolist()
    assert np.allclose(pipeline.predict_proba(columns), answered["w1"].predict_proba(table))
    assert list(pipeline.classes_) == list(answered["w1"].classes) == ["no", "yes"]


def test_classes_have_the_type_of_the_target(session: Session, table: pd.DataFrame) -> None:
    whole = table.assign(y=np.where(table["y"] == "yes", 3, 1))
    query = "PREDICT y FROM :df WITH MODEL = {model} BUDGET 1 trials"
    for model in ("logistic", "ridge", "svm_linear"):
        result = session.run(query.format(model=model), frames={"df": whole})
        assert isinstance(result, Result)
        predicted = result["w1"].predict(whole)
        assert predicted.dtype == np.int64
        assert (predicted == whole["y"]).mean() > 0.8
        assert result["w1"].to_sklearn().predict(whole.drop(columns="y")).tolist() == predicted.tolist()
    truth = table.assign(y=table["y"] == "yes")
    result = session.run(query.format(model="logistic"), frames={"df": truth})
    assert isinstance(result, Result)
    assert (result["w1"].predict(truth) == truth["y"]).mean() > 0.8


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
