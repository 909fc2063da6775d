"""What a search has saved is expected beforehand, and measured by its run."""

from pathlib import Path

from mileage.core.fingerprint import Fingerprint
from mileage.optimizer import Evaluation
from mileage.session import Result, Session
from mileage.session.reuse import Reuse
from mileage.workflow import Task, TaskKind

FORESTS = (
    "PREDICT y FROM '{csv}' VALIDATE BY 2 FOLDS "
    "WITH PIPELINE = median >> one_hot >> random_forest(n_estimators IN {{20, 40, 60}}) BUDGET 3 trials"
)


def evaluation(*names: str) -> Evaluation:
    """Return the evaluation of a workflow whose fits have these names."""
    return Evaluation(tuple(Task(TaskKind.FIT, name) for name in names), (), ())


def named(name: str) -> Fingerprint:
    """Return the fingerprint of a fit of this name."""
    return Task(TaskKind.FIT, name).fingerprint


def test_what_was_computed_once_counts_for_each_workflow_that_reads_it() -> None:
    reuse = Reuse()
    reuse.add(evaluation("impute", "forest"), {named("impute"): 3.0, named("forest"): 1.0}, {})
    reuse.add(
        evaluation("impute", "knn"),
        {named("impute"): 3.0, named("knn"): 2.0},
        {named("knn"): ((named("forest"), 4.0),)},
    )
    assert (reuse.computed_s, reuse.alone_s) == (6.0, 13.0)
    assert "2.2 times less" in reuse.text


def test_little_is_not_worth_a_word() -> None:
    reuse = Reuse()
    reuse.add(evaluation("impute"), {named("impute"): 0.1}, {})
    reuse.add(evaluation("impute"), {}, {})
    assert reuse.text == ""


def test_explain_shows_what_is_expected_and_after_a_run_what_was_measured(session: Session, csv: Path) -> None:
    text = FORESTS.format(csv=csv)
    before = session.run(f"EXPLAIN PLAN {text}")
    (shared,) = [section for section in before.sections if section.title == "shared"]
    rows = {row[0]: dict(zip(shared.header, row, strict=True)) for row in shared.rows}
    assert rows["bind_late"]["expected to save"].endswith("s")
    assert not any(section.title == "measured by its last run" for section in before.sections)
    result = session.run(text)
    assert isinstance(result, Result)
    after = session.run(f"EXPLAIN PLAN @q{result.query_id}")
    (measured,) = [section for section in after.sections if section.title == "measured by its last run"]
    assert measured.header == ("one by one", "computed", "saved")
    kept = session.catalog.runs()[-1].summary["reuse"]
    assert kept["alone_s"] > kept["computed_s"] > 0
