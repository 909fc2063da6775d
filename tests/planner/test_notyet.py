"""Every clause, fact, task and aspect of the grammar is executed, or refused by exactly one report that names it."""

from __future__ import annotations

import pytest

from mileage.data import Database
from mileage.errors import NotYetError
from mileage.language import ast, parse, parse_query
from mileage.language.exchange_read import KINDS
from mileage.planner import bind
from mileage.session.statements import _handlers
from mileage.session.statements.names import statement_mistakes

# What stands after PREDICT label FROM 't.csv'; "" is executed, else the name that the refusal gives.
CLAUSES = {
    ast.From: ("", ""),
    ast.Features: ("FEATURES (age, sex)", ""),
    ast.Excluding: ("EXCLUDING age", ""),
    ast.Validate: ("VALIDATE BY 3 FOLDS", ""),
    ast.Optimize: ("OPTIMIZE accuracy THEN log_loss", ""),
    ast.Knowing: ("KNOWING age IS CATEGORICAL", ""),
    ast.UsingKnowledge: ("USING KNOWLEDGE oncology", "USING KNOWLEDGE"),
    ast.Prefer: ("PREFER interpretable", "PREFER"),
    ast.Require: ("REQUIRE accuracy >= 0.2, latency <= 1 s", ""),
    ast.With: ("WITH MODEL = knn", ""),
    ast.Without: ("WITHOUT svm", ""),
    ast.Reuse: ("REUSE AUTO", ""),
    ast.Budget: ("BUDGET 1 min", ""),
    ast.Return: ("RETURN 3 WORKFLOWS", ""),
    ast.Seed: ("SEED 7", ""),
    ast.Named: ("NAMED first", ""),
    ast.Hint: ("HINT (workers = 1)", ""),
}
PARTS = {
    "REUSE NOTHING": "REUSE NOTHING",
    "REUSE EVERYTHING": "REUSE EVERYTHING",
    "REUSE v1, v2": "REUSE of views",
    "OPTIMIZE accuracy, log_loss": "OPTIMIZE with several metrics at once",
    "REQUIRE interpretable": "REQUIRE interpretable",
    "REQUIRE fair ACROSS sex BY parity(gap = 0.1)": "REQUIRE fair",
    "REQUIRE accuracy >= 0.5 WHERE (age > 3) WITH CONFIDENCE 95%": "REQUIRE ... WHERE",
    "REQUIRE accuracy >= 0.5 WITH CONFIDENCE 95%": "REQUIRE ... WITH CONFIDENCE",
    "PREFER robust TO noise IN (age), fast WITHIN 2%": "PREFER",
    "VALIDATE BY HOLDOUT 25%": "",
    "VALIDATE BY BOOTSTRAP 3": "",
    "VALIDATE ON 't.csv'": "",
    "VALIDATE BY 3 FOLDS KEEPING age TOGETHER": "",
    "VALIDATE BY 3 FOLDS IN ORDER OF income": "",
    "VALIDATE BY 3 FOLDS STRATIFIED BY sex": "",
    "VALIDATE BY 3 FOLDS REPEAT 2": "",
    "VALIDATE BY 3 FOLDS CONFIRM 2": "",
    "BUDGET 5 trials, 1 GB, 1 cores, UNTIL accuracy >= 90%, PATIENCE 3 trials, PATIENCE 10 s": "",
    "RETURN 3 DIVERSE WORKFLOWS": "",
    "WITH MODEL = knn(n_neighbors IN 1..5) * 2 | logistic(C IN LOG 0.1..10, penalty IN {l1, l2})": "",
    "WITH PIPELINE = impute(median) >> (standard | none) >> logistic": "",
}
# What KNOWING may say of columns, by the kinds of the grammar.
TRAITS = {
    "noisy": ("age IS NOISY (sd = 5%)", "NOISY"),
    "missing": ("age IS MISSING NOT AT RANDOM CODED AS (-9)", "MISSING"),
    "leaky": ("age IS LEAKY", ""),
    "sensitive": ("sex IS SENSITIVE", "SENSITIVE"),
    "proxy": ("age IS PROXY FOR sex", "PROXY"),
    "important": ("age IS IMPORTANT", "IMPORTANT"),
    "irrelevant": ("age IS IRRELEVANT", ""),
    "identifier": ("age IS IDENTIFIER", ""),
    "categorical": ("age IS CATEGORICAL", ""),
    "text": ("size IS TEXT", ""),
    "numeric": ("age IS NUMERIC IN 'years'", ""),
    "ordinal": ("size IS ORDINAL ('S', 'M', 'L')", ""),
    "between": ("age IS BETWEEN 0 AND 120", "BETWEEN"),
    "known_only_after": ("age IS KNOWN ONLY AFTER 'discharge'", "KNOWN ONLY AFTER"),
}
FACTS = {
    ast.Trait: ("age IS LEAKY", ""),
    ast.Cost: ("FALSE NEGATIVES OF 'x' COST 10", "FALSE ... COST"),
    ast.Mistaking: ("MISTAKING 'x' FOR 'y' COSTS 3", "MISTAKING ... COSTS"),
    ast.Monotone: ("label RISES WITH age", "RISES/FALLS WITH"),
    ast.Interaction: ("age INTERACTS WITH sex", "INTERACTS WITH"),
    ast.Derived: ("ratio = (income / age)", "column = (SQL)"),
}
BELIEFS = {"CERTAINLY": "", "LIKELY": "LIKELY", "MAYBE": "MAYBE"}
TASKS = {
    "CLASSIFICATION": "",
    "REGRESSION": "",
    "RANKING": "AS RANKING",
    "FORECAST": "AS FORECAST",
    "QUANTILES": "AS QUANTILES",
}
STATEMENTS = {
    ast.Predict: ("PREDICT label FROM 't.csv'", ""),
    ast.Refine: ("REFINE @last ADD WITHOUT svm", ""),
    ast.Decide: ("ACCEPT @s1", "ACCEPT"),
    ast.CreateView: ("CREATE VIEW v AS (SELECT 1)", "CREATE"),
    ast.DefineIntent: ("DEFINE INTENT i AS (SPACE x)", "DEFINE"),
    ast.DefineKnowledge: ("DEFINE KNOWLEDGE k AS age IS LEAKY", "DEFINE"),
    ast.Explain: ("EXPLAIN PLAN @last", ""),
    ast.ExplainWhy: ("EXPLAIN WHY NOT svm", "EXPLAIN WHY"),
    ast.ExplainPrediction: ("EXPLAIN PREDICTION FOR (id = 3) BY @w1", "EXPLAIN PREDICTION"),
    ast.Suggest: ("SUGGEST 3", "SUGGEST"),
    ast.Compare: ("COMPARE @w1, @w2 ON accuracy", ""),
    ast.Show: ("SHOW history", ""),
    ast.Pause: ("PAUSE", "PAUSE"),
    ast.Resume: ("RESUME", "RESUME"),
    ast.Stop: ("STOP", "STOP"),
    ast.ExtendBudget: ("EXTEND BUDGET BY 5 min", "EXTEND"),
    ast.Focus: ("FOCUS MODEL = knn", "FOCUS"),
    ast.Prune: ("PRUNE MODEL = knn", "PRUNE"),
    ast.Export: ("EXPORT @w1 TO 'a.py' AS sklearn", ""),
    ast.Apply: ("APPLY @w1 TO 't.csv' INTO 'out.csv'", ""),
    ast.Attach: ("ATTACH 'a.duckdb' AS a", ""),
}
MORE_STATEMENTS = {
    **{f"EXPLAIN {aspect} @last": "" for aspect in ("PLAN", "SPACE", "DATA")},
    **{f"EXPLAIN {aspect} @last": f"EXPLAIN {aspect}" for aspect in ("INTENTS", "KNOWLEDGE", "COST", "CONFLICTS")},
    **{f"SHOW {topic}": "" for topic in ("leaderboard", "workflows", "data", "history", "query", "tables")},
    **{f"SHOW {topic}": f"SHOW {topic}" for topic in ("coverage", "slices", "lineage")},
    "COMPARE @w1, @w2 BY sex": "COMPARE ... BY",
    "REFINE @last ACCEPT @s1": "REFINE ... ACCEPT",
    "REFINE @last REJECT @s1 BECAUSE 'no'": "REFINE ... REJECT",
    "REFINE @last ADD WITHOUT svm SET SEED 3 DROP #p1 DROP BUDGET 1 min PIN MODEL UNPIN SCALE": "",
    "REJECT @s1": "REJECT",
    "CREATE MATERIALIZED VIEW v AS STEP encode OF @w1": "CREATE",
}


