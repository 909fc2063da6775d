"""One line and a minute on 20 tables, against LightGBM and a random forest as they come.

Each table is split once into 75 % and 25 %; ``PREDICT target FROM 'train.parquet' BUDGET 60 s`` sees the first part in a
process of its own (in which the libraries of the baselines are not loaded), and all are scored on the second: ROC AUC, log
loss or RMSE. A table is *held* where the best workflow is at least as good as both baselines within one bootstrap standard
error of the difference. Time is from the start of the process to the printed answer.

Usage: ``python benchmarks/automl.py --data FOLDER`` with a ``manifest.json`` in the folder; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

N_TABLES, N_QUICK, QUICK_ROWS = 20, 3, 1000
N_BOOTSTRAP = 200
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


@dataclass(frozen=True)
class Table:
    """One table of the folder, split."""

    name: str
    target: str
    task: str
    train: pd.DataFrame
    test: pd.DataFrame

    @property
    def classes(self) -> list[str]:
        """The classes of both parts as text, sorted; empty for a regression."""
        if self.task == "regression":
            return []
        return sorted(set(labels(pd.concat([self.train, self.test])[self.target])))


@dataclass(frozen=True)
class Outcome:
    """What one table gave; losses are smaller for better."""

    name: str
    task: str
    seconds: float
    over_s: float
    score: dict[str, float]
    gap: dict[str, float]  # loss of MILE less loss of the baseline
    gap_se: dict[str, float]
    se: float
    error: str = ""

    @property
    def answered(self) -> bool:
        """Whether there was an answer within the budget contract."""
        return not self.error and self.over_s <= 0

    @property
    def held(self) -> bool:
        """Whether no baseline is better by more than one standard error of the difference."""
        return not self.error and all(gap <= self.gap_se[name] for name, gap in self.gap.items())

    @property
    def held_by_score(self) -> bool:
        """Whether no baseline is better by more than one standard error of the score itself."""
        return not self.error and all(gap <= self.se for gap in self.gap.values())


def ask_mile(query: str, project: str, test: pd.DataFrame, *, classify: bool) -> tuple[np.ndarray, list[str]]:
    """Run a query, print the answer, and return predictions of the best workflow for ``test`` with their classes."""
    import mileage

    with mileage.connect(project) as session:
        result: Any = session.run(query)
        print(result, flush=True)
        print("ANSWERED", flush=True)
        best = result["w1"]
        values = best.predict_proba(test) if classify else best.predict(test)
        return np.asarray(values, dtype=float), labels(pd.Series(best.classes)) if classify else []


def labels(y: pd.Series) -> list[str]:
    """Return class labels as text, the way a table's text would show them."""
    if pd.api.types.is_bool_dtype(y):
        return [str(v).lower() for v in y]
    if pd.api.types.is_float_dtype(y) and (y == y.round()).all():
        return [str(int(v)) for v in y]
    return [str(v) for v in y]


def load_tables(folder: Path, seed: int, *, quick: bool, every: bool, names: list[str]) -> list[Table]:
    """Return the tables of the manifest, in its order."""
    listed = [entry for entry in json.loads((folder / "manifest.json").read_text())["datasets"] if "file" in entry]
    if names:
        listed = [entry for entry in listed if entry["name"] in names]
    elif quick:
        listed = [entry for entry in listed if entry["rows"] <= QUICK_ROWS][:N_QUICK]
    elif not every:
        listed = listed[:N_TABLES]
    return [split_table(folder, entry, seed) for entry in listed]


def split_table(folder: Path, entry: dict[str, Any], seed: int) -> Table:
    """Return one table in two parts, stratified by class."""
    from sklearn.model_selection import train_test_split

    frame = pd.read_parquet(folder / entry["file"]).drop(columns=entry["exclude"]).dropna(subset=[entry["target"]])
    strata = None if entry["task"] == "regression" else frame[entry["target"]]
    train, test = train_test_split(frame, test_size=0.25, random_state=seed, stratify=strata)
    return Table(
        entry["name"], entry["target"], entry["task"], train.reset_index(drop=True), test.reset_index(drop=True)
    )


