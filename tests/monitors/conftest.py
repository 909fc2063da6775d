"""Databases that start in a folder of the test's own."""

from __future__ import annotations

import pytest

from mileage.data import Database


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path)
    yield made
    made.close()
