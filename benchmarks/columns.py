"""One feature added to a wide preprocessing block: what MILE computes again, against an oracle of whole operators.

The table is real (flights of New York, with weather and planes), made wide by what the same aircraft did before: 100 columns of
numbers, 30 of text. The block is scikit-learn's own ColumnTransformer: median and scaling, ranks for what is skewed, one-hot.
The edit adds one feature. The *coarse oracle* runs each whole operator that the edit changes, in memory, and pays for nothing
else; *plain* runs everything. Each measured run is a process of its own, on one core with one thread, timed after the imports.

Usage: ``python benchmarks/columns.py --data FOLDER [--quick] [--rows N]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from blake3 import blake3
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

TARGETS = {"edit_of_oracle": 0.6, "cold_of_plain_wall": 1.03}
QUICK_ROWS = 20_000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
NUMBERS = (
    "dep_delay",
    "air_time",
    "distance",
    "hour",
    "minute",
    "temp",
    "humid",
    "wind_speed",
    "precip",
    "visib",
    "seats",
)
TEXTS = ("carrier", "origin", "dest", "engine", "manufacturer")
N_LAGS = {"number": 9, "text": 5}
SKEWED = ("dep_delay", "precip")
Step = Callable[..., Any]


def wide_table(folder: str, rows: int) -> pd.DataFrame:
    """Return flights with weather and plane, and the same columns of the flights the aircraft made before."""
    place = Path(folder) / "nycflights13"
    flights, weather, planes = (pd.read_parquet(place / f"{n}.parquet") for n in ("flights", "weather", "planes"))
    keys = ["origin", "year", "month", "day", "hour"]
    table = flights.merge(weather.drop(columns="time_hour").drop_duplicates(keys), on=keys, how="left")
    table = table.merge(planes[["tailnum", "engine", "manufacturer", "seats"]], on="tailnum", how="left").head(rows)
    by_plane = table.groupby("tailnum")
    lagged = {f"{name}_{k}": by_plane[name].shift(k) for name in NUMBERS for k in range(1, N_LAGS["number"])}
    lagged |= {f"{name}_{k}": by_plane[name].shift(k) for name in TEXTS for k in range(1, N_LAGS["text"] + 1)}
    whole = pd.concat([table[[*NUMBERS, *TEXTS]], pd.DataFrame(lagged)], axis=1)
    whole["late"] = (table["arr_delay"].fillna(60) > 15).astype(int)
    return whole


def with_features(table: pd.DataFrame, *, edited: bool) -> pd.DataFrame:
    """Return the table with the feature that is thought of, once it is."""
    return table.assign(pace=table["distance"] / table["air_time"]) if edited else table.copy()


def summary(*matrices: Any) -> dict[str, Any]:
    """Return what tells whether matrices are the same, without keeping them."""
    parts = [p for m in matrices for p in ((m.data, m.indices, m.indptr) if hasattr(m, "indptr") else (m,))]
    digest = blake3(b"".join(blake3(np.ascontiguousarray(p).data.cast("B")).digest() for p in parts))
    return {"shape": list(matrices[0].shape), "digest": digest.hexdigest()}


def numbers_of(*, edited: bool) -> list[str]:
    """Return the numeric columns."""
    lagged = [f"{name}_{k}" for name in NUMBERS for k in range(1, N_LAGS["number"])]
    return [*NUMBERS, *lagged, *(["pace"] if edited else [])]


def block(*, edited: bool) -> ColumnTransformer:
    """Return the preprocessing."""
    names = numbers_of(edited=edited)
    skewed = [name for name in names if name.startswith(SKEWED)]
    texts = [*TEXTS, *(f"{name}_{k}" for name in TEXTS for k in range(1, N_LAGS["text"] + 1))]
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    ranked = make_pipeline(SimpleImputer(strategy="median"), QuantileTransformer(random_state=0))
    once = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=100)
    rest = [name for name in names if name not in skewed]
    return ColumnTransformer([("scaled", scaled, rest), ("ranked", ranked, skewed), ("texts", once, texts)])


def split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return train and test rows."""
    train, test = train_test_split(table, test_size=0.25, random_state=0)
    return train, test


def accuracy(truth: Any, predicted: Any) -> dict[str, Any]:
    """Return the share of test rows that are right, and the mean of the predictions."""
    share = float(((predicted > 0.5) == truth).mean())
    return {"accuracy": round(share, 10), "mean": round(float(np.mean(predicted)), 10)}


def changed(step: Step, table: Any, *, edited: bool, model: bool) -> Any:
    """Return what the workflow shows, of the block or of a model behind it: all that the edit touches."""
    train, test = step(split, outputs=2)(step(with_features)(table, edited=edited))
    preprocessing = step(block(edited=edited))
    made = preprocessing.fit_transform(train), preprocessing.transform(test)
    if not model:
        return step(summary)(*made)
    fitted = step(Ridge(solver="lsqr", max_iter=20)).fit(made[0], train["late"])
    return step(accuracy)(test["late"], fitted.predict(made[1]))