def refused(database: Database, text: str) -> list[str]:
    """Return the messages of the refusal of a query, none if it is executed."""
    try:
        bind(parse_query(text), database, source=text)
    except NotYetError as error:
        found = error.diagnostics
    else:
        return []
    assert all(d.code == "E301" and d.span is not None and d.hint for d in found)
    return [d.message for d in found]


def expected(name: str) -> list[str]:
    return [f"{name} is not executed yet"] if name else []


def test_the_tables_below_hold_every_alternative_of_the_grammar() -> None:
    assert set(CLAUSES) == set(ast.Clause.__args__)
    assert set(TRAITS) == set(KINDS)
    assert set(FACTS) == set(ast.FactBody.__args__)
    assert set(STATEMENTS) == set(ast.Statement.__args__)
    assert set(_handlers()) == {kind for kind, (_, name) in STATEMENTS.items() if not name}


@pytest.mark.parametrize(("clause", "name"), [*CLAUSES.values(), *PARTS.items()])
def test_every_clause_is_executed_or_refused(database: Database, clause: str, name: str) -> None:
    assert refused(database, f"PREDICT label FROM 't.csv' {clause}") == expected(name)


@pytest.mark.parametrize(("fact", "name"), [*TRAITS.values(), *FACTS.values()])
def test_every_fact_is_executed_or_refused(database: Database, fact: str, name: str) -> None:
    known = expected(f"KNOWING ... {name}") if name else []
    assert refused(database, f"PREDICT label FROM 't.csv' KNOWING {fact}") == known


