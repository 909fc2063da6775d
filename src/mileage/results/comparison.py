"""Compare trials: only what differs between their configurations, and whether the scores differ beyond noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mileage.results.encoding import finite_or_none, value_to_json
from mileage.results.report import Section
from mileage.results.trial import Trial
from mileage.workflow import members_of, teachers_of

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The difference of two mean scores with its interval; ``low`` and ``high`` are NaN where it is not known."""

    difference: float
    low: float
    high: float

    @property
    def within_noise(self) -> bool:
        """Whether zero lies in the interval; without an interval, whether the difference is zero."""
        if math.isnan(self.low):
            return self.difference == 0
        return self.low <= 0 <= self.high


def paired_difference(
    one: Trial, other: Trial, metric: str, *, test_share: float | None = None, paired: bool | None = None
) -> PairedDifference:
    """Return mean score of ``one`` minus that of ``other``, split by split where these are the same, with a 95 % interval.

    The variance is corrected for overlapping training sets: ``(1/k + n_test/n_train) * var``.

    Parameters
    ----------
    one, other : Trial
    metric : str
    test_share : float, optional
        Rows scored per row trained on; ``1 / (k - 1)``, the share of k folds, by default.
    paired : bool, optional
        Whether the splits are the same; by default as the trials say. Where they differ, as with ``RESHUFFLED``, the interval is
        that of two independent means, and wider.

    References
    ----------
    Nadeau and Bengio 2003, Inference for the generalization error, section 4.

    Examples
    --------
    >>> a, b = Trial(1, scores={"auc": (0.9, 0.8, 0.85)}), Trial(2, scores={"auc": (0.8, 0.7, 0.76)})
    >>> d = paired_difference(a, b, "auc")
    >>> round(d.difference, 3), round(d.low, 3), d.within_noise
    (0.097, 0.074, False)
    """
    a, b = one.scores.get(metric, ()), other.scores.get(metric, ())
    difference = one.mean(metric) - other.mean(metric)
    k = len(a)
    paired = one.is_paired(other) if paired is None else paired
    if not paired or k != len(b) or k < 2:
        errors = (_error(t.scores.get(metric, ()), test_share, alone=t.se(metric)) for t in (one, other))
        half = _Z * math.hypot(*errors)
        return PairedDifference(difference, difference - half, difference + half)
    deltas = [x - y for x, y in zip(a, b, strict=True)]
    half = _t_quantile(k - 1) * _error(deltas, test_share)
    return PairedDifference(difference, difference - half, difference + half)


def _error(values: Sequence[float], test_share: float | None, *, alone: float = math.nan) -> float:
    """Return the standard error of a mean over splits whose training sets overlap; ``alone`` is that of a single split."""
    k = len(values)
    if k < 2:
        return alone
    mean = math.fsum(values) / k
    variance = math.fsum((v - mean) ** 2 for v in values) / (k - 1)
    share = 1 / (k - 1) if test_share is None else test_share
    return math.sqrt((1 / k + share) * variance)


_Z = 1.959963984540054


