"""A query that leaves no choice open is a step of a flow."""

from __future__ import annotations

import pandas as pd
import pytest

import mileage
from mileage.errors import EngineError
from mileage.workflow.flow.deferred import FlowError

ROWS = pd.DataFrame({"x": [float(i) for i in range(40)], "y": ["a" if i < 20 else "b" for i in range(40)]})


def test_a_query_of_one_workflow_fits_a_model(tmp_path):
    text = "PREDICT y FROM :rows WITH PIPELINE = median >> logistic(C = 1.0) VALIDATE BY 2 FOLDS"
    model = mileage.query(text, rows=ROWS)
    with mileage.connect(tmp_path) as session:
        assert mileage.compute(model.predict(ROWS[::39]), session=session, flow="q").tolist() == ["a", "b"]


def test_a_query_with_choices_is_refused_before_it_runs(tmp_path):
    with mileage.connect(tmp_path) as session, pytest.raises(EngineError, match="and a step is one"):
        mileage.compute(mileage.query("PREDICT y FROM :rows", rows=ROWS), session=session, flow="q")


def test_a_query_reads_frames_of_the_flow_only():
    with pytest.raises(FlowError, match="reads a frame of the flow"):
        mileage.query("PREDICT y FROM 'rows.csv'")
