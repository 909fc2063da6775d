"""Row sets obey the laws of sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mileage.data import RowSet
from mileage.errors import DataError

SIZE = 37
rows = st.sets(st.integers(0, SIZE - 1))


def made(numbers, n_rows=SIZE):
    return RowSet.of(np.array(sorted(numbers), dtype=np.int64), n_rows)


@given(rows)
def test_a_set_gives_back_its_rows(numbers):
    assert made(numbers).indices().tolist() == sorted(numbers)
    assert made(numbers).n == len(numbers)


@given(rows, rows)
def test_relations_are_those_of_sets(a, b):
    x, y = made(a), made(b)
    assert x.isdisjoint(y) == a.isdisjoint(b)
    assert x.issubset(y) == (a <= b)
    assert x.union(y) == made(a | b)
    assert x.intersection(y) == made(a & b)
    assert x.difference(y) == made(a - b)
    assert (x == y) == (a == b) == (x.digest == y.digest)


@given(rows, st.booleans())
def test_bytes_are_the_set(numbers, multiset):
    x = RowSet.of(np.array(sorted(numbers) * 2, dtype=np.int64), SIZE, multiset=multiset)
    back = RowSet.from_bytes(x.to_bytes())
    assert back == x
    assert back.indices().tolist() == x.indices().tolist()


def test_a_multiset_keeps_how_often_rows_were_drawn():
    drawn = RowSet.of(np.array([3, 1, 3]), 5, multiset=True)
    assert drawn.n == 3
    assert drawn.indices().tolist() == [3, 1, 3]
    assert drawn != RowSet.of(np.array([1, 3]), 5)
    assert drawn.issubset(RowSet.of(np.array([1, 3]), 5))


def test_equal_bits_of_longer_tables_differ():
    assert made({1}, 4) != made({1}, 5)
    with pytest.raises(DataError, match="different tables"):
        made({1}, 4).isdisjoint(made({1}, 5))