def _t_quantile(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t."""
    if degrees not in _T:
        from scipy.special import stdtrit

        _T[degrees] = float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))
    return _T[degrees]


_T = {1: 12.706204736174694, 2: 4.302652729749464, 4: 2.7764451051977934, 9: 2.262157162798205}


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One metric: mean and standard error of each trial, and each trial's difference to the first with a verdict."""

    metric: str
    means: tuple[float, ...]
    ses: tuple[float, ...]
    differences: tuple[PairedDifference, ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What differs between trials, in configuration and in scores; the first one is the base."""

    names: tuple[str, ...]
    differences: tuple[tuple[str, tuple[str, ...]], ...]
    scores: tuple[ScoreRow, ...]
    costs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    paired: bool = True

    def sections(self) -> tuple[Section, ...]:
        """Return the tables of a report."""
        base, *others = self.names
        rows = [(name, *cells) for name, cells in (*self.differences, *self.costs)]
        made = [Section("what differs" if self.differences else "equal configurations", ("", *self.names), tuple(rows))]
        for i, name in enumerate(others):
            table = tuple(_score_cells(row, i) for row in self.scores)
            header = ("metric", base, name, "difference", "95 % interval", f"{name} is")
            how = "over the same splits" if self.paired else "not paired: the splits differ"
            made.append(Section(f"{name} against {base}, {how}", header, table))
        return tuple(made)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as one plain object."""
        return {
            "names": list(self.names),
            "paired": self.paired,
            "differences": [{"what": what, "values": list(cells)} for what, cells in self.differences],
            "scores": [self._row_json(row) for row in self.scores],
        }

    def _row_json(self, row: ScoreRow) -> dict[str, Any]:
        versus = [
            {
                "name": name,
                "difference": finite_or_none(d.difference),
                "low": finite_or_none(d.low),
                "high": finite_or_none(d.high),
                "verdict": verdict,
            }
            for name, d, verdict in zip(self.names[1:], row.differences, row.verdicts, strict=True)
        ]
        return {
            "metric": row.metric,
            "means": [finite_or_none(v) for v in row.means],
            "se": [finite_or_none(v) for v in row.ses],
            "against_first": versus,
        }

    def text(self, *, width: int = 120) -> str:
        """Return the comparison as aligned plain text."""
        from mileage.results.report import Report

        return Report("compare", " vs ".join(self.names), self.sections()).text(width=width)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from mileage.results.report import Report

        return Report("compare", "", self.sections())._repr_html_()


def compare(
    trials: Sequence[Trial],
    metrics: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    greater_is_better: Mapping[str, bool] | None = None,
    test_share: float | None = None,
    paired: bool | None = None,
) -> Comparison:
    """Compare trials; the first is the base of all differences.

    Parameters
    ----------
    trials : sequence of Trial, two or more
    metrics : sequence of str
        Display names of metrics the trials have scores for.
    names : sequence of str, optional
        How to call the trials; their numbers by default.
    greater_is_better : mapping of metric to bool, optional
        Directions; the metric registry is asked for those not given.
    test_share, paired
        See :func:`paired_difference`.

    Examples
    --------
    >>> from mileage.operators.base import StepSpec
    >>> a = Trial(1, (("model", (StepSpec.of("ridge", alpha=1.0),)),), scores={"r2": (0.5, 0.6, 0.55)})
    >>> b = Trial(2, (("model", (StepSpec.of("ridge", alpha=9.0),)),), scores={"r2": (0.7, 0.8, 0.75)})
    >>> made = compare([a, b], ["r2"], names=["w1", "w2"], greater_is_better={"r2": True})
    >>> made.differences, made.scores[0].verdicts
    ((('model alpha', ('1.0', '9.0')),), ('better',))
    """
    labels = tuple(names) if names is not None else tuple(f"trial {t.number}" for t in trials)
    directions = {m: (greater_is_better or {}).get(m, _direction(m, trials)) for m in metrics}
    base, *others = trials
    paired = all(base.is_paired(other) for other in others) if paired is None else paired
    rows = []
    for metric in metrics:
        made = tuple(paired_difference(other, base, metric, test_share=test_share, paired=paired) for other in others)
        verdicts = tuple(_verdict(d, greater_is_better=directions[metric]) for d in made)
        means, ses = tuple(t.mean(metric) for t in trials), tuple(t.se(metric) for t in trials)
        rows.append(ScoreRow(metric, means, ses, made, verdicts))
    return Comparison(labels, _differences(trials), tuple(rows), _costs(trials), paired)


def _verdict(d: PairedDifference, *, greater_is_better: bool) -> str:
    if d.within_noise or math.isnan(d.difference) or math.isnan(d.low):
        return "undecided"
    return "better" if (d.difference > 0) == greater_is_better else "worse"


def _direction(metric: str, trials: Sequence[Trial]) -> bool:
    """Ask the metric registry; a metric that it does not know is taken as scikit-learn takes scorers: greater is better."""
    task = next((t.workflow.task for t in trials if t.workflow is not None), "binary")
    try:
        from mileage.operators.metrics import resolve_metric

        return bool(resolve_metric(metric, task).greater_is_better)
    except (ImportError, ValueError, LookupError, AttributeError):
        return True


def _differences(trials: Sequence[Trial]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the slots, and within equal chains of operators the parameters, whose values are not all equal.

    A blend has no slots to compare: then it is the whole workflows.
    """
    if any(members_of(trial.configuration) or teachers_of(trial.configuration) for trial in trials):
        return (("workflow", tuple(trial.describe for trial in trials)),)
    rows: list[tuple[str, tuple[str, ...]]] = []
    for slot in dict.fromkeys(slot for trial in trials for slot, _ in trial.configuration):
        chains = [dict(trial.configuration).get(slot, ()) for trial in trials]
        operators = [tuple(spec.operator for spec in chain) for chain in chains]
        if len(set(operators)) > 1:
            rows.append((slot, tuple(" >> ".join(map(str, chain)) or "none" for chain in chains)))
            continue
        for i, operator in enumerate(operators[0]):
            params = [dict(chain[i].params) for chain in chains]
            prefix = slot if len(operators[0]) == 1 else f"{slot} {operator}"
            for name in dict.fromkeys(name for given in params for name in given):
                shown = tuple(repr(given[name]) if name in given else "default" for given in params)
                if len({str(value_to_json(given.get(name))) if name in given else "" for given in params}) > 1:
                    rows.append((f"{prefix} {name}", shown))
    return tuple(rows)


def _costs(trials: Sequence[Trial]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    from mileage.core.units import format_bytes, format_seconds

    def cells(attribute: str, write: Any) -> tuple[str, ...]:
        values = [getattr(trial, attribute) for trial in trials]
        return tuple("" if value is None else write(value) for value in values)

    rows = (
        ("fit", cells("fit_s", format_seconds)),
        ("predict", cells("predict_s", format_seconds)),
        ("size", cells("size_bytes", format_bytes)),
    )
    return tuple(row for row in rows if any(row[1]))


def _score_cells(row: ScoreRow, i: int) -> tuple[str, ...]:
    d = row.differences[i]
    interval = "not known (one split)" if math.isnan(d.low) else f"{d.low:+.4f} to {d.high:+.4f}"
    return (
        row.metric,
        _score(row.means[0], row.ses[0]),
        _score(row.means[i + 1], row.ses[i + 1]),
        f"{d.difference:+.4f}",
        interval,
        row.verdicts[i],
    )


def _score(mean: float, se: float) -> str:
    return f"{mean:.4f}" if math.isnan(se) else f"{mean:.4f} ± {se:.4f}"
