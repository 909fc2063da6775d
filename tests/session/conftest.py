"""A small table and a session on it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.session import Session


@pytest.fixture(scope="session")
def small_table() -> pd.DataFrame:
    """Return 160 rows with a class that depends on a number and a name; they are for all tests, so nobody changes them."""
    rng = np.random.default_rng(0)
    n = 160
    size = rng.normal(size=n)
    colour = rng.choice(["red", "green", "blue"], n)
    noise = rng.normal(size=n)
    size[rng.random(n) < 0.05] = np.nan
    y = np.where(np.nan_to_num(size) + (colour == "red") + 0.3 * rng.normal(size=n) > 0.4, "yes", "no")
    return pd.DataFrame({"size": size, "colour": colour, "noise": noise, "y": y})


@pytest.fixture
def table(small_table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of the rows."""
    return small_table.copy()


@pytest.fixture
def csv(table: pd.DataFrame, tmp_path: Path) -> Path:
    """Return the table as a file."""
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Return a session in a project of its own, in this process."""
    with mileage.connect(tmp_path / "project", backend="inline") as made:
        yield made
