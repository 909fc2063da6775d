"""What a run on a sample saves, and how often its verdict is the right one: delays of flights from New York, 8 models.

The flow joins flights with weather, planes and airports, builds the history of each aircraft, route and carrier, encodes,
learns and predicts late arrivals: months 1 to 6 to learn from, 7 and 8 to be tried on. Eight iterations change the model,
its settings and the features. Each is run in full as a plain script would (nothing is reused), in full with reuse, and on a
tenth of the rows with reuse; the verdicts on neighbors and on all pairs are held against the full runs'. A verdict counts
where the full AUCs differ by more than 0.001; what stays undecided on the tenth goes to larger samples, and that is
counted, too. CPU seconds of the process, user and system.

Usage: ``python benchmarks/approximate.py --data FOLDER`` with the five Parquet files of nycflights13 in the folder; the last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import mileage as ml
from mileage.session.approximate import verdicts_of
from mileage.session.escalate import escalated
from mileage.session.iterate import Iteration, iterate
from mileage.workflow.flow.sampling import Sample

TARGETS = {"cpu_ratio": 8.0, "wrong": 0.05, "undecided": 0.20}
LARGE, FRACTION, SALTS, QUICK_SALTS = 0.001, 0.1, 5, 1
LEARNED, TRIED = (1, 6), (7, 8)
LATE_MIN = 15
FIRST = {"model": "logistic", "C": 1.0, "rate": 0.1, "season": False, "window": 20, "drop": False}
EDITS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("logistic C=1", {}),
    ("C=0.1", {"C": 0.1}),
    ("season features", {"season": True}),
    ("boosting, rate 0.1", {"model": "boosting"}),
    ("rate 0.05", {"rate": 0.05}),
    ("history of 50", {"window": 50}),
    ("forest", {"model": "forest"}),
    ("without extreme delays", {"drop": True}),
)
NUMBERS = [
    "month", "day", "hour", "sched_dep_time", "sched_arr_time", "distance", "temp", "dewp", "humid", "wind_speed", "precip",
    "pressure", "visib", "plane_year", "seats", "engines", "lat", "lon", "alt", "weekday", "sin_hour", "cos_hour",
]  # fmt: skip
NAMES = ["carrier", "origin", "dest", "manufacturer", "season"]


@ml.step
def clean(flights: Any, first_hour: int) -> Any:
    """Drop cancelled flights and those before an hour."""
    kept = flights[(flights["month"] <= TRIED[1]) & (flights["hour"] >= first_hour)]
    return kept.dropna(subset=["arr_delay", "tailnum"]).sort_values(["month", "day", "sched_dep_time"], kind="stable")


@ml.step
def join_weather(flights: Any, weather: Any) -> Any:
    """Add the weather of the hour at the origin."""
    columns = ["origin", "month", "day", "hour", "temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]
    unique = weather[columns].drop_duplicates(["origin", "month", "day", "hour"])
    return flights.merge(unique, how="left", on=["origin", "month", "day", "hour"])


@ml.step
def join_planes(flights: Any, planes: Any) -> Any:
    """Add what is known of the aircraft."""
    some = planes[["tailnum", "year", "manufacturer", "seats", "engines"]].rename(columns={"year": "plane_year"})
    return flights.merge(some, how="left", on="tailnum")


@ml.step
def join_airports(flights: Any, airports: Any) -> Any:
    """Add the place of the destination."""
    return flights.merge(airports[["faa", "lat", "lon", "alt"]], how="left", left_on="dest", right_on="faa")


@ml.step(rows="each")
def time_features(flights: Any, season: bool) -> Any:
    """Add what the clock and the calendar say."""
    import numpy as np

    day = pd.to_datetime(flights[["year", "month", "day"]])
    turn = 2 * np.pi * flights["hour"] / 24
    named = (flights["month"] % 12 // 3).astype(str) if season else "none"
    return flights.assign(weekday=day.dt.dayofweek, sin_hour=np.sin(turn), cos_hour=np.cos(turn), season=named)


@ml.step
def history_features(flights: Any, window: int) -> Any:
    """Add mean delays of the aircraft, the route and the carrier at the origin, of the flights before the last three."""
    made = {}
    for name, by in {"plane": ["tailnum"], "route": ["origin", "dest"], "carrier": ["carrier", "origin"]}.items():
        for column in ("arr_delay", "dep_delay"):
            past = flights.groupby(by)[column].shift(3)
            rolled = past.groupby([flights[b] for b in by]).rolling(window, min_periods=1).mean()
            made[f"{name}_{column}"] = rolled.reset_index(level=list(range(len(by))), drop=True)
    return flights.assign(**made)


@ml.step(rows="each")
def with_label(flights: Any, late_min: int) -> Any:
    """Add whether the flight was late."""
    return flights.assign(late=(flights["arr_delay"] > late_min).astype(int))


@ml.step
def months(flights: Any, first: int, last: int) -> Any:
    """Keep the flights of some months."""
    return flights[flights["month"].between(first, last)]


@ml.step
def clean_train(flights: Any, drop_extreme: bool) -> Any:
    """Drop what left very late."""
    return flights[flights["dep_delay"] <= 30] if drop_extreme else flights


@ml.step(rows="learns")
def fit_encoder(flights: Any) -> Any:
    """Learn the categories, the medians and the scale."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [
        *NUMBERS,
        *(c for c in flights if c.endswith(("arr_delay", "dep_delay")) and "_" in c.removesuffix("_delay")),
    ]
    one_hot = OneHotEncoder(max_categories=30, handle_unknown="infrequent_if_exist", sparse_output=False)
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    numbers = [c for c in numbers if c not in {"arr_delay", "dep_delay"}]
    return ColumnTransformer([("numbers", scaled, numbers), ("names", one_hot, NAMES)]).fit(flights)


