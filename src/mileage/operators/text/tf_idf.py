"""``tf_idf``: weighted counts of words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mileage.core.domains import IntRange, whole_number
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.from_codes import FromCodes

if TYPE_CHECKING:
    from mileage.operators.words import Words

WORDS = r"(?u)\b\w+\b|^\W*$"  # a text without words counts as one word, so that no vocabulary is ever empty


class TfIdf(FromCodes, Operator):
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

    codes = Branch.TEXT

    def code_params(self, params: Params) -> Params:
        """What terms there are depends on how long they may be."""
        return {"ngrams": params["ngrams"]}

    def code(self, params: Params, X: Any) -> tuple[Any, Mapping[str, tuple[Any, ...]]]:
        """Return how often each text has each term."""
        from mileage.operators.glue import as_texts
        from mileage.operators.words import count_words

        words = self.build(self.complete(dict(params)), BuildContext("binary"))[-1]
        texts = as_texts(X)  # type: ignore[no-untyped-call]  # scripts have a copy of it, without annotations
        return count_words({X.columns[0]: texts}, words.build_analyzer())

    def fit_codes(
        self, params: Params, context: BuildContext, coded: Words, y: Any, *, transforms: bool
    ) -> tuple[Any, Any]:
        """Let scikit-learn fit its encoder, and tell it the counts that it would take from texts."""
        import pandas as pd

        del y
        made = self.build(params, context)
        made[0].fit(pd.DataFrame(columns=list(coded.terms)))
        out = coded.fit(made[-1], whole_number(params["max_features"]))
        del made[-1]._count_vocab
        return made, out if transforms else None


TF_IDF = TfIdf()
