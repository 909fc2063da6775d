"""Ten million rows of thirty columns in ten minutes and 20 GiB, beside LightGBM as it comes on a million of them.

The table is drawn: columns as real tables have them (skewed amounts, whole numbers, categories of 5 to 100,000 levels, dates,
what is missing in some), a target with interactions and noise, 3 % positives. It is written to Parquet a part at a time; both
answers are scored by ROC AUC on the same 200,000 further rows. The peak is the memory of the process and all below it, looked at
ten times a second.

Usage: ``python benchmarks/large.py [--quick]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

PART = 500_000
N_TEST = 200_000
SAMPLE = 1_000_000
GIB = 2**30


def drawn(n: int, seed: int) -> pd.DataFrame:
    """Return ``n`` rows of the table."""
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {f"x{i}": rng.normal(size=n).astype("float32") for i in range(10)}
    made |= {f"amount{i}": np.exp(rng.normal(2, 1 + i / 4, size=n)) for i in range(5)}
    made |= {f"count{i}": rng.poisson(3 * (i + 1), size=n) for i in range(4)}
    levels = (5, 12, 50, 200, 1_000, 100_000)
    codes = {f"level{k}": np.minimum((rng.pareto(1.0, size=n) * k / 20).astype(int), k - 1) for k in levels}
    when = rng.integers(0, 1_500, size=n)
    for i in (3, 4):
        made[f"x{i}"][rng.random(n) < 0.1 * i] = np.nan
    made |= {f"rate{i}": rng.beta(1 + i, 4, size=n) for i in range(3)}
    effects = {k: np.random.default_rng(k).normal(size=k) for k in levels}
    logit = 0.8 * made["x0"] * (made["x1"] > 0) + 0.5 * np.log1p(made["amount0"]) - 0.4 * made["count0"] * made["rate0"]
    logit += sum(0.4 * effects[k][codes[f"level{k}"]] for k in levels) + 0.5 * np.sin(when / 365 * 2 * np.pi)
    logit += rng.logistic(size=n)
    frame = pd.DataFrame(made)
    for name, code in codes.items():
        frame[name] = "k" + pd.Series(code).astype(str)
    frame["day"] = pd.Timestamp("2021-01-01") + pd.to_timedelta(when, unit="D")
    frame["flag"] = rng.random(n) < 0.3
    frame["hit"] = np.where(logit > 4.6, "yes", "no")
    return frame


def write(path: Path, n: int) -> None:
    """Write the table a part at a time."""
    writer = None
    for start in range(0, n, PART):
        part = pa.Table.from_pandas(drawn(min(PART, n - start), seed=start + 1), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    assert writer is not None
    writer.close()


class Peak:
    """The most memory that a process and all below it have held, in bytes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.bytes = psutil.Process(process.pid), 0
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            total = 0
            try:
                for one in (self.process, *self.process.children(recursive=True)):
                    total += one.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
            self.bytes = max(self.bytes, total)
            time.sleep(0.1)


_ASK = """
import sys, json, pandas as pd, mileage
train, test, out, seconds, memory = sys.argv[1:]
with mileage.connect(out + "/project") as session:
    made = session.run(f"PREDICT hit FROM '{train}' OPTIMIZE roc_auc BUDGET {seconds} s, {memory} GB")
    print(made, file=sys.stderr, flush=True)
    open(out + "/answered", "w").close()
    best = made["w1"]
    chance = best.predict_proba(test)[:, list(best.classes).index("yes")]
pd.Series(chance).to_pickle(out + "/chance.pkl")
"""


def ask_mile(folder: Path, seconds: int, memory: int) -> tuple[np.ndarray, float, int]:
    """Return the predictions of MILE's answer, the seconds from the start to it, and the peak of memory."""
    started = time.perf_counter()
    command = [sys.executable, "-c", _ASK, str(folder / "train.parquet"), str(folder / "test.parquet"), str(folder)]
    process = subprocess.Popen([*command, str(seconds), str(memory)], text=True)
    peak, took = Peak(process), 0.0
    while process.poll() is None:
        if not took and (folder / "answered").exists():
            took = time.perf_counter() - started
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"MILE ended with {process.returncode}")
    return pd.read_pickle(folder / "chance.pkl").to_numpy(), took or time.perf_counter() - started, peak.bytes


def lightgbm_default(folder: Path, n: int, test: pd.DataFrame) -> tuple[np.ndarray, float]:
    """Return the predictions of LightGBM as it comes, fitted on the first ``n`` rows, and its seconds."""
    import lightgbm

    started = time.perf_counter()
    batches = pq.ParquetFile(folder / "train.parquet").iter_batches(batch_size=min(n, PART))
    parts, have = [], 0
    for batch in batches:
        parts.append(batch.to_pandas())
        have += len(parts[-1])
        if have >= n:
            break
    train = pd.concat(parts).iloc[:n]
    levels = {c: train[c].unique() for c in train if c.startswith("level")}

    def features(frame: pd.DataFrame) -> pd.DataFrame:
        coded = {c: pd.Categorical(frame[c], known) for c, known in levels.items()}
        return frame.drop(columns="hit").assign(day=frame["day"].astype("int64"), **coded)

    model = lightgbm.LGBMClassifier(n_jobs=2, verbose=-1, random_state=0).fit(features(train), train["hit"])
    return model.predict_proba(features(test))[:, list(model.classes_).index("yes")], time.perf_counter() - started


def main() -> None:
    """Run the comparison."""
    from sklearn.metrics import roc_auc_score

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    n, seconds, memory, sample = (200_000, 60, 4, 20_000) if quick else (10_000_000, 600, 20, SAMPLE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "train.parquet", n)
        test = drawn(N_TEST // (10 if quick else 1), seed=999_999_999)
        test.drop(columns="hit").to_parquet(folder / "test.parquet")
        chance, took, peak = ask_mile(folder, seconds, memory)
        other, other_s = lightgbm_default(folder, sample, test)
    y = (test["hit"] == "yes").to_numpy()
    draws = np.random.default_rng(0).integers(0, len(y), size=(100, len(y)))
    gaps = [roc_auc_score(y[d], chance[d]) - roc_auc_score(y[d], other[d]) for d in draws]
    figures = {
        "rows": n,
        "positives": round(float(y.mean()), 4),
        "mile_auc": round(roc_auc_score(y, chance), 5),
        "lightgbm_auc": round(roc_auc_score(y, other), 5),
        "gap": round(float(np.mean(gaps)), 5),
        "gap_se": round(float(np.std(gaps)), 5),
        "mile_s": round(took, 1),
        "lightgbm_s": round(other_s, 1),
        "peak_gib": round(peak / GIB, 2),
    }
    targets = {"gap": ">= -gap_se", "mile_s": f"<= {seconds * 1.05:g}", "peak_gib": f"<= {memory}"}
    met = {
        "gap": figures["gap"] >= -figures["gap_se"],
        "mile_s": took <= seconds * 1.05,
        "peak_gib": peak <= memory * GIB,
    }
    print(json.dumps({"name": "large", "figures": figures, "targets": targets, "met": met}))


if __name__ == "__main__":
    main()
