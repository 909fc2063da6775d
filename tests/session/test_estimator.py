"""Any scikit-learn compatible estimator is a step of a query built in Python."""

import pandas as pd
import pytest

import mileage
from mileage.errors import OperatorError
from mileage.operators import operators
from mileage.session import Session


@pytest.fixture(autouse=True)
def forget():
    before = {op.name for op in operators.added()}
    yield
    for op in operators.added():
        if op.name not in before:
            operators.remove(op.name)


@pytest.mark.parametrize(
    ("slot", "estimator", "options"),
    [
        ("select", "sklearn.preprocessing.KBinsDiscretizer", {"n_bins": 5, "quantile_method": "averaged_inverted_cdf"}),
        ("scale", "sklearn.preprocessing.MaxAbsScaler", {"columns": "numeric"}),
        ("select", "sklearn.feature_selection.SelectPercentile", {"percentile": 50}),
        ("encode", "sklearn.preprocessing.OneHotEncoder", {"columns": "categorical", "handle_unknown": "ignore"}),
        ("select", "sklearn.kernel_approximation.Nystroem", {"n_components": 10}),
        ("text", "sklearn.feature_extraction.text.CountVectorizer", {"columns": "text", "max_features": 20}),
        ("model", "sklearn.discriminant_analysis.LinearDiscriminantAnalysis", {}),
        ("model", "sklearn.ensemble.AdaBoostClassifier", {"n_estimators": 5}),
    ],
)
def test_an_estimator_by_dotted_name_is_a_step(session: Session, table: pd.DataFrame, slot, estimator, options) -> None:
    frame = table.assign(note=[f"good word number {i} of {i % 7} days" for i in range(len(table))])
    model = {} if slot == "model" else {"model": "logistic(C = 1.0)"}
    query = (
        mileage.predict("y")
        .from_(frame)
        .validate(folds=3)
        .with_(**{slot: mileage.estimator(estimator, **options)}, **model)
        .budget(trials=1)
    )
    result = query.run(session)
    [trial] = [t for t in result.leaderboard.trials if t.number == 1]
    assert trial.state == "ok", trial.error
    assert estimator.rpartition(".")[2].lower() in trial.describe
    assert len(result["w1"].predict(frame)) == len(frame)


def test_steps_may_be_alternatives(session: Session, table: pd.DataFrame) -> None:
    huber = mileage.estimator("sklearn.linear_model.HuberRegressor", epsilon=1.5)
    assert str(mileage.predict("size").with_(model=huber)).endswith("huberregressor(epsilon = 1.5)")
    query = (
        "PREDICT size FROM :df VALIDATE BY 3 FOLDS WITH MODEL = huberregressor(epsilon = 1.5) | ridge BUDGET 2 trials"
    )
    result = session.run(query, frames={"df": table})
    assert {t.state for t in result.leaderboard.trials} == {"ok"}


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("sklearn.svm.Nothing",), {}, "no estimator"),
        (("sklearn.svm.SVC",), {"cc": 1}, "no parameter 'cc'"),
        (("sklearn.svm.SVC",), {"columns": "rows"}, "no columns are called 'rows'"),
        (("sklearn.svm.SVC",), {"class_weight": {0: 1}}, "cannot be written|no parameter"),
    ],
)
def test_mistakes_are_told(arguments, options, message) -> None:
    with pytest.raises(OperatorError, match=message):
        mileage.estimator(*arguments, **options)
