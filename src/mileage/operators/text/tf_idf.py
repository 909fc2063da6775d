"""``tf_idf``: weighted counts of words."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits

WORDS = r"(?u)\b\w+\b|^\W*$"  # a text without words counts as one word, so that no vocabulary is ever empty


class TfIdf(Operator):
    """Count words and word pairs, weighted by how few texts have them (Sparck Jones 1972)."""

    name = "tf_idf"
    family = Family.TEXT
    params = (
        Param("max_features", IntRange(1, 100_000), 300, "most words", IntRange(100, 2000, log=True), Stage.RESTRICT),
        Param("ngrams", IntRange(1, 3), 1, "longest word group", IntRange(1, 2)),
    )
    traits = Traits(row_wise=True, native_missing=True)
    cost = Cost(0.01, 2e-5)
    accepts = (Branch.TEXT,)
    emits = Branch.INDICATOR

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's TfidfVectorizer behind a small function."""
        del context
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        from mileage.operators.glue import as_texts

        words = TfidfVectorizer(
            max_features=params["max_features"],
            ngram_range=(1, params["ngrams"]),
            sublinear_tf=True,
            token_pattern=WORDS,
        )
        return make_pipeline(FunctionTransformer(as_texts), words)


TF_IDF = TfIdf()
