"""From undecided to decided: the next larger sample, until a metric is better or worse or all rows are seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from mileage.session.approximate import CompareError, Verdict, sample_of, verdicts_of
from mileage.session.iterate import Iteration, iterate
from mileage.workflow.flow import Deferred
from mileage.workflow.flow.sample import Sample

if TYPE_CHECKING:
    from mileage.results.report import Report
    from mileage.session.session import Session

Run = Callable[[Sample], Iteration]


@dataclass(frozen=True)
class Rung:
    """One sample of an escalation: its shares of train and test rows, what it said, and the seconds it took for both versions."""

    fraction: float
    test: float
    verdicts: Mapping[str, Verdict]
    seconds: float


@dataclass(frozen=True)
class Decision:
    """The verdict on each metric, with the samples it took."""

    rungs: tuple[Rung, ...]
    ended: str

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """What the largest sample said."""
        return self.rungs[-1].verdicts

    @property
    def seconds(self) -> float:
        """What all samples took."""
        return sum(rung.seconds for rung in self.rungs)

    def __str__(self) -> str:
        lines = [f"{name}: {verdict}" for name, verdict in self.verdicts.items()]
        return "\n".join([*lines, self._told()])

    def _told(self) -> str:
        rungs = ", ".join(
            f"{rung.fraction:.3g} of the train rows and {rung.test:.3g} of the test rows {rung.seconds:.2f} s"
            for rung in self.rungs
        )
        return f"{self.ended}: {rungs}"

    def added_to(self, report: Report, ref: str) -> Report:
        """Return the report of a run with the verdicts against the version ``ref``."""
        said = [f"{name} against {ref}: {verdict}" for name, verdict in self.verdicts.items()]
        data = {
            "against": ref,
            "ended": self.ended,
            "shares": [rung.fraction for rung in self.rungs],
            "test_shares": [rung.test for rung in self.rungs],
            "verdicts": {name: asdict(verdict) for name, verdict in self.verdicts.items()},
        }
        return replace(report, lines=(*report.lines, *said, self._told()), data={**report.data, "decision": data})


def decide(
    session: Session,
    old: Mapping[str, Deferred],
    new: Mapping[str, Deferred],
    *,
    approximate: float | Sample = 0.1,
    margin: float = 0.0,
    budget_s: float | None = None,
    flow: str = "flow",
) -> Decision:
    """Say which of two flows is better by the metrics they have in common, on as few rows as decide it.

    Parameters
    ----------
    session : Session
    old, new : mapping of name to Deferred
        Outputs; those made by :func:`mileage.scored` are compared.
    approximate : float or Sample, default 0.1
        Share of the first sample; the next ones are larger (:meth:`Sample.larger`).
    margin : float, default 0
        A difference that does not matter: metrics that surely differ by less are equal, and need no larger sample.
    budget_s : float, optional
        No further sample is begun after so many seconds, nor one that, by the last one's time, would not end by then.

    Examples
    --------
    >>> import mileage, tempfile
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = mileage.step(make_classification, outputs=2)(3000, random_state=0)
    >>> def auc(columns):
    ...     some = X[:, :columns]
    ...     model = mileage.step(LogisticRegression()).fit(some, y)
    ...     return {"auc": mileage.scored(y, model.predict_proba(some))}
    >>> with mileage.connect(tempfile.mkdtemp()) as session:
    ...     made = mileage.decide(session, auc(2), auc(20))
    >>> made.verdicts["auc"].says
    'better'
    """
    return escalated(
        session,
        lambda sample: iterate(session, old, flow=flow, approximate=sample),
        lambda sample: iterate(session, new, flow=flow, approximate=sample),
        sample_of(session, approximate),
        margin=margin,
        budget_s=budget_s,
    )


def escalated(
    session: Session, old: Run, new: Run, sample: Sample, *, margin: float = 0.0, budget_s: float | None = None
) -> Decision:
    """Run two versions on larger and larger samples until every metric is decided.

    Raises
    ------
    CompareError
        If the versions have no metric in common.
    """
    started, rungs = time.monotonic(), []
    while True:
        begun = time.monotonic()
        before, after = old(sample), new(sample)
        verdicts = verdicts_of(session, before.version, after.version, margin=margin)
        if not verdicts:
            raise CompareError(
                "the two versions show no metric in common",
                code="F717",
                hint="show it with scored: show(auc=scored(y, predictions))",
            )
        rungs.append(Rung(sample.fraction, sample.share("test"), verdicts, time.monotonic() - begun))
        larger = sample.larger()
        ended = _why_ended(rungs[-1], larger, time.monotonic() - started, budget_s)
        if ended:
            return Decision(tuple(rungs), ended)
        sample = larger


def _why_ended(last: Rung, larger: Sample, spent_s: float, budget_s: float | None) -> str:
    if all(verdict.says != "undecided" for verdict in last.verdicts.values()):
        return "decided"
    if last.fraction == 1:
        return "undecided on all rows"
    next_s = last.seconds * larger.fraction / last.fraction
    if budget_s is not None and spent_s + next_s > budget_s:
        return f"undecided within {budget_s:g} s"
    return ""
