"""Statements besides PREDICT: checked before anything runs, and each says what it did."""

from __future__ import annotations

from pathlib import Path

import pytest

import mileage
from mileage.errors import BindError, DataError, MileError, NotYetError, QueryError
from mileage.session import Result, Session
from mileage.session.session import connect

QUERY = "PREDICT y FROM '{csv}' WITH MODEL = logistic(C = 1.0), SCALE = standard BUDGET 1 trials"


def codes(session: Session, text: str) -> list[str]:
    return [d.code for d in session.check(text)]


# --- check ------------------------------------------------------------------------------------------------------------


def test_check_finds_the_mistakes_of_all_statements(session: Session, csv: Path) -> None:
    text = (
        f"PREDICT yy FROM '{csv}'; EXPLAIN PREDICT y FROM '{csv}' EXCLUDING nois; SHOW hstory; SUGGEST 3;"
        f"EXPORT @w1 TO 'a.py' AS sklarn; COMPARE @w1; PREDICT y FROM '{csv}' HINT (strategy = tep)"
    )
    assert codes(session, text) == ["E204", "E204", "E217", "E302", "E216", "E220", "E215"]
    assert all(d.span is not None for d in session.check(text))


def test_nothing_runs_while_a_later_statement_is_wrong(session: Session, csv: Path) -> None:
    with pytest.raises(QueryError) as caught:
        session.run(f"{QUERY.format(csv=csv)}; REFINE @last ADD EXCLUDING nois; PREDICT y FROM '{csv}' PREFER fast")
    assert [d.code for d in caught.value.diagnostics] == ["E204", "E301"]
    assert session.catalog.queries() == ()


def test_what_is_only_not_executed_yet_is_said_as_such(session: Session, csv: Path) -> None:
    with pytest.raises(NotYetError):
        session.run(f"{QUERY.format(csv=csv)}; PAUSE")
    assert session.catalog.queries() == ()


def test_a_file_that_an_earlier_statement_writes_is_no_mistake(session: Session, csv: Path) -> None:
    text = f"{QUERY.format(csv=csv)}; APPLY @w1 TO '{csv}' INTO 'scored.csv'; PREDICT predicted_y FROM 'scored.csv'"
    assert codes(session, text) == []


def test_check_leaves_no_trace(session: Session, tmp_path: Path) -> None:
    path = _database(tmp_path)
    assert codes(session, f"ATTACH '{path}' AS shop; PREDICT big FROM shop.ordrs") == ["D408"]
    assert session.catalog.queries() == ()
    assert not (session.project.path / "attached.json").exists()


def test_refinements_are_checked_against_the_query_they_edit(session: Session, csv: Path) -> None:
    query = QUERY.format(csv=csv)
    assert codes(session, f"{query}; REFINE @last ADD EXCLUDING nois") == ["E204"]
    assert codes(session, f"{query}; REFINE @last DROP #p9") == ["E260"]
    assert codes(session, f"{query}; REFINE @last ADD WITH MODEL = knn") == ["E261"]
    assert codes(session, f"{query}; REFINE @last SET WITH MODEL = knn DROP #p2 SET BUDGET 2 trials") == []
    assert codes(session, "REFINE @last ADD WITHOUT svm") == ["R800"]


# --- refine -----------------------------------------------------------------------------------------------------------


def test_every_edit_makes_a_new_version(session: Session, csv: Path) -> None:
    session.run(QUERY.format(csv=csv))
    session.run(
        "REFINE @last SET WITH MODEL = decision_tree | logistic(C = 2.0) DROP #p2 SET BUDGET 2 trials ADD SEED 3"
    )
    pinned = session.run("REFINE @q2 PIN MODEL DROP SEED 3 ADD WITHOUT knn")
    assert isinstance(pinned, Result)
    texts = [query.text for query in session.catalog.queries()]
    assert texts[1].endswith("WITH MODEL = decision_tree | logistic(C = 2.0)\nBUDGET 2 trials\nSEED 3")
    best = session.results["q2"].trial("w1").configuration[-1][1][0]
    assert f"MODEL = {best.operator}" in texts[2]
    assert "SEED" not in texts[2]
    assert texts[2].endswith("WITHOUT knn")
    assert [query.parent for query in session.catalog.queries()] == [None, 1, 2]


def test_a_result_refines_itself(session: Session, csv: Path) -> None:
    result = session.run(QUERY.format(csv=csv))
    assert isinstance(result, Result)
    assert result.refine("SET SEED 5").plan.seed == 5


def test_a_wrong_refinement_shows_the_refined_text(session: Session, csv: Path) -> None:
    session.run(QUERY.format(csv=csv))
    with pytest.raises(QueryError) as caught:
        session.run("REFINE @last ADD EXCLUDING nois")
    shown = str(caught.value)
    assert "--> @last as refined:" in shown
    assert "| EXCLUDING nois\n" in shown
    assert "did you mean noise?" in shown


