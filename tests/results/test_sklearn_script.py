"""Scripts: they run without mileage and print the scores that the same estimators give here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, VotingClassifier, VotingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from mileage.data.splits import SplitSpec, deal
from mileage.errors import OperatorError
from mileage.operators.glue import as_texts, date_parts, first_columns, missing_as_level
from mileage.results.export import Scorer, ScriptSpec, dump_skops, estimator_code, script
from mileage.workflow import Assembly


@pytest.fixture
def run(run_script, tmp_path):
    """Return a function that runs a script and returns the scores it printed."""

    def run(text):
        file = tmp_path / "script.py"
        file.write_text(text)
        return json.loads(run_script(file).splitlines()[-1])

    return run


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    n = 90
    path = tmp_path / "people.csv"
    lines = ["age,city name,note,born,unit,income,kind,pay"]
    for i in range(n):
        age = "" if i % 11 == 0 else str(rng.integers(20, 60))
        rich = (i % 3 == 0) ^ (rng.random() < 0.2)
        lines.append(
            f"{age},{['rome', 'oslo', ''][i % 3]},{'good word' if rich else 'bad day'},20{i % 20:02d}-0{i % 9 + 1}-11,{i % 10},"
            f"{'high' if rich else 'low'},{'abc'[i % 3]},{rng.normal():.6f}"
        )
    path.write_text("\n".join(lines))
    return path


RULES = "W,F,I,B,C4,UP,SIM,RUF,PIE,RET,PTH"


def sql(path, *columns):
    return f"SELECT {', '.join(columns)} FROM read_csv('{path}') WHERE income IS NOT NULL"


CITY = (
    SimpleImputer(strategy="constant", fill_value="none"),
    OneHotEncoder(handle_unknown="ignore", sparse_output=True),
)


PEOPLE = Assembly(
    (
        ("numeric", (SimpleImputer(strategy="median"), StandardScaler()), ("age",)),
        (
            "categorical",
            (FunctionTransformer(missing_as_level), OneHotEncoder(handle_unknown="ignore")),
            ("city name",),
        ),
    ),
    (("select", SelectKBest(f_classif, k=3)), ("model", LogisticRegression(C=0.3, max_iter=500))),
    dense=True,
)


def pipeline(made):
    """Return what a reader of the script would build by hand."""
    parts = [(n, make_pipeline(*c) if c else "passthrough", list(k)) for n, c, k in made.branches]
    return Pipeline([("prepare", ColumnTransformer(parts, sparse_threshold=0.0 if made.dense else 1.0)), *made.tail])


def binary_spec(path, **changes):
    given = {
        "sql": sql(path, '"age"', '"city name"', '"income"'),
        "target": "income",
        "task": "binary",
        "classes": ("low", "high"),
        "numeric": ("age",),
        "categorical": ("city name",),
        "members": [(1.0, PEOPLE)],
        "scorers": (Scorer("roc_auc", "'roc_auc'"),),
        "query": "PREDICT income FROM 'people.csv'\nBUDGET 1 min",
        "header": ("Score: 0.5", 'A path: C:\\new """quoted"""'),
    }
    return ScriptSpec(**{**given, **changes})


def test_a_script_prints_the_scores_of_the_same_pipeline(table, run):
    y = (duckdb.sql(f"SELECT income FROM '{table}'").df()["income"] == "high").to_numpy().astype(int)
    splits = deal(SplitSpec(n=4, stratify=True, seed=3), n_rows=len(y), y=y)
    spec = binary_spec(table, splits=splits.code, split_imports=splits.imports)
    text = script(spec)
    assert "mileage" not in text.replace("found by MILE", "").lower()
    printed = run(text)
    X = duckdb.sql(spec.sql).df().drop(columns="income")
    cv = [(p.train.indices(), p.test.indices()) for p in splits.pairs]
    wanted = cross_validate(pipeline(PEOPLE), X, y, cv=cv, scoring="roc_auc")["test_score"]
    assert printed["metric"] == "roc_auc" and np.allclose(printed["scores"], wanted, atol=1e-12, rtol=0)
    assert printed["mean"] == pytest.approx(wanted.mean(), abs=1e-12)


def test_a_script_is_valid_formatted_python(table):
    text = script(
        binary_spec(
            table,
            splits="StratifiedKFold(n_splits=3).split(X, y)",
            split_imports=("from sklearn.model_selection import StratifiedKFold",),
        )
    )
    compile(text, "script.py", "exec")
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("SELECT")] == []
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is not None:
        own = ["--isolated", "--line-length", "88"]
        for command in ([ruff, "format", *own, "--diff", "-"], [ruff, "check", *own, "--select", RULES, "-"]):
            done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout
    assert "from sklearn.model_selection import StratifiedKFold, cross_validate" in text
    assert "noqa" not in text and "type: ignore" not in text


@pytest.mark.filterwarnings("ignore:Series.dt")
def test_text_dates_sparse_and_three_classes(table, run):
    made = Assembly(
        (
            ("text_1", (FunctionTransformer(as_texts), TfidfVectorizer(min_df=2, ngram_range=(1, 2))), ("note",)),
            ("datetime", (FunctionTransformer(date_parts),), ("born",)),
            ("categorical", CITY, ("city name",)),
        ),
        (("model", RandomForestClassifier(n_estimators=5, random_state=1)),),
        dense=False,
    )
    spec = ScriptSpec(
        sql=sql(table, "note", "born", '"city name"', "kind"),
        target="kind",
        task="multiclass",
        classes=("b", "c", "a"),
        text=("note",),
        datetime=("born",),
        categorical=("city name",),
        members=[(1.0, made)],
        splits="StratifiedKFold(n_splits=3, shuffle=True, random_state=0).split(X, y)",
        split_imports=("from sklearn.model_selection import StratifiedKFold",),
        scorers=(Scorer("log_loss", "'neg_log_loss'", sign=-1),),
    )
    printed = run(script(spec))
    df = duckdb.sql(spec.sql).df()
    y = df["kind"].map({"b": 0, "c": 1, "a": 2}).to_numpy()
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    wanted = -cross_validate(pipeline(made), df.drop(columns="kind"), y, cv=cv, scoring="neg_log_loss")["test_score"]
    assert np.allclose(printed["scores"], wanted, atol=1e-12, rtol=0)


RIDGE = Assembly((("numeric", (), ("unit",)),), (("model", Ridge(alpha=2.0)),), dense=True)


def regression_spec(table, **changes):
    given = {
        "sql": sql(table, "unit", "pay"),
        "target": "pay",
        "task": "regression",
        "numeric": ("unit",),
        "members": [(1.0, RIDGE)],
        "scorers": (Scorer("r2", "'r2'"), Scorer("rmse", "'neg_root_mean_squared_error'", sign=-1)),
    }
    return ScriptSpec(**{**given, **changes})


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_blend_is_a_vote_of_its_members(table, run, task):
    bare = Assembly(PEOPLE.branches, (("model", DummyClassifier(strategy="prior")),), dense=True)
    far = Assembly(RIDGE.branches, (("model", Ridge(alpha=1e6)),), dense=True)
    one, other = (PEOPLE, bare) if task == "binary" else (RIDGE, far)
    made = binary_spec if task == "binary" else regression_spec
    name, split = ("roc_auc", "StratifiedKFold") if task == "binary" else ("r2", "KFold")
    spec = made(
        table,
        members=[(0.75, one), (0.25, other)],
        splits=f"{split}(n_splits=3).split(X, y)",
        split_imports=(f"from sklearn.model_selection import {split}",),
    )
    text = script(spec)
    assert "def build_2():" in text and "weights=[0.75, 0.25]" in text
    printed = run(text)
    df = duckdb.sql(spec.sql).df()
    y = df.pop(spec.target)
    y = (y == "high").to_numpy().astype(int) if task == "binary" else y
    voters = [("one", pipeline(one)), ("other", pipeline(other))]
    if task == "binary":
        vote = VotingClassifier(voters, voting="soft", weights=[0.75, 0.25])
    else:
        vote = VotingRegressor(voters, weights=[0.75, 0.25])
    alone = cross_validate(pipeline(one), df, y, cv=3, scoring=name)["test_score"]
    wanted = cross_validate(vote, df, y, cv=3, scoring=name)["test_score"]
    assert np.allclose(printed["scores"], wanted, atol=1e-12, rtol=0)
    assert task == "binary" or not np.allclose(wanted, alone, atol=1e-6)


def test_groups_are_dealt_from_their_own_sql(table, run):
    spec = regression_spec(
        table,
        splits="GroupKFold(n_splits=3, shuffle=True, random_state=0).split(X, None, groups)",
        split_imports=("from sklearn.model_selection import GroupKFold",),
        aux_sql=sql(table, "unit"),
        groups=("unit",),
    )
    printed = run(script(spec))
    df = duckdb.sql(sql(table, "unit", "pay")).df()
    wanted = cross_validate(
        Ridge(alpha=2.0),
        df[["unit"]],
        df["pay"],
        groups=df["unit"],
        cv=GroupKFold(3, shuffle=True, random_state=0),
        scoring="r2",
    )
    assert np.allclose(printed["scores"], wanted["test_score"], atol=1e-9)


def test_time_order_strata_and_bootstrap_run(table, run):
    y = np.arange(90) % 2
    for made in (
        deal(SplitSpec(n=3, order_by="born"), n_rows=90, order=y),
        deal(SplitSpec(n=3, stratify=("unit",)), n_rows=90, strata=np.arange(90) % 10),
        deal(SplitSpec("bootstrap", n=3), n_rows=90),
    ):
        strata = ("unit",) if "Stratified" in made.code else ()
        order = "born" if "order" in made.code else None
        aux = sql(table, "unit", "born") if strata or order else None
        spec = regression_spec(
            table, splits=made.code, split_imports=made.imports, aux_sql=aux, strata=strata, order_by=order
        )
        assert len(run(script(spec))["scores"]) == 3


def test_rows_of_their_own_are_scored_instead_of_splits(table, run):
    spec = regression_spec(table, splits="", test_sql=sql(table, "unit", "pay"), setup=("SET threads = 1",))
    assert len(run(script(spec))["scores"]) == 1


def test_only_what_differs_from_the_defaults_is_written():
    assert (
        estimator_code(RandomForestClassifier(max_depth=4, n_estimators=100)).expr
        == "RandomForestClassifier(max_depth=4)"
    )
    assert estimator_code(SimpleImputer(missing_values=np.nan)).expr == "SimpleImputer()"


@pytest.mark.parametrize(
    ("estimator", "expr"),
    [
        (DummyClassifier(strategy="prior"), "DummyClassifier()"),
        (
            SimpleImputer(fill_value=np.nan, strategy="constant"),
            'SimpleImputer(fill_value=np.nan, strategy="constant")',
        ),
        (Ridge(alpha=np.float64(2.5)), "Ridge(alpha=2.5)"),
        (SelectKBest(f_classif, k=3), "SelectKBest(k=3)"),
        (SimpleImputer(strategy='a "b"'), "SimpleImputer(strategy='a \"b\"')"),
        (SimpleImputer(strategy="it's"), 'SimpleImputer(strategy="it\'s")'),
        (OneHotEncoder(dtype=np.float32), "OneHotEncoder(dtype=np.float32)"),
        (LogisticRegression(class_weight={0: 1.0, 1: 2}), "LogisticRegression(class_weight={0: 1.0, 1: 2})"),
        (FunctionTransformer(first_columns, kw_args={"n": 2}), 'FunctionTransformer(first_columns, kw_args={"n": 2})'),
        (TfidfVectorizer(ngram_range=(1, 2)), "TfidfVectorizer(ngram_range=(1, 2))"),
    ],
)
def test_expressions_read_as_a_person_writes_them(estimator, expr):
    assert estimator_code(estimator).expr == expr


def test_copied_functions_bring_what_they_use():
    code = estimator_code(FunctionTransformer(date_parts))
    assert "import numpy as np" in code.imports and "import pandas as pd" in code.imports
    assert code.helpers[0].startswith("def date_parts(X):\n")


def test_every_operator_can_be_written_and_built_again():
    from mileage.operators import Branch, BuildContext, operators
    from mileage.results.export.code import same

    for operator in operators:
        for task in operator.tasks:
            context = BuildContext(
                task=task,
                n_classes=3 if task == "multiclass" else 2,
                branch=operator.accepts[0] if operator.accepts else Branch.MATRIX,
            )
            try:
                made = operator.build(operator.complete({}), context)
            except ImportError:
                continue
            if made is None or isinstance(made, str):
                continue
            code = estimator_code(made)
            space = {}
            exec("\n".join([*code.imports, *code.helpers]), space)
            again = eval(code.expr, space)
            assert (
                estimator_code(again).expr == code.expr
                if not code.helpers
                else type(again).__name__ == type(made).__name__
            ), operator.name
            assert "mileage" not in "".join(code.imports), operator.name
            assert same(1.0, 1.0)


def test_what_cannot_be_written_is_a_clear_error():
    with pytest.raises(OperatorError, match=r"cannot be copied into a script|has no name"):
        estimator_code(FunctionTransformer(lambda X: X))
    with pytest.raises(OperatorError, match="cannot be written as code"):
        estimator_code(SimpleImputer(fill_value=object.__new__(Odd)))


class Odd:
    def __init__(self, hidden):
        self._kept = hidden


def test_a_fitted_pipeline_goes_to_skops_and_back(tmp_path):
    import skops.io

    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    path = tmp_path / "w1.skops"
    untrusted = dump_skops(model, path)
    assert untrusted == ()
    assert np.array_equal(skops.io.load(path).predict_proba(X), model.predict_proba(X))
    assert [p.name for p in tmp_path.iterdir()] == ["w1.skops"]
