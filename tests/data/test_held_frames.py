"""Frames that are given one after the other: each is read as it is, and DuckDB is asked once about frames of the same types."""

from __future__ import annotations

import pandas as pd
import pytest

from mileage.data import Database, SourceSpec
from mileage.data import source as sources


def test_frames_of_the_same_types_are_described_once(monkeypatch: pytest.MonkeyPatch) -> None:
    database, asked = Database(), []
    describe = Database._describe
    monkeypatch.setattr(Database, "_describe", lambda self, sql: asked.append(sql) or describe(self, sql))
    for frame in (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [3]}), pd.DataFrame({"a": ["x"]})):
        with database.given(frame) as dataset:
            assert dataset.n_rows == len(frame)
            assert database.frame(dataset.relation_sql).a.tolist() == frame.a.tolist()
    assert len(asked) == 2


def test_another_frame_of_the_same_name_is_another_table() -> None:
    database = Database()
    for frame in (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": [True]})):
        database.register("t", frame)
        bound = database.bind(SourceSpec("frame", "t"))
        assert (bound.schema.names, bound.n_rows) == (tuple(frame.columns), len(frame))


def test_types_are_forgotten_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_KNOWN_TYPES", 2)
    database = Database()
    for i in range(5):
        with database.given(pd.DataFrame({f"c{i}": [i]})) as dataset:
            assert dataset.schema.names == (f"c{i}",)
    assert len(database._types) <= 2
