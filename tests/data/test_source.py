"""Sources are read whole, and each way to fail has one clear error."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mileage.data import Database, Kind, SourceSpec, SqlError, quote
from mileage.errors import DataError


def file(database, name, data=None):
    if data is not None:
        path = database.root / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return database.bind(SourceSpec("file", name))


def test_latin_1_is_read_with_a_note(database):
    made = file(database, "a.csv", "name,città\nJosé,1\n".encode("latin-1"))
    assert made.schema.names == ("name", "città")
    assert made.read(["name"]).to_pylist() == [{"name": "José"}]
    assert made.notes == ("'a.csv' is not UTF-8: it is read as Latin-1",)


def test_utf_16_is_read_with_a_note(database):
    made = file(database, "a.csv", "a,b\n1,é\n".encode("utf-16"))
    assert made.read(["a", "b"]).to_pylist() == [{"a": 1, "b": "é"}]
    assert "UTF-16" in made.notes[0]


def test_a_byte_order_mark_is_no_part_of_a_name(database):
    assert file(database, "a.csv", b"\xef\xbb\xbfa,b\n1,2\n").schema.names == ("a", "b")


def test_blank_and_taken_names_are_made_unique_with_notes(database):
    made = file(database, "a.csv", "a,a,,A\n1,2,3,4\n5,6,7,8\n")
    assert made.schema.names == ("a", "a_1", "column2", "A_2")
    assert made.notes[0] == "there are two columns a: column 2 is called a_1"
    assert "column 3 has no name" in made.notes[1]


@pytest.mark.parametrize("name", ["select", 'a"b', "x; drop table", "naïve ☃", "a'b", "count(*)", "  spaced"])
def test_names_like_sql_are_names(database, name):
    database.register("t", pa.table({name: [1.0, 2.0], "other": ["a", "b"]}))
    made = database.bind(SourceSpec("frame", "t"))
    assert made.frame([(name, Kind.NUMERIC)])[name].tolist() == [1.0, 2.0]
    pq.write_table(pa.table({name: [1.0, 2.0]}), database.root / "t.parquet")
    assert file(database, "t.parquet").read([name]).column_names == [name]


def test_a_value_of_another_type_far_down_makes_its_column_text(database):
    rows = [f"{i},{'x' if i == 25_000 else i}" for i in range(30_000)]
    made = file(database, "a.csv", "a,b\n" + "\n".join(rows) + "\n")
    assert made.n_rows == 30_000
    assert [c.sql_type for c in made.schema] == ["BIGINT", "VARCHAR"]
    assert made.notes == ("column b of 'a.csv' has values of mixed types: it is read as text",)
    assert made.read(["b"], where='"a" = 25000').to_pylist() == [{"b": "x"}]


def test_lines_of_different_widths_are_all_read(database):
    made = file(database, "a.csv", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n")
    assert made.n_rows == 3
    assert made.read(["a"]).column(0).to_pylist() == [1, 4, 6]
    assert "different numbers of fields" in made.notes[0]


def test_a_line_too_long_far_down_is_an_error_that_names_it(database):
    text = "a,b\n" + "1,2\n" * 30_000 + "1,2,3\n"
    with pytest.raises(DataError, match=r"'a.csv' cannot be read: line 30002"):
        file(database, "a.csv", text)


def test_lines_above_the_table_are_skipped_with_a_note(database):
    made = file(database, "a.csv", "made by a machine\n\na,b\n" + "1,2\n" * 20)
    assert made.schema.names == ("a", "b")
    assert made.n_rows == 20


@pytest.mark.parametrize(
    ("name", "data", "code", "said"),
    [
        ("a.csv", b"", "D410", "'a.csv' is empty"),
        ("a.csv", b"a,b\n", "D410", "'a.csv' has no rows"),
        ("a.parquet", b"PAR1 no more", "D403", "'a.parquet' cannot be read"),
        ("a.json", b"{not json", "D403", "'a.json' cannot be read"),
        ("a.docx", b"x", "D403", "'a.docx' is of no known format"),
        ("a.csv.gz", b"no gzip", "D403", "'a.csv.gz' cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error(database, name, data, code, said):
    with pytest.raises(DataError, match=said) as caught:
        file(database, name, data)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_missing_file_names_the_near_one(database):
    (database.root / "adult.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="no file 'adlt.csv'") as caught:
        file(database, "adlt.csv")
    assert caught.value.hint == "did you mean 'adult.csv'?"
    with pytest.raises(DataError, match="no file 'no/where.csv'"):
        file(database, "no/where.csv")
    with pytest.raises(DataError, match=r"no file matches '\*.parquet'"):
        file(database, "*.parquet")


def test_a_folder_is_no_file(database):
    (database.root / "f").mkdir()
    with pytest.raises(DataError, match="'f' is a folder") as caught:
        file(database, "f")
    assert "f/*.parquet" in caught.value.hint


def test_what_may_not_be_read_says_so(database, monkeypatch):
    (database.root / "a.csv").write_text("a\n1\n")

    def refuse(*_, **__):
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match="'a.csv' may not be read"):
        file(database, "a.csv")


def test_formats_hold_the_same_rows(database):
    text = "a,b\n1,x\n2,y\n"
    (database.root / "z.csv.gz").write_bytes(gzip.compress(text.encode()))
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), database.root / "z.parquet")
    kept = [
        file(database, "z.csv", text),
        file(database, "z.tsv", text.replace(",", "\t")),
        file(database, "z.csv.gz"),
        file(database, "z.parquet"),
        file(database, "z.ndjson", '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'),
        file(database, "z.json", '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]'),
    ]
    kinds = [("a", Kind.NUMERIC), ("b", Kind.CATEGORICAL)]
    for made in kept:
        pd.testing.assert_frame_equal(made.frame(kinds), kept[0].frame(kinds))


def test_a_glob_reads_its_files_in_order(database):
    for i in (2, 1, 3):
        (database.root / f"p{i}.csv").write_text(f"a\n{i}\n")
    assert file(database, "p*.csv").read(["a"]).column(0).to_pylist() == [1, 2, 3]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_column_that_only_a_later_file_has_is_told(database, ending):
    (database.root / "p1.csv").write_text("a,b\n1,2\n")
    (database.root / "p2.csv").write_text("a,b\n3,4\n")
    (database.root / "p3.csv").write_text("a,new one,b\n5,6,7\n")
    if ending != "csv":
        for i in (1, 2, 3):
            duckdb.sql(f"COPY (FROM '{database.root}/p{i}.csv') TO '{database.root}/p{i}.{ending}'")
    made = file(database, f"p*.{ending}")
    assert made.schema.names == ("a", "b")
    told = [note for note in made.notes if "new one" in note]
    assert told == [
        f"'p*.{ending}' is read by the columns of its first file: 'p3.{ending}' has \"new one\" besides, left out"
    ]


def test_one_row_is_a_table(database):
    assert file(database, "a.csv", "a,b\n1,x\n").n_rows == 1


def test_the_fingerprint_is_of_the_content(database):
    first = file(database, "a.csv", "a\n1\n")
    before = first.fingerprint
    assert file(database, "b.csv", "a\n1\n").fingerprint == before
    assert file(database, "b.csv", "a\n2\n").fingerprint != before
    (database.root / "a.csv").write_text("a\n3\n4\n")
    again = file(database, "a.csv")
    assert again.n_rows == 2
    assert again.fingerprint != before


def test_a_file_that_changes_in_use_is_an_error(database):
    made = file(database, "a.csv", "a\n1\n")
    (database.root / "a.csv").write_text("a\n1\n2\n")
    with pytest.raises(DataError, match="'a.csv' changed while it was in use"):
        _ = made.fingerprint


def test_rows_that_were_given_leave_views_of_the_same_name_alone(database):
    views = [f"given_{number}" for number in range(3)]
    for view in views:
        database.connection.execute(f"CREATE VIEW {view} AS SELECT 5 AS a")
    with database.given(pd.DataFrame({"a": [1, 2]})) as dataset:
        assert list(database.frame(dataset.relation_sql)["a"]) == [1, 2]
        temporary = database.rows("SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal")
        assert not {name for (name,) in temporary} & set(views)
    assert [database.rows(f"SELECT a FROM {view}") for view in views] == [[(5,)]] * 3


def test_frames_of_all_libraries_are_one_dataset(database):
    data = {"n": [1.5, None, 2.0], "s": ["x", None, "y"]}
    made = [database.bind_frame(frame) for frame in (pa.table(data), pd.DataFrame(data), pl.DataFrame(data))]
    kinds = [("n", Kind.NUMERIC), ("s", Kind.CATEGORICAL)]
    for dataset in made:
        pd.testing.assert_frame_equal(dataset.frame(kinds), made[0].frame(kinds))


def test_the_fingerprint_of_a_frame_is_that_of_its_rows(database):
    whole = pa.table({"a": [1.0, None, 3.0], "b": ["x", None, "z"]})
    cut = pa.concat_tables([whole[:1], whole[1:]])
    assert database.bind_frame(whole).fingerprint == database.bind_frame(cut).fingerprint
    assert database.bind_frame(whole).fingerprint != database.bind_frame(whole[:2]).fingerprint


def test_frames_with_odd_columns_are_read_with_notes(database):
    frame = pd.DataFrame([[1, "x", 1.0], ["two", None, 2.0]], columns=["a", "a", 7], index=[5, 6])
    made = database.bind_frame(frame)
    assert made.schema.names == ("a", "a_1", "7")
    assert made.read(["a"]).column(0).to_pylist() == ["1", "two"]
    assert len(made.notes) == 2


@pytest.mark.parametrize("thing", [[1, 2], {"a": [1]}, pl.LazyFrame({"a": [1]}), np.zeros((2, 2))])
def test_what_is_no_table_is_refused(database, thing):
    with pytest.raises(DataError) as caught:
        database.register("x", thing)
    assert caught.value.code == "D405"


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("SELECT mortalty FROM t", 'column "mortalty" not found', "mortalty"),
        ("SELECT a,\n  foo(a) FROM t -- why", "foo", "foo"),
        ("SELECT 'ééé' AS é, mortalty FROM t", "mortalty", "mortalty"),
        ("SELECT a,, b FROM t", "syntax error", ", b"),
        ("SELECT * FROM t; SELECT 1", "only one SELECT", "SELECT 1"),
        ("DROP TABLE t", "not DROP", "DROP"),
        ("COPY (SELECT 1) TO 'x'", "not COPY", "COPY"),
        ("-- nothing", "no SELECT", "-- nothing"),
    ],
)
def test_a_mistake_in_sql_has_its_place(database, sql, said, place):
    database.register("t", pa.table({"a": [1], "mortality": [2]}))
    with pytest.raises(SqlError) as caught:
        database.bind(SourceSpec("sql", sql))
    assert said in caught.value.message
    assert sql[caught.value.position :].startswith(place)


def test_near_columns_are_told(database):
    database.register("t", pa.table({"mortality": [2]}))
    with pytest.raises(SqlError) as caught:
        database.bind(SourceSpec("sql", "SELECT mortalty FROM t"))
    assert "mortality" in caught.value.hint


@pytest.mark.parametrize(
    "sql", ["SELECT a FROM t -- why", "SELECT a FROM t; -- why", "FROM t", "WITH u AS (FROM t) FROM u"]
)
def test_one_select_may_end_in_any_way(database, sql):
    database.register("t", pa.table({"a": [2, 1]}))
    made = database.bind(SourceSpec("sql", sql))
    assert made.read(["a"]).column(0).to_pylist() == [1, 2]


def test_sql_runs_once_and_has_an_order(database):
    made = database.bind(SourceSpec("sql", "SELECT i % 7 AS k, random() AS r FROM range(1000) t(i)"))
    pd.testing.assert_frame_equal(
        database.frame(made.relation_sql and f"SELECT * FROM ({made.relation_sql})"), made.read(["k", "r"]).to_pandas()
    )


def test_tables_and_views_are_found_whatever_their_case(database):
    with duckdb.connect(str(database.root / "w.duckdb")) as other:
        other.execute("CREATE TABLE people AS SELECT * FROM (VALUES (2, 'x'), (1, 'y')) t(id, name)")
        other.execute("CREATE TABLE more AS SELECT 1 AS a")
    assert database.attach("w.duckdb") == "w"
    assert database.bind(SourceSpec("table", "w.People")).read(["id"]).column(0).to_pylist() == [2, 1]
    database.create_view("sorted", "SELECT * FROM w.people")
    assert database.bind(SourceSpec("table", "sorted")).read(["id"]).column(0).to_pylist() == [1, 2]
    with pytest.raises(DataError, match="'w.duckdb' has 2 tables"):
        file(database, "w.duckdb")
    with pytest.raises(DataError, match="no table 'w.peple'") as caught:
        database.bind(SourceSpec("table", "w.peple"))
    assert caught.value.hint == "did you mean w.people?"


def test_sqlite_files_are_read_offline(database):
    with closing(sqlite3.connect(database.root / "s.sqlite")) as other:
        other.execute('CREATE TABLE "my table" (a INTEGER, b TEXT, c)')
        other.executemany('INSERT INTO "my table" VALUES (?, ?, ?)', [(1, "x", 1), (None, "y", "two")])
        other.commit()
    made = file(database, "s.sqlite")
    assert made.read(["a", "b", "c"]).to_pylist() == [{"a": 1, "b": "x", "c": "1"}, {"a": None, "b": "y", "c": "two"}]
    assert database.bind(SourceSpec("table", "s.my table")).n_rows == 2


def test_a_broken_database_is_an_error(database):
    (database.root / "s.duckdb").write_bytes(b"nothing of the kind" * 500)
    with pytest.raises(DataError) as caught:
        file(database, "s.duckdb")
    assert caught.value.code == "D403"


SCRIPT = """
import duckdb, sys
frame = duckdb.sql(sys.argv[1]).df()
frame.to_pickle(sys.argv[2])
"""


def test_a_plain_script_reads_the_same_frame(database):
    rows = "n,i,s,d,b,e\n1.5,1,x,2020-01-02,true,\n,2,,2021-01-02 10:00,,\ninf,3,z,,false,\n"
    made = file(database, "a.csv", rows)
    kinds = [
        ("n", Kind.NUMERIC),
        ("i", Kind.NUMERIC),
        ("s", Kind.CATEGORICAL),
        ("d", Kind.DATETIME),
        ("b", Kind.NUMERIC),
        ("e", Kind.TEXT),
    ]
    ours = made.frame(kinds)
    out = database.root / "frame.pickle"
    subprocess.run([sys.executable, "-c", SCRIPT, made.scan_sql(kinds), str(out)], cwd=database.root, check=True)
    pd.testing.assert_frame_equal(ours, pd.read_pickle(out))
    assert [str(t) for t in ours.dtypes[["n", "i", "b"]]] == ["float64"] * 3
    assert str(ours["d"].dtype).startswith("datetime64")
    assert ours["n"].isna().tolist() == [False, True, True]
    assert ours["s"].isna().tolist() == [False, True, False]


def test_infinite_and_huge_numbers(database):
    made = database.bind_frame(pa.table({"x": [float("inf"), float("-inf"), float("nan"), 1e308, None]}))
    assert made.frame([("x", Kind.NUMERIC)])["x"].notna().tolist() == [False, False, False, True, False]
    assert made.frame([("x", Kind.CATEGORICAL)])["x"].notna().tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("text", ["03.04.2020", "2020-04-03", "3 Apr 2020", "April 3, 2020", "2020/04/03"])
def test_dates_stored_as_text_become_dates(database, text):
    made = database.bind_frame(pa.table({"d": [text, None]}))
    assert made.frame([("d", Kind.DATETIME)])["d"][0] == pd.Timestamp(2020, 4, 3)


def test_threads_may_share_a_database(database):
    from concurrent.futures import ThreadPoolExecutor

    made = database.bind_frame(pa.table({"a": list(range(1000))}))
    with ThreadPoolExecutor(4) as pool:
        sums = list(pool.map(lambda _: made.read(["a"]).column(0).to_numpy().sum(), range(40)))
    assert set(sums) == {499_500}


def test_importing_data_is_cheap():
    code = "import sys, mileage.data, mileage.monitors; print([m for m in ('pandas', 'duckdb', 'pyarrow', 'sklearn', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_quoting_doubles_quotes():
    assert quote('a"b') == '"a""b"'
    assert Database().root == Path.cwd()


def test_frames_of_unusual_columns_are_read(database):
    frame = pd.DataFrame(
        {
            "half": np.arange(6, dtype="f2"),
            "month": pd.period_range("2020-01", periods=6, freq="M"),
            "range": pd.cut(np.arange(6), 2),
        }
    )
    made = database.bind_frame(frame)
    assert [c.sql_type for c in made.schema] == ["FLOAT", "TIMESTAMP", "VARCHAR"]
    assert database.bind_frame(pa.RecordBatch.from_pydict({"a": [1, 2]})).n_rows == 2


def test_a_named_index_is_said_to_be_left_out(database):
    made = database.bind_frame(pd.DataFrame({"k": [1, 2], "a": [3, 4]}).set_index("k"))
    assert made.notes == ("the index k is no column: reset_index() makes it one",)


def test_a_result_that_cannot_be_fetched_leaves_the_connection_good(database):
    with pytest.raises(Exception, match=r"."):
        database.rows("SELECT CAST('x' || i AS INTEGER) FROM range(3) t(i)")
    assert database.rows("SELECT 1") == [(1,)]


def test_yes_and_no_stay_words(tmp_path):
    path = tmp_path / "churn.csv"
    path.write_text("a,churn,flag\n1,Yes,true\n2,No,false\n3,,true\n")
    made = Database(root=tmp_path).bind(SourceSpec("file", "churn.csv"))
    assert [made.schema.get(name).sql_type for name in ("churn", "flag")] == ["VARCHAR", "BOOLEAN"]
    assert made.read(["churn"]).to_pydict()["churn"] == ["Yes", "No", None]
