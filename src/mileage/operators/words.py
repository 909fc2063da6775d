"""Words of texts as counts that all splits share: telling words apart takes most of the time of an encoder of texts.

A count says how often a text has a word, and nothing of what is learned; which words there are, and what they weigh, each split learns from its
train rows. Next: :mod:`mileage.operators.text.tf_idf`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Words:
    """Some texts of a column.

    Attributes
    ----------
    counts : sparse matrix of shape (n_rows, n_terms)
        Those of a text in the order in which it has them first.
    terms : dict of tuples
        Of the column, the terms of all texts of the table, in order.

    Examples
    --------
    >>> words = Words(*count_words({"note": ["b a b", "c"]}, str.split))
    >>> words.terms, words.counts.toarray().tolist()
    ({'note': ('a', 'b', 'c')}, [[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    """

    counts: Any
    terms: Mapping[str, tuple[str, ...]]

    def met(self, most: int) -> tuple[dict[str, int], Any]:
        """Return the terms that the texts have, the ``most`` frequent ones, and their counts, as scikit-learn finds them in texts.

        It numbers terms in the order in which it meets them, and sums up the squares of a text's in that order.

        Examples
        --------
        >>> words = Words(*count_words({"note": ["b a b", "c"]}, str.split))
        >>> words.met(2)[0], words.met(3)[1].toarray().tolist()
        ({'b': 0, 'a': 1}, [[2.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        """
        (terms,) = self.terms.values()
        often = np.bincount(self.counts.indices, self.counts.data, minlength=len(terms))
        known = np.flatnonzero(often)
        if len(known) > most:
            known = np.sort(known[(-often[known]).argsort()[:most]])
        made = self.counts[:, known]
        _, first = np.unique(made.indices, return_index=True)
        order = np.argsort(first)
        rank = np.empty(len(known), dtype=made.indices.dtype)
        rank[order] = np.arange(len(known))
        made.indices = rank[made.indices]
        made.has_sorted_indices = False
        made.sort_indices()
        return {terms[known[i]]: place for place, i in enumerate(order)}, made

    def fit(self, fitted: Any, most: int) -> Any:
        """Fit an encoder of texts, and return its output for these."""
        return _told(fitted, lambda: self.met(most)).fit_transform(range(self.counts.shape[0]))

    def told(self, fitted: Any) -> Any:
        """Return what a fitted encoder makes of the texts."""
        (terms,) = self.terms.values()
        known = sorted(fitted[-1].vocabulary_, key=fitted[-1].vocabulary_.__getitem__)
        made = self.counts[:, np.searchsorted(np.array(terms, dtype=object), np.array(known, dtype=object))]
        made.has_sorted_indices = False
        made.sort_indices()
        return _told(copy(fitted[-1]), lambda: (fitted[-1].vocabulary_, made)).transform(range(made.shape[0]))


def _told(words: Any, count: Callable[[], tuple[dict[str, int], Any]]) -> Any:
    """Tell an encoder the counts that it would take from texts."""
    words._count_vocab = lambda *_, **__: count()
    return words


def count_words(
    column: Mapping[str, Iterable[str]], analyze: Callable[[str], Iterable[str]]
) -> tuple[Any, dict[str, tuple[str, ...]]]:
    """Return how often each text of a column has each term, and the terms.

    Examples
    --------
    >>> counts, terms = count_words({"note": ["v u", "v v"]}, str.split)
    >>> counts.toarray().tolist(), terms
    ([[1.0, 1.0], [0.0, 2.0]], {'note': ('u', 'v')})
    """
    from scipy.sparse import csr_matrix

    ((name, texts),) = column.items()
    places: dict[str, int] = {}
    met: list[int] = []
    often: list[int] = []
    ends = [0]
    for text in texts:
        found: dict[int, int] = {}
        for term in analyze(text):
            place = places.setdefault(term, len(places))
            found[place] = found.get(place, 0) + 1
        met.extend(found)
        often.extend(found.values())
        ends.append(len(met))
    terms = tuple(sorted(places))
    rank = np.empty(len(terms), dtype=np.int64)
    rank[[places[term] for term in terms]] = np.arange(len(terms))
    made = csr_matrix(
        (np.array(often, dtype=np.float64), rank[np.array(met, dtype=np.int64)], ends), (len(ends) - 1, len(terms))
    )
    return made, {name: terms}
