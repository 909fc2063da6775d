"""Who earns more than 50K? The steps of a census workflow: plain functions over frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder


def load(path: str, rows: int | None = None) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    return frame if rows is None else frame.head(rows)


def clean(people: pd.DataFrame, min_age: int = 17) -> pd.DataFrame:
    kept = people[people["age"] >= min_age].reset_index(drop=True)
    words = kept.select_dtypes("str").columns
    return kept.assign(**{name: kept[name].fillna("missing").str.strip().str.lower() for name in words})


def derive(people: pd.DataFrame, buckets: int = 0) -> pd.DataFrame:
    made = people.assign(
        gain=np.log1p(people["capital_gain"]),
        loss=np.log1p(people["capital_loss"]),
        long_week=(people["hours_per_week"] > 45).astype(int),
    )
    return made.assign(age_bucket=pd.cut(people["age"], buckets, labels=False)) if buckets else made


def group_means(people: pd.DataFrame, by: str = "occupation") -> pd.DataFrame:
    wanted = ["hours_per_week", "age", "education_num"]
    return people.groupby(by)[wanted].transform("mean").add_prefix(f"{by}_")


def join(people: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([people, means], axis=1)


def train_part(people: pd.DataFrame) -> pd.DataFrame:
    return train_test_split(people, test_size=0.25, random_state=0)[0]


def test_part(people: pd.DataFrame) -> pd.DataFrame:
    return train_test_split(people, test_size=0.25, random_state=0)[1]


def target(people: pd.DataFrame) -> np.ndarray:
    return people["income"].str.startswith(">").to_numpy().astype(int)


def fit_encoder(train: pd.DataFrame, words: str = "one_hot") -> ColumnTransformer:
    inputs = train.drop(columns="income")
    names = list(inputs.select_dtypes("str").columns)
    one_hot = OneHotEncoder(min_frequency=20, handle_unknown="infrequent_if_exist", sparse_output=False)
    encoder = one_hot if words == "one_hot" else TargetEncoder(random_state=0)
    rest = [name for name in inputs.columns if name not in names]
    return ColumnTransformer([("words", encoder, names), ("numbers", StandardScaler(), rest)]).fit(
        inputs, target(train)
    )


def encode(encoder: ColumnTransformer, people: pd.DataFrame) -> np.ndarray:
    return np.asarray(encoder.transform(people.drop(columns="income")), dtype=np.float32)


def fit_model(X: np.ndarray, y: np.ndarray, kind: str = "logistic", **options: Any) -> Any:
    if kind == "logistic":
        return LogisticRegression(max_iter=200, **options).fit(X, y)
    if kind == "boosting":
        return HistGradientBoostingClassifier(random_state=0, **options).fit(X, y)
    return RandomForestClassifier(200, random_state=0, **options).fit(X, y)


def predict(model: Any, X: np.ndarray) -> np.ndarray:
    return model.predict_proba(X)[:, 1]


def metrics(y: np.ndarray, p: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    return {"auc": roc_auc_score(y, p), "accuracy": accuracy_score(y, p >= threshold), "brier": brier_score_loss(y, p)}


def fairness(test: pd.DataFrame, y: np.ndarray, p: np.ndarray, by: str = "sex") -> dict[str, float]:
    groups = test[by].to_numpy()
    return {f"auc_{g}": roc_auc_score(y[groups == g], p[groups == g]) for g in sorted(set(groups.tolist()))}


def interval(y: np.ndarray, p: np.ndarray, n: int = 60) -> dict[str, float]:
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(y), len(y)) for _ in range(n)]
    return {"se": float(np.std([roc_auc_score(y[rows], p[rows]) for rows in drawn]))}


def report(scores: dict[str, float], groups: dict[str, float], spread: dict[str, float]) -> dict[str, float]:
    return {**scores, **groups, **spread}
