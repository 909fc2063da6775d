"""Words of texts that are counted once for all splits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mileage.operators import BuildContext, operators, running
from mileage.operators.from_codes import as_coded

_WORDS = [f"w{i:02d}" for i in range(40)]


def _texts(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    texts = [" ".join(rng.choice(_WORDS, size=rng.integers(0, 12))) for _ in range(n)]
    texts[3], texts[4] = "?!", "w01 W01 w01"
    return pd.DataFrame({"note": pd.array([None, *texts[1:]], dtype="str")})


@pytest.mark.parametrize("most", [1, 7, 25, 1000])
@pytest.mark.parametrize("ngrams", [1, 2])
def test_what_is_told_counts_is_what_reads_texts_bit_by_bit(most: int, ngrams: int) -> None:
    X, train = _texts(120), np.arange(120) % 3 != 1
    operator, context = operators.get("tf_idf"), BuildContext("binary")
    params = operator.complete({"max_features": most, "ngrams": ngrams})
    codes, levels = operator.code(operator.code_params(params), X)  # type: ignore[attr-defined]
    before = codes.copy()
    told, seen = operator.fit_codes(params, context, as_coded(codes[train], levels), None, transforms=True)  # type: ignore[attr-defined]
    wanted, out = running.fit_transform(operator.build(params, context), X[train])
    assert vars(wanted[-1]).keys() - vars(told[-1]).keys() <= {"_stop_words_id"}  # that stop words were looked at
    assert told[-1].vocabulary_ == wanted[-1].vocabulary_
    assert (told[-1].idf_ == wanted[-1].idf_).all()
    assert told[0].feature_names_in_ == wanted[0].feature_names_in_
    for got, right in ((seen, out), (as_coded(codes, levels).told(wanted), running.apply(wanted, X))):
        assert got.dtype == right.dtype
        assert (got != right).nnz == 0
    assert (codes != before).nnz == 0
