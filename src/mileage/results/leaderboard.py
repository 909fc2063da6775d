"""The ranked list: trials in the order of the objectives, ties marked, and for what is not in it, why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mileage.core.reasons import Reason
from mileage.results.encoding import finite_or_none
from mileage.results.ranking import Objectives, apart_first, different, ranked, tie_groups, value_of
from mileage.results.requirement import Requirement, missed, shortfall
from mileage.results.trial import Trial
from mileage.workflow.blend import members_of
from mileage.workflow.distil import teachers_of

_NOT_OK = ("failed", "timeout", "memory", "cancelled")


@dataclass(frozen=True, slots=True)
class Row:
    """A trial in its place: reference, rank among all scored trials, and group of ties (1 is the best)."""

    ref: str
    rank: int
    trial: Trial
    tie: int
    reference: bool = False


@dataclass(frozen=True)
class Leaderboard:
    """Ranked trials; ``w1`` is the best.

    Attributes
    ----------
    trials : tuple of Trial
        All trials of a run, in any order.
    objectives : tuple of (metric, greater_is_better)
        In lexicographic order: ties of the first are ordered by the second.
    n : int, default 5
        How many are returned.
    diverse : bool, default False
        Prefer different families of models.
    restrictions : tuple of (what, why)
        What was cut from the space before the search.
    verdicts : mapping of trial number to str
        A sentence to stand with a trial instead of the reason it was proposed.
    test_share : float, optional
        Rows scored per row trained on, for the noise of a difference; that of as many folds by default.
    requirements : tuple of Requirement
        Bounds of an answer: workflows that keep them stand before those that do not, of which the nearest stand first.
    constant : int, default 0
        Number of the constant predictor, the reference for all others; it is always in the list.

    Examples
    --------
    >>> from mileage.operators.base import StepSpec
    >>> made = [
    ...     Trial(i, (("model", (StepSpec(m),)),), describe=m, scores={"auc": s})
    ...     for i, (m, s) in enumerate([("dummy", (0.5, 0.5)), ("knn", (0.7, 0.72)), ("ridge", (0.8, 0.83))])
    ... ]
    >>> board = Leaderboard(tuple(made), objectives=(("auc", True),), n=2)
    >>> [(row.ref, row.trial.describe) for row in board.rows], board.find("w1").describe
    ([('w1', 'ridge'), ('w2', 'knn'), ('w0', 'dummy')], 'ridge')
    """

    trials: tuple[Trial, ...]
    objectives: Objectives
    n: int = 5
    diverse: bool = False
    restrictions: tuple[tuple[str, str], ...] = ()
    verdicts: Mapping[int, str] = field(default_factory=dict)
    test_share: float | None = None
    constant: int = 0
    requirements: tuple[Requirement, ...] = ()

    @cached_property
    def order(self) -> tuple[Trial, ...]:
        """All scored trials, best first."""
        metric = self.objectives[0][0]
        scored = [t for t in self.trials if t.state == "ok" and not math.isnan(value_of(t, metric))]
        order = ranked(scored, self.objectives, test_share=self.test_share)
        return tuple(sorted(order, key=lambda t: shortfall(self.requirements, t)))

    def missed(self, trial: Trial) -> str:
        """Return what a trial misses of the requirements, or nothing."""
        return missed(self.requirements, trial)

    @cached_property
    def ranked(self) -> tuple[Trial, ...]:
        """The trials that are returned, best first: w1, w2, ...; of those that one fit served the best only, while there are others."""
        offered = apart_first(self.order)
        chosen = different(offered, self.n) if self.diverse else offered[: self.n]
        return tuple(sorted(chosen, key=self.order.index))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The returned trials in their places, then the constant predictor if it is not among them, as ``w0``."""
        groups = tie_groups(self.order, self.objectives[0], test_share=self.test_share)
        tie = {t.number: i for i, group in enumerate(groups, 1) for t in group}
        place = {t.number: i for i, t in enumerate(self.order, 1)}
        rows = [
            Row(f"w{i}", place[t.number], t, tie[t.number], reference=self._is_constant(t))
            for i, t in enumerate(self.ranked, 1)
        ]
        if not any(row.reference for row in rows):
            rows += [
                Row("w0", place[t.number], t, tie[t.number], reference=True) for t in self.order if self._is_constant(t)
            ]
        return tuple(rows)

    def _is_constant(self, trial: Trial) -> bool:
        return trial.number == self.constant and trial.model in {"dummy", ""}

    @property
    def reference(self) -> Trial | None:
        """The constant predictor, or None if it has no score."""
        return next((row.trial for row in self.rows if row.reference), None)

    @property
    def ties(self) -> tuple[Trial, ...]:
        """The returned trials that are within noise of the best."""
        return tuple(row.trial for row in self.rows if row.tie == 1 and row.ref != "w0")

    @property
    def single(self) -> Trial | None:
        """The best trial that is one workflow and no blend of several; None if there is none with a score."""
        return next((t for t in self.order if not members_of(t.configuration)), None)

    @property
    def distilled(self) -> Trial | None:
        """The trial that has learned what the best says; None if there is none with a score."""
        return next((t for t in self.order if teachers_of(t.configuration)), None)

    @property
    def confirmed(self) -> tuple[Trial, ...]:
        """The trials that were scored again on fresh splits."""
        return tuple(t for t in self.order if t.is_confirmed)

    @property
    def failed(self) -> tuple[Trial, ...]:
        """Trials that were started and have no score."""
        return tuple(t for t in self.trials if t.state in _NOT_OK or (t.state == "ok" and t not in self.order))

    @property
    def skipped(self) -> tuple[Trial, ...]:
        """Trials that were proposed and not run."""
        return tuple(t for t in self.trials if t.state == "skipped")

    @property
    def behind(self) -> tuple[Trial, ...]:
        """Trials that ended after their first split, on which they were clearly behind the best."""
        return tuple(t for t in self.trials if t.state == "behind")

    def find(self, ref: str) -> Trial | None:
        """Return the trial of a reference such as ``"w1"``, or None."""
        name = ref.lstrip("@").lower()
        return next((row.trial for row in self.rows if row.ref == name), None)

    def ref_of(self, trial: Trial) -> str | None:
        """Return the reference of a trial, or None if it is not in the list."""
        return next((row.ref for row in self.rows if row.trial.number == trial.number), None)

    def count(self, state: str) -> int:
        """Return how many trials are in a state."""
        return sum(t.state == state for t in self.trials)

    def why(self, trial: Trial) -> str:
        """Return the sentence that stands with a trial."""
        return (
            self.missed(trial)
            or self.verdicts.get(trial.number)
            or (str(trial.reason) if isinstance(trial.reason, Reason) else "")
        )

    def text(self, *, width: int = 120) -> str:
        """Return the list as aligned plain text, at most ``width`` columns wide."""
        from mileage.results.rendering import board_text

        return board_text(self, width)

    def styled(self, *, width: int = 120) -> list[tuple[str, str]]:
        """Return the lines of :meth:`text` with their styles: ``""``, ``"bold"`` or ``"dim"``."""
        from mileage.results.rendering import board_lines

        return board_lines(self, width)

    def to_json(self) -> dict[str, Any]:
        """Return the list as one plain object; ``leaderboard`` holds the ranked workflows."""
        return {
            "objectives": [{"metric": metric, "greater_is_better": greater} for metric, greater in self.objectives],
            "leaderboard": [self._row_json(row) for row in self.rows],
            "trials": {state: self.count(state) for state in dict.fromkeys(t.state for t in self.trials)},
            "failed": [_unscored(t) for t in self.failed],
            "cut": [
                *[_unscored(t) for t in (*self.skipped, *self.behind)],
                *[{"describe": what, "why": why} for what, why in self.restrictions],
            ],
        }

    def _row_json(self, row: Row) -> dict[str, Any]:
        t, metric = row.trial, self.objectives[0][0]
        return {
            "ref": row.ref,
            "rank": row.rank,
            "trial": t.number,
            "score": finite_or_none(value_of(t, metric)),
            "se": finite_or_none(t.se(metric)),
            "tie": row.tie,
            "reference": row.reference,
            "fit_s": t.fit_s,
            "predict_s": t.predict_s,
            "size_bytes": t.size_bytes,
            "describe": t.describe,
            "model": t.model,
            "latency_s": t.latency_s,
            "missed": self.missed(t),
            "reason": self.why(t),
            "metrics": {
                name: {
                    "mean": finite_or_none(t.mean(name)),
                    "se": finite_or_none(t.se(name)),
                    "splits": [finite_or_none(v) for v in values],
                }
                for name, values in t.scores.items()
            },
            "fidelity": t.fidelity,
            "exactness": str(t.exactness),
            "searched": {name: [finite_or_none(v) for v in values] for name, values in t.searched.items()},
        }

    def __len__(self) -> int:
        return len(self.ranked)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from mileage.results.rendering import board_html

        return board_html(self)


def _unscored(trial: Trial) -> dict[str, Any]:
    why = trial.error or "no score"
    return {"trial": trial.number, "describe": trial.describe, "state": trial.state, "why": why}
