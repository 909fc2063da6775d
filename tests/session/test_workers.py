"""What workers take from the driver: its own metrics go there, and the work that needs scikit-learn."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.operators.metrics import Metric, metrics


class Twice(Metric):
    """Twice the share of right labels."""

    name = "twice_right"
    tasks = ("binary",)

    def measure(self, y, predictions, classes):
        return 2.0 * float(np.mean(np.asarray(y) == predictions.labels))


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    return pd.DataFrame({"a": a, "y": np.where(a + rng.normal(size=200) > 0, "yes", "no")})


def test_a_metric_added_by_hand_is_known_to_workers(tmp_path, frame):
    metrics.add(Twice())
    try:
        with mileage.connect(tmp_path, workers=1) as session:
            result = session.run(
                "PREDICT y FROM :t OPTIMIZE twice_right THEN accuracy WITH PIPELINE = logistic(C = 1.0)",
                frames={"t": frame},
            )
            trial = result.trial("w1")
    finally:
        metrics.remove("twice_right")
    assert trial.scores["twice_right"] == pytest.approx([2 * s for s in trial.scores["accuracy"]])


def test_the_driver_imports_no_scikit_learn_where_no_budget_is_set(tmp_path, frame):
    frame.to_csv(tmp_path / "t.csv", index=False)
    code = (
        "import sys, mileage\n"
        "with mileage.connect('.', workers=1) as session:\n"
        "    session.run(\"PREDICT y FROM 't.csv' OPTIMIZE roc_auc WITH PIPELINE = logistic(C = 1.0)\")\n"
        "print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