def at_once(what: Any, **_: Any) -> Any:
    """Stand for ``mileage.step`` where everything runs at once."""
    return what


def plain(given: argparse.Namespace, taken: dict[str, float]) -> Any:
    """Everything, at once."""
    with measured(taken):
        table = wide_table(str(given.data), given.rows)
        return changed(at_once, table, edited=given.edited, model=given.model)


def oracle(given: argparse.Namespace, taken: dict[str, float]) -> Any:
    """What the edit changes, by whole operators, on inputs that are in memory."""
    table = wide_table(str(given.data), given.rows)
    with measured(taken):
        return changed(at_once, table, edited=given.edited, model=given.model)


def mile(given: argparse.Namespace, taken: dict[str, float]) -> Any:
    """MILE, with what earlier processes kept."""
    for name in ("duckdb", "mileage.session.flow_file", "mileage.session.session"):
        importlib.import_module(name)
    import mileage

    with measured(taken), mileage.connect(given.store) as session:
        table = mileage.step(wide_table)(str(given.data), given.rows)
        wanted = changed(mileage.step, table, edited=given.edited, model=given.model)
        return mileage.compute(wanted, session=session, flow="columns")


@contextlib.contextmanager
def measured(taken: dict[str, float]) -> Iterator[None]:
    """Note CPU and wall seconds of what runs inside."""
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    taken |= {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def child(system: str, store: Path, given: argparse.Namespace, *, edited: bool, model: bool) -> dict[str, Any]:
    """Run one system once, in a process of its own."""
    words = [sys.executable, "-W", "ignore", __file__, "--data", str(given.data), "--rows", str(given.rows)]
    words += ["--system", system, "--store", str(store), *["--edited"] * edited, *["--model"] * model]
    pinned = ["taskset", "-c", str(given.core), *words] if shutil.which("taskset") else words
    done = subprocess.run(pinned, capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD)
    if done.returncode:
        raise RuntimeError(f"{system} failed:\n{done.stderr}")
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def measure(given: argparse.Namespace, *, model: bool) -> dict[str, Any]:
    """Measure the first run, the edit and a run without one; the least of some repeats of each."""
    made: dict[str, list[dict[str, Any]]] = {}
    for _ in range(given.repeats):
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder)
            runs = {
                "plain": child("plain", store, given, edited=False, model=model),
                "cold": child("mile", store, given, edited=False, model=model),
                "oracle": child("oracle", store, given, edited=True, model=model),
                "edit": child("mile", store, given, edited=True, model=model),
                "again": child("mile", store, given, edited=True, model=model),
            }
            for name, run in runs.items():
                made.setdefault(name, []).append(run)
    best = {
        f"{name}_{unit}": min(run[unit] for run in runs) for name, runs in made.items() for unit in ("cpu_s", "wall_s")
    }
    same = all(
        a["shown"] == b["shown"] for one, two in (("plain", "cold"), ("oracle", "edit"), ("edit", "again"))
        for a, b in zip(made[one], made[two], strict=True)
    )  # fmt: skip
    figures: dict[str, Any] = {name: round(value, 3) for name, value in best.items()}
    figures["edit_of_oracle_cpu"] = round(best["edit_cpu_s"] / best["oracle_cpu_s"], 3)
    figures["edit_of_oracle_wall"] = round(best["edit_wall_s"] / best["oracle_wall_s"], 3)
    figures["cold_of_plain_cpu"] = round(best["cold_cpu_s"] / best["plain_cpu_s"], 3)
    figures["cold_of_plain_wall"] = round(best["cold_wall_s"] / best["plain_wall_s"], 3)
    return figures | {"same_numbers": same}


def main() -> int:
    """Measure both workflows, print them, and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the shared tables")
    parser.add_argument("--rows", type=int, default=150_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--core", type=int, default=0, help="the core that all of it runs on")
    parser.add_argument("--quick", action="store_true", help="fewer rows, once")
    for name, options in (("system", {}), ("store", {"type": Path}), ("edited", {"action": "store_true"})):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS, **options)
    parser.add_argument("--model", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.data = given.data.resolve()
    if given.system:
        taken: dict[str, Any] = {}
        shown = {"plain": plain, "oracle": oracle, "mile": mile}[given.system](given, taken)
        print(json.dumps(taken | {"shown": shown}))
        return 0
    if given.quick:
        given.rows, given.repeats = QUICK_ROWS, 1
    figures: dict[str, Any] = {"rows": given.rows}
    for name, model in (("block", False), ("with_model", True)):
        figures[name] = measure(given, model=model)
        print(name, figures[name], flush=True)
    found = figures["block"]
    met = found["same_numbers"] and figures["with_model"]["same_numbers"]
    met &= max(found["edit_of_oracle_cpu"], found["edit_of_oracle_wall"]) <= TARGETS["edit_of_oracle"]
    met &= found["cold_of_plain_wall"] <= TARGETS["cold_of_plain_wall"]
    print(json.dumps({"name": "columns", "figures": figures, "targets": TARGETS, "met": bool(met)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
