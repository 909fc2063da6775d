"""The compiled grammar, kept with the project: a process that reads one query need not compile it again.

A text that this project has not written itself, or that was changed since, counts as none. Nothing depends on it.
"""

from __future__ import annotations

import contextlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from mileage.errors import CatalogError

if TYPE_CHECKING:
    from mileage.catalog import Project

_FILE = "grammar.json"


@dataclass(frozen=True)
class KeptTable:
    """One text in the folder of a project, with its name and a keyed hash of both in front of it."""

    project: Project

    def get(self, name: str) -> str | None:
        """Return the text, if it has this name and is whole."""
        try:
            seal, _, rest = self._file.read_text(encoding="utf-8").partition("\n")
            known, _, text = rest.partition("\n")
            whole = hmac.compare_digest(seal.encode(), self._seal(rest).encode())
        except (OSError, ValueError, CatalogError):
            return None
        return text if whole and known == name else None

    def put(self, name: str, text: str) -> None:
        """Keep a text in place of the one before, whole or not at all."""
        part = self._file.with_name(f".{_FILE}.{os.getpid()}")
        with contextlib.suppress(OSError, CatalogError):
            rest = f"{name}\n{text}"
            part.write_text(f"{self._seal(rest)}\n{rest}", encoding="utf-8")
            part.replace(self._file)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self.project.path / _FILE

    def _seal(self, text: str) -> str:
        return blake3(text.encode(), key=self.project.secret()).hexdigest()


def keep_table(project: Project) -> None:
    """Let the language keep its compiled grammar with a project."""
    from mileage.language.automaton import remember

    remember(KeptTable(project))
