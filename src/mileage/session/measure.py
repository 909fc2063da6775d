"""What a finished trial measured: scores, times and sizes, read off the engine's outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mileage.core.fingerprint import Fingerprint
from mileage.engine import Outcome
from mileage.optimizer import Evaluation
from mileage.workflow import TaskKind


@dataclass(frozen=True, slots=True)
class Measured:
    """Scores per split by metric; seconds of one fit and of predicting one split; bytes of one fitted model.

    A time or size is None where everything was loaded and nothing ran.
    """

    scores: dict[str, tuple[float, ...]]
    fit_s: float | None
    predict_s: float | None
    size_bytes: int | None


def measure(
    evaluation: Evaluation,
    outcome: Outcome,
    metrics: tuple[str, ...],
    *,
    parts: Mapping[Fingerprint, float] | None = None,
) -> Measured:
    """Return what the outcome of an evaluation says.

    ``parts`` are seconds that a fit or a prediction has had in the task of another, which it was cut or made from, or which was
    done in its place.
    """
    extra = {name: seconds for name, seconds in (parts or {}).items() if seconds > 0}
    done = outcome.seconds.keys() | extra.keys()
    scores = {
        metric: tuple(float(v) for v in outcome.values[port])
        for metric, port in zip(metrics, evaluation.scores, strict=True)
    }
    n = max(1, len(evaluation.predictions))
    fit = [
        outcome.seconds.get(t.fingerprint, 0.0) + extra.get(t.fingerprint, 0.0)
        for t in evaluation.tasks
        if t.kind is TaskKind.FIT and t.fingerprint in done
    ]
    after = {TaskKind.APPLY, TaskKind.PREDICT}
    predict = [
        outcome.seconds.get(t.fingerprint, 0.0) + extra.get(t.fingerprint, 0.0)
        for t in evaluation.tasks
        if t.kind in after and t.fingerprint in done
    ]
    sizes = [outcome.sizes[p.key] for p in evaluation.models if p.key in outcome.sizes]
    return Measured(
        scores,
        sum(fit) / n if fit else None,
        sum(predict) / n if predict else None,
        int(sum(sizes) / len(sizes)) if sizes else None,
    )
