"""Queries that cannot be meant: one report for each mistake, at its place, before anything runs."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

import mileage

LABELS = ("low", "high")


def rows(header: str, *makers, n: int = 28) -> str:
    return "\n".join([header, *(",".join(str(make(i)) for make in makers) for i in range(n))]) + "\n"


@pytest.fixture
def data(mile, table):
    """Write a small table, and return the function that runs ``mile`` beside it."""
    mile("version", files={"t.csv": table()})
    return mile


# --- names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("PREDICT yy FROM 't.csv'", "E204", ("no column in 't.csv' named 'yy'", "query:1:9", "did you mean y?")),
        ("PREDICT mortality FROM 't.csv'", "E204", ("query:1:9", "known: a, b, y")),
        ("PREDICT y FROM 't.csv' EXCLUDING bb", "E204", ("query:1:34", "did you mean b?")),
        ("PREDICT y FROM 't.csv' EXCLUDING y", "E241", ("query:1:34", "y is the target")),
        ("PREDICT y FROM 't.csv' FEATURES (a, zz)", "E204", ("query:1:37", "no column in 't.csv' named 'zz'")),
        ("PREDICT y FROM 't.csv' FEATURES (a, y)", "E241", ("query:1:37", "y is the target")),
        ("PREDICT y FROM 't.csv' KNOWING zz IS TEXT", "E204", "query:1:32"),
        ("PREDICT y FROM 't.csv' VALIDATE BY 3 FOLDS KEEPING zz TOGETHER", "E204", ("query:1:52", "known: a, b, y")),
        ("PREDICT y FROM 't.csv' VALIDATE BY 3 FOLDS STRATIFIED BY zz", "E204", "query:1:58"),
        ("PREDICT y FROM 't.csv' VALIDATE BY HOLDOUT 20% IN ORDER OF zz", "E204", "query:1:60"),
        ("PREDICT y FROM 't.csv' WITH MODL = knn", "E205", "did you mean MODEL?"),
        ("PREDICT y FROM 't.csv' WITH MODEL = logistc", "E208", "did you mean logistic?"),
        ("PREDICT y FROM 't.csv' WITHOUT foo", "E208", ("no operator 'foo'", "known:")),
        ("PREDICT y FROM 't.csv' WITH MODEL = logistic(c = 1)", "E212", ("query:1:46", "did you mean C?")),
        ("PREDICT y FROM 't.csv' OPTIMIZE roc_auk", "E206", "did you mean roc_auc?"),
        ("PREDICT y FROM 't.csv' OPTIMIZE recall('maybe')", "E206", ("has no class 'maybe'", "classes: no, yes")),
        (
            "PREDICT y FROM 't.csv' HINT (strategy = rando)",
            "E215",
            ("query:1:", "no search strategy 'rando'", "random"),
        ),
        ("PREDICT y FROM 't.csv' HINT (backend = cloud)", "E215", ("no backend 'cloud'", "known: inline, processes")),
        ("PREDICT y FROM 't.csv' HINT (off = nothing)", "E215", ("no rule of the optimizer 'nothing'", "load_kept")),
        ("PREDICT y FROM 't.csv' HINT (speed = 9)", "E215", ("no hint 'speed'", "known: backend")),
        ("SHOW leaderbord", "E217", ("query:1:6", "did you mean leaderboard?")),
        ("SHOW leaderboard OF @q9", "R800", ("no query has run in this project", "run one")),
        ("EXPORT @w1 TO 'x.py'", "R800", "no query has run"),
    ],
)
def test_an_unknown_name_is_one_report_at_its_place(data, query, code, says):
    data(query).fails(3, code, says=says)


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("PREDICT y FROM tt", "D408", ("no table 'tt'", "name a file in quotes")),
        ("PREDICT y FROM :df", "D409", ("no frame :df", "session.run(query, frames=")),
    ],
)
def test_an_unknown_source_is_an_error_of_the_data(data, query, code, says):
    data(query).fails(4, code, says=says)


# --- values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clause", "code", "says"),
    [
        ("BUDGET 0 s", "E270", ("a budget of 0 s allows nothing", "query:1:31", "at least 1 s or 1 trial")),
        ("BUDGET 0 trials", "E270", "a budget of 0 trials allows nothing"),
        ("BUDGET -3 s", "E270", "a budget of -3 s allows nothing"),
        ("BUDGET 1 ms", "E270", ("a budget of 1 ms is too short", "at least 1 s")),
        ("BUDGET 0.5 trials", "E271", "0.5 trials is no whole number of trials"),
        ("BUDGET 5 %", "E271", "use ms, s, min"),
        ("BUDGET 1 foo", "E104", "unknown unit foo"),
        ("BUDGET 1 s, 0 trials", "E270", "query:1:36"),
        ("RETURN 0 WORKFLOWS", "E274", ("returns nothing", "use at least 1")),
        ("SEED -1", "E104", "SEED needs a whole number"),
        ("SEED 99999999999999999999", "E274", ("is too large", "up to 2147483647")),
        ("HINT (workers = 0)", "E215", "workers is a whole number of 1 or more"),
        ("HINT (knowledge = some)", "E215", "knowledge is on or off"),
        ("HINT (rows = 10)", "E215", "rows is all"),
        ("HINT (workers = 'many')", "E215", "workers is a whole number of 1 or more"),
        ("WITH MODEL = logistic(C = -1)", "E213", ("query:1:46", "C must be a number in")),
        ("WITH MODEL = logistic(C = 'x')", "E213", "C must be a number in"),
        ("WITH MODEL = knn(n_neighbors = 1.5)", "E213", "n_neighbors must be a whole number"),
        ("WITH MODEL = knn(n_neighbors IN 0..3)", "E213", "n_neighbors must be a whole number"),
        ("WITH MODEL = logistic(C IN 3..1)", "E104", "did you mean 1..3?"),
        ("WITH PIPELINE = impute(median)", "E207", "a PIPELINE ends in a model"),
        ("OPTIMIZE rmse", "E206", "rmse does not serve binary"),
        ("VALIDATE BY 1 FOLDS", "E272", "use at least 2 FOLDS"),
        ("VALIDATE BY 99 FOLDS", "E272", ("there are 28 with a target", "VALIDATE BY 5 FOLDS")),
        ("VALIDATE BY 3 FOLDS REPEAT 0", "E272", "REPEAT 0 scores nothing"),
        ("VALIDATE BY HOLDOUT 0%", "E272", "HOLDOUT 0% leaves no rows"),
        ("VALIDATE BY HOLDOUT 100%", "E272", "HOLDOUT 100% leaves no rows"),
        ("VALIDATE BY HOLDOUT 500", "E272", ("leaves no rows to learn from", "there are 28 with a target")),
        ("VALIDATE BY HOLDOUT 3 min", "E272", "HOLDOUT 3 min is no share of rows"),
        ("VALIDATE BY BOOTSTRAP 0", "E272", "BOOTSTRAP 0 scores nothing"),
        ("FROM 't.csv'", "E105", "FROM may stand only once"),
    ],
)
def test_a_value_that_cannot_be_meant_is_one_report(data, clause, code, says):
    data(f"PREDICT y FROM 't.csv' {clause}").fails(3, code, says=says)


def test_a_group_column_of_one_group_cannot_be_dealt(mile):
    text = rows("g,a,y", lambda _: 1, lambda i: i % 7, lambda i: LABELS[i % 7 // 4])
    query = "PREDICT y FROM 't.csv' VALIDATE BY 3 FOLDS KEEPING g TOGETHER"
    mile(query, files={"t.csv": text}).fails(
        3, "E272", says=("g has 1 group: they cannot be dealt to 3 parts", "query:1:52")
    )


def test_a_rare_class_gives_fewer_folds(mile):
    text = rows("a,y", lambda i: i // 2, lambda i: LABELS[i > 1])
    answer = mile("--json", "PREDICT y FROM 't.csv' WITH MODEL = decision_tree BUDGET 1 trials", files={"t.csv": text})
    assert any(a["clause"].startswith("VALIDATE BY 2 FOLDS") for a in answer.answers()["assumptions"])


def test_a_class_with_fewer_rows_than_the_folds_asked_for_is_told(mile):
    text = rows("a,y", lambda i: i // 2, lambda i: ("x", "y", "z")[0 if i < 2 else i % 2 + 1])
    query = "PREDICT y FROM 't.csv' VALIDATE BY 3 FOLDS WITH MODEL = decision_tree BUDGET 1 trials"
    seen = mile("--json", query, files={"t.csv": text})
    seen.answers()
    assert "W324 class x has fewer rows than the 3 folds" in seen.findings


def test_folds_that_no_workflow_can_score_are_one_error(mile):
    text = rows("a,y", lambda i: i // 2, lambda i: LABELS[i > 1])
    query = "PREDICT y FROM 't.csv' VALIDATE BY 5 FOLDS WITH MODEL = decision_tree BUDGET 1 trials"
    seen = mile("-q", query, files={"t.csv": text})
    seen.fails(1, "X603", says=("no workflow could be scored: roc_auc is not defined on a fold", "another metric"))
    [run] = mile("--json", "show", "history").answer["sections"][0]["rows"]
    assert run["state"] == "failed"


# --- SQL ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "place", "says"),
    [
        ("SELECT * FORM 't.csv'", "2:21", "syntax error"),
        ("SELECT a,, y FROM 't.csv'", "2:16", "syntax error"),
        ("SELECT * FROM nope", "2:21", "Table with name nope does not exist"),
        ("SELECT a, bb, y FROM 't.csv'", "2:17", ('"bb" not found', 'Candidate bindings: "b"')),
        ("SELECT foo(a) FROM 't.csv'", "2:14", "foo does not exist"),
        ("SELECT * FROM 'nope.csv'", "2:21", "no file 'nope.csv'"),
        ("DROP TABLE t", "2:7", "only a SELECT can stand here"),
        ("SELECT 1; SELECT 2", "2:17", "only one SELECT"),
        ("", "2:7", "there is no SELECT here"),
        ("SELECT y, CAST(b AS INT) AS b FROM 't.csv'", "2:7", "Could not convert string"),
    ],
)
def test_a_mistake_in_sql_is_put_at_its_place(data, sql, place, says):
    seen = data(f"PREDICT y\nFROM ({sql})\nBUDGET 2 trials")
    seen.fails(3, "E210", says=says)
    assert f"--> query:{place}\n" in seen.err
    assert "pg_" not in seen.err


def test_sql_without_rows_is_an_error_of_the_data(data):
    seen = data("PREDICT y\nFROM (SELECT * FROM 't.csv' WHERE a > 100)")
    seen.fails(4, "D410", says=("(SQL) has no rows", "query:2:6", "WHERE"))


# --- several mistakes, and texts that are no query ------------------------------------------------------------------------


def test_each_mistake_has_its_own_report(data):
    data("PREDICT yy FROM 't.csv' EXCLUDING bb").fails(3, "E204", "E204", says=("query:1:9", "query:1:35"))
    data("PREDCT y FROM 't.csv' BUDGT 3 s").fails(3, "E101", "E101", says=("mean PREDICT?", "mean BUDGET?"))
    both = "PREDICT y FROM 't.csv' EXCLUDING bb WITH MODEL = logistc HINT (workers = 0) BUDGET 0 s"
    data(both).fails(3, "E204", "E208", "E215", "E270")


def test_a_mistake_of_the_query_and_one_of_the_data_are_told_together(mile):
    query = "PREDICT y FROM 't.csv' EXCLUDING bb"
    seen = mile(query, files={"t.csv": "a,y\n1,x\n2,x\n"})
    seen.fails(3, "D423", "E204", says=("one class only", "query:1:9", "named 'bb'", "query:1:34"))


def test_check_finds_the_mistakes_of_all_statements(data):
    seen = data("check", "q.mile", files={"q.mile": "PREDICT y FROM 'no.csv';\nPREDICT x FROM 't.csv';\n"})
    seen.fails(3, "D402", "E204", says=("q.mile:1:16", "q.mile:2:9"))


@pytest.mark.parametrize(
    ("files", "name", "says"),
    [
        ({"q.mile": b"PREDICT y FROM 't\xff.csv'"}, "q.mile", "'q.mile' is not UTF-8 text"),
        ({"query.mile": "SHOW history"}, "qury.mile", ("no file 'qury.mile'", "did you mean 'query.mile'?")),
        ({"d/x": ""}, "d", "cannot read 'd': Is a directory"),
    ],
)
def test_a_query_file_that_is_none_is_a_mistake_of_the_command_line(mile, files, name, says):
    mile("run", name, files=files).fails(2, "U001", says=says)


def test_a_query_file_that_says_nothing_does_nothing(mile):
    seen = mile("run", "q.mile", files={"q.mile": "-- nothing\n"})
    assert (seen.code, seen.text) == (0, "")


def test_a_zero_byte_in_a_query_is_one_report(data):
    data("run", "q.mile", files={"q.mile": "PREDICT y\0 FROM 't.csv'"}).fails(
        3, "E107", says=("unexpected ␀", "q.mile:1:10")
    )


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--backend", "cloud"), ("no backend 'cloud'", "known: inline, processes")),
        (("--backend", "Inline"), "did you mean inline?"),
        (("--workers", "0"), "--workers"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_mistake_of_the_command_line(data, option, says):
    data(*option, "PREDICT y FROM 't.csv'").fails(2, "U001", says=says)


# --- data that was not trained on -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("a,b,y\n1,p,maybe\n2,q,no\n", "D431", ("that the training data lacks: maybe", "has no, yes")),
        ("a,b,y\nred,p,no\nblue,q,yes\n", "D451", "a (BIGINT in training, here VARCHAR such as "),
        ("a,b,y\n1,p,\n2,q,\n", "D420", "the target y of 'u.csv' has no value"),
        ("", "D410", "'u.csv' is empty"),
        (None, "D402", "no file 'u.csv'"),
    ],
)
def test_a_test_table_must_look_like_the_training_table(data, text, code, says):
    files = {} if text is None else {"u.csv": text}
    data("PREDICT y FROM 't.csv' VALIDATE ON 'u.csv'", files=files).fails(4, code, says=says)


@pytest.mark.parametrize(("text", "column"), [("a,y\n1,yes\n2,no\n", "b"), ("a,b\n1,p\n", "y")])
def test_a_test_table_has_the_columns_of_the_training_table(data, text, column):
    said = (f"'u.csv' of VALIDATE ON has no column {column}", "query:1:24", "it needs the columns of 't.csv'")
    data("PREDICT y FROM 't.csv' VALIDATE ON 'u.csv'", files={"u.csv": text}).fails(3, "E204", says=said)


def test_a_test_table_of_one_class_has_no_score(data):
    query = "PREDICT y FROM 't.csv' VALIDATE ON 'u.csv' WITH MODEL = decision_tree BUDGET 1 trials"
    data("-q", query, files={"u.csv": "a,b,y\n1,p,no\n2,p,no\n"}).fails(1, "X603", says="roc_auc is not defined")


def test_facts_hold_for_a_test_table_too(data):
    text = rows("a,b,y", lambda i: ("lo", "mid", "hi")[i % 3], lambda i: i % 5, lambda i: LABELS[i % 3 // 2])
    query = (
        "PREDICT y FROM 'o.csv' VALIDATE ON 'o.csv' KNOWING a IS ORDINAL ('lo', 'mid', 'hi') "
        "WITH MODEL = decision_tree(max_depth = 3) BUDGET 1 trials"
    )
    answer = data("--json", query, files={"o.csv": text}).answers()
    assert answer["leaderboard"][0]["score"] > 0.9
    data("apply", "@w1", "o.csv", "--into", "out.csv").is_clean()
    scored = [line.split(",") for line in Path("out.csv").read_text().splitlines()[1:]]
    assert all(line[2] == line[3] for line in scored)


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """Return a folder with a small table and the project of an answered query; tests work in copies of it."""
    folder = tmp_path_factory.mktemp("answered")
    (folder / "t.csv").write_text(
        rows("a,b,y", lambda i: i % 7, lambda i: "pqr"[i % 3], lambda i: ("no", "yes")[i % 7 // 4])
    )
    with contextlib.chdir(folder), mileage.connect(backend="inline") as session:
        session.run("PREDICT y FROM 't.csv' VALIDATE BY 2 FOLDS WITH MODEL = decision_tree BUDGET 1 trials")
    return folder


@pytest.fixture
def trained(mile, folder, answered):
    """Return the function that runs ``mile`` beside an answered query."""
    shutil.copytree(answered, folder, dirs_exist_ok=True)
    return mile


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("a\n1\n", "D450", ("'n.csv' lacks b", "give all feature columns")),
        ("a,bb\n1,p\n", "D450", "b: did you mean bb?"),
        ("A,b\n1,p\n", "D450", "a: did you mean A?"),
        ("a,b,more\n1,p,9\n", "D452", ("columns that the training data lacks: more", "EXCLUDE")),
        ("a,b\n1,7\n", "D451", ("b (VARCHAR in training, here BIGINT such as '7')", "convert them")),
        ("a,b\nred,p\n", "D451", ("a (BIGINT in training, here VARCHAR such as 'red')", "convert them")),
        ("", "D410", "'n.csv' is empty"),
        ("a,b\n", "D410", "'n.csv' has no rows"),
    ],
)
def test_new_data_must_look_like_the_training_table(trained, text, code, says):
    trained("apply", "@w1", "n.csv", files={"n.csv": text}).fails(4, code, says=says)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,p\n6,never seen\n",  # an unseen category
        "a,b,y\n1,p,maybe\n6,q,no\n",  # a target of its own
        "b,a\np,1\nq,6\n",  # another order
        "a,b\n1.0,p\n6.0,q\n",  # numbers of another type
        "a,b\n1,\n6,\n",  # nothing known of a column
    ],
)
def test_new_data_of_another_look_is_predicted(trained, text):
    answer = trained("--json", "apply", "@w1", "n.csv", files={"n.csv": text})
    answer.is_clean()
    assert answer.code == 0
    [section] = answer.answer["sections"]
    assert [row["predicted_y"] for row in section["rows"]] == ["no", "yes"]


def test_a_mistake_in_the_sql_of_apply_is_put_at_its_place(trained):
    trained("APPLY @w1 TO (SELECT aa FROM 't.csv')").fails(3, "E210", says=("query:1:22", '"a"'))


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code", "says"),
    [
        (["apply", "@w99", "t.csv"], 3, "R800", ("no workflow @w99", "it has w1 to w2")),
        (["apply", "@foo", "t.csv"], 3, "R800", "@foo names no query"),
        (["apply", "@w1", "t.csv", "--into", "o.xls"], 4, "D440", ("cannot write 'o.xls'", "end the name in .csv")),
        (["apply", "@w1", "t.csv", "--into", "d.csv"], 4, "D440", ("cannot write 'd.csv'", "Is a directory")),
        (
            ["apply", "@w1", "t.csv", "--into", "no/o.csv"],
            4,
            "D440",
            ("cannot write 'no/o.csv'", "no such folder"),
        ),
        (["export", "@w1", "d.csv"], 4, "D440", ("cannot write 'd.csv'", "Is a directory")),
        (["export", "@w1", "no/x.py"], 4, "D440", ("cannot write 'no/x.py'", "a folder that exists")),
        (["export", "@w1", "t.csv/x.py"], 4, "D440", "cannot write 't.csv/x.py'"),
        (["export", "@w1", "x.py", "--as", "pickle"], 3, "E216", ("no export format 'pickle'", "known: sklearn")),
        (["compare", "@w1"], 3, "E220", "COMPARE needs two workflows"),
        (["compare", "@w1", "@w2", "--on", "recal"], 3, "E206", "did you mean recall?"),
        (["REFINE @last ADD EXCLUDING zz"], 3, "E204", "named 'zz'"),
        (["REFINE @q7 ADD EXCLUDING a"], 3, "R800", "@q7 names no query"),
        (["explain", "@q9"], 3, "R800", "@q9 names no query"),
    ],
)
def test_what_cannot_be_done_with_an_answer_is_one_error(trained, arguments, exit_code, code, says):
    trained("version", files={"d.csv/x": ""})
    trained(*arguments).fails(exit_code, code, says=says)


def test_data_that_changed_since_is_told(trained, table):
    seen = trained("apply", "@w1", "n.csv", files={"n.csv": "a,b\n1,p\n", "t.csv": table(35)})
    seen.fails(3, "R800", says=("the data of @q1 has changed since it ran", "run the query again"))
