"""What is gathered once answers as exactly as it is declared to."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from mileage.traits import claimed, compare
from mileage.traits.gather import gather, informed


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