def baseline(table: Table, kind: str, seed: int) -> np.ndarray:
    """Return predictions of a default model behind median imputation and ordinal codes."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    x, y = table.train.drop(columns=table.target), table.train[table.target]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    plain = ColumnTransformer(
        [("number", SimpleImputer(strategy="median"), make_column_selector(dtype_include=["number", "bool"]))],
        remainder=make_pipeline(SimpleImputer(strategy="constant", fill_value="(missing)"), codes),
    )
    regression = table.task == "regression"
    forest = RandomForestRegressor if regression else RandomForestClassifier
    boosting = LGBMRegressor if regression else LGBMClassifier
    model = forest(random_state=seed, n_jobs=-1) if kind == "forest" else boosting(random_state=seed, verbose=-1)
    steps = make_pipeline(plain, model)
    texts = [c for c in x if not pd.api.types.is_numeric_dtype(x[c])]
    x, test = (_as_objects(part, texts) for part in (x, table.test.drop(columns=table.target)))
    if regression:
        return np.asarray(steps.fit(x, y).predict(test))
    steps.fit(x, np.array(labels(y)))
    return aligned(steps.predict_proba(test), list(model.classes_), table.classes)


def _as_objects(x: pd.DataFrame, texts: list[str]) -> pd.DataFrame:
    return x.assign(
        **{c: x[c].astype(object).where(x[c].notna(), "(missing)").astype(str).astype(object) for c in texts}
    )


def aligned(proba: np.ndarray, columns: list[str], classes: list[str]) -> np.ndarray:
    """Return probabilities with one column for each class, in order; a class that was never seen has 0."""
    found = {name: i for i, name in enumerate(columns)}
    unknown = set(columns) - set(classes)
    if unknown:
        message = f"classes {sorted(unknown)} are none of the table's: {classes}"
        raise ValueError(message)
    zeros = np.zeros(len(proba))
    return np.column_stack([proba[:, found[c]] if c in found else zeros for c in classes])


def measure(table: Table, y: np.ndarray, predictions: np.ndarray) -> float:
    """Return the score of the task's metric."""
    from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

    if table.task == "binary":
        return float(roc_auc_score(y, predictions[:, 1]))
    if table.task == "multiclass":
        clipped = np.clip(predictions, 1e-15, None)
        return float(log_loss(y, clipped / clipped.sum(axis=1, keepdims=True), labels=np.arange(len(table.classes))))
    return float(root_mean_squared_error(y, predictions))


def loss(table: Table, y: np.ndarray, predictions: np.ndarray) -> float:
    """Return the score turned so that smaller is better."""
    score = measure(table, y, predictions)
    return -score if table.task == "binary" else score


