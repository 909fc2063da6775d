"""Exported scripts reproduce the scores of the list to 1e-9 without mileage: every operator, every form of validation.

They run in another process, in which ``import mileage`` fails.
"""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.errors import DataError, MileError, OperatorError
from mileage.operators import Family, operators
from mileage.session import Result

Score = Callable[[dict[str, str]], dict[str, tuple[dict, Result]]]
ROOT = Path(__file__).parents[2]
RULES = "W,F,I,B,C4,UP,SIM,RUF,PIE,RET,PTH"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table that has every kind of column, and targets of every task."""
    made = tmp_path_factory.mktemp("scripts")
    rng = np.random.default_rng(7)
    n = 150
    size, weight = rng.normal(size=n), rng.gamma(2.0, size=n).round(3)
    colour = rng.choice(["red", "green", "blue", "teal"], n, p=[0.5, 0.3, 0.15, 0.05])
    good = np.nan_to_num(size) + (colour == "red") + 0.4 * rng.normal(size=n) > 0.5
    words = np.where(good, "a very good and solid thing no", "some rather poor broken item no")
    table = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.08, np.nan, size),
            "weight kg": weight,
            "count": rng.integers(0, 40, n),
            "colour": np.where(rng.random(n) < 0.05, None, colour),
            'it\'s "odd"': rng.choice(["x", "y"], n),
            "note": [f"{word} {i % 97}" for i, word in enumerate(words)],
            "seen": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="h"),
            "shop": rng.integers(1, 16, n),
            "deal": np.where(good, "yes", "no"),
            "grade": np.select([size > 0.5, size < -0.5], ["a", "c"], "b"),
            "price": (3 * np.nan_to_num(size) + weight + rng.normal(size=n)).round(4),
        }
    )
    table["week"] = table["seen"].dt.strftime("week %G-%V")
    table.to_csv(made / "table.csv", index=False)
    table.to_parquet(made / "table.parquet")
    table.iloc[100:].to_parquet(made / "later.parquet")
    return made


@pytest.fixture
def score(folder: Path, run_script: Callable[[Path], str]) -> Score:
    """Return a function that runs queries, exports the first workflow of each, and returns what the scripts print."""
    return functools.partial(_score, folder, run_script)


def _score(folder: Path, run_script: Callable[[Path], str], queries: dict[str, str]) -> dict[str, tuple[dict, Result]]:
    results = {}
    with contextlib.chdir(folder), mileage.connect(folder / "project", backend="inline") as session:
        for name, query in queries.items():
            result = session.run(query)
            assert isinstance(result, Result)
            assert result.leaderboard.ranked, f"{name}: {result}"
            result["w1"].script(str(folder / f"{name}.py"))
            results[name] = result
    printed = {name: run_script(folder / f"{name}.py").splitlines()[-1] for name in queries}
    return {name: (json.loads(printed[name]), result) for name, result in results.items()}


def hold(scored: dict[str, tuple[dict, Result]]) -> None:
    wrong = {}
    for name, (printed, result) in scored.items():
        trial, metric = result.trial("w1"), result.plan.objectives[0].call
        assert printed["metric"] == metric
        apart = np.abs(np.subtract(printed["scores"], trial.scores[metric])).max()
        if not apart <= 1e-9:
            wrong[name] = apart
    assert not wrong


def steps(family: Family) -> list[str]:
    return [op.name for op in operators if op.family is family and op.extra is None and op.name != "none"]


TARGETS = {"binary": "deal", "multiclass": "grade", "regression": "price"}
FEATURES = """FEATURES (size, "weight kg", count, colour, "it's ""odd""\")"""


def test_every_model_of_every_task(score: Score) -> None:
    queries = {}
    for model in steps(Family.MODEL):
        sizes = ", ".join(f"{name} = 8" for name in operators.get(model).traits.prefix)
        small = f"{model}({sizes})" if sizes else model
        for task in operators.get(model).tasks:
            queries[f"{model}_{task}"] = (
                f"PREDICT {TARGETS[task]} FROM 'table.parquet' {FEATURES} VALIDATE BY 2 FOLDS WITH MODEL = {small} BUDGET 1 trials"
            )
    assert len(queries) > 25
    hold(score(queries))


def test_every_other_operator(score: Score) -> None:
    slots = {
        family: steps(family)
        for family in (
            Family.IMPUTE,
            Family.ENCODE,
            Family.SCALE,
            Family.SELECT,
            Family.REDUCE,
            Family.DATES,
            Family.TEXT,
        )
    }
    queries = {}
    for family, names in slots.items():
        for name in names:
            model = "hist_gbm" if "native" in name else "logistic"
            queries[f"{family}_{name}"] = (
                f"PREDICT deal FROM 'table.csv' VALIDATE BY 2 FOLDS WITH {family.upper()} = {name}, MODEL = {model} BUDGET 1 trials"
            )
    assert len(queries) > 18
    hold(score(queries))


def test_every_form_of_validation(score: Score) -> None:
    forms = [
        "BY 4 FOLDS",
        "BY 3 FOLDS REPEAT 2",
        "BY HOLDOUT 25%",
        "BY HOLDOUT 30 REPEAT 2",
        "BY BOOTSTRAP 3",
        "BY 3 FOLDS KEEPING shop TOGETHER",
        "BY 3 FOLDS KEEPING shop TOGETHER REPEAT 2",
        "BY BOOTSTRAP 3 KEEPING shop TOGETHER",
        "BY HOLDOUT 25% KEEPING shop TOGETHER",
        "BY HOLDOUT 20% IN ORDER OF seen",
        "BY 3 FOLDS IN ORDER OF seen",
        "BY 3 FOLDS KEEPING week TOGETHER IN ORDER OF seen",
        "BY 3 FOLDS STRATIFIED BY colour",
        "ON 'later.parquet'",
        "BY HOLDOUT 25% REPEAT 2 RESHUFFLED",
        "BY 3 FOLDS KEEPING shop TOGETHER RESHUFFLED",
        "BY 3 FOLDS RESHUFFLED",
    ]
    queries = {}
    for i, form in enumerate(forms):
        for target in ("deal", "price") if i % 4 == 0 else ("deal",):
            queries[f"form_{i}_{target}"] = (
                f"PREDICT {target} FROM 'table.parquet' VALIDATE {form} WITH MODEL = decision_tree(max_depth = 3) BUDGET 1 trials"
            )
    hold(score(queries))


def test_sources_metrics_and_facts(score: Score) -> None:
    head = "VALIDATE BY 3 FOLDS WITH MODEL = lightgbm(n_estimators = 20)"
    queries = {
        "sql": f"PREDICT deal FROM (SELECT t.*, size * count AS area FROM 'table.csv' t WHERE shop < 12) {head} BUDGET 1 trials",
        "many_files": f"PREDICT deal FROM '*.parquet' {head} BUDGET 1 trials",
        "several": f"PREDICT price FROM 'table.csv' OPTIMIZE rmse THEN r2 {head} BUDGET 1 trials",
        "one_class": f"PREDICT grade FROM 'table.csv' OPTIMIZE recall('c') {head} BUDGET 1 trials",
        "brier": f"PREDICT grade FROM 'table.csv' OPTIMIZE brier {head} BUDGET 1 trials",
        "f1": f"PREDICT deal FROM 'table.csv' OPTIMIZE f1 {head} BUDGET 1 trials",
        "facts": f"PREDICT deal FROM 'table.csv' {head} KNOWING shop IS CATEGORICAL, note IS TEXT, count IS IRRELEVANT BUDGET 1 trials",
    }
    hold(score(queries))


def test_winners_of_searches_on_the_bundled_tables(score: Score) -> None:
    queries = {
        "penguins": f"PREDICT species FROM '{ROOT}/examples/data/penguins.csv' VALIDATE BY 3 FOLDS BUDGET 2 trials SEED 3",
        "mpg": f"PREDICT mpg FROM '{ROOT}/examples/data/mpg.csv' VALIDATE BY 3 FOLDS BUDGET 2 trials SEED 3",
        "origin": f"PREDICT origin FROM '{ROOT}/examples/data/mpg.csv' VALIDATE BY 3 FOLDS BUDGET 2 trials SEED 4",
        "sex": f"PREDICT sex FROM '{ROOT}/examples/data/penguins.csv' OPTIMIZE accuracy THEN f1 VALIDATE BY 3 FOLDS BUDGET 2 trials SEED 5",
        "mass": f"PREDICT body_mass_g FROM '{ROOT}/examples/data/penguins.csv' OPTIMIZE mae VALIDATE BY 3 FOLDS BUDGET 2 trials SEED 6",
    }
    hold(score(queries))


def test_scripts_are_clean_and_predict_the_users_classes(
    folder: Path, score: Score, run_script: Callable[[Path], str]
) -> None:
    queries = {
        "clean_a": "PREDICT deal FROM 'table.csv' VALIDATE BY HOLDOUT 25% REPEAT 2 WITH MODEL = logistic BUDGET 1 trials",
        "clean_b": "PREDICT price FROM 'table.csv' OPTIMIZE rmse THEN r2 VALIDATE BY 3 FOLDS KEEPING shop TOGETHER WITH MODEL = ridge BUDGET 1 trials",
        "clean_c": "PREDICT grade FROM 'table.csv' VALIDATE ON 'later.parquet' WITH MODEL = knn BUDGET 1 trials",
    }
    score(queries)
    for name in queries:
        text = (folder / f"{name}.py").read_text(encoding="utf-8")
        assert "import mileage" not in text and str(folder) not in text
        ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
        own = ["--isolated", "--line-length", "88"]
        commands = (
            [[ruff, "format", *own, "--diff", "-"], [ruff, "check", *own, "--select", RULES, "-"]] if ruff else []
        )
        for command in commands:
            done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{name}: {done.stdout}"
    used = folder / "used.py"
    used.write_text("import clean_a as s; print(list(s.predict(s.fit(), s.read()[0].head(5))), s.__doc__)")
    assert set(run_script(used).split("]")[0].strip("[").replace("'", "").split(", ")) <= {"yes", "no"}


def test_what_no_script_can_say_is_one_clear_error(folder: Path) -> None:
    frame = pd.read_parquet(folder / "table.parquet")
    with contextlib.chdir(folder), mileage.connect(folder / "frames", backend="inline") as session:
        result = session.run("PREDICT deal FROM :df WITH MODEL = logistic BUDGET 1 trials", frames={"df": frame})
        with pytest.raises(DataError, match="cannot read the frame :df") as caught:
            session.run("EXPORT @w1 TO 'x.py' AS sklearn")
        assert "to_parquet" in str(caught.value.hint)
        session.run("PREDICT deal FROM 'table.csv' OPTIMIZE gini WITH MODEL = logistic BUDGET 1 trials")
        with pytest.raises((OperatorError, MileError), match="a plain script cannot compute it"):
            session.run("EXPORT @w1 TO 'x.py' AS sklearn")
    assert not Path("x.py").exists()
    assert isinstance(result, Result)