def test_facts_about_labels_are_refused(database: Database) -> None:
    text = "PREDICT label FROM 't.csv' KNOWING LABELS ARE NOISY (rate = 3%)"
    assert refused(database, text) == expected("KNOWING ... LABELS ARE NOISY")


@pytest.mark.parametrize(("belief", "name"), BELIEFS.items())
def test_every_belief_is_executed_or_refused(database: Database, belief: str, name: str) -> None:
    known = expected(f"KNOWING {name} ...") if name else []
    assert refused(database, f"PREDICT label FROM 't.csv' KNOWING {belief} age IS LEAKY") == known


@pytest.mark.parametrize(("task", "name"), TASKS.items())
def test_every_task_is_executed_or_refused(database: Database, task: str, name: str) -> None:
    target = "income" if task == "REGRESSION" else "label"
    assert refused(database, f"PREDICT {target} AS {task} FROM 't.csv'") == expected(name)


def test_several_targets_are_refused(database: Database) -> None:
    assert refused(database, "PREDICT label, sex FROM 't.csv'") == expected("PREDICT of several targets")


@pytest.mark.parametrize(("text", "name"), [*STATEMENTS.values(), *MORE_STATEMENTS.items()])
def test_every_statement_is_executed_or_refused(text: str, name: str) -> None:
    [statement] = parse(text).statements
    found = list(statement_mistakes(statement, text))
    assert [d.message for d in found] == expected(name)
    assert all(d.code == "E302" and d.hint for d in found)


def test_each_refused_clause_of_a_query_has_one_report(database: Database) -> None:
    text = "PREDICT label FROM 't.csv' PREFER fast REQUIRE fair REUSE NOTHING KNOWING age IS NOISY, sex IS SENSITIVE"
    assert len(refused(database, text)) == 5
