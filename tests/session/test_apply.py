"""APPLY reads the columns that matter, predicts the same, and checks all of them all the same."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.errors import DataError
from mileage.session import Session

NAMES = [f"c{i}" for i in range(9)]
L1 = "median >> one_hot >> standard >> logistic(penalty = 'l1', C = 0.05)"


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(rng.normal(size=(n, 9)), columns=NAMES)
    made["c2"] *= 0.1
    made["c8"] = rng.integers(0, 1000, n)
    made["word"] = rng.choice(["p", "q", "r"], n)
    made.loc[::7, "c5"] = np.nan
    return made


def train(n: int = 300) -> pd.DataFrame:
    made = rows(n, 0)
    made["y"] = np.where(made.c1 - 2 * made.c4 + 0.3 * np.random.default_rng(1).normal(size=n) > 0, "yes", "no")
    return made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data and a project, of which each test has a copy."""
    folder = tmp_path_factory.mktemp("apply")
    train().to_parquet(folder / "train.parquet")
    rows(80, 2).to_parquet(folder / "new.parquet")
    query = f"PREDICT y FROM 'train.parquet' VALIDATE BY 2 FOLDS WITH PIPELINE = {L1}"
    with contextlib.chdir(folder), mileage.connect(folder, backend="inline") as session:
        session.run(query)
        session.run(f"{query} HINT (off = 'project_dead_columns')")
    return folder


