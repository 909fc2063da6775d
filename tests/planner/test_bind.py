"""Mistakes of a query against its data: one report each, with code and fix."""

from pathlib import Path

import pytest

from mileage.data import Database
from mileage.errors import DataError, QueryError
from mileage.language import parse_query
from mileage.operators import StepSpec
from mileage.planner import LogicalPlan, bind
from mileage.workflow import instantiate


@pytest.fixture
def database(tmp_path: Path) -> Database:
    rows = "\n".join(f"{i},{i % 7},{'ab'[i % 2]},{i * 0.5},{'xyz'[i % 3]}" for i in range(60))
    (tmp_path / "t.csv").write_text(f"id,age,sex,income,label\n{rows}\n")
    return Database(tmp_path)


def plan(database: Database, text: str) -> LogicalPlan:
    return bind(parse_query(text), database, source=text)


def codes(database: Database, text: str) -> list[tuple[str, str]]:
    with pytest.raises(QueryError) as caught:
        plan(database, text)
    return [(d.code, d.fixes[0].text if d.fixes else "") for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PREDICT labl FROM 't.csv'", [("E204", "label")]),
        ("PREDICT label FROM 't.csv' EXCLUDING agee, icome", [("E204", "age"), ("E204", "income")]),
        ("PREDICT label FROM 't.cvs'", [("D402", "")]),
        ("PREDICT label", [("E203", "")]),
        ("PREDICT label FROM 't.csv' WITH MODL = knn", [("E205", "MODEL")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistc", [("E208", "logistic")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(c = 1)", [("E212", "C")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(C = -1)", [("E213", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = knn(n_neighbors IN 0..3)", [("E213", "")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE roc_auk", [("E206", "")]),
        ("PREDICT income FROM 't.csv' OPTIMIZE accuracy", [("E206", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = knn WITHOUT knn", [("E251", "")]),
        ("PREDICT label FROM 't.csv' WITH IMPUTE = native, MODEL = logistic", [("E240", "")]),
        ("PREDICT income FROM 't.csv' WITH MODEL = logistic", [("E211", "")]),
        ("PREDICT label FROM 't.csv' BUDGET 0 s", [("E270", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 1 FOLDS", [("E272", "")]),
        ("PREDICT label FROM 't.csv' FEATURES (label, age)", [("E241", "")]),
        ("PREDICT label FROM 't.csv' PREFER interpretable REQUIRE recall >= 0.9", [("E301", ""), ("E301", "")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE accuracy, log_loss", [("E301", "")]),
        ("PREDICT label, sex FROM 't.csv'", [("E301", "")]),
    ],
)
def test_each_mistake_has_one_report(database: Database, text: str, expected: list[tuple[str, str]]) -> None:
    assert codes(database, text) == expected


def test_sql_mistakes_point_into_the_query(database: Database) -> None:
    text = "PREDICT label FROM (SELECT label, agee FROM 't.csv')"
    with pytest.raises(QueryError) as caught:
        plan(database, text)
    [found] = caught.value.diagnostics
    assert found.code == "E210"
    assert found.span is not None
    assert found.span.cut(text) == "agee"
    assert "age" in (found.hint or "")


def test_what_was_left_open_is_said(database: Database) -> None:
    made = plan(database, "PREDICT label FROM 't.csv'")
    said = " ".join(a.clause for a in made.assumptions)
    for clause in ("AS CLASSIFICATION", "FOLDS", "OPTIMIZE log_loss", "BUDGET 1 min", "id IS IDENTIFIER"):
        assert clause in said
    assert made.features.names == ("age", "income", "sex")


def test_facts_say_what_columns_are(database: Database) -> None:
    made = plan(
        database, "PREDICT label FROM 't.csv' KNOWING age IS CATEGORICAL, income IS LEAKY, sex IS ORDINAL ('a', 'b')"
    )
    assert made.features.categorical == ("age",)
    assert made.features.numeric == ("sex",)
    assert dict(made.dropped)["income"].origin == "user"


def test_the_papers_expert_gets_just_the_space_he_wrote(database: Database) -> None:
    made = plan(
        database,
        "PREDICT label FROM 't.csv' WITH MODEL = random_forest(n_estimators IN 10..50, max_depth IN 4..8, criterion = entropy)",
    )
    model = made.space.slots[-1]
    assert [a.label for a in model.alternatives] == ["random_forest"]
    assert model.alternatives[0].steps[0].size() == 41 * 5


def test_a_pipeline_is_one_point(database: Database) -> None:
    made = plan(
        database, "PREDICT label FROM 't.csv' WITH PIPELINE = impute(median) >> scale(standard) >> logistic(C = 1.0)"
    )
    assert made.space.size() == 1


def test_a_target_of_one_class_is_no_question(database: Database) -> None:
    (database.root / "one.csv").write_text("a,y\n" + "1,x\n" * 30)
    with pytest.raises(DataError, match="one class only"):
        plan(database, "PREDICT y FROM 'one.csv'")


@pytest.mark.parametrize(
    ("optimize", "clause"),
    [("", "OPTIMIZE roc_auc('b')"), ("OPTIMIZE recall", "OPTIMIZE recall('b')"), ("OPTIMIZE accuracy", "")],
)
def test_the_positive_class_is_said_with_the_clause_that_names_it(
    database: Database, optimize: str, clause: str
) -> None:
    assumed = plan(database, f"PREDICT sex FROM 't.csv' {optimize}").assumptions
    [said] = [a for a in assumed if "positive class" in a.text]
    assert said.text == "'b' is the positive class"
    assert said.clause == clause
    assert not clause or plan(database, f"PREDICT sex FROM 't.csv' {clause}").objectives


def test_a_class_that_the_target_lacks_is_a_mistake_before_the_run(database: Database) -> None:
    assert codes(database, "PREDICT label FROM 't.csv' OPTIMIZE recall('xx')") == [("E206", "")]


def test_folds_are_no_more_than_the_rows_of_the_rarer_of_two_classes(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{'yes' if i < 4 else 'no'}" for i in range(60))
    (tmp_path / "few.csv").write_text(f"x,y\n{rows}\n")
    made = plan(Database(tmp_path), "PREDICT y FROM 'few.csv' FEATURES (x)")
    assert made.validation.n == 4
    assert any("4 stratified folds, since a class has 4 rows" in a.text for a in made.assumptions)


def test_a_model_that_needs_values_above_zero_gets_them(tmp_path: Path) -> None:
    rows = "\n".join(f"{i - 9.5},{'ab'[i % 2]}" for i in range(60))
    (tmp_path / "signed.csv").write_text(f"x,y\n{rows}\n")
    made = plan(
        Database(tmp_path), "PREDICT y FROM 'signed.csv' WITH SCALE = none, MODEL = multinomial_nb(alpha = 1.0)"
    )
    assert made.features.negative
    steps = (("select", (StepSpec.of("variance"),)), ("model", (StepSpec.of("multinomial_nb"),)))
    workflow, assumed = instantiate(steps, made.features, made.setting)
    assert workflow.describe() == "minmax >> variance >> multinomial_nb"
    assert assumed == ("minmax: multinomial_nb needs values >= 0",)
