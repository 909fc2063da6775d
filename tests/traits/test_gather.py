"""What is gathered once answers as exactly as it is declared to."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_selection import SelectKBest
from sklearn.neighbors import KNeighborsClassifier

from mileage.operators import BuildContext, Operator, operators
from mileage.operators.base import Params
from mileage.operators.cutting import gather_answers, inform_step
from mileage.operators.external import from_estimator
from mileage.operators.running import apply
from mileage.traits import claimed, compare
from mileage.traits.gather import gather, informed
from mileage.traits.subject import sample


class RoundsByBlock(KNeighborsClassifier):
    """Takes the one or the other of two rows that are equally near, as rounding has it in blocks of rows of other sizes."""

    def kneighbors(self, X, n_neighbors=None, return_distance=True):  # type: ignore[no-untyped-def]
        distances, places = super().kneighbors(X, n_neighbors)
        if len(X) < 100:
            places = np.where(places == 0, 1, places)
        return (distances, places) if return_distance else places


def test_neighbors_that_are_searched_for_again_may_be_others_where_two_are_equally_near() -> None:
    train, y = np.array([[-1.0], [1.0], *([v] for v in np.arange(10.0, 210.0))]), np.array([0, 1] * 101)
    rows = np.array([[0.0], *([v] for v in np.arange(10.2, 209.0))])
    one, two = (RoundsByBlock(n, algorithm="brute").fit(train, y) for n in (1, 2))
    found = informed(
        "KNeighborsClassifier", "n_neighbors", one, gather("KNeighborsClassifier", "n_neighbors", two, rows)
    )
    alone = KNeighborsClassifier(1, algorithm="brute").fit(train, y)
    got, _ = compare(found.predict_proba(rows), alone.predict_proba(rows))
    assert str(got) == "tie_equal"
    assert got <= claimed("gathers", "KNeighborsClassifier", "n_neighbors")


ASKED = [("k_best", {"k": 2}, {"k": 5}), ("k_best", {"k": 0.3}, {"k": 0.8}), ("own_best", {"k": 2}, {"k": 5})]


@pytest.fixture
def own_best() -> Iterator[Operator]:
    yield from_estimator(SelectKBest(), name="own_best")
    operators.remove("own_best")


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
@pytest.mark.parametrize(("name", "small", "large"), ASKED)
@pytest.mark.usefixtures("own_best")
def test_columns_are_shown_among_those_of_a_step_that_keeps_more(
    name: str, small: Params, large: Params, kind: Callable[[Any], Any]
) -> None:
    X, y = sample("counts", "classes")
    rows, context, operator = kind(X), BuildContext("multiclass"), operators.get(name)
    few, many = (operator.build(operator.complete(p), context).fit(rows, y) for p in (small, large))
    found = gather_answers(operator, many, rows, operator.complete(large), context)
    got, alone = apply(inform_step(operator, few, found), None), apply(few, rows)
    assert type(got) is type(alone)
    assert not (got != alone).sum()
    if kind is np.asarray and name == "k_best":
        assert got.flags.f_contiguous == alone.flags.f_contiguous  # later sums go through rows in the same order
