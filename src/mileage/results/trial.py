"""A trial: a configuration scored at a fidelity, or why it has no score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mileage.core.domains import Value
from mileage.core.exactness import Exactness
from mileage.core.reasons import Reason
from mileage.core.spans import Span
from mileage.operators.base import StepSpec
from mileage.results.encoding import float_from_json, float_to_json, value_from_json, value_to_json
from mileage.results.workflow_json import workflow_from_json, workflow_to_json
from mileage.workflow import Workflow

FULL, PRIVATE, CONFIRMED = "full", "private", "confirmed"
Configured = tuple[tuple[str, tuple[StepSpec, ...]], ...]


@dataclass(frozen=True)
class Trial:
    """One configuration and what it scored.

    Attributes
    ----------
    number : int
        Place in the run, from 0; trial 0 is the constant predictor.
    configuration : tuple of (slot, steps)
        The choices, in the order of the workflow.
    state : str
        ``ok``, ``failed``, ``timeout``, ``memory``, ``cancelled``, ``skipped``, or ``behind`` (ended after its first split).
    scores : mapping of metric to tuple of float
        One score per split, in the order of the splits.
    score_se : mapping of metric to float
        Standard error (of a bootstrap) where there is one split only.
    fit_s, predict_s : float or None
        Seconds of one fit and of predicting one split; None where nothing ran.
    latency_s : float or None
        Seconds of predicting one row, where the rows of a split are predicted together.
    size_bytes : int or None
        Bytes of one fitted workflow.
    reason : Reason or None
        Why the trial was proposed.
    error : str or None
        What failed, or why it was not run.
    fidelity : str
        On what it was evaluated: ``full`` on the splits of the query, ``private`` on splits of its own, or ``confirmed`` on splits
        that the search did not choose by.
    searched : mapping of metric to tuple of float
        Of a confirmed trial, the scores that the search chose it by.
    exactness : Exactness
        The weakest class of what was shared with other trials on the way to the scores.
    beside : int or None
        Number of the trial whose fit served this one, too; None of one that was proposed for itself.
    at_s : float or None
        Seconds from the start of the run to its end.
    fitted_rows : int or None
        Rows of the larger part of the table on which it is fitted as an answer; None if those are the rows of the search.
    expected : float or None
        What it should reach in the first metric, fitted on all of these rows; None if that was not asked.

    Examples
    --------
    >>> trial = Trial(1, (("model", (StepSpec("ridge"),)),), scores={"r2": (0.5, 0.7)})
    >>> round(trial.mean("r2"), 6), round(trial.se("r2"), 6), trial.model
    (0.6, 0.1, 'ridge')
    """

    number: int
    configuration: Configured = ()
    workflow: Workflow | None = field(default=None, compare=False)
    describe: str = ""
    state: str = "ok"
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    fit_s: float | None = None
    predict_s: float | None = None
    size_bytes: int | None = None
    latency_s: float | None = None
    reason: Reason | None = None
    error: str | None = None
    fidelity: str = FULL
    score_se: Mapping[str, float] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    searched: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    exactness: Exactness = Exactness.BITWISE
    beside: int | None = None
    at_s: float | None = field(default=None, compare=False)
    fitted_rows: int | None = None
    expected: float | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether the scores are those of splits that the search did not choose by."""
        return self.fidelity == CONFIRMED

    def is_paired(self, other: Trial) -> bool:
        """Say whether both were scored on the same splits.

        Examples
        --------
        >>> one, other = Trial(1, fidelity="private"), Trial(2, fidelity="private")
        >>> one.is_paired(other), Trial(1).is_paired(Trial(2))
        (False, True)
        """
        own = self.fidelity == PRIVATE
        return self.fidelity == other.fidelity and (not own or self.configuration == other.configuration != ())

    def confirmed(self, scores: Mapping[str, tuple[float, ...]]) -> Trial:
        """Return the trial with the scores of fresh splits.

        Examples
        --------
        >>> trial = Trial(1, scores={"r2": (0.7, 0.8)}).confirmed({"r2": (0.6, 0.6, 0.7, 0.7)})
        >>> trial.is_confirmed, trial.scores["r2"], trial.searched["r2"]
        (True, (0.6, 0.6, 0.7, 0.7), (0.7, 0.8))
        """
        return replace(self, scores=scores, searched=self.scores, fidelity=CONFIRMED)

    @property
    def model(self) -> str:
        """The name of the model's operator; empty if there is no configuration."""
        return self.configuration[-1][1][-1].operator if self.configuration and self.configuration[-1][1] else ""

    def mean(self, metric: str) -> float:
        """Return the mean score over the splits; NaN if the metric was not scored."""
        values = self.scores.get(metric, ())
        return math.fsum(values) / len(values) if values else math.nan

    def se(self, metric: str) -> float:
        """Return the standard error of the mean over the splits; NaN if it is not known."""
        values = self.scores.get(metric, ())
        if len(values) < 2:
            return self.score_se.get(metric, math.nan)
        mean = math.fsum(values) / len(values)
        variance = math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)
        return math.sqrt(variance / len(values))

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain values that :meth:`from_json` reads back exactly."""
        return {
            "number": self.number,
            "configuration": [[slot, [_spec_to_json(s) for s in specs]] for slot, specs in self.configuration],
            "workflow": workflow_to_json(self.workflow) if self.workflow is not None else None,
            "describe": self.describe,
            "state": self.state,
            "scores": _scores_to_json(self.scores),
            "searched": _scores_to_json(self.searched),
            "score_se": {metric: float_to_json(v) for metric, v in self.score_se.items()},
            "fit_s": self.fit_s,
            "predict_s": self.predict_s,
            "size_bytes": self.size_bytes,
            "latency_s": self.latency_s,
            "reason": _reason_to_json(self.reason),
            "error": self.error,
            "fidelity": self.fidelity,
            "artifacts": list(self.artifacts),
            "exactness": str(self.exactness),
            "beside": self.beside,
            "at_s": self.at_s,
            "fitted_rows": self.fitted_rows,
            "expected": self.expected,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """Return the trial that :meth:`to_json` wrote."""
        plain = ("number", "describe", "state", "fit_s", "predict_s", "size_bytes", "error", "fidelity")
        return cls(
            configuration=tuple(
                (slot, tuple(_spec_from_json(s) for s in specs)) for slot, specs in data["configuration"]
            ),
            workflow=workflow_from_json(data["workflow"]) if data.get("workflow") else None,
            scores=_scores_from_json(data["scores"]),
            searched=_scores_from_json(data.get("searched", {})),
            score_se={metric: float_from_json(v) for metric, v in data.get("score_se", {}).items()},
            reason=_reason_from_json(data.get("reason")),
            artifacts=tuple(data.get("artifacts", ())),
            exactness=Exactness.of(data.get("exactness", "bitwise")),
            beside=data.get("beside"),
            at_s=data.get("at_s"),
            fitted_rows=data.get("fitted_rows"),
            expected=data.get("expected"),
            latency_s=data.get("latency_s"),
            **{name: data[name] for name in plain},
        )


def _scores_to_json(scores: Mapping[str, tuple[float, ...]]) -> dict[str, Any]:
    return {metric: [float_to_json(v) for v in values] for metric, values in scores.items()}


def _scores_from_json(data: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    return {metric: tuple(float_from_json(v) for v in values) for metric, values in data.items()}


def _spec_to_json(spec: StepSpec) -> list[Any]:
    return [spec.operator, {name: value_to_json(value) for name, value in spec.params}]


def _spec_from_json(data: list[Any]) -> StepSpec:
    name, params = data
    pairs: list[tuple[str, Value]] = [(key, value_from_json(value)) for key, value in params.items()]
    return StepSpec(name, tuple(pairs))


def _reason_to_json(reason: Reason | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    span = [reason.span.start, reason.span.end] if reason.span is not None else None
    return {"text": reason.text, "origin": reason.origin, "span": span}


def _reason_from_json(data: Mapping[str, Any] | None) -> Reason | None:
    if data is None:
        return None
    span = data.get("span")
    return Reason(data["text"], data["origin"], Span(*span) if span else None)
