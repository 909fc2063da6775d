"""What EXPLAIN says: every executed clause is seen to take effect, with the words that said it."""

from __future__ import annotations

import pytest

from mileage.data import Database
from mileage.language import parse_query
from mileage.planner import bind, explain_data, explain_plan, explain_space
from mileage.results.report import Report, Section


def explained(database: Database, text: str, what: object = explain_plan) -> str:
    plan = bind(parse_query(text), database, source=text)
    sections: tuple[Section, ...] = what(plan)  # type: ignore[operator]
    return Report("explain", "", sections).text(width=400)


EFFECTS = {
    "FEATURES (age, sex)": ("2: 1 numeric, 1 categorical", "income  not in FEATURES", "FEATURES (age, sex)"),
    "EXCLUDING income": ("income  EXCLUDING", "EXCLUDING income"),
    "VALIDATE BY 4 FOLDS": ("4 folds, stratified by label", "VALIDATE BY 4 FOLDS STRATIFIED BY label"),
    "VALIDATE BY 3 FOLDS STRATIFIED BY sex": ("3 folds, stratified by sex",),
    "VALIDATE BY 3 FOLDS REPEAT 2": ("3 folds, stratified by label, 2 times",),
    "VALIDATE BY 3 FOLDS CONFIRM 2": ("3 folds, stratified by label, the best of many on 2 fresh deals",),
    "VALIDATE BY 3 FOLDS KEEPING age TOGETHER": ("keeping age together", "age     it keeps rows together"),
    "VALIDATE BY HOLDOUT 20% IN ORDER OF income": (
        "holdout of 20% of the rows, in order of income",
        "it puts the rows in order",
    ),
    "VALIDATE BY HOLDOUT 20": ("holdout of 20 rows",),
    "VALIDATE BY BOOTSTRAP 7": ("7 bootstraps",),
    "VALIDATE ON 't.csv'": ("on 't.csv'",),
    "OPTIMIZE recall('x') THEN accuracy": ("recall('x') then accuracy",),
    "BUDGET 90 s, 12 trials, 2 GB, 1 cores": ("90.0 s, 12 trials, 2.0 GB, 1 core", "BUDGET 90 s, 12 trials"),
    "BUDGET UNTIL accuracy >= 95%, PATIENCE 4 trials, PATIENCE 30 s": (
        "until accuracy >= 0.95, patience 4 trials, patience 30.0 s",
    ),
    "RETURN 3 DIVERSE WORKFLOWS": ("the best 3 different workflows",),
    "SEED 7": ("7     ", "SEED 7"),
    "NAMED first": ("@first",),
    "HINT (workers = 1)": ("workers = 1",),
    "KNOWING age IS IDENTIFIER": ("age IS IDENTIFIER  left out", "you said that it names a row"),
    "KNOWING age IS LEAKY BECAUSE 'asked later'": ("is known only after the target, asked later",),
    "KNOWING age IS IRRELEVANT": ("has nothing to do with the target",),
    "KNOWING age IS CATEGORICAL": ("4: 1 numeric, 3 categorical", "age IS CATEGORICAL  read as names"),
    "KNOWING size IS TEXT": ("1 text", "size IS TEXT  read as free text"),
    "KNOWING id IS NUMERIC IN 'km'": ("3 numeric", "id IS NUMERIC IN 'km'  read as amounts"),
    "KNOWING size IS ORDINAL ('S', 'M', 'L')": ("3 numeric, 1 categorical", "read as ranks in this order"),
    "EXCLUDING age KNOWING age IS CATEGORICAL": ("none: the column is left out (EXCLUDING)",),
}


@pytest.mark.parametrize("clause", EFFECTS)
def test_every_clause_is_seen_in_the_plan(database: Database, clause: str) -> None:
    text = explained(database, f"PREDICT label FROM 't.csv' {clause}")
    flat = " ".join(text.split())
    for fragment in EFFECTS[clause]:
        assert " ".join(fragment.split()) in flat, text


def test_what_is_left_open_is_said_with_the_clause_that_says_it(database: Database) -> None:
    text = explained(database, "PREDICT sex FROM 't.csv'")
    for fragment in (
        "AS CLASSIFICATION",
        "VALIDATE BY 10 FOLDS STRATIFIED BY sex",
        "OPTIMIZE roc_auc",
        "BUDGET 1 min",
        "AS CLASSIFICATION (positive = 'b')",
        "KNOWING id IS IDENTIFIER",
    ):
        assert fragment in text


def test_the_clauses_that_are_said_can_be_added_and_then_nothing_is_assumed(database: Database) -> None:
    plan = bind(parse_query("PREDICT sex FROM 't.csv'"), database)
    task = next(a.clause for a in plan.assumptions if "positive" in a.clause)
    clauses = " ".join(a.clause for a in plan.assumptions if not a.clause.startswith("AS "))
    again = bind(parse_query(f"PREDICT sex {task} FROM 't.csv' {clauses}"), database)
    assert again.assumptions == ()
    assert (again.features, again.validation.n, again.objectives[0].call, again.budget) == (
        plan.features,
        plan.validation.n,
        plan.objectives[0].call,
        plan.budget,
    )


def test_the_space_lists_slots_ranges_and_cuts_with_their_clauses(database: Database) -> None:
    text = explained(
        database,
        "PREDICT label FROM 't.csv' WITH MODEL = logistic(C IN LOG 0.1..10) * 2 | knn, SCALE = standard WITHOUT pca",
        explain_space,
    )
    flat = " ".join(text.split())
    for fragment in (
        "SCALE standard 1 WITH SCALE = standard",
        "MODEL logistic 2 WITH MODEL = logistic(C IN LOG 0.1..10) * 2 | knn",
        "logistic C LOG 0.1..10 you wrote it",
        "knn n_neighbors LOG 1..50 its default range",
        "any other MODEL WITH MODEL =",
        "pca WITHOUT pca",
        "encode_native logistic cannot read category codes",
    ):
        assert fragment in flat, text


def test_data_shows_the_profile_and_the_role_of_each_column(database: Database) -> None:
    text = explained(database, "PREDICT label FROM 't.csv' EXCLUDING age", explain_data)
    flat = " ".join(text.split())
    assert "'t.csv': 60 rows, 6 columns" in flat
    assert "left out: EXCLUDING" in flat
    assert "x 20 33.3 %" in flat