@ml.step(rows="each")
def encode(encoder: Any, flights: Any) -> Any:
    """Return the matrix."""
    import numpy as np

    return encoder.transform(flights).astype(np.float32)


@ml.step(rows="learns")
def fit_model(X: Any, y: Any, model: str, C: float, rate: float) -> Any:
    """Learn."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    made = {
        "logistic": lambda: LogisticRegression(C=C, max_iter=200),
        "boosting": lambda: HistGradientBoostingClassifier(learning_rate=rate, max_iter=25, early_stopping=False),
        "forest": lambda: RandomForestClassifier(24, max_depth=9, random_state=0),
    }[model]()
    if model == "boosting":
        made.set_params(random_state=0)
    return made.fit(X, y)


@ml.step(rows="each")
def predict(model: Any, X: Any) -> Any:
    """Return the probability of being late."""
    return model.predict_proba(X)[:, 1]


def flow(data: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the deferred outputs of one iteration."""
    tables = {name: ml.read(data / f"{name}.parquet") for name in ("flights", "weather", "planes", "airports")}
    rows = clean(tables["flights"], 5)
    rows = join_weather(rows, tables["weather"])
    rows = join_planes(rows, tables["planes"])
    rows = join_airports(rows, tables["airports"])
    rows = time_features(rows, settings["season"])
    rows = with_label(history_features(rows, settings["window"]), LATE_MIN)
    train, test = clean_train(months(rows, *LEARNED), settings["drop"]), months(rows, *TRIED)
    encoder = fit_encoder(train)
    X, X_test = encode(encoder, train), encode(encoder, test)
    model = fit_model(X, train["late"], settings["model"], settings["C"], settings["rate"])
    return {"auc": ml.scored(test["late"], predict(model, X_test), "roc_auc")}


def settings_of_iterations() -> list[dict[str, Any]]:
    """Return the settings of each iteration, each an edit of the one before."""
    listed: list[dict[str, Any]] = []
    for _, edit in EDITS:
        listed.append({**(listed[-1] if listed else FIRST), **edit})
    return listed


def run_all(data: Path, sample: Sample | None, *, reuse: bool) -> tuple[list[Iteration], list[float]]:
    """Run the iterations in one project, or each in its own; return the runs and their CPU seconds."""
    runs, spent = [], []
    with tempfile.TemporaryDirectory() as folder:
        for i, settings in enumerate(settings_of_iterations()):
            with ml.connect(Path(folder) / ("all" if reuse else str(i))) as session:
                begun = time.process_time()
                runs.append(iterate(session, flow(data, settings), approximate=sample))
                spent.append(time.process_time() - begun)
    return runs, spent


def sampled_runs(data: Path, salt: int, full: list[float]) -> dict[str, Any]:
    """Run the iterations on a sample and judge all pairs; escalate the undecided neighbors."""
    listed = settings_of_iterations()
    sample = Sample(FRACTION, salt)
    with tempfile.TemporaryDirectory() as folder, ml.connect(folder) as session:
        runs, spent, verdict_s = [], [], 0.0
        for settings in listed:
            begun = time.process_time()
            runs.append(iterate(session, flow(data, settings), approximate=sample))
            spent.append(time.process_time() - begun)
        judged = []
        for i, j in itertools.combinations(range(len(runs)), 2):
            begun = time.process_time()
            verdict = verdicts_of(session, runs[i].version, runs[j].version)["auc"]
            verdict_s += time.process_time() - begun if j == i + 1 else 0.0
            judged.append(
                {"pair": [i, j], "says": verdict.says, "sampled": verdict.difference, "full": full[j] - full[i]}
            )
        begun = time.process_time()
        for one in judged:
            i, j = one["pair"]
            if j == i + 1 and one["says"] == "undecided":
                one["escalated"] = _escalated(session, data, listed[i], listed[j], sample)
        larger_s = time.process_time() - begun
    aucs = [float(run["auc"]) for run in runs]
    return {
        "salt": salt,
        "auc": aucs,
        "cpu_s": spent,
        "verdict_s": verdict_s,
        "escalation_s": larger_s,
        "judged": judged,
    }


