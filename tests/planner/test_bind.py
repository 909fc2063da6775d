"""Mistakes of a query against its data: one report each, with code and fix."""

from pathlib import Path

import pytest

from mileage.data import Database
from mileage.errors import DataError, QueryError
from mileage.language import parse_query
from mileage.operators import StepSpec
from mileage.planner import LogicalPlan, bind
from mileage.workflow import instantiate


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
        ("PREDICT label FROM 't.cvs'", [("D402", "'t.csv'")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE recall('aa')", [("E206", "")]),
        ("PREDICT label", [("E203", "")]),
        ("PREDICT label FROM 't.csv' WITH MODL = knn", [("E205", "MODEL")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistc", [("E208", "logistic")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(c = 1)", [("E212", "C")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(C = -1)", [("E213", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = knn(n_neighbors IN 0..3)", [("E213", "")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE roc_auk", [("E206", "roc_auc")]),
        ("PREDICT income FROM 't.csv' OPTIMIZE accuracy", [("E206", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = knn WITHOUT knn", [("E251", "")]),
        ("PREDICT label FROM 't.csv' WITH IMPUTE = native, MODEL = logistic", [("E240", "")]),
        ("PREDICT income FROM 't.csv' WITH MODEL = logistic", [("E211", "")]),
        ("PREDICT label FROM 't.csv' BUDGET 0 s", [("E270", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 1 FOLDS", [("E272", "")]),
        ("PREDICT label FROM 't.csv' FEATURES (label, age)", [("E241", "")]),
        ("PREDICT label FROM 't.csv' PREFER interpretable REQUIRE fair", [("E301", ""), ("E301", "")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE accuracy, log_loss", [("E301", "")]),
        ("PREDICT label, sex FROM 't.csv'", [("E301", "")]),
        ('PREDICT label FROM "t.csv"', [("D408", "'t.csv'")]),
        ("PREDICT label FROM t", [("D408", "'t.csv'")]),
        ("PREDICT label FROM (SELECT * FROM 't.cvs')", [("E210", "'t.csv'")]),
        ("PREDICT label FROM (SELECT label, agee FROM 't.csv')", [("E210", "age")]),
        ("PREDICT label FROM 't.csv' EXCLUDING label", [("E241", "")]),
        ("PREDICT label FROM 't.csv' FEATURES (age) EXCLUDING age", [("E240", "")]),
        ("PREDICT label FROM 't.csv' FEATURES (age, sex) KNOWING age IS LEAKY", [("E240", "")]),
        ("PREDICT label FROM 't.csv' KNOWING label IS CATEGORICAL", [("E241", "")]),
        ("PREDICT label FROM 't.csv' KNOWING age IS TEXT, age IS CATEGORICAL", [("E240", "")]),
        ("PREDICT label FROM 't.csv' KNOWING size IS NUMERIC", [("E242", "")]),
        ("PREDICT label FROM 't.csv' KNOWING size IS ORDINAL ('S', 'M')", [("E242", "")]),
        ("PREDICT label FROM 't.csv' KNOWING size IS ORDINAL ('S', 'M', 'L', 'L')", [("E242", "")]),
        ("PREDICT sex AS CLASSIFICATION (positiv = 'a') FROM 't.csv'", [("E219", "positive")]),
        ("PREDICT sex AS CLASSIFICATION (positive = 'c') FROM 't.csv'", [("E219", "")]),
        ("PREDICT label AS CLASSIFICATION (positive = 'x') FROM 't.csv'", [("E219", "")]),
        ("PREDICT income AS REGRESSION (q = 0.5) FROM 't.csv'", [("E219", "")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE recall('xx')", [("E206", "'x'")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE f1(average = mcro)", [("E206", "")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE f1(average = macro, foo = 3)", [("E206", "")]),
        ("PREDICT label FROM 't.csv' OPTIMIZE accuracy THEN accuracy", [("E105", "")]),
        ("PREDICT label FROM 't.csv' BUDGET 60", [("E271", "60 s")]),
        ("PREDICT label FROM 't.csv' BUDGET 1,5 min", [("E271", "1.5 min")]),
        ("PREDICT label FROM 't.csv' BUDGET 1 min, 2 min", [("E105", "")]),
        ("PREDICT label FROM 't.csv' BUDGET 1.5 trials", [("E271", "")]),
        ("PREDICT label FROM 't.csv' BUDGET UNTIL accuracy >= 2", [("E271", "")]),
        ("PREDICT label FROM 't.csv' BUDGET UNTIL accuracy <= 0.9", [("E271", "")]),
        ("PREDICT label FROM 't.csv' BUDGET UNTIL accuracy >= 5 min", [("E271", "")]),
        ("PREDICT label FROM 't.csv' BUDGET UNTIL acuracy >= 0.9", [("E206", "accuracy")]),
        ("PREDICT label FROM 't.csv' BUDGET PATIENCE 3 MB", [("E271", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 1000 FOLDS", [("E272", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY HOLDOUT 5000", [("E272", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY HOLDOUT 20 min", [("E272", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY BOOTSTRAP 0", [("E272", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 5 FOLDS REPEAT 0", [("E272", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 5 FOLDS KEEPING sex TOGETHER", [("E272", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 5 FOLDS STRATIFIED BY income", [("E272", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 5 FOLDS KEEPING label TOGETHER", [("E273", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY BOOTSTRAP 5 REPEAT 2", [("E273", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY BOOTSTRAP 5 CONFIRM 2", [("E273", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 3 FOLDS IN ORDER OF age CONFIRM 2", [("E273", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY BOOTSTRAP 5 STRATIFIED BY sex", [("E273", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 3 FOLDS REPEAT 2 IN ORDER OF age", [("E273", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY 3 FOLDS STRATIFIED BY sex IN ORDER OF age", [("E273", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE BY HOLDOUT 20% KEEPING age TOGETHER STRATIFIED BY sex", [("E273", "")]),
        ("PREDICT label FROM 't.csv' VALIDATE ON (SELECT age FROM 't.csv')", [("E204", "")]),
        ("PREDICT label FROM 't.csv' RETURN 0 WORKFLOWS", [("E274", "")]),
        ("PREDICT label FROM 't.csv' SEED 4294967296", [("E274", "")]),
        ("PREDICT label FROM 't.csv' NAMED w1", [("E274", "")]),
        ("PREDICT label FROM 't.csv' NAMED \"my query\"", [("E274", "my_query")]),
        ("PREDICT label FROM 't.csv' HINT (bakend = inline)", [("E215", "backend")]),
        ("PREDICT label FROM 't.csv' HINT (workers = 0)", [("E215", "")]),
        ("PREDICT label FROM 't.csv' HINT (workers = 2, workers = 3)", [("E105", "")]),
        ("PREDICT label FROM 't.csv' HINT (workers = 900) BUDGET 1 cores", [("E240", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(penalti = l1)", [("E212", "penalty")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(C = 1, C = 2)", [("E105", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(C = 5 min)", [("E213", "C = 5")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic * 0", [("E214", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(l1_ratio = 0.5)", [("E213", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = logistic(penalty IN {l1, l2}, l1_ratio IN 0..1)", [("E213", "")]),
        ("PREDICT income FROM 't.csv' WITH MODEL = linear(alpha = 0.5)", [("E213", "")]),
        ("PREDICT label FROM 't.csv' BUDGET 1 KB", [("E270", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = knn | knn", [("E105", "")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = knn >> svm", [("E207", "")]),
        ("PREDICT label FROM 't.csv' WITH SCALE = knn", [("E208", "")]),
        ("PREDICT label FROM 't.csv' WITH PIPELINE = logistic >> median", [("E207", "")]),
        ("PREDICT label FROM 't.csv' WITH PIPELINE = imput(median) >> logistic", [("E208", "impute")]),
        ("PREDICT label FROM 't.csv' WITHOUT ridge(alpha = 1)", [("E209", "ridge")]),
        ("PREDICT label FROM 't.csv' WITH MODEL = svm | knn WITHOUT svm, knn", [("E251", "")]),
    ],
)
def test_each_mistake_has_one_report(database: Database, text: str, expected: list[tuple[str, str]]) -> None:
    assert codes(database, text) == expected


def test_all_mistakes_are_found_in_one_pass_in_their_order(database: Database) -> None:
    text = (
        "PREDICT labl FROM 't.csv' EXCLUDING agee WITH MODLE = knn, SCALE = standrd OPTIMIZE acuracy BUDGET 0 s "
        "VALIDATE BY 1 FOLDS WITHOUT svmm HINT (a = 1) PREFER fast"
    )
    found = [code for code, _ in codes(database, text)]
    assert found == ["E204", "E204", "E205", "E208", "E206", "E270", "E272", "E208", "E215", "E301"]
    without_data = text.replace("'t.csv'", "'u.cvs'")
    assert [code for code, _ in codes(database, without_data)] == ["D402", *found[2:]]


@pytest.mark.parametrize(
    "text", ["WITH MODEL = logistc(C = 1)", "WITH MODEL = logistic(penalti = l1)", "OPTIMIZE acuracy"]
)
def test_a_fix_changes_the_wrong_name_only(database: Database, text: str) -> None:
    text = f"PREDICT label FROM 't.csv' {text}"
    with pytest.raises(QueryError) as caught:
        plan(database, text)
    mended = caught.value.diagnostics[0].fixes[0].apply(text)
    assert plan(database, mended).task == "multiclass"


def test_an_empty_space_names_both_clauses(database: Database) -> None:
    with pytest.raises(QueryError, match="WITHOUT svm removes the only member of WITH MODEL = svm"):
        plan(database, "PREDICT label FROM 't.csv' WITH MODEL = svm WITHOUT svm")


def test_a_conditional_parameter_counts_where_its_condition_can_hold(database: Database) -> None:
    made = plan(
        database, "PREDICT label FROM 't.csv' WITH MODEL = logistic(penalty IN {l2, elasticnet}, l1_ratio IN 0..1)"
    )
    model = made.space.slot("model")
    assert model is not None
    assert [name for name, _ in model.alternatives[0].steps[0].open] == ["l1_ratio", "penalty"]


def test_without_a_family_leaves_out_all_of_it(database: Database) -> None:
    made = plan(database, "PREDICT label FROM 't.csv' WITHOUT scale")
    scale = made.space.slot("scale")
    assert scale is not None
    assert [a.label for a in scale.alternatives] == ["none"]


def test_a_slot_without_columns_is_said_to_have_nothing_to_do(database: Database) -> None:
    made = plan(database, "PREDICT label FROM 't.csv' WITH TEXT = tf_idf")
    assert "TEXT = tf_idf has nothing to do: the features have no text columns" in {a.text for a in made.assumptions}


def test_the_positive_class_can_be_said(database: Database) -> None:
    made = plan(database, "PREDICT sex AS CLASSIFICATION (positive = 'a') FROM 't.csv'")
    assert made.classes == ("b", "a")
    assert made.target_profile.positive == "a"


def test_an_order_of_numbers_is_read_as_ranks(database: Database) -> None:
    made = plan(database, "PREDICT label FROM 't.csv' KNOWING age IS ORDINAL (6, 5, 4, 3, 2, 1, 0)")
    [(low, high)] = database.rows(f"SELECT min(age), max(age) FROM ({made.dataset.relation_sql}) WHERE id = 6")
    assert (low, high) == (0, 0)
    assert "age" in made.features.numeric


def test_numbers_written_as_text_are_read_and_the_others_counted(database: Database) -> None:
    lines = "\n".join(f"{'?' if i == 3 else i},{'ab'[i % 2]}" for i in range(40))
    (database.root / "n.csv").write_text(f"n,y\n{lines}\n")
    made = plan(database, "PREDICT y FROM 'n.csv' KNOWING n IS NUMERIC")
    assert made.features.numeric == ("n",)
    said = " ".join(a.text for a in made.assumptions)
    assert "1 of 40 values of n are no numbers, such as '?', and count as missing" in said


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
    assert made.features.names == ("age", "income", "sex", "size")


def test_facts_say_what_columns_are(database: Database) -> None:
    made = plan(
        database, "PREDICT label FROM 't.csv' KNOWING age IS CATEGORICAL, income IS LEAKY, sex IS ORDINAL ('a', 'b')"
    )
    assert made.features.categorical == ("age", "size")
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


def test_the_positive_class_is_said_with_the_clause_that_names_it(database: Database) -> None:
    [said] = [a for a in plan(database, "PREDICT sex FROM 't.csv'").assumptions if "positive class" in a.text]
    assert said.text == "'b' is the positive class"
    assert said.clause == "AS CLASSIFICATION (positive = 'b')"
    assert plan(database, f"PREDICT sex {said.clause} FROM 't.csv'").classes[-1] == "b"


def test_a_class_that_the_target_lacks_is_a_mistake_before_the_run(database: Database) -> None:
    assert codes(database, "PREDICT label FROM 't.csv' OPTIMIZE recall('xx')") == [("E206", "'x'")]


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


def test_what_only_plain_data_can_say_of_a_table_of_its_own_is_refused():
    from mileage.language import ast, from_yaml
    from mileage.planner.mistakes import Mistakes
    from mileage.planner.validation import check_validation

    text = "mileage: 1\npredict: {target: y}\nfrom: a.csv\nvalidate: {on: b.csv, confirm: 3}\n"
    query = from_yaml(text)
    query = query.statements[0] if hasattr(query, "statements") else query
    mistakes = Mistakes("")
    check_validation(query.clause(ast.Validate), "y", mistakes)
    assert [found.code for found in mistakes.found] == ["E273"]


def test_it_is_said_where_the_table_to_score_on_is_that_of_training(database: Database) -> None:
    query = parse_query("PREDICT label FROM 't.csv' VALIDATE ON 't.csv'")
    said = [a.text for a in bind(query, database).assumptions]
    assert any("the scores are of the rows that were learned from" in text for text in said)