def run_table(table: Table, budget_s: float, seed: int) -> Outcome:
    """Ask MILE and both baselines about one table."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, error = run_child(table, Path(folder), budget_s)
        over = seconds - budget_s - max(2.0, 0.05 * budget_s)
        if error:
            return Outcome(table.name, table.task, seconds, over, {}, {}, {}, float("nan"), error)
        saved = np.load(Path(folder) / "predictions.npz", allow_pickle=False)
        mine = (
            saved["values"]
            if table.task == "regression"
            else aligned(saved["values"], list(saved["classes"]), table.classes)
        )
    found = {"mile": mine, "lightgbm": baseline(table, "lightgbm", seed), "forest": baseline(table, "forest", seed)}
    return compare(table, seconds, over, found, seed)


def run_child(table: Table, folder: Path, budget_s: float) -> tuple[float, str]:
    """Run the query in a process of its own; return the seconds until its answer was printed, and an error or nothing."""
    table.train.to_parquet(folder / "train.parquet")
    table.test.drop(columns=table.target).to_parquet(folder / "test.parquet")
    query = f"PREDICT \"{table.target}\" FROM '{folder / 'train.parquet'}' BUDGET {budget_s:g} s"
    job = {"query": query, "folder": str(folder), "classify": table.task != "regression"}
    begun, answered, lines = time.perf_counter(), float("inf"), []
    command = [sys.executable, __file__, "--child", json.dumps(job)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            lines.append(line)
            if line.startswith("ANSWERED"):
                answered = time.perf_counter() - begun
    return answered, "" if child.returncode == 0 else "".join(lines[-5:]).strip()


def child(job: dict[str, Any]) -> None:
    """Do what :func:`run_child` asks."""
    folder = Path(job["folder"])
    test = pd.read_parquet(folder / "test.parquet")
    values, classes = ask_mile(job["query"], str(folder), test, classify=job["classify"])
    np.savez(folder / "predictions.npz", values=values, classes=np.array(classes, dtype=str))


def compare(table: Table, seconds: float, over: float, found: dict[str, np.ndarray], seed: int) -> Outcome:
    """Score all on the held-out part, with paired bootstrap errors."""
    target = table.test[table.target]
    if table.task == "regression":
        y = target.to_numpy(dtype=float)
    else:
        codes = {c: i for i, c in enumerate(table.classes)}
        y = np.array([codes[v] for v in labels(target)])
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, len(y), len(y)) for _ in range(N_BOOTSTRAP)]
    drawn = [rows for rows in drawn if table.task != "binary" or len(set(y[rows])) == len(table.classes)]
    samples = {name: np.array([loss(table, y[rows], p[rows]) for rows in drawn]) for name, p in found.items()}
    whole = {name: loss(table, y, p) for name, p in found.items()}
    others = [name for name in found if name != "mile"]
    gap = {name: whole["mile"] - whole[name] for name in others}
    gap_se = {name: float(np.std(samples["mile"] - samples[name], ddof=1)) for name in others}
    score = {name: measure(table, y, p) for name, p in found.items()}
    return Outcome(table.name, table.task, seconds, over, score, gap, gap_se, float(np.std(samples["mile"], ddof=1)))


def report(outcomes: list[Outcome], budget_s: float, seed: int) -> str:
    """Return the table of all results in Markdown."""
    lines = [
        "# One line on many tables",
        "",
        f"`PREDICT target FROM 'train.parquet' BUDGET {budget_s:g} s`, scored on the same held-out 25 % (seed {seed}) as LightGBM and",
        "a random forest with their defaults. ± is one bootstrap standard error; *held*: no baseline is better by more than one",
        "standard error of the difference. Written by `benchmarks/automl.py`.",
        "",
        "| table | metric | MILE | LightGBM | forest | held | seconds | in budget |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for o in outcomes:
        if o.error:
            lines.append(
                f"| {o.name} | {METRICS[o.task]} | failed: {o.error.splitlines()[-1][:80]} | | | no | {o.seconds:.1f} | no |"
            )
            continue
        figures = f"{o.score['mile']:.5g} ± {o.se:.2g} | {o.score['lightgbm']:.5g} | {o.score['forest']:.5g}"
        lines.append(
            f"| {o.name} | {METRICS[o.task]} | {figures} | {_yes(o.held)} | {o.seconds:.1f} | {_yes(o.answered)} |"
        )
    return "\n".join(lines) + "\n"


def _yes(claim: bool) -> str:
    return "yes" if claim else "**no**"


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return the figures, the targets, and whether they are met."""
    figures = {
        "tables": len(outcomes),
        "answered_in_budget": sum(o.answered for o in outcomes),
        "held": sum(o.held for o in outcomes),
        "held_by_error_of_score": sum(o.held_by_score for o in outcomes),
        "largest_over_s": round(max(o.over_s for o in outcomes), 2),
        "not_held": [o.name for o in outcomes if not o.held],
    }
    targets = {"answered_in_budget": len(outcomes), "held": len(outcomes)}
    met = all(figures[name] == wanted for name, wanted in targets.items())
    return {"name": "automl", "figures": figures, "targets": targets, "met": met}


def main() -> int:
    """Run all tables, write the table of results, print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with manifest.json and its tables")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for each table")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="three small tables, 10 s each")
    parser.add_argument("--all", action="store_true", help="all tables of the manifest, not the first 20")
    parser.add_argument("--tables", nargs="*", default=[], help="these tables only")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "automl.md")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(json.loads(given.child))
        return 0
    if given.data is None:
        parser.error("--data is needed")
    budget = 10.0 if given.quick else given.budget
    outcomes = []
    for table in load_tables(given.data, given.seed, quick=given.quick, every=given.all, names=given.tables):
        outcomes.append(run_table(table, budget, given.seed))
        print(f"{table.name:20} {outcomes[-1].seconds:6.1f} s  {outcomes[-1].score}  {outcomes[-1].error}", flush=True)
    if not given.quick and not given.tables:
        given.out.write_text(report(outcomes, budget, given.seed), encoding="utf-8")
    else:
        print(report(outcomes, budget, given.seed))
    print(json.dumps(summary(outcomes)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