def _escalated(session: Any, data: Path, old: Any, new: Any, sample: Sample) -> dict[str, Any]:
    made = escalated(
        session,
        lambda larger: iterate(session, flow(data, old), approximate=larger),
        lambda larger: iterate(session, flow(data, new), approximate=larger),
        sample.larger(),
    )
    return {"says": made.verdicts["auc"].says, "fraction": made.rungs[-1].fraction, "ended": made.ended}


def shares(judged: list[dict[str, Any]], says: str = "says") -> dict[str, float]:
    """Return the shares of wrong and of undecided verdicts among the pairs whose full AUCs differ enough."""
    large = [one for one in judged if abs(one["full"]) > LARGE]
    verdicts = [(one.get("escalated", one) if says == "escalated" else one)["says"] for one in large]
    wrong = sum(
        v in {"better", "worse"} and (v == "better") != (one["full"] > 0)
        for v, one in zip(verdicts, large, strict=True)
    )
    n = max(1, len(large))
    return {"pairs": len(large), "wrong": wrong / n, "undecided": verdicts.count("undecided") / n}


def main() -> None:
    """Run, print the figures, and last the JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--salts", type=int, default=SALTS)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    n_salts = QUICK_SALTS if given.quick else given.salts
    plain, plain_s = run_all(given.data, None, reuse=False)
    _, reused_s = run_all(given.data, None, reuse=True)
    full = [float(run["auc"]) for run in plain]
    for (name, _), auc, one_s, other_s in zip(EDITS, full, plain_s, reused_s, strict=True):
        print(f"{name:24} AUC {auc:.4f}   full {one_s:6.2f} CPU s, with reuse {other_s:6.2f}", flush=True)
    salts = []
    for salt in range(n_salts):
        salts.append(sampled_runs(given.data, salt, full))
        last = salts[-1]
        print(f"salt {salt}: CPU {sum(last['cpu_s']):.2f} s: {' '.join(f'{s:.2f}' for s in last['cpu_s'])}", flush=True)
        print(
            f"  AUC {' '.join(f'{a:.4f}' for a in last['auc'])}; verdicts {last['verdict_s']:.2f}, escalation {last['escalation_s']:.2f} s"
        )
        for one in last["judged"]:
            if one["pair"][1] == one["pair"][0] + 1:
                print("   ", json.dumps(one))
    print(json.dumps(report(full, plain_s, reused_s, salts)))


def report(
    full: list[float], plain_s: list[float], reused_s: list[float], salts: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return name, figures, targets and which are met."""
    every = [one for salt in salts for one in salt["judged"]]
    neighbors = [one for one in every if one["pair"][1] == one["pair"][0] + 1]
    n = len(salts)
    sampled_s = sum(sum(salt["cpu_s"]) + salt["verdict_s"] for salt in salts) / n
    escalation_s = sum(salt["escalation_s"] for salt in salts) / n
    later_s = [sum(salt["cpu_s"][i] for salt in salts) / n for i in range(len(full))]
    figures = {
        "auc_bias": sum(a - f for salt in salts for a, f in zip(salt["auc"], full, strict=True)) / (n * len(full)),
        "cpu_ratio_cold": sum(plain_s) / sampled_s,
        "cpu_ratio_with_escalation": sum(plain_s) / (sampled_s + escalation_s),
        "cpu_ratio_against_reuse": sum(reused_s) / sampled_s,
        "cpu_ratio": sum(plain_s[1:]) / (sum(later_s[1:]) + sum(s["verdict_s"] for s in salts) / n),
        "plain_cpu_s": plain_s, "reused_cpu_s": reused_s, "sampled_cpu_s": later_s,
        "neighbors": shares(neighbors), "neighbors_escalated": shares(neighbors, "escalated"), "pairs": shares(every),
    }  # fmt: skip
    judged = {"wrong": shares(every)["wrong"], "undecided": shares(every)["undecided"]}
    met = {
        "cpu_ratio": figures["cpu_ratio"] >= TARGETS["cpu_ratio"],
        **{name: value <= TARGETS[name] for name, value in judged.items()},
    }
    return {"name": "approximate", "figures": figures, "targets": TARGETS, "met": met}


if __name__ == "__main__":
    main()
