"""What is Python's own library about? The steps of a text workflow: passages, words, a map, clusters."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import normalized_mutual_info_score, silhouette_score
from sklearn.preprocessing import normalize

_WORD = re.compile(r"[a-z]{3,}")


def load_passages(lines: int = 40, most: int | None = None) -> pd.DataFrame:
    root, rows = Path(sysconfig.get_path("stdlib")), []
    for path in sorted(root.glob("**/*.py")):
        place = path.relative_to(root).parts
        if "site-packages" in place or "test" in place or "idle_test" in place:
            continue
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()
        rows += [(place[0].removesuffix(".py"), "\n".join(text[i : i + lines])) for i in range(0, len(text), lines)]
    frame = pd.DataFrame(rows, columns=["package", "text"])
    return frame if most is None else frame.head(most)


def clean(passages: pd.DataFrame, shortest: int = 30) -> pd.DataFrame:
    words = passages["text"].str.lower().map(lambda text: " ".join(_WORD.findall(text)))
    made = passages.assign(words=words)
    return made[made["words"].str.count(" ") >= shortest][["package", "words"]].reset_index(drop=True)


def count(passages: pd.DataFrame, min_df: int = 5, ngrams: int = 1) -> sp.csr_matrix:
    return CountVectorizer(min_df=min_df, ngram_range=(1, ngrams), max_features=30_000).fit_transform(passages["words"])


def weigh(counts: sp.csr_matrix, sublinear: bool = False) -> sp.csr_matrix:
    return TfidfTransformer(sublinear_tf=sublinear).fit_transform(counts)


def place(weights: sp.csr_matrix, dimensions: int = 50) -> np.ndarray:
    return normalize(TruncatedSVD(dimensions, random_state=0).fit_transform(weights))


def cluster(points: np.ndarray, k: int = 30, quick: bool = False) -> np.ndarray:
    kind = MiniBatchKMeans if quick else KMeans
    return kind(k, n_init=10, random_state=0).fit_predict(points)


def classify(points: np.ndarray, passages: pd.DataFrame, C: float = 1.0) -> np.ndarray:
    common = passages["package"].value_counts().index[:12]
    rows = np.flatnonzero(passages["package"].isin(common))
    labels = passages["package"].to_numpy()[rows]
    model = LogisticRegression(C=C, max_iter=200).fit(points[rows[::2]], labels[::2])
    return model.predict(points[rows[1::2]]) == labels[1::2]


def agreement(passages: pd.DataFrame, groups: np.ndarray) -> dict[str, float]:
    return {"nmi": normalized_mutual_info_score(passages["package"], groups)}


def shape(points: np.ndarray, groups: np.ndarray, sample: int = 2000) -> dict[str, float]:
    return {"silhouette": silhouette_score(points, groups, sample_size=min(sample, len(points) - 1), random_state=0)}


def telling(counts: sp.csr_matrix, groups: np.ndarray, top: int = 5) -> dict[str, float]:
    share = [np.asarray(counts[groups == g].sum(axis=0)).ravel() for g in sorted(set(groups.tolist()))]
    return {"telling": float(np.mean([np.sort(c)[-top:].sum() / max(1, c.sum()) for c in share]))}


def report(right: np.ndarray, *parts: Any) -> dict[str, float]:
    made = {"accuracy": float(right.mean())}
    for part in parts:
        made |= part
    return made
