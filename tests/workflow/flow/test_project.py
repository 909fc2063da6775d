"""Of a Parquet file the columns are read that its readers use; the values are those of a flow that reads all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.workflow.flow import Deferred, Node, flow_tasks, node_of, read, sql, step, upstream
from mileage.workflow.flow.project import project_reads


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"k": np.arange(40) % 4, "a": rng.normal(size=40), "word": ["x", "y"] * 20, "B c": range(40)})
    frame["part"] = frame["a"].round().astype("Int64").where(frame["k"] > 0)
    frame.to_parquet(tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def value_of(deferred: Deferred) -> Any:
    """Compute a deferred value as simply as can be."""
    port, values = node_of(deferred), {}
    for node, one in flow_tasks([port]).items():
        made = node.call.run([values[p] for p in one.task.inputs])
        values |= {one.port(i): value for i, value in enumerate(made)}
        last = one
    return values[last.port(port.output)]


def columns_read(value: Deferred) -> list[list[str] | None]:
    """Return for each file the columns that are read of it, None for all."""
    ports, _ = project_reads({"x": node_of(value)})
    return [call_of(node).get("columns") for node in upstream(ports.values()) if node.label.startswith("read ")]


def call_of(node: Node) -> dict:
    return node.call.args[2]


def narrowed(value: Deferred) -> Deferred:
    return Deferred(project_reads({"x": node_of(value)})[0]["x"])


QUERIES = [
    ("SELECT k, avg(a) AS m FROM t GROUP BY k ORDER BY k", ["k", "a"]),
    ("SELECT count(*) AS n FROM t", ["k"]),
    ("SELECT 1 AS one FROM t WHERE word = 'x'", ["word"]),
    ('SELECT max("B c") * 2 AS m FROM t', ["B c"]),
    ("WITH s AS (SELECT * FROM t) SELECT sum(part) AS s FROM s WHERE a > 0", ["a", "part"]),
    ("SELECT k FROM (SELECT k, a, word FROM t) ORDER BY k", ["k", "a", "word"]),  # what is named has to be there
    ("SELECT k FROM (SELECT * FROM t) ORDER BY k", ["k"]),
    ("SELECT * EXCLUDE (word, a) FROM t ORDER BY ALL", None),
    ("SELECT COLUMNS('^[ak]$') FROM t ORDER BY ALL", ["k", "a"]),
    ('SELECT x.k FROM t AS x JOIN t AS y ON x."B c" = y."B c" WHERE y.a > 0 ORDER BY 1', ["k", "a", "B c"]),
    ("SELECT * FROM t", None),
    ("FROM t", None),
    ("SELECT t FROM t", None),
]


@pytest.mark.parametrize(("query", "columns"), QUERIES)
def test_sql_is_given_the_columns_it_scans(path: Path, query: str, columns: list[str] | None) -> None:
    made = sql(query, t=read(path))
    assert columns_read(made) == [columns]
    pd.testing.assert_frame_equal(value_of(narrowed(made)), value_of(made))


def test_selected_columns_and_those_of_sql_are_read_together(path: Path) -> None:
    t = read(path)
    made = step(lambda n, a: n["n"][0] + a.sum())(sql("SELECT count(word) AS n FROM t"), t["a"] * t[["k"]]["k"])
    assert columns_read(made) == [["k", "a", "word"]]
    assert value_of(narrowed(made)) == value_of(made)


@pytest.mark.parametrize(
    "use",
    [
        lambda t: t.dropna(),
        step(len),
        lambda t: t[t["a"] > 0],
        lambda t: t["missing"],
        lambda t: t,
        lambda t: sql("SELECT k FROM t JOIN other USING (k)", t=t, other=step(pd.DataFrame)({"k": [1]})),
        lambda t: sql("SELECT nothing FROM t", t=t),
    ],
)
def test_a_reader_that_may_use_any_column_is_given_all(path: Path, use: object) -> None:
    assert columns_read(use(read(path))) == [None]  # type: ignore[operator]


def test_a_csv_file_and_a_read_with_options_stay_as_they_are(path: Path) -> None:
    pd.read_parquet(path).to_csv(path.with_suffix(".csv"))
    assert columns_read(sql("SELECT k FROM t", t=read(path.with_suffix(".csv")))) == [None]
    assert columns_read(sql("SELECT k FROM t", t=read(path, columns=["k", "a"]))) == [["k", "a"]]


def test_a_file_in_a_folder_that_may_name_a_column_is_read_whole(path: Path) -> None:
    place = path.parent / "year=2024"
    place.mkdir()
    path.rename(place / "t.parquet")
    made = sql("SELECT * EXCLUDE (a) FROM t", t=read(place / "t.parquet"))
    assert columns_read(made) == [None]


def test_a_star_that_would_mean_other_columns_keeps_them(path: Path, tmp_path: Path) -> None:
    frame = pd.read_parquet(path)
    frame[["k", "a", "part"]].to_parquet(tmp_path / "t.parquet")
    frame[["a", "part", "k"]].rename(columns={"part": "q"}).to_parquet(tmp_path / "u.parquet")
    query = "SELECT sum(k) AS s FROM (SELECT * FROM t UNION ALL SELECT * FROM u)"
    made = sql(query, t=read(tmp_path / "t.parquet"), u=read(tmp_path / "u.parquet"))
    pd.testing.assert_frame_equal(value_of(narrowed(made)), value_of(made))


def test_an_index_that_was_written_is_there(path: Path) -> None:
    pd.read_parquet(path).set_index("word").to_parquet(path)
    made = read(path)["a"]
    assert columns_read(made) == [["a"]]
    pd.testing.assert_series_equal(value_of(narrowed(made)), value_of(made))


def test_a_run_says_what_it_left_out_and_reads_again_for_another_column(path: Path, tmp_path: Path) -> None:
    with mileage.connect(tmp_path, backend="inline") as session:
        from mileage.session.iterate import iterate

        def run(column: str):
            return iterate(session, {"m": sql(f"SELECT avg({column}) AS m FROM t", t=read(path))["m"][0]})

        first = run("a")
        assert first["m"] == pytest.approx(pd.read_parquet(path)["a"].mean())
        assert first.version.record["notes"] == ["read t.parquet: 1 of 5 columns, the others are used nowhere"]
        assert run("part")["m"] == pytest.approx(pd.read_parquet(path)["part"].mean())
