"""The 23 operators of flights-12: will a flight arrive more than 15 minutes late? Plain functions over frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

LAST_MONTH, LAST_TRAIN_MONTH = 8, 6
NUMERIC = ["sched_dep_time", "sched_arr_time", "distance", "temp", "humid", "wind_speed", "precip", "pressure", "visib"]
NUMERIC += ["plane_year", "seats", "alt", "lat", "lon"]
CATEGORICAL = ["carrier", "origin", "dest", "manufacturer", "engine"]


def load_flights(path: str, rows: int | None = None) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    frame = frame[frame["month"] <= LAST_MONTH]
    return frame if rows is None else frame.sample(rows, random_state=0).sort_index()


def load_table(path: str) -> pd.DataFrame:
    return pd.read_parquet(path)


def clean(flights: pd.DataFrame, min_hour: int = 0) -> pd.DataFrame:
    kept = flights.dropna(subset=["arr_delay", "dep_time", "tailnum"])
    kept = kept[kept["hour"] >= min_hour]
    return kept.sort_values(["month", "day", "sched_dep_time", "flight"], kind="stable").reset_index(drop=True)


def join_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    columns = ["temp", "humid", "wind_speed", "precip", "pressure", "visib"]
    keys = ["origin", "month", "day", "hour"]
    hourly = weather.drop_duplicates(keys)[[*keys, *columns]]
    return flights.merge(hourly, on=keys, how="left")


def join_planes(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    wanted = planes.rename(columns={"year": "plane_year"})[["tailnum", "plane_year", "manufacturer", "engine", "seats"]]
    return flights.merge(wanted, on="tailnum", how="left")


def join_airports(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    wanted = airports.rename(columns={"faa": "dest"})[["dest", "lat", "lon", "alt"]]
    return flights.merge(wanted, on="dest", how="left")


def time_features(flights: pd.DataFrame, season: bool = False) -> pd.DataFrame:
    day = pd.to_datetime({"year": flights["year"], "month": flights["month"], "day": flights["day"]})
    hour = flights["sched_dep_time"] // 100 + (flights["sched_dep_time"] % 100) / 60
    made = {"weekday": day.dt.dayofweek, "hour_sin": np.sin(hour * np.pi / 12), "hour_cos": np.cos(hour * np.pi / 12)}
    if season:
        turn = day.dt.dayofyear * 2 * np.pi / 365
        made |= {"season_sin": np.sin(turn), "season_cos": np.cos(turn)}
    return pd.DataFrame(made)


def history_features(flights: pd.DataFrame, window: int = 20) -> pd.DataFrame:
    late = (flights["arr_delay"] > 15).astype(float)
    made = {}
    for name, keys in (("plane", ["tailnum"]), ("route", ["origin", "dest"]), ("carrier", ["carrier", "origin"])):
        groups = late.groupby([flights[key] for key in keys], sort=False)
        made[f"{name}_late"] = groups.transform(lambda past: past.shift(3).rolling(window, min_periods=1).mean())
    return pd.DataFrame(made)


def make_label(flights: pd.DataFrame, late: int = 15) -> pd.Series:
    return (flights["arr_delay"] > late).astype(int).rename("label")


def assemble(flights: pd.DataFrame, times: pd.DataFrame, history: pd.DataFrame, label: pd.Series) -> pd.DataFrame:
    kept = flights[["month", "hour", "dep_delay", *NUMERIC, *CATEGORICAL]]
    return pd.concat([kept, times, history, label], axis=1)


def split_train(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["month"] <= LAST_TRAIN_MONTH]


def split_test(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["month"] > LAST_TRAIN_MONTH]


def clean_train(train: pd.DataFrame, drop_extreme: bool = False) -> pd.DataFrame:
    return train[train["dep_delay"] <= 30] if drop_extreme else train


def features_of(rows: pd.DataFrame) -> list[str]:
    return [name for name in rows.columns if name not in {"month", "hour", "dep_delay", "label", *CATEGORICAL}]


def fit_encoder(train: pd.DataFrame, max_categories: int = 40) -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = OneHotEncoder(max_categories=max_categories, handle_unknown="infrequent_if_exist", sparse_output=False)
    return ColumnTransformer([("numbers", numbers, features_of(train)), ("words", words, CATEGORICAL)]).fit(train)


def encode(encoder: ColumnTransformer, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(encoder.transform(rows), dtype=np.float32)


def labels(rows: pd.DataFrame) -> np.ndarray:
    return rows["label"].to_numpy()


def fit_model(X: np.ndarray, rows: pd.DataFrame, kind: str = "logistic", **options: Any) -> Any:
    if kind == "logistic":
        model: Any = LogisticRegression(max_iter=100, **options)
    elif kind == "boosting":
        model = HistGradientBoostingClassifier(max_iter=25, random_state=0, **options)
    else:
        model = RandomForestClassifier(24, max_depth=9, random_state=0, **options)
    return model.fit(X, labels(rows))


def predict(model: Any, X: np.ndarray) -> np.ndarray:
    return model.predict_proba(X)[:, 1]


def metrics(test: pd.DataFrame, p: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    y, said = labels(test), p >= threshold
    return {"auc": roc_auc_score(y, p), "accuracy": accuracy_score(y, said), "f1": f1_score(y, said)}


def slices(test: pd.DataFrame, p: np.ndarray, by: str = "carrier") -> dict[str, tuple[float, float]]:
    rng, y, groups, made = np.random.default_rng(0), labels(test), test[by].to_numpy(), {}
    for group in sorted(set(groups.tolist())):
        at = np.flatnonzero(groups == group)
        drawn = [rng.choice(at, len(at)) for _ in range(10)]
        scores = [roc_auc_score(y[rows], p[rows]) for rows in drawn if 0 < y[rows].sum() < len(rows)]
        if scores:
            made[str(group)] = (float(np.mean(scores)), float(np.std(scores)))
    return made


def report(scores: dict[str, float], by_group: dict[str, tuple[float, float]]) -> dict[str, float]:
    worst = min(by_group, key=lambda group: by_group[group][0])
    return {**scores, "groups": float(len(by_group)), "worst": by_group[worst][0]}
