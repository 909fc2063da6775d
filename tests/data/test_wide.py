"""Relations of very many columns give what narrow ones give, without a statement over all their columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mileage.data import Database, Dataset, Kind, SourceSpec, profile
from mileage.data.wide import WIDE
from mileage.session.data_tasks import read_source

N = WIDE + 50


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    made = pd.DataFrame(rng.normal(size=(40, N)), columns=[f"c{i}" for i in range(N)])
    made["c1"] = rng.integers(0, 5, 40)
    made["c2"] = rng.random(40) < 0.5
    made["c3"] = rng.choice(["red", "blue"], 40)
    made.loc[3, "c4"], made.loc[4, "c5"] = np.inf, np.nan
    made["c6"] = made["c6"].astype("float32")
    made["y"] = np.where(np.arange(40) % 7 == 0, None, made["c0"])
    return made


def bound(database: Database, frame: pd.DataFrame) -> Dataset:
    database.register("df", frame)
    return database.bind(SourceSpec("frame", "df"))


def columns_of(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    special = {"c3": "categorical"}
    return tuple((name, special.get(name, "numeric")) for name in dataset.schema.names if name != "y")


@pytest.mark.parametrize("target", ["y", None])
def test_the_rows_are_those_of_plain_sql(frame: pd.DataFrame, target: str | None) -> None:
    database = Database()
    wide = bound(database, frame)
    assert wide.relation_sql in database.wide
    X, y = read_source(wide, columns_of(wide), target, "regression")
    database.wide.drop(wide.relation_sql)
    plain, plain_y = read_source(wide, columns_of(wide), target, "regression")
    pd.testing.assert_frame_equal(X, plain)
    assert (y is None) == (plain_y is None)
    assert y is None or y.tolist() == plain_y.tolist()  # type: ignore[union-attr]


def test_profile_and_hash_are_those_of_plain_sql(frame: pd.DataFrame) -> None:
    database, plain = Database(), Database()
    wide = bound(database, frame)
    narrow = bound(plain, frame)
    plain.wide.drop(narrow.relation_sql)
    assert wide.schema == narrow.schema
    assert wide.fingerprint == narrow.fingerprint
    assert profile(wide) == profile(narrow)


def test_other_rows_of_the_same_name_are_read_anew(frame: pd.DataFrame) -> None:
    database = Database()
    first = bound(database, frame).fingerprint
    second = bound(database, frame.assign(c0=0.0))
    assert first != second.fingerprint
    assert second.frame([("c0", Kind.NUMERIC)])["c0"].eq(0.0).all()


def test_a_statement_names_only_its_columns(frame: pd.DataFrame) -> None:
    database = Database()
    wide = bound(database, frame)
    assert database.arrow(wide.over(["c7", "c2"])).column_names == ["c2", "c7"]
    assert wide.over(["c7"]) != wide.relation_sql


@pytest.mark.parametrize("write", [pd.DataFrame.to_csv, pd.DataFrame.to_parquet])
def test_a_wide_file_is_held_until_it_is_another(frame: pd.DataFrame, tmp_path: Path, write: Any) -> None:
    name = "wide." + write.__name__.removeprefix("to_")
    write(frame, tmp_path / name, index=False)
    database = Database(root=tmp_path)
    wide = database.bind(SourceSpec("file", name))
    assert wide.relation_sql in database.wide
    assert wide.frame([("c0", Kind.NUMERIC)])["c0"].tolist() == pytest.approx(frame["c0"].tolist())
    write(frame.assign(c0=1.0), tmp_path / name, index=False)
    again = database.bind(SourceSpec("file", name))
    assert again.frame([("c0", Kind.NUMERIC)])["c0"].eq(1.0).all()
