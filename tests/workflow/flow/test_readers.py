"""Files that libraries open without Python are noticed, however the user came by the function."""

from __future__ import annotations

import sys
import types

import duckdb
import pandas as pd
import polars as pl
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from mileage.workflow.flow.audit import watching


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "level.csv").write_text("v\n1\n")
    (tmp_path / "parts").mkdir()
    pd.DataFrame({"v": [1]}).to_parquet(tmp_path / "parts" / "a.parquet")
    with duckdb.connect("level.duckdb") as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS v")
    return tmp_path


def noticed(read, declared=()):
    with watching(declared) as watch:
        read()
    return {notice.what for notice in watch.notices()}


def in_a_connection(text):
    with duckdb.connect() as connection:
        return connection.execute(text).fetchall()


def in_a_database():
    with duckdb.connect("level.duckdb") as connection:
        return connection.execute("SELECT * FROM t").fetchall()


CSV, PART = "reads level.csv", "reads parts/a.parquet"
READS = {
    "duckdb.sql": (lambda: duckdb.sql("SELECT * FROM 'level.csv'").fetchall(), CSV),
    "name of a table": (lambda: duckdb.sql('SELECT * FROM "level.csv"').fetchall(), CSV),
    "execute": (lambda: in_a_connection("SELECT * FROM read_csv('level.csv')"), CSV),
    "pattern": (lambda: in_a_connection("SELECT * FROM 'parts/*.parquet'"), PART),
    "database": (in_a_database, "reads level.duckdb"),
    "duckdb.read_csv": (lambda: duckdb.read_csv("level.csv").fetchall(), CSV),
    "pl.read_csv": (lambda: pl.read_csv("level.csv"), CSV),
    "pl.scan_csv": (lambda: pl.scan_csv("level.csv").collect(), CSV),
    "pl.read_parquet": (lambda: pl.read_parquet("parts/a.parquet"), PART),
    "pq.read_table": (lambda: pq.read_table("parts/a.parquet"), PART),
    "pq.ParquetFile": (lambda: pq.ParquetFile("parts/a.parquet").close(), PART),
    "pd.read_parquet": (lambda: pd.read_parquet("parts/a.parquet"), PART),
    "pd.read_csv": (lambda: pd.read_csv("level.csv"), CSV),
    "dataset of a folder": (lambda: pyarrow.dataset.dataset("parts").to_table(), "reads parts"),
    "arrow csv": (lambda: pyarrow.csv.read_csv("level.csv"), CSV),
}


@pytest.mark.parametrize("name", READS)
def test_a_file_that_is_read_is_noticed(folder, name):
    read, what = READS[name]
    assert what in noticed(read)


@pytest.mark.parametrize("name", READS)
def test_a_declared_file_is_not(folder, name):
    assert noticed(READS[name][0], [str(folder / one) for one in ("level.csv", "parts", "level.duckdb")]) == set()


def test_a_function_imported_by_name_is_heard(folder, monkeypatch):
    module = types.ModuleType("birds_of_a_user")
    exec(
        "from duckdb import sql\nfrom polars import read_csv\ndef read():\n    sql(\"FROM 'level.csv'\").fetchall()",
        vars(module),
    )
    module.__file__ = str(folder / "birds_of_a_user.py")
    monkeypatch.setitem(sys.modules, "birds_of_a_user", module)
    before = module.sql
    assert noticed(module.read) == {CSV}
    assert module.sql is before


def test_what_is_written_is_not_noticed_though_it_is_read_again(folder):
    assert noticed(lambda: [in_a_connection("COPY (SELECT 1) TO 'new.csv'"), pl.read_csv("new.csv")]) == set()


def test_chance_in_a_query_is_noticed(folder):
    assert noticed(lambda: in_a_connection("SELECT random()")) == {"random in SQL"}


def test_a_folder_that_is_listed_is_noticed(folder):
    assert noticed(lambda: sorted((folder / "parts").iterdir())) == {"reads parts"}


def test_libraries_are_as_before_afterwards(folder):
    before = (
        duckdb.sql,
        duckdb.connect,
        duckdb.DuckDBPyConnection.execute,
        pq.ParquetFile.__init__,
        pyarrow.csv.read_csv,
    )
    noticed(lambda: None)
    after = (
        duckdb.sql,
        duckdb.connect,
        duckdb.DuckDBPyConnection.execute,
        pq.ParquetFile.__init__,
        pyarrow.csv.read_csv,
    )
    assert after == before


LEVELS = pd.DataFrame({"v": [7]})


def test_duckdb_finds_the_variables_of_the_step(folder):
    def step(given):
        own = given * 2

        def inner():
            return duckdb.sql("SELECT own.v + LEVELS.v FROM own, LEVELS").fetchall(), len(own)

        with duckdb.connect() as connection:
            return inner()[0], connection.execute("SELECT v FROM own").fetchall(), duckdb.query("FROM given").fetchall()

    with watching():
        found = step(pd.DataFrame({"v": [1]}))
    assert found == ([(9,)], [(2,)], [(1,)])
