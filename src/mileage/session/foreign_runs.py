"""Runs that other tools have kept, read as lessons: a folder of MLflow's file store, or answers of OpenML's API as JSON files.

A run counts where its table's sizes, its estimator and a score on rows that were not trained on are known; the others are counted
with the reason. Parameters that the operator here lacks are left out.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mileage.catalog.lessons import LessonRecord
from mileage.core.domains import Value
from mileage.core.fingerprint import fingerprint
from mileage.errors import OperatorError
from mileage.operators import Family, operators
from mileage.operators.base import BuildContext
from mileage.operators.extras import is_there
from mileage.operators.metrics import resolve_metric
from mileage.results.encoding import value_to_json
from mileage.session.knowledge import TableTraits

_BEST = 8
_HELD_OUT = re.compile(r"(?:val|valid|validation|test|cv|mean_test)_(\w+)|(\w+?)_(?:val|valid|validation|test|cv)")
_OPENML = {  # names of OpenML's measures
    "area_under_roc_curve": "roc_auc",
    "predictive_accuracy": "accuracy",
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
}
_ALIASES = {"accuracy_score": "accuracy", "roc_auc_score": "roc_auc", "f1_score": "f1", "r2_score": "r2"}


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """One run: what its table is like, its task and metric, its loss (smaller is better) and its model by slot."""

    question: str
    table: TableTraits
    task: str
    metric: str
    loss: float
    steps: Mapping[str, Any] = field(default_factory=dict)


def foreign_lessons(folder: Path) -> tuple[list[LessonRecord], Counter[str]]:
    """Return the lessons of a folder, one for each table and metric, and how many runs were left out, by reason.

    Raises
    ------
    ValueError
        If the folder is neither a file store of MLflow nor has OpenML's ``evaluations.json`` and ``datasets.json``.
    """
    left_out: Counter[str] = Counter()
    if (folder / "evaluations.json").exists():
        runs = list(_openml_runs(folder, left_out))
    elif any(folder.glob("*/*/meta.yaml")):
        runs = list(_mlflow_runs(folder, left_out))
    else:
        message = "it holds neither runs of MLflow (mlruns) nor evaluations.json of OpenML"
        raise ValueError(message)
    return _lessons(runs, folder.name), left_out


def _lessons(runs: Iterable[ForeignRun], origin: str) -> list[LessonRecord]:
    asked: dict[tuple[str, str, str], list[ForeignRun]] = defaultdict(list)
    for run in runs:
        asked[run.question, run.task, run.metric].append(run)
    made = []
    for (_, task, metric), same in asked.items():
        best = sorted(same, key=lambda run: run.loss)[:_BEST]
        trials = [{"steps": run.steps, "loss": run.loss, "fit_s": None} for run in best]
        record = {"table": asdict(best[0].table), "metric": metric, "trials": trials}
        made.append(LessonRecord(str(fingerprint([task, json.dumps(record, sort_keys=True)])), task, record, origin))
    return made


# --- models -----------------------------------------------------------------------------------------------------------


@cache
def _operators_by_class() -> dict[str, str]:
    """Return the operator of each class of models, by the name of the class."""
    found: dict[str, str] = {}
    for operator in operators:
        if operator.family is Family.MODEL and operator.name != "dummy" and is_there(operator.extra):
            for task in operator.tasks:
                built = operator.build(operator.complete({}), BuildContext(task=task))
                found.setdefault(type(getattr(built, "regressor", built)).__name__, operator.name)
    return found


def steps_of_model(name: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a class of models and its parameters as steps of a lesson; None if no operator builds that class.

    Examples
    --------
    >>> steps_of_model("RandomForestClassifier", {"n_estimators": "300", "verbose": "0", "max_depth": "None"})
    {'model': ['random_forest', {'n_estimators': 300}]}
    >>> steps_of_model("IsolationForest", {}) is None
    True
    """
    operator = operators.find(_operators_by_class().get(name.rpartition(".")[2], ""))
    if operator is None:
        return None
    legal: dict[str, Any] = {}
    for param in operator.params:
        value = _plain(params.get(param.name))
        if value is not None and value != param.default and param.domain.contains(value):
            legal[param.name] = value_to_json(value)
    return {"model": [operator.name, legal]}


def _plain(value: Any) -> Value:
    """Return a parameter that was kept as text; None for what is not given, or is no plain value."""
    if not isinstance(value, str):
        return value if isinstance(value, bool | int | float) else None
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value
    return found if isinstance(found, bool | int | float | str) else None


def _loss(metric: str, score: float, task: str) -> float | None:
    if not math.isfinite(score):
        return None
    try:
        return -score if resolve_metric(metric, task).greater_is_better else score
    except OperatorError:  # unknown here, or of another task
        return None


# --- MLflow -----------------------------------------------------------------------------------------------------------


