"""The first rounds of a boosted model: made when they are asked for, and a booster wherever they are written."""

import pickle

import numpy as np
import pytest
from lightgbm import Booster, LGBMClassifier

from mileage.engine.values import size_of
from mileage.traits.restrict import cut_back


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    return X, (X[:, 0] + rng.normal(size=300) > 0).astype(int)


def test_a_cut_answers_as_its_own_booster_and_is_written_as_one(rows, monkeypatch) -> None:
    X, y = rows
    whole = LGBMClassifier(n_estimators=20, verbosity=-1).fit(X, y)
    own = Booster(model_str=whole.booster_.model_to_string(num_iteration=7))
    made: list[int] = []
    begin = Booster.__init__
    monkeypatch.setattr(Booster, "__init__", lambda self, *a, **k: (made.append(1), begin(self, *a, **k))[1])
    cut = cut_back("LGBMClassifier", "n_estimators", whole, 7)
    assert cut.booster_.current_iteration() == 7
    assert 0.2 * size_of(whole) < size_of(cut) < 0.6 * size_of(whole)
    assert (cut.predict_proba(X)[:, 1] == own.predict(X)).all()
    assert (cut.predict_proba(X, num_iteration=50)[:, 1] == own.predict(X)).all()
    for start, n in ((2, None), (2, 3), (7, None), (9, 2)):
        asked = {"start_iteration": start, "num_iteration": n}
        assert (cut.booster_.predict(X, **asked) == own.predict(X, **asked)).all()
    assert len(made) == 1, "where no round is left, its own booster says what that means"
    made.clear()
    assert cut.booster_.num_trees() == 7
    assert made == []
    again = cut_back("LGBMClassifier", "n_estimators", cut, 3)
    assert (again.predict_proba(X)[:, 1] == own.predict(X, num_iteration=3)).all()
    written = pickle.loads(pickle.dumps(cut))
    assert type(written.booster_) is Booster
    assert (written.predict_proba(X) == cut.predict_proba(X)).all()
