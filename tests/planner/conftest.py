"""A database on a folder with one table of people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mileage.data import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Return a database in whose folder lies ``t.csv``: id, age, sex, income, size, label."""
    rows = "\n".join(f"{i},{i % 7},{'ab'[i % 2]},{i * 0.5},{'SML'[i % 3]},{'xyz'[i % 3]}" for i in range(60))
    (tmp_path / "t.csv").write_text(f"id,age,sex,income,size,label\n{rows}\n")
    made = Database(tmp_path)
    yield made
    made.close()