def _mlflow_runs(folder: Path, left_out: Counter[str]) -> Iterator[ForeignRun]:
    for meta in sorted(folder.glob("*/*/meta.yaml")):
        run = meta.parent
        if not (run / "metrics").is_dir():
            continue
        params, tags = _texts(run / "params"), _texts(run / "tags")
        steps = steps_of_model(tags.get("estimator_class", tags.get("estimator_name", "")), params)
        table = _mlflow_table(run)
        if steps is None:
            left_out["no estimator that MILE has"] += 1
        elif table is None:
            left_out["no dataset is logged with it"] += 1
        else:
            task = "regression" if tags.get("estimator_name", "").endswith("Regressor") else "binary"
            found = list(_mlflow_scores(run, task))
            if not found:
                left_out["no score on held-out rows"] += 1
            for metric, loss in found:
                yield ForeignRun(str(asdict(table)) + run.parent.name, table, task, metric, loss, steps)


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8").strip() for path in sorted(folder.glob("*")) if path.is_file()}


def _mlflow_scores(run: Path, task: str) -> Iterator[tuple[str, float]]:
    """Yield the last value of each metric whose name says that its rows were not trained on."""
    for name, text in _texts(run / "metrics").items():
        match = _HELD_OUT.fullmatch(name)
        metric = (match[1] or match[2]) if match else ""
        metric = _ALIASES.get(metric, metric)
        values = [line.split()[1] for line in text.splitlines() if len(line.split()) >= 2]
        loss = _loss(metric, float(values[-1]), task) if values and metric else None
        if loss is not None:
            yield metric, loss


def _mlflow_table(run: Path) -> TableTraits | None:
    """Return what the first dataset that was logged with a run is like."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    for meta in sorted((run / "inputs").glob("*/meta.yaml")):
        source = str((yaml.load(meta) or {}).get("source_id", ""))
        path = run.parent / "datasets" / source / "meta.yaml"
        if not path.exists():
            continue
        kept = yaml.load(path) or {}
        profile, schema = json.loads(kept.get("profile") or "{}"), json.loads(kept.get("schema") or "{}")
        columns = schema.get("mlflow_colspec", [])
        if profile.get("num_rows") and columns:
            words = sum(column.get("type") == "string" for column in columns)
            return TableTraits(int(profile["num_rows"]), len(columns), categorical=words / len(columns))
    return None


# --- OpenML -----------------------------------------------------------------------------------------------------------


def _openml_runs(folder: Path, left_out: Counter[str]) -> Iterator[ForeignRun]:
    entries = _json(folder / "evaluations.json", "evaluations", "evaluation")
    tables = {d["name"]: _openml_table(d) for d in _json(folder / "datasets.json", "data", "dataset")}
    setups = {str(s["setup_id"]): s for s in _json(folder / "setups.json", "setups", "setup", needed=False)}
    for entry in entries:
        table = tables.get(entry.get("data_name", ""))
        steps = steps_of_model(_flow_class(entry["flow_name"]), _setup_params(setups.get(str(entry.get("setup_id")))))
        metric = _OPENML.get(entry["function"], "")
        if table is None:
            left_out["sizes of its table are not in datasets.json"] += 1
        elif steps is None:
            left_out["no estimator that MILE has"] += 1
        else:
            n = table.n_classes
            task = "regression" if n == 0 else "binary" if n == 2 else "multiclass"
            loss = _loss(metric, float(entry["value"]), task) if metric else None
            if loss is None:
                left_out[f"no metric of {task} here: {entry['function']}"] += 1
            else:
                yield ForeignRun(str(entry["data_name"]), table, task, metric, loss, steps)


def _json(path: Path, outer: str, inner: str, *, needed: bool = True) -> list[dict[str, Any]]:
    if not needed and not path.exists():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))[outer][inner]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path.name} is no answer of OpenML's API: {type(error).__name__}: {error}"
        raise ValueError(message) from error
    return list(found)


def _flow_class(flow: str) -> str:
    """Return the class of a flow, or of the last step of a pipeline of flows.

    Examples
    --------
    >>> _flow_class("sklearn.ensemble._forest.RandomForestClassifier(3)")
    'RandomForestClassifier'
    >>> _flow_class(
    ...     "sklearn.pipeline.Pipeline(imputer=sklearn.impute._base.SimpleImputer,svc=sklearn.svm._classes.SVC)(1)"
    ... )
    'SVC'
    """
    named = re.findall(r"[\w.]+", re.sub(r"\(\d+\)$", "", flow))
    return str(named[-1]).rpartition(".")[2] if named else ""


def _setup_params(setup: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters of a setup, whose values are JSON within JSON."""
    found = {}
    for entry in (setup or {}).get("parameter", []):
        text = str(entry.get("value", ""))
        try:
            found[str(entry["parameter_name"])] = json.loads(text)
        except ValueError:
            found[str(entry["parameter_name"])] = text
    return found


def _openml_table(entry: Mapping[str, Any]) -> TableTraits | None:
    qualities = {q["name"]: float(q["value"]) for q in entry.get("quality", []) if q.get("value") not in {None, ""}}
    rows, columns = int(qualities.get("NumberOfInstances", 0)), int(qualities.get("NumberOfFeatures", 0)) - 1
    if rows < 1 or columns < 1:
        return None
    return TableTraits(
        n_rows=rows,
        n_columns=columns,
        n_classes=int(max(0.0, qualities.get("NumberOfClasses", 0))),
        categorical=min(1.0, max(0.0, qualities.get("NumberOfSymbolicFeatures", 1) - 1) / columns),
        missing=min(1.0, qualities.get("NumberOfMissingValues", 0) / (rows * columns)),
        minority=qualities.get("MinorityClassSize", 0.5 * rows) / rows,
    )
