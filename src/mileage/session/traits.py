"""What the optimizer may rely on for steps of other libraries, as a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mileage.catalog import Project
from mileage.core.near import near_matches
from mileage.errors import UnknownRefError
from mileage.results.report import Report, Section
from mileage.traits import Verdict, Verdicts, declarations

FILE = "traits.json"  # in the folder of a project


def kept_verdicts(project: str | Path | None) -> Path | None:
    """Return the file of verdicts of a project, found as for a query; None where there is no project yet."""
    root = Path(project) if project is not None else Project.find()
    return None if root is None else Project.open(root).path / FILE


def traits_report(file: Path | None, names: Sequence[str] = ()) -> Report:
    """Return the traits of classes of libraries, tested with the versions that are installed.

    Parameters
    ----------
    file : Path or None
        Where verdicts are kept between calls: the laws take a minute for all classes.
    names : sequence of str
        Short names of classes to show in detail; all of them in one line each if there is none.

    Raises
    ------
    UnknownRefError
        If a name is not in the registry.

    Examples
    --------
    >>> print(traits_report(None, ["Binarizer"]).sections[0].rows[0])
    ('fitted_rowwise', 'bitwise', '')
    """
    known = {d.subject.short for d in declarations()}
    for name in names:
        if name not in known:
            near = near_matches(name, sorted(known))
            hint = f"did you mean {near[0]}?" if near else "`mile traits` lists the classes"
            raise UnknownRefError(f"nothing is declared of a class '{name}'", code="R806", hint=hint)
    verdicts = Verdicts(file).every(names)
    sections = [_detail(name, [v for v in verdicts if v.name.endswith(f".{name}")]) for name in names] or [
        _table(verdicts)
    ]
    demoted = [str(v) for v in verdicts if v.demoted]
    return Report(
        "traits",
        "traits",
        tuple(sections),
        (_summary(verdicts), *(f"demoted: {text}" for text in demoted)),
        _data(verdicts),
    )


def _summary(verdicts: Sequence[Verdict]) -> str:
    bindings = sum(v.claim.law == "binds" for v in verdicts)
    classes = len({v.name for v in verdicts})
    return f"{classes} classes, {len(verdicts)} claims ({bindings} of them bind a parameter to a stage), all tested"


def _table(verdicts: Iterable[Verdict]) -> Section:
    by_class: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_class.setdefault(verdict.name, []).append(verdict)
    rows = [(name.rpartition(".")[2], _laws(found), _late(found)) for name, found in by_class.items()]
    return Section("traits of classes", ("class", "holds", "read late"), tuple(rows))


def _laws(found: Iterable[Verdict]) -> str:
    return ", ".join(f"{v.claim} {v.exactness}" for v in found if v.claim.law != "binds" and not v.demoted)


def _late(found: Iterable[Verdict]) -> str:
    """Return the parameters that are read after the first stage."""
    late = [v.claim for v in found if v.claim.law == "binds" and v.claim.stage != "scan" and not v.demoted]
    return ", ".join(f"{claim.argument} ({claim.stage})" for claim in late)


def _detail(name: str, found: Iterable[Verdict]) -> Section:
    rows = [(str(v.claim), str(v.exactness), v.evidence.why if v.demoted else "") for v in found]
    return Section(name, ("trait", "exactness", "why not as declared"), tuple(rows))


def _data(verdicts: Iterable[Verdict]) -> dict[str, object]:
    rows = [
        {
            "class": v.name,
            "trait": v.claim.law,
            "argument": v.claim.argument,
            "stage": v.claim.stage,
            "claimed": str(v.claim.exactness),
            "measured": str(v.evidence.exactness),
            "difference": v.evidence.difference,
            "demoted": v.demoted,
        }
        for v in verdicts
    ]
    return {"traits": rows}