@pytest.fixture
def fitted(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Return a session in which @w1 is an l1 model that gives weight to c1 and c4 only, and @q2.w1 the same unnarrowed."""
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    with mileage.connect(tmp_path, backend="inline") as session:
        yield session


def read(session: Session, data: str, ref: str = "@q1.w1") -> list[str]:
    return session.run(f"APPLY {ref} TO '{data}'").to_json()["read"]


def both(session: Session, data: object) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities with the rule and without it."""
    narrowed, whole = (session[ref].predict_proba(data) for ref in ("q1.w1", "q2.w1"))
    return narrowed, whole


def test_columns_without_weight_are_not_read(fitted: Session) -> None:
    assert read(fitted, "new.parquet") == ["c1", "c4"]
    assert read(fitted, "new.parquet", "@q2.w1") == [*NAMES, "word"]
    narrowed, whole = both(fitted, "new.parquet")
    assert np.allclose(narrowed, whole, rtol=0, atol=1e-12)
    assert len(narrowed) == 80


def test_the_answer_says_how_many_columns_were_read(fitted: Session) -> None:
    assert (
        "2 of 10 columns read: the others do not matter to the workflow"
        in fitted.run("APPLY @q1.w1 TO 'new.parquet'").text()
    )
    assert "columns read" not in fitted.run("APPLY @q2.w1 TO 'new.parquet'").text()


def test_rows_that_are_written_keep_all_their_columns(fitted: Session) -> None:
    fitted.run("APPLY @q1.w1 TO 'new.parquet' INTO 'out.parquet'")
    out = pd.read_parquet("out.parquet")
    assert list(out.columns) == [*NAMES, "word", "predicted_y", "probability_no", "probability_yes"]
    assert np.allclose(out.probability_yes, fitted["q2.w1"].predict_proba("new.parquet")[:, 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("form", ["csv", "frame", "sql"])
def test_a_csv_file_a_frame_and_sql_are_narrowed_too(fitted: Session, form: str) -> None:
    new = rows(80, 2)
    new.to_csv("new.csv", index=False)
    if form == "sql":
        assert fitted.run("APPLY @q1.w1 TO (SELECT * FROM 'new.csv' WHERE c1 > 0)").to_json()["read"] == ["c1", "c4"]
        return
    assert form == "frame" or read(fitted, "new.csv") == ["c1", "c4"]
    narrowed, whole = both(fitted, "new.csv" if form == "csv" else new)
    assert np.allclose(narrowed, whole, rtol=0, atol=1e-12)


def test_infinite_and_missing_values_of_a_dead_column_are_filled_as_before(fitted: Session) -> None:
    new = rows(80, 2)
    new.loc[3, "c2"], new.loc[4, "c3"], new.loc[5, "c6"] = np.inf, -np.inf, np.nan
    new.to_parquet("odd.parquet")
    assert {"c1", "c4"} <= set(read(fitted, "odd.parquet")) <= {"c1", "c2", "c3", "c4"}
    narrowed, whole = both(fitted, "odd.parquet")
    assert np.allclose(narrowed, whole, rtol=0, atol=1e-12)


def test_a_column_that_would_overflow_is_read(fitted: Session) -> None:
    new = rows(80, 2)
    new.loc[3, "c2"] = (
        1.7e308  # less than one deviation of c2: scaled, it is infinite, and zero times that is no number
    )
    new.to_parquet("odd.parquet")
    assert "c2" not in read(fitted, "new.parquet")
    with pytest.raises(mileage.MileError, match="infinity"):
        fitted["q2.w1"].predict("odd.parquet")
    with pytest.raises(mileage.MileError, match="infinity"):
        fitted["q1.w1"].predict("odd.parquet")


def test_missing_unknown_and_retyped_columns_are_told_though_they_are_not_read(fitted: Session) -> None:
    new = rows(80, 2)
    new.drop(columns="c2").to_parquet("less.parquet")
    new.assign(c2="a").to_parquet("other.parquet")
    new.assign(more=1).to_parquet("more.parquet")
    for file, code in (("less", "D450"), ("other", "D451"), ("more", "D452")):
        with pytest.raises(DataError) as told:
            fitted["q1.w1"].predict(f"{file}.parquet")
        assert told.value.code == code


def test_without_an_imputer_only_columns_that_cannot_be_missing_are_left_out(fitted: Session, tmp_path: Path) -> None:
    train().drop(columns="c5").to_parquet("whole.parquet")
    fitted.run(
        "PREDICT y FROM 'whole.parquet' VALIDATE BY 2 FOLDS "
        "WITH PIPELINE = one_hot >> standard >> logistic(penalty = 'l1', C = 0.05)"
    )
    new = rows(80, 2).drop(columns="c5")
    new.to_parquet("new2.parquet")
    # of fractions a Parquet file does not say that none is NaN; whole numbers without a missing one are shown to be
    # finite, and an unread category is a 0 or a 1
    assert read(fitted, "new2.parquet", "@q3.w1") == [name for name in NAMES[:8] if name != "c5"]
    new["c8"] = new["c8"].astype("Int64").where(new.index != 3)
    new.to_parquet("new3.parquet")
    with pytest.raises(mileage.MileError, match="NaN"):
        fitted["q3.w1"].predict("new3.parquet")


def test_a_model_without_any_weight_counts_the_rows(fitted: Session) -> None:
    pipeline = "median >> one_hot >> standard >> logistic(penalty = 'l1', C = 0.001)"
    fitted.run(f"PREDICT y FROM 'train.parquet' VALIDATE BY 2 FOLDS WITH PIPELINE = {pipeline}")
    model = next(ref for ref in ("q3.w1", "q3.w2") if "logistic" in str(fitted[ref]))
    assert len(fitted[model].predict("new.parquet")) == 80
    assert len(read(fitted, "new.parquet", f"@{model}")) == 1


@pytest.mark.parametrize(
    "pipeline",
    [
        "impute_native >> encode_native >> hist_gbm(max_iter = 50, max_leaf_nodes = 2)",
        "median >> ordinal >> random_forest(n_estimators = 3, max_depth = 1, max_features = 1.0)",
        "median >> one_hot >> standard >> k_best(k = 3) >> ridge",
        "median >> one_hot >> standard >> pca >> ridge",
        "median >> one_hot >> quantile >> linear(penalty = 'l1', alpha = 0.2)",
    ],
)
def test_other_workflows_predict_the_same_with_the_columns_they_read(fitted: Session, pipeline: str) -> None:
    task = " AS REGRESSION" if "linear(" in pipeline else ""
    data = train()
    data["y"] = data.c1 - 2 * data.c4 if task else data.y
    data.to_parquet("train2.parquet")
    query = f"PREDICT y{task} FROM 'train2.parquet' VALIDATE BY 2 FOLDS WITH PIPELINE = {pipeline}"
    fitted.run(query)
    fitted.run(f"{query} HINT (off = 'project_dead_columns')")
    narrowed, whole = (fitted[f"q{q}.w1"].predict("new.parquet") for q in (3, 4))
    assert np.allclose(narrowed, whole, rtol=0, atol=1e-12) if task else (narrowed == whole).all()
    n = len(read(fitted, "new.parquet", "@q3.w1"))
    assert n == 10 if "pca" in pipeline else n < 10


def test_rows_that_change_while_they_are_applied_to_are_told(fitted: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from mileage.session import apply

    real = apply.check_columns
    monkeypatch.setattr(
        apply, "check_columns", lambda *given: (real(*given), rows(90, 3).to_parquet("new.parquet"), None)[2]
    )
    with pytest.raises(DataError, match="changed while it was in use"):
        fitted["q1.w1"].predict("new.parquet")