@pytest.mark.parametrize(
    ("edit", "code"),
    [("DROP #k1", "E260"), ("ADD BUDGET 1 min", "E261"), ("ADD WITH MODEL = knn", "E261"), ("DROP WITHOUT svm", "E261"),
     ("UNPIN TEXT", "E262"), ("PIN TEXT", "R800"), ("ACCEPT @s1", "E302")],
)  # fmt: skip
def test_an_edit_that_does_not_fit_has_one_error(session: Session, csv: Path, edit: str, code: str) -> None:
    session.run(QUERY.format(csv=csv))
    with pytest.raises(MileError) as caught:
        session.run(f"REFINE @last {edit}")
    assert caught.value.code == code
    assert len(session.catalog.queries()) == 1


# --- explain, show, compare -------------------------------------------------------------------------------------------


def test_the_physical_plan_counts_what_is_shared_and_what_is_loaded(session: Session, csv: Path) -> None:
    text = f"EXPLAIN PLAN PREDICT y FROM '{csv}' WITH MODEL = logistic | decision_tree BUDGET 3 trials"
    [plan] = [s for s in session.run(text).to_json()["sections"] if s["title"].startswith("physical plan")]
    trials, total = plan["rows"][:-1], plan["rows"][-1]
    assert len(trials) == 4
    assert int(trials[2]["shared"]) > 0
    assert total["loaded"] == "0"
    assert all(int(t["tasks"]) == sum(int(t[name]) for name in ("computed", "shared", "pruned")) for t in trials)
    assert int(trials[0]["pruned"]) == 0
    session.run(text.removeprefix("EXPLAIN PLAN "))
    [again] = [s for s in session.run("EXPLAIN PLAN @last").to_json()["sections"] if "physical" in s["title"]]
    assert (again["rows"][-1]["computed"], again["rows"][-1]["loaded"]) == ("0", "4")


@pytest.mark.parametrize("what", ["PLAN", "SPACE", "DATA"])
def test_a_query_and_its_version_are_explained_alike(session: Session, csv: Path, what: str) -> None:
    session.run(QUERY.format(csv=csv))
    by_ref = session.run(f"EXPLAIN {what} @q1").to_json()
    by_text = session.run(f"EXPLAIN {what} {QUERY.format(csv=csv)}").to_json()
    assert by_ref["sections"] == by_text["sections"]
    assert (by_ref["ref"], by_text["ref"]) == ("@q1", None)


def test_show_query_gives_the_handles_that_refine_takes(session: Session, csv: Path) -> None:
    session.run(f"{QUERY.format(csv=csv)} KNOWING noise IS IRRELEVANT")
    shown = session.run("SHOW query OF @q1")
    assert list(shown.to_json()["handles"]) == ["#p1", "#p2", "#k1"]
    assert "#k1     KNOWING  noise IS IRRELEVANT" in shown.text()
    session.run("REFINE @q1 DROP #k1 DROP #p2")
    assert "KNOWING" not in session.run("SHOW query").text()


def test_compare_names_a_wrong_metric_at_its_place(session: Session, csv: Path) -> None:
    session.run(QUERY.format(csv=csv))
    text = "COMPARE @w1, @w2 ON accurcy"
    with pytest.raises(BindError) as caught:
        session.run(text)
    [found] = caught.value.diagnostics
    assert found.fixes[0].apply(text) == "COMPARE @w1, @w2 ON accuracy"


def test_a_query_is_found_by_its_name(session: Session, csv: Path) -> None:
    session.run(f"{QUERY.format(csv=csv)} NAMED first")
    session.run("REFINE @first SET SEED 3 SET NAMED second")
    assert "SEED 3" not in session.run("SHOW query OF @first").text()
    assert "SEED 3" in session.run("SHOW query OF @second").text()


# --- attach -----------------------------------------------------------------------------------------------------------


def _database(folder: Path) -> Path:
    import duckdb

    path = folder / "shop.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(
            "CREATE TABLE orders AS SELECT range AS id, range % 50 AS amount, range % 50 > 25 AS big FROM range(200)"
        )
        made.execute("CREATE VIEW large AS SELECT * FROM orders WHERE amount > 5")
    return path


def test_tables_of_an_attached_database_are_queried_and_remembered(tmp_path: Path) -> None:
    path = _database(tmp_path)
    query = "PREDICT big FROM shop.orders WITH MODEL = decision_tree BUDGET 1 trials"
    with connect(tmp_path / "p", backend="inline") as session:
        answer = session.run(f"ATTACH '{path}' AS shop; {query}")
        assert isinstance(answer, Result)
    with connect(tmp_path / "p", backend="inline") as session:
        assert session.run("SHOW tables").to_json()["tables"] == ["shop.large", "shop.orders"]
        assert session.run("SHOW leaderboard").to_json()["data"] == "shop.orders"
        assert session.run("APPLY @w1 TO shop.large").to_json()["rows"] == 176


