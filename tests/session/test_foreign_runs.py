"""Runs of MLflow and OpenML as lessons: what counts, and what is left out with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mileage
from mileage.session.foreign_runs import foreign_lessons
from mileage.session.knowledge import wish_of
from mileage.session.knowledge_files import import_knowledge


def mlflow_run(
    experiment: Path,
    name: str,
    estimator: str,
    params: dict[str, str],
    metrics: dict[str, float],
    *,
    dataset: bool = True,
) -> None:
    """Write one run as MLflow's file store does."""
    run = experiment / name
    for folder in ("params", "metrics", "tags", "inputs/i1"):
        (run / folder).mkdir(parents=True)
    (run / "meta.yaml").write_text(f"run_id: {name}\nstatus: 3\n")
    for key, value in params.items():
        (run / "params" / key).write_text(value)
    for key, score in metrics.items():
        (run / "metrics" / key).write_text(f"1700000000000 0.1 0\n1700000000001 {score} 1\n")
    (run / "tags" / "estimator_name").write_text(estimator)
    (run / "tags" / "estimator_class").write_text(f"sklearn.somewhere.{estimator}")
    if dataset:
        (run / "inputs" / "i1" / "meta.yaml").write_text("source_id: d1\nsource_type: DATASET\n")


@pytest.fixture
def mlruns(tmp_path: Path) -> Path:
    """Return a file store of five runs, of which two count."""
    experiment = tmp_path / "mlruns" / "7"
    (experiment / "datasets" / "d1").mkdir(parents=True)
    columns = [{"type": "double", "name": "secret"}, {"type": "string", "name": "b"}]
    (experiment / "meta.yaml").write_text("experiment_id: '7'\n")
    (experiment / "datasets" / "d1" / "meta.yaml").write_text(
        "profile: '" + json.dumps({"num_rows": 900, "num_elements": 1800}) + "'\n"
        "schema: '" + json.dumps({"mlflow_colspec": columns}) + "'\n"
    )
    forest = {"n_estimators": "300", "min_samples_leaf": "3", "verbose": "0", "criterion": "gini"}
    mlflow_run(experiment, "a", "RandomForestClassifier", forest, {"val_roc_auc": 0.9, "training_roc_auc": 1.0})
    mlflow_run(experiment, "b", "LogisticRegression", {"C": "0.1"}, {"roc_auc_test": 0.8})
    mlflow_run(experiment, "c", "LogisticRegression", {"C": "0.1"}, {"training_roc_auc": 0.99})
    mlflow_run(experiment, "d", "IsolationForest", {}, {"val_roc_auc": 0.9})
    mlflow_run(experiment, "e", "LogisticRegression", {}, {"val_roc_auc": 0.9}, dataset=False)
    return tmp_path / "mlruns"


def test_runs_of_mlflow(mlruns: Path) -> None:
    [lesson], left_out = foreign_lessons(mlruns)
    assert (lesson.task, lesson.origin, lesson.record["metric"]) == ("binary", "mlruns", "roc_auc")
    assert (lesson.record["table"]["n_rows"], lesson.record["table"]["n_columns"]) == (900, 2)
    assert lesson.record["table"]["categorical"] == 0.5
    first, second = lesson.record["trials"]
    assert (first["loss"], second["loss"]) == (-0.9, -0.8)
    wish = wish_of(first["steps"])
    assert wish is not None
    assert dict(wish["model"].params) == {"n_estimators": 300, "min_samples_leaf": 3, "criterion": "gini"}
    assert left_out == {
        "no score on held-out rows": 1,
        "no estimator that MILE has": 1,
        "no dataset is logged with it": 1,
    }
    assert "secret" not in json.dumps(lesson.record)


@pytest.fixture
def openml(tmp_path: Path) -> Path:
    """Return answers of OpenML's API in a folder."""
    folder = tmp_path / "openml"
    folder.mkdir()
    qualities = {
        "NumberOfInstances": 1000,
        "NumberOfFeatures": 21,
        "NumberOfClasses": 2,
        "NumberOfSymbolicFeatures": 14,
        "MinorityClassSize": 300,
    }
    quality = [{"name": name, "value": str(value)} for name, value in qualities.items()]
    (folder / "datasets.json").write_text(
        json.dumps({"data": {"dataset": [{"did": 31, "name": "credit-g", "quality": quality}]}})
    )
    flow = "sklearn.pipeline.Pipeline(scale=sklearn.preprocessing._data.StandardScaler,svc=sklearn.svm._classes.SVC)(2)"
    base = {"flow_name": flow, "data_name": "credit-g", "function": "area_under_roc_curve", "setup_id": 5}
    listed = [
        {**base, "value": "0.77"},
        {**base, "value": "0.7", "function": "usercpu_time_millis"},
        {**base, "value": "0.7", "data_name": "unknown"},
        {**base, "value": "0.7", "flow_name": "weka.J48(1)"},
    ]
    (folder / "evaluations.json").write_text(json.dumps({"evaluations": {"evaluation": listed}}))
    parameter = [{"parameter_name": "C", "value": "10.0"}, {"parameter_name": "gamma", "value": '"scale"'}]
    (folder / "setups.json").write_text(json.dumps({"setups": {"setup": [{"setup_id": "5", "parameter": parameter}]}}))
    return folder


def test_runs_of_openml(openml: Path) -> None:
    [lesson], left_out = foreign_lessons(openml)
    assert (lesson.task, lesson.record["metric"]) == ("binary", "roc_auc")
    table = lesson.record["table"]
    assert (table["n_rows"], table["n_columns"], table["n_classes"], table["minority"]) == (1000, 20, 2, 0.3)
    assert table["categorical"] == 13 / 20
    [trial] = lesson.record["trials"]
    assert trial["steps"]["model"][0] == "svm"
    assert trial["steps"]["model"][1]["C"] == 10.0
    assert sum(left_out.values()) == 3


def test_damaged_answers_are_refused(openml: Path) -> None:
    (openml / "datasets.json").write_text("[]")
    with pytest.raises(ValueError, match=r"datasets.json is no answer"):
        foreign_lessons(openml)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither runs of MLflow"):
        foreign_lessons(tmp_path)


def test_they_are_imported_and_what_is_left_out_is_said(mlruns: Path, tmp_path: Path) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        report = import_knowledge(session, mlruns)
        assert report.data["new"] == 1
        assert "1 runs left out: no dataset is logged with it" in report.lines
        assert import_knowledge(session, mlruns).data["known"] == 1
