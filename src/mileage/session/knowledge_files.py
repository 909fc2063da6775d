"""Knowledge from project to project: lessons as a file that holds no data, and what ``mile knowledge`` tells and does."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.catalog.lessons import OWN, LessonRecord
from mileage.core.fingerprint import fingerprint
from mileage.errors import DataError
from mileage.results.report import Report
from mileage.session.knowledge import table_traits_of, wish_of

if TYPE_CHECKING:
    from mileage.session.session import Session

FORMAT = "mileage knowledge 1"
_TASKS = ("binary", "multiclass", "regression")


def knowledge_report(session: Session) -> Report:
    """Return what the project has learned, by task and origin."""
    lessons = session.catalog.lessons.all()
    counts = Counter((one.task, "runs of this project" if one.origin == OWN else one.origin) for one in lessons)
    lines = [
        f"{n} {task} {'table' if n == 1 else 'tables'} from {where}" for (task, where), n in sorted(counts.items())
    ]
    title = f"{len(lessons)} lessons" if lessons else "no lessons yet: each search of 5 workflows or more leaves one"
    data = {"lessons": len(lessons), "by": [{"task": t, "origin": o, "n": n} for (t, o), n in sorted(counts.items())]}
    return Report("knowledge", title, lines=(title, *lines), data=data)


def export_knowledge(session: Session, path: Path, *, force: bool = False) -> Report:
    """Write the lessons to a file: sizes of tables, parameters and losses, no data, names or paths.

    Raises
    ------
    DataError
        If the file is there and ``force`` is not said, or cannot be written.
    """
    if path.exists() and not force:
        raise DataError(f"'{path}' is there already", code="D470", hint="name another file, or add --force")
    lessons = session.catalog.lessons.all()
    try:
        path.write_text(exported(lessons), encoding="utf-8")
    except OSError as error:
        raise DataError(f"'{path}' cannot be written: {error.strerror}", code="D470") from error
    title = f"{len(lessons)} lessons written to {path}"
    return Report("knowledge", title, lines=(title,), data={"lessons": len(lessons), "path": str(path)})


def import_knowledge(session: Session, path: Path) -> Report:
    """Take the lessons of a file, or of the runs that MLflow or OpenML has in a folder; those that are known are not taken twice.

    Raises
    ------
    DataError
        If the file cannot be read, or is damaged.
    """
    try:
        lessons, left_out = _read(path)
    except (OSError, ValueError) as error:
        hint = f"it is a file that 'mile knowledge export' wrote ({FORMAT}), or a folder with runs of MLflow or OpenML"
        raise DataError(f"'{path}' is no knowledge to import: {error}", code="D471", hint=hint) from error
    known = {one.digest for one in session.catalog.lessons.all()}
    new = [one for one in lessons if one.digest not in known]
    session.catalog.lessons.keep(new)
    title = f"{len(new)} lessons taken from {path}"
    more = [f"{len(lessons) - len(new)} were known already"] if len(new) < len(lessons) else []
    more += [f"{n} runs left out: {why}" for why, n in sorted(left_out.items())]
    data = {"new": len(new), "known": len(lessons) - len(new), "left_out": dict(left_out)}
    return Report("knowledge", title, lines=(title, *more), data=data)


def _read(path: Path) -> tuple[list[LessonRecord], Mapping[str, int]]:
    if not path.is_dir():
        return imported(path.read_text(encoding="utf-8"), path.name), {}
    from mileage.session.foreign_runs import foreign_lessons

    return foreign_lessons(path)


def forget_knowledge(session: Session) -> Report:
    """Forget all lessons of the project; its runs and their scores stay."""
    n = session.catalog.lessons.forget()
    title = f"{n} lessons forgotten"
    return Report("knowledge", title, lines=(title,), data={"forgotten": n})


def exported(lessons: Iterable[LessonRecord]) -> str:
    """Return lessons as the text of a file: without the digests, which could be compared with those of other data.

    Examples
    --------
    >>> lesson = LessonRecord(
    ...     "5eed", "binary", {"table": {"n_rows": 9, "n_columns": 2}, "metric": "roc_auc", "trials": []}
    ... )
    >>> "5eed" in exported([lesson]), [one.task for one in imported(exported([lesson]), "a.json")]
    (False, ['binary'])
    """
    entries = [{"task": one.task, **one.record} for one in lessons]
    return json.dumps({"format": FORMAT, "lessons": entries}, indent=1) + "\n"


def imported(text: str, origin: str) -> list[LessonRecord]:
    """Return the lessons of a file that :func:`exported` wrote.

    Raises
    ------
    ValueError
        With what is wrong with the file.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        message = f"it is no JSON: {error}"
        raise ValueError(message) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        message = f"it is not in the format '{FORMAT}'"
        raise ValueError(message)
    return [_checked(place, entry, origin) for place, entry in enumerate(data.get("lessons", []), 1)]


def _checked(place: int, entry: Any, origin: str) -> LessonRecord:
    try:
        table, metric, task = asdict(table_traits_of(entry["table"])), str(entry["metric"]), str(entry["task"])
        trials = [_trial(trial) for trial in entry["trials"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"lesson {place} is damaged: {type(error).__name__}: {error}"
        raise ValueError(message) from error
    if task not in _TASKS or not all(math.isfinite(t["loss"] + t["weight"]) for t in trials):
        message = f"lesson {place} is damaged: its task, a loss or a weight is none"
        raise ValueError(message)
    record = {"table": table, "metric": metric, "trials": trials}
    return LessonRecord(str(fingerprint([task, json.dumps(record, sort_keys=True)])), task, record, origin)


def _trial(entry: Mapping[str, Any]) -> dict[str, Any]:
    wish_of(entry["steps"])  # an error where it is none; operators that this version lacks are passed over in a search
    fit_s, weight = entry.get("fit_s"), float(entry.get("weight", 0.0))
    taken_s = None if fit_s is None else float(fit_s)
    return {"steps": entry["steps"], "loss": float(entry["loss"]), "fit_s": taken_s, "weight": weight}
