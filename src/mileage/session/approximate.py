"""Runs of a flow on a sample: the project's one sample, and what can be said of two versions by it.

A verdict rests on the rows that both versions predicted, and the error of the difference of their metric over them. Where its
interval holds zero nothing is said; :mod:`mileage.session.escalate` then asks a larger sample.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.errors import CatalogError, MileError
from mileage.workflow.flow import Scored
from mileage.workflow.flow.sample import Sample
from mileage.workflow.flow.scored import measure_of, task_of

if TYPE_CHECKING:
    from mileage.catalog import Project, VersionRecord
    from mileage.results.report import Report
    from mileage.session.session import Session
    from mileage.workflow.flow.sampling import Sampled

__all__ = ["CompareError", "Sample", "Verdict", "compared", "sample_of", "verdict", "verdicts_of", "with_verdicts"]

MARK = "≈"
_FILE = "sample.json"
_RESAMPLES = 200


class CompareError(MileError, ValueError):
    """Two versions that cannot be compared row against row."""

    code = "F715"


@dataclass(frozen=True)
class Verdict:
    """What a sample says of a metric of two versions: ``better``, ``worse``, ``equal`` or ``undecided``.

    ``difference`` is the new value minus the old one, ``low`` to ``high`` its interval over the rows that both versions predicted.
    """

    says: str
    metric: str
    old: float
    new: float
    low: float
    high: float
    n_rows: int

    @property
    def difference(self) -> float:
        """The new value minus the old one."""
        return self.new - self.old

    def __str__(self) -> str:
        if self.says == "equal" and self.low == self.high:
            return f"equal: the same predictions for all {self.n_rows} rows"
        return f"{self.says}: {self.difference:+.4g} ({self.low:+.4g} to {self.high:+.4g}, {self.n_rows} rows)"


def sample_of(session: Session, given: float | Sample, *, key: str | None = None, precision: str = "f16") -> Sample:
    """Return the project's sample with a share of the rows: the same rows each time, those of a smaller one among them.

    Examples
    --------
    >>> import mileage, tempfile
    >>> with mileage.connect(tempfile.mkdtemp()) as session:
    ...     sample_of(session, 0.1) == sample_of(session, 0.1), sample_of(session, 0.1).fraction
    (True, 0.1)
    """
    if isinstance(given, Sample):
        return given
    return Sample(float(given), _salt(session.project), key, precision=precision)


def _salt(project: Project) -> int:
    """Return the number that pins the project's sample; drawn once."""
    import secrets

    file = project.path / _FILE
    with suppress(FileNotFoundError):
        return _read_salt(file)
    part = project.path / f".{_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        part.write_text(json.dumps({"salt": secrets.randbits(32)}), encoding="utf-8")
        with suppress(FileExistsError):  # another process was first, and its sample is the one
            os.link(part, file)
        part.unlink()
    except OSError as error:
        raise CatalogError(f"'{project.path}' cannot be written: {error.strerror}", code="C702") from error
    return _read_salt(file)


def _read_salt(file: Path) -> int:
    text = file.read_text(encoding="utf-8")
    try:
        return int(json.loads(text)["salt"])
    except (ValueError, KeyError, TypeError) as error:
        hint = "remove it for a new sample; approximate versions before and after then differ in their rows"
        raise CatalogError(f"the sample's salt in '{file}' cannot be read", code="C703", hint=hint) from error


def sample_record(sampled: Sampled, sample: Sample) -> dict[str, Any]:
    """Return what the record of a version says of its sample."""
    return {
        "fraction": sample.fraction,
        "salt": sample.salt,
        "key": sample.key,
        "test": sample.test,
        "precision": sample.precision,
        "outputs": sorted(sampled.approximate),
        "places": [[place.after, place.where, place.side, place.share] for place in sampled.places],
    }


def described(version: VersionRecord) -> tuple[str, ...]:
    """Return a line on the sample of a version; none for an exact one."""
    about = version.record.get("approximate")
    if not about:
        return ()
    places = "; ".join(f"{share:.3g} of the {side} rows after {after}" for after, _, side, share in about["places"])
    by = f", by {about['key']}" if about["key"] else ""
    return (f"{MARK} approximate: {places}{by}; {MARK} marks what depends on them",)


def compared(session: Session, old: VersionRecord, new: VersionRecord) -> tuple[str, ...]:
    """Return a line for each metric on which the newer version can be compared, or one that says why none can be."""
    if not set(old.record.get("scored", ())) & set(new.record.get("scored", ())):
        return ()
    try:
        verdicts = verdicts_of(session, old, new)
    except CompareError as error:
        return (f"not compared with {old.ref}: {error.message}",)
    return tuple(f"{name} against {old.ref}: {verdict}" for name, verdict in verdicts.items())


def with_verdicts(session: Session, version: VersionRecord, report: Report) -> Report:
    """Return the report of a run with what can be said of its metrics against the last version that saw the same rows."""
    if not version.record.get("scored"):
        return report
    last = old = next(_before(session, version), None)
    if last is not None and not comparable(last, version):
        old = next((one for one in _before(session, last) if comparable(one, version)), last)
    return report if old is None else replace(report, lines=(*report.lines, *compared(session, old, version)))


def _before(session: Session, version: VersionRecord) -> Iterator[VersionRecord]:
    """Yield the finished versions that a version was edited from, the last first."""
    while version.parent is not None:
        version = session.catalog.flows.version(version.parent)
        if version.state == "finished":
            yield version


