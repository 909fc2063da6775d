"""Rows and tables that nothing of a flow uses are not read, and the results are those of reading all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.workflow import Action
from mileage.workflow.flow import flow_tasks, node_of, read, sql, upstream
from mileage.workflow.flow.filters import filter_reads
from mileage.workflow.flow.joins import drop_joins, is_key
from mileage.workflow.flow.push_down import push_down

N = 5000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "plane": rng.integers(0, 60, N),
            "month": np.sort(rng.integers(1, 13, N)),
            "delay": np.where(rng.random(N) < 0.1, np.nan, rng.normal(size=N)),
            "city": rng.choice(["JFK", "LGA", None], N),
            "gate": pd.array(np.where(rng.random(N) < 0.5, None, 3), dtype="Int64"),
        }
    )
    rows.to_parquet(made / "rows.parquet", row_group_size=500)
    rows[["plane", "month", "delay", "city"]].to_parquet(made / "flights.parquet", row_group_size=500)
    planes = pd.DataFrame({"plane": range(50), "year": 2000, "seats": range(50), "maker": "a"})
    planes.to_parquet(made / "planes.parquet")
    pd.concat([planes, planes[:1]]).to_parquet(made / "twice.parquet", index=False)
    return made


def computed(ports):
    """Compute outputs as simply as can be; return them, and how many rows each read gave."""
    values, made, rows = {}, flow_tasks(ports.values()), {}
    for node, one in made.items():
        outputs = node.call.run([values[p] for p in one.task.inputs])
        values |= {one.port(i): value for i, value in enumerate(outputs)}
        if node.label.startswith("read "):
            rows[node.label.removeprefix("read ").removesuffix(".parquet")] = len(outputs[0])
    return {name: values[made[port.node].port(port.output)] for name, port in ports.items()}, rows


def both_ways(rule, folder, query, *names):
    tables = {name: read(folder / f"{name}.parquet") for name in names}
    ports = {"x": node_of(sql(query, **tables))}
    (plain, all_rows), (made, some_rows) = computed(ports), computed(rule(ports)[0])
    pd.testing.assert_frame_equal(made["x"], plain["x"])
    return {name: (some_rows[name], all_rows[name]) for name in names}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT delay, city FROM flights WHERE month <= 3",
        "SELECT delay + 1 AS more, month FROM flights WHERE month BETWEEN 2 AND 4 AND delay > 0",
        "SELECT plane FROM flights WHERE city = 'JFK'",
        "SELECT count(*) AS n, min(delay) AS low, max(month) AS high FROM flights WHERE month = 7 AND plane > 30",
        "SELECT * FROM (SELECT month, delay FROM flights) WHERE month > 11",
        "SELECT month FROM flights WHERE month > 100",
    ],
)
def test_only_the_rows_that_a_query_keeps_are_read(folder, query):
    [(some, every)] = both_ways(filter_reads, folder, query, "flights").values()
    assert some < every / 2


@pytest.mark.parametrize(
    "query",
    [
        "SELECT gate, month FROM rows WHERE month = 1",  # whole numbers that miss values come as floats, unless none is missing
        "SELECT sum(delay) AS s FROM flights WHERE month = 1",  # in another order
        "SELECT month, count(*) AS n FROM flights WHERE month < 3 GROUP BY month ORDER BY month",
        "SELECT delay FROM flights WHERE delay > 1",
        "SELECT delay FROM flights WHERE month = 1 OR plane = 3",
        "SELECT month FROM (SELECT * FROM flights LIMIT 1000) WHERE month = 1",
        "SELECT f.delay FROM flights f JOIN planes USING (plane) WHERE month = 1",
        "SELECT month, random() AS r FROM flights WHERE month > 100",
    ],
)
def test_all_rows_are_read_where_it_cannot_be_known_that_fewer_give_the_same(folder, query):
    names = [name for name in ("rows", "flights", "planes") if name in query.split()]
    for some, every in both_ways(filter_reads, folder, query, *names).values():
        assert some == every


def test_a_table_with_two_readers_is_read_whole(folder):
    rows = read(folder / "flights.parquet")
    ports = {str(m): node_of(sql(f"SELECT delay FROM rows WHERE month = {m}", rows=rows)) for m in (1, 2)}
    assert filter_reads(ports)[1] == ()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT f.delay FROM flights f LEFT JOIN planes p ON f.plane = p.plane",
        "SELECT f.* FROM flights f LEFT JOIN planes p ON f.plane = p.plane AND p.seats = f.month",
        "SELECT count(*) AS n FROM flights LEFT JOIN planes USING (plane) WHERE month < 5",
    ],
)
def test_a_joined_table_of_which_nothing_is_used_is_not_read(folder, query):
    read_rows = both_ways(drop_joins, folder, query, "flights", "planes")
    assert read_rows == {"flights": (N, N), "planes": (0, 50)}


def test_a_joined_table_without_the_key_is_read(folder):
    query = "SELECT f.delay FROM flights f LEFT JOIN twice p ON f.plane = p.plane"
    assert both_ways(drop_joins, folder, query, "flights", "twice")["twice"] == (51, 51)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT f.delay, seats FROM flights f LEFT JOIN planes p ON f.plane = p.plane",
        "SELECT f.delay FROM flights f JOIN planes p ON f.plane = p.plane",
        "SELECT f.delay FROM flights f LEFT JOIN planes p ON f.plane = p.plane WHERE p.maker IS NULL",
        "SELECT * FROM flights f LEFT JOIN planes p ON f.plane = p.plane",
        "SELECT f.delay FROM flights f LEFT JOIN planes p ON f.plane < p.plane",
        "SELECT p.seats, f.month FROM flights f RIGHT JOIN planes p ON f.plane = p.plane",
        "SELECT f.delay FROM flights f LEFT JOIN planes p ON f.plane = p.plane + 0 * f.month",
    ],
)
def test_a_join_that_matters_stays(folder, query):
    tables = {name: read(folder / f"{name}.parquet") for name in ("flights", "planes")}
    made, said = drop_joins({"x": node_of(sql(query, **tables))})
    assert said == ()
    assert not [node for node in upstream(made.values()) if node.label.startswith("is ")]


@pytest.mark.parametrize(
    ("values", "found"), [([1, 2, 3], True), ([1, 2, 2], False), ([1, 2, None], False), (["a", "b", "c"], True)]
)
def test_a_key_has_each_value_once_and_misses_none(tmp_path, values, found):
    pd.DataFrame({"k": values}).to_parquet(tmp_path / "t.parquet")
    assert is_key(str(tmp_path / "t.parquet"), ["k"]) is found


def test_a_flow_reads_what_it_uses_and_says_so(folder, tmp_path):
    rows, planes = read(folder / "flights.parquet"), read(folder / "planes.parquet")
    joined = sql("SELECT f.delay FROM rows f LEFT JOIN planes p ON f.plane = p.plane", rows=rows, planes=planes)
    with mileage.connect(tmp_path) as session:
        value = mileage.compute(joined, session=session, flow="f")
        version = session.version("last").record
        again = mileage.compute(joined, session=session, flow="f")
        kept = session.version("last").record
    pd.testing.assert_frame_equal(value, again)
    assert version.record["notes"] == [
        "read planes.parquet: 1 of 4 columns, the others are used nowhere",
        "read flights.parquet: 2 of 4 columns, the others are used nowhere",
        "read planes.parquet: not read if plane is a key of it, for nothing of it is used",
    ]
    assert {task["action"] for task in kept.record["tasks"]} <= {str(Action.LOAD), str(Action.PRUNE)}


def test_nothing_is_pushed_into_a_value_that_is_asked_for(folder):
    rows, planes = read(folder / "flights.parquet"), read(folder / "planes.parquet")
    joined = sql("SELECT f.delay FROM rows f LEFT JOIN planes p ON f.plane = p.plane WHERE month = 1", rows=rows, planes=planes)  # fmt: skip
    ports = {"joined": node_of(joined), "rows": node_of(rows), "planes": node_of(planes)}
    assert push_down(ports)[1] == ()
