"""No workflow sees the rows that score it: scores of noise are those of a guess."""

import numpy as np
import pandas as pd
import pytest

from mileage.session import Result, Session

N = 300
PREPARATIONS = [
    "ENCODE = target",
    "ENCODE = target(smooth = 0.0)",
    "SELECT = k_best(k = 3)",
    "SELECT = k_best(k = 3, score = mutual_information)",
    "SELECT = model_based",
    "REDUCE = pca(n_components = 5)",
    "IMPUTE = iterative(max_iter = 2)",
    "IMPUTE = impute_knn",
    "SCALE = quantile",
    "TEXT = tf_idf",
]


def noise() -> pd.DataFrame:
    """Return many columns, wide enough to fit any target, and a target that goes with none of them."""
    rng = np.random.default_rng(5)
    columns: dict[str, object] = {f"x{i}": rng.normal(size=N) for i in range(100)}
    columns["x0"] = np.where(rng.random(N) < 0.3, np.nan, columns["x0"])
    columns |= {f"c{i}": [f"v{k}" for k in rng.integers(0, 150, N)] for i in range(2)}
    columns["t"] = [" ".join(f"w{k}" for k in rng.integers(0, 300, 6)) for _ in range(N)]
    return pd.DataFrame(columns).assign(y=rng.permutation(np.repeat(["no", "yes"], N // 2)))


@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_a_shuffled_target_is_guessed_at_chance(session: Session, preparation: str) -> None:
    query = f"PREDICT y FROM :df VALIDATE BY 4 FOLDS WITH MODEL = logistic(C = 1.0), {preparation} BUDGET 1 trials"
    result = session.run(query, frames={"df": noise()})
    assert isinstance(result, Result)
    [trial] = [t for t in result.leaderboard.trials if t.number == 1]
    assert trial.state == "ok", trial.error
    # 300 rows: the standard error of a guess's AUC is 0.033; what is fitted on all rows scores above 0.8 here.
    assert abs(trial.mean("roc_auc") - 0.5) < 0.13


@pytest.mark.parametrize(
    "validate", ["BY 4 FOLDS", "BY 4 FOLDS KEEPING c0 TOGETHER", "BY HOLDOUT 25%", "BY BOOTSTRAP 3"]
)
def test_train_and_test_rows_never_meet(session: Session, validate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mileage.operators import running

    seen: dict[str, list[frozenset[float]]] = {"fit": [], "predict": []}
    fit_model, predict = running.fit_model, running.predict
    monkeypatch.setattr(running, "fit_model", lambda e, X, y, **k: (_note(seen["fit"], X), fit_model(e, X, y, **k))[1])
    monkeypatch.setattr(running, "predict", lambda s, X, *a: (_note(seen["predict"], X), predict(s, X, *a))[1])
    frame = noise()[["x1", "c0", "y"]]
    session.run(
        f"PREDICT y FROM :df FEATURES (x1) VALIDATE {validate} "
        "WITH MODEL = gaussian_nb(var_smoothing = 1e-9), SCALE = none BUDGET 1 trials",
        frames={"df": frame},
    )
    scored = [(a, b) for a, b in zip(seen["fit"], seen["predict"], strict=False) if len(a) < N]
    assert scored
    assert all(a.isdisjoint(b) for a, b in scored)


def _note(seen: list[frozenset[float]], X: object) -> None:
    seen.append(frozenset(np.asarray(X, dtype=float)[:, 0].tolist()))


def test_the_number_of_a_row_s_fold_is_no_help(session: Session) -> None:
    """A canary: the fold in which a row is tested, as a column; no train row has the value of a test row."""
    from mileage.data import SplitSpec, deal

    frame = noise()[["x1", "y"]]
    codes = (frame["y"] == "yes").to_numpy(dtype=int)
    splits = deal(SplitSpec(n=4, stratify=True), n_rows=N, y=codes)
    fold = np.zeros(N, dtype=int)
    for i, pair in enumerate(splits.pairs):
        fold[pair.test.indices()] = i
    frame = frame.assign(canary=[f"f{i}" for i in fold])
    query = (
        "PREDICT y FROM :df VALIDATE BY 4 FOLDS WITH MODEL = logistic(C = 1.0), ENCODE = target | one_hot | ordinal "
        "BUDGET 3 trials"
    )
    result = session.run(query, frames={"df": frame})
    assert isinstance(result, Result)
    tried = [t for t in result.leaderboard.trials if t.number > 0]
    assert len(tried) == 3
    assert all(abs(t.mean("roc_auc") - 0.5) < 0.13 for t in tried)