def marked(version: VersionRecord, name: str) -> str:
    """Return the name of an output, with a mark if it was computed on a sample."""
    about = version.record.get("approximate") or {}
    return f"{MARK} {name}" if name in about.get("outputs", ()) else name


def comparable(old: VersionRecord, new: VersionRecord) -> bool:
    """Say whether two versions saw the same rows in the same precision: both all of them, or one sample."""
    parts = ("fraction", "salt", "key", "test", "precision")
    one, other = (v.record.get("approximate") or {} for v in (old, new))
    return all(one.get(part) == other.get(part) for part in parts)


def keep_scored(session: Session, wanted: Mapping[str, str], values: Mapping[str, Any]) -> None:
    """Keep the predictions behind shown metrics, which later versions are compared with; a full disk keeps none."""
    for name, key in wanted.items():
        if isinstance(values.get(name), Scored) and not session.store.has(key):
            with suppress(CatalogError):  # then the comparison says that they are gone
                session.store.put(key, values[name], durable=False)


def verdicts_of(session: Session, old: VersionRecord, new: VersionRecord, *, margin: float = 0.0) -> dict[str, Verdict]:
    """Return the verdict on each metric that both versions show with :func:`mileage.scored`; see :func:`verdict`.

    Raises
    ------
    CompareError
        If the versions saw different rows.
    """
    if not comparable(old, new):
        raise CompareError(
            f"{old.ref} and {new.ref} did not see the same rows: {_rows_seen(old)} and {_rows_seen(new)}",
            code="F715",
            hint="run both on the same sample, or both on all rows",
        )
    found = {}
    for name in new.record.get("scored", ()):
        pair = tuple(_kept(session, version.record["wanted"].get(name, "")) for version in (old, new))
        if isinstance(pair[0], Scored) and isinstance(pair[1], Scored) and pair[0].metric == pair[1].metric:
            found[name] = verdict(pair[0], pair[1], margin=margin)
    return found


def _rows_seen(version: VersionRecord) -> str:
    about = version.record.get("approximate")
    return f"{about['fraction']:.3g} in {about['precision']}" if about else "all"


def _kept(session: Session, key: str) -> Any:
    return session.store.get(key) if key and session.store.has(key) else None


def verdict(old: Scored, new: Scored, *, margin: float = 0.0, confidence: float = 0.9, seed: int = 0) -> Verdict:
    """Return whether a metric is better, by the error of the difference over the rows both predicted.

    Parameters
    ----------
    old, new : Scored
    margin : float, default 0
        A difference that does not matter: if the whole interval is within it, the two are equal.
    confidence : float, default 0.9
        Of the interval: with 0.9, one of twenty differences that do not exist is called better, and one worse.
    seed : int
        Of the bootstrap of a metric whose error has no quick form.

    Raises
    ------
    CompareError
        If the rows differ.

    References
    ----------
    Efron & Tibshirani 1993, chapters 6 (200 resamples do for a standard error) and 13 (the interval by it); Schuirmann 1987
    (a difference within a margin, at 5 % by the interval of 90 %); :mod:`mileage.workflow.flow.influence`.

    Examples
    --------
    >>> import numpy as np
    >>> from mileage.workflow.flow.scored import measured
    >>> y = np.arange(200) % 2
    >>> poor, good = y * 0.2 + np.linspace(0, 0.7, 200), y * 0.6 + np.linspace(0, 0.3, 200)
    >>> verdict(measured(y, poor, "roc_auc"), measured(y, good, "roc_auc")).says
    'better'
    """
    from statistics import NormalDist

    import numpy as np

    from mileage.operators.metrics import resolve_metric

    if old.metric != new.metric or old.truth.shape != new.truth.shape or not (old.truth == new.truth).all():
        raise CompareError(
            f"{len(old.truth)} and {len(new.truth)} rows of {old.metric} and {new.metric} are not the same rows",
            code="F715",
            hint="compare versions whose test rows and true values are the same",
        )
    n = len(new.truth)
    if np.array_equal(old.prediction, new.prediction):
        return Verdict("equal", new.metric, old.value, new.value, 0.0, 0.0, n)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * _error(old, new, seed)
    low, high = new.value - old.value - reach, new.value - old.value + reach
    task, _ = task_of(new.metric, new.truth)
    sign = 1 if resolve_metric(new.metric, task).greater_is_better else -1
    says = "undecided"
    if max(abs(low), abs(high)) <= margin:
        says = "equal"
    elif low > 0 or high < 0:
        says = "better" if sign * low > 0 else "worse"
    return Verdict(says, new.metric, old.value, new.value, low, high, n)


def _error(old: Scored, new: Scored, seed: int) -> float:
    """Return the standard error of the difference: from what each row does to it, else from rows drawn again and again."""
    import numpy as np

    from mileage.workflow.flow.influence import influences

    moves = influences(old), influences(new)
    if moves[0] is not None and moves[1] is not None:
        return float(np.std(moves[1] - moves[0], ddof=1) / np.sqrt(len(new.truth)))
    n, rng, made = len(new.truth), np.random.default_rng(seed), np.empty(_RESAMPLES)
    measure = [measure_of(one.metric, one.truth, one.prediction) for one in (old, new)]
    for i in range(_RESAMPLES):
        rows = rng.integers(0, n, n)
        made[i] = measure[1](rows) - measure[0](rows)
    return float(np.std(made, ddof=1))
