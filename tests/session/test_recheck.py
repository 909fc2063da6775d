"""Some of what is shared is made alone, too; what differs, or has failed a law of traits, is shared no more."""

import json
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from mileage.core.exactness import Exactness
from mileage.session import Result, Session, recheck
from mileage.session.recheck import known_demotions
from mileage.traits import Verdicts, restrict

FORESTS = (
    "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS "
    "WITH PIPELINE = median >> one_hot >> (random_forest(n_estimators IN {{4, 8, 12}}) | logistic(C IN {{0.1, 1.0, 9.0}})) "
    "BUDGET 6 trials"
)


def run(session: Session, csv: Path) -> Result:
    """Run the query."""
    answer = session.run(FORESTS.format(csv=csv))
    assert isinstance(answer, Result)
    return answer


def rules_used(session: Session, csv: Path) -> set[str]:
    """Return the rules that share work in the plan of the query."""
    report = session.run("EXPLAIN PLAN " + FORESTS.format(csv=csv) + " SEED 7")  # nothing of which is kept
    return {row[0] for section in report.sections if section.title == "shared" for row in section.rows}


@pytest.fixture
def all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at all that is shared."""
    monkeypatch.setattr(recheck.recheck, "__defaults__", (1,))


def one_tree_less(fitted: Any, n: int) -> Any:
    """Cut a forest back to one tree less than was asked for."""
    made = copy(fitted)
    made.estimators_, made.n_estimators = fitted.estimators_[: n - 1], n
    return made


@pytest.mark.usefixtures("all_of_it")
def test_what_holds_is_shared_on(session: Session, csv: Path) -> None:
    result = run(session, csv)
    assert known_demotions(session.project.path) == {}
    assert not any("is not done any more" in note for note in result.notes)
    assert {"bind_late", "gather_once"} <= rules_used(session, csv)


@pytest.mark.usefixtures("all_of_it")
def test_what_answers_otherwise_than_alone_is_said_and_shared_no_more(
    session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(restrict.CUTS, ("RandomForestClassifier", "n_estimators"), one_tree_less)  # type: ignore[arg-type]
    result = run(session, csv)
    assert ("bind_late", "random_forest") in known_demotions(session.project.path)
    assert any("bind_late gives random_forest other predictions" in note for note in result.notes)
    assert "bind_late" not in rules_used(session, csv)


def test_only_one_in_a_hundred_is_looked_at(session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(recheck, "_seen", lambda *args: seen.append(args))
    run(session, csv)
    assert len(seen) <= 2  # of 18


def test_a_claim_that_has_failed_its_law_is_not_relied_on(session: Session, csv: Path) -> None:
    file = session.project.path / "traits.json"
    Verdicts(file).every(("RandomForestClassifier",))
    assert known_demotions(session.project.path) == {}
    kept = json.loads(file.read_text())
    for rows in kept.values():
        for row in rows:
            if row[0].startswith("cuts(n_estimators)"):
                row[1] = str(Exactness.BROKEN)
    file.write_text(json.dumps(kept))
    assert known_demotions(session.project.path) == {("bind_late", "random_forest"): Exactness.BROKEN}
    assert "bind_late" not in rules_used(session, csv)
