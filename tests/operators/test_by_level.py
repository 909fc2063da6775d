"""Encoders as tables to look levels up in: what only a table of its own shows; the law is checked of every encoder."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mileage.operators import operators
from mileage.operators.base import BuildContext
from mileage.operators.by_level import Looked, looked


def test_a_level_that_is_called_like_one_never_seen_is_told_from_it() -> None:
    ordinal = operators.get("ordinal")
    rows = pd.DataFrame({"c": ["a level that no row has had", "a"]})
    looked = Looked(ordinal, ordinal.build({}, BuildContext()).fit(rows))
    assert looked.transform(pd.DataFrame({"c": ["a level that no row has had", "other"]})).ravel().tolist() == [1, -1]


def test_rare_levels_share_a_column_in_each_column_that_has_some() -> None:
    one_hot = operators.get("one_hot")
    rows = pd.DataFrame({"c": [*"aaab"], "d": [*"pqpq"], "e": [*"xyzz"]})
    fitted = one_hot.build({"min_frequency": 2, "max_categories": 10}, BuildContext()).fit(rows)
    asked = pd.DataFrame({"c": [*"ab?"], "d": [*"q?p"], "e": ["x", "z", None]})
    assert one_hot.widths(fitted) == [2, 2, 2]
    assert np.array_equal(Looked(one_hot, fitted).transform(asked).toarray(), fitted.transform(asked).toarray())


def test_an_encoder_of_very_many_levels_stays_as_it_is() -> None:
    ordinal = operators.get("ordinal")
    for n, is_looked in ((1000, True), (60_000, False)):
        rows = pd.DataFrame({"c": [f"v{i}" for i in range(n)], "d": "w"})
        fitted = ordinal.build({}, BuildContext()).fit(rows)
        assert isinstance(looked(ordinal, fitted), Looked) == is_looked


def test_tables_are_asked_of_the_encoder_once() -> None:
    target = operators.get("target")
    rows = pd.DataFrame({"c": [*"abab"] * 10})
    fitted = target.build(target.complete({}), BuildContext("regression")).fit(rows, np.arange(40.0))
    wanted = fitted.transform(rows)
    looked = Looked(target, fitted)
    looked.transform(rows[:1])
    del fitted.encodings_
    assert np.array_equal(looked.transform(rows), wanted)