def test_python_attaches_an_sqlite_file(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "people.sqlite"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE people (age INTEGER, ill TEXT)")
        made.executemany("INSERT INTO people VALUES (?, ?)", [(i % 60, "ny"[i % 60 > 30]) for i in range(200)])
    made.close()
    with connect(tmp_path / "p", backend="inline") as session:
        assert session.attach(path) == "people"
        answer = session.run("PREDICT ill FROM people.people WITH MODEL = decision_tree BUDGET 1 trials")
        assert isinstance(answer, Result)
        with pytest.raises(DataError, match="a script cannot read the SQLite file 'people.sqlite'"):
            session.run(f"EXPORT @w1 TO '{tmp_path / 'a.py'}'")


def test_attaching_what_cannot_be_attached_says_why(session: Session, csv: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no DuckDB or SQLite database"):
        session.attach(csv)
    with pytest.raises(DataError, match="no file"):
        session.attach(tmp_path / "none.duckdb")
    session.attach(_database(tmp_path))
    other = tmp_path / "more"
    other.mkdir()
    with pytest.raises(DataError, match="shop is the name of"):
        session.attach(_database(other))
    assert session.attach(other / "shop.duckdb", "shop2") == "shop2"


# --- completion -------------------------------------------------------------------------------------------------------


def test_completion_knows_columns_operators_parameters_and_metrics(session: Session, csv: Path) -> None:
    head = f"PREDICT y FROM '{csv}' "
    assert session.complete(head + "EXCLUDING ") == ("size", "colour", "noise", "y")
    assert session.complete(head + "WITH MODEL = sv") == ("svm", "svm_linear")
    assert session.complete(head + "WITH SCALE = st") == ("standard",)
    assert session.complete(head + "WITH MODEL = knn(n") == ("n_neighbors",)
    assert session.complete(head + "WITH MODEL = knn(n_neighbors = 3, weights = d") == ("distance",)
    assert session.complete(head + "WITH MODEL = knn(weights IN {u") == ("uniform",)
    assert session.complete(head + "WITH MODEL = knn, SC") == ("SCALE",)
    assert session.complete(head + "WITH PIPELINE = impute(med") == ("median",)
    assert session.complete(head + "OPTIMIZE roc_auc THEN log") == ("log_loss",)
    assert session.complete(head + "HINT (backend = in") == ("inline",)
    assert session.complete(head + "VALIDATE BY 5 FOLDS KEEPING col") == ("colour",)
    assert session.complete("SHOW lea") == ("leaderboard",)
    assert session.complete("EXPORT @w1 TO 'a' AS sk") == ("sklearn", "skops")


def test_completion_offers_references_and_handles_of_the_project(session: Session, csv: Path) -> None:
    session.run(QUERY.format(csv=csv))
    assert "@q1" in session.complete("SHOW query OF @")
    assert session.complete("REFINE @last DROP #") == ("#p1", "#p2")


# --- hints ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hint", ["backend = inlin", "strategy = tep", "off = merge_equal_task"])
def test_hints_name_what_the_session_has(session: Session, csv: Path, hint: str) -> None:
    with pytest.raises(BindError) as caught:
        session.run(f"PREDICT y FROM '{csv}' HINT ({hint})")
    assert caught.value.code == "E215"
    assert caught.value.diagnostics[0].fixes


# --- python -----------------------------------------------------------------------------------------------------------


def test_the_builder_of_the_design_prints_its_query() -> None:
    query = (
        mileage.predict("cancer_type")
        .from_("records.parquet")
        .validate(folds=5, together="patient_id")
        .know(
            mileage.false_negatives("lung", cost=10, because="lung cancer is more often fatal"),
            mileage.col("age", "pack_years").noisy(sd="5%"),
        )
        .prefer("interpretable", within="2%")
        .require("recall('lung') >= 0.90", confidence=0.95)
        .budget("10 min")
    )
    assert str(query) == (
        "PREDICT cancer_type FROM 'records.parquet'\n"
        "VALIDATE BY 5 FOLDS KEEPING patient_id TOGETHER\n"
        "KNOWING FALSE NEGATIVES OF 'lung' COST 10 BECAUSE 'lung cancer is more often fatal',\n"
        "        age AND pack_years ARE NOISY (sd = 5%)\n"
        "PREFER interpretable WITHIN 2%\n"
        "REQUIRE recall('lung') >= 0.9 WITH CONFIDENCE 0.95\n"
        "BUDGET 10 min"
    )
