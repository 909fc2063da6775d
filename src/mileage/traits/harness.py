"""Test what is declared, with the versions that are installed; a claim that does not hold is demoted.

A verdict is kept under the versions it was made with, so that a new release of a library is tested anew.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mileage.traits.declaration import Claim, Declaration, declarations
from mileage.traits.exactness import Exactness
from mileage.traits.laws import LAWS, Evidence

_DISTRIBUTIONS = {"sklearn": ("scikit-learn", "numpy", "scipy"), "lightgbm": ("lightgbm", "scikit-learn", "numpy")}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim and what its law measured.

    ``holds`` as it was claimed, or finer; ``demoted`` is true where it holds in a weaker class only, or not at all.
    """

    name: str
    claim: Claim
    evidence: Evidence

    @property
    def demoted(self) -> bool:
        """Whether the law held less exactly than was claimed."""
        return self.evidence.exactness > self.claim.exactness

    @property
    def exactness(self) -> Exactness:
        """The class that may be relied on: the one claimed, or the weaker one that was measured."""
        return max(self.claim.exactness, self.evidence.exactness)

    def __str__(self) -> str:
        said = f"{self.name.rpartition('.')[2]} {self.claim}: {self.exactness}"
        return (
            f"{said} (claimed {self.claim.exactness}; {self.evidence.why or self.evidence.difference})"
            if self.demoted
            else said
        )


def verify(declared: Declaration) -> tuple[Verdict, ...]:
    """Test every claim of one class.

    Examples
    --------
    >>> scaler = next(d for d in declarations() if d.subject.short == "MinMaxScaler")
    >>> [str(verdict) for verdict in verify(scaler) if verdict.claim.law == "monoid"]
    ['MinMaxScaler monoid(minmax): fp']
    """
    return tuple(Verdict(declared.subject.name, claim, _tested(declared, claim)) for claim in declared.claims)


def _tested(declared: Declaration, claim: Claim) -> Evidence:
    """Return what a law measured; a class that cannot do what the law asks breaks it."""
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):  # the order of sums must not depend on who is idle
        warnings.simplefilter("ignore")
        try:
            return LAWS[claim.law](declared, claim)
        except (TypeError, ValueError, AttributeError, KeyError, NotImplementedError) as error:
            return Evidence(
                Exactness.BROKEN, float("inf"), f"{type(error).__name__}: {str(error).splitlines()[0][:100]}"
            )


@cache
def versions_of(name: str) -> str:
    """Return the versions that a verdict on a class depends on, as text.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If the library is not installed.
    """
    distributions = _DISTRIBUTIONS[name.partition(".")[0]]
    return " ".join(f"{one}=={importlib.metadata.version(one)}" for one in distributions)


class Verdicts:
    """Verdicts on all classes of the registry, tested once for each set of versions.

    Parameters
    ----------
    file : Path, optional
        Where verdicts are kept; None keeps them in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._kept: dict[str, Any] = {}
        if file is not None and file.is_file():
            self._kept = _read(file)

    def of(self, declared: Declaration) -> tuple[Verdict, ...]:
        """Return the verdicts on one class, tested now if its versions or its claims are new."""
        key = _key(declared)
        if key not in self._kept:
            self._kept[key] = [_to_json(verdict) for verdict in verify(declared)]
            self._write()
        claims = {str(claim): claim for claim in declared.claims}
        return tuple(_from_json(declared, claims, row) for row in self._kept[key])

    def kept(self) -> tuple[Verdict, ...]:
        """Return the verdicts that are kept for the versions that are installed; nothing is tested."""
        chosen = [d for d in declarations() if is_installed(d) and _key(d) in self._kept]
        return tuple(verdict for declared in chosen for verdict in self.of(declared))

    def every(self, names: Iterable[str] = ()) -> tuple[Verdict, ...]:
        """Return the verdicts on all classes that are installed, or on those of some short names."""
        wanted = set(names)
        chosen = [d for d in declarations() if (not wanted or d.subject.short in wanted) and is_installed(d)]
        return tuple(verdict for declared in chosen for verdict in self.of(declared))

    def _write(self) -> None:
        if self.file is None:
            return
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(self._kept), encoding="utf-8")
        part.replace(self.file)


def is_installed(declared: Declaration) -> bool:
    """Say whether the library of a class is there."""
    try:
        versions_of(declared.subject.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _read(file: Path) -> dict[str, Any]:
    """Return what was kept; a damaged file is as good as none, since all of it can be tested again."""
    try:
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return kept


def _key(declared: Declaration) -> str:
    claimed = repr((declared.subject, declared.claims, sorted(declared.states.items())))
    digest = hashlib.sha256(claimed.encode()).hexdigest()[:16]
    return f"{declared.subject.name} {versions_of(declared.subject.name)} {digest}"


def _to_json(verdict: Verdict) -> list[Any]:
    found = verdict.evidence
    return [str(verdict.claim), str(found.exactness), found.difference, found.why]


def _from_json(declared: Declaration, claims: Mapping[str, Claim], row: list[Any]) -> Verdict:
    claim, exactness, difference, why = row
    return Verdict(declared.subject.name, claims[claim], Evidence(Exactness.of(exactness), difference, why))
