"""Runs ``.case`` files: a question, and what MILE answers to it, as text that a reader can judge.

A file holds cases parted by ``---``. A case is a line of ``#`` words that say what it shows, then sections: a heading at
the margin, its text indented by two spaces. ``query`` and the headings of ``answers.GIVEN`` are what is given; every
other heading is a question of ``answers.ASKED``, its text the answer. ``pytest --update-cases`` writes the answers that
are given now; review the difference before you commit it.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from layout import Case, read_cases, write_cases


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    return CaseFile.from_parent(parent, path=file_path) if file_path.suffix == ".case" else None


class CaseFile(pytest.File):
    """A ``.case`` file; with ``--update-cases`` it is written anew when its last case has run."""

    def collect(self) -> Iterator[pytest.Item]:
        self.cases = read_cases(self.path.read_text(encoding="utf-8"))
        titles = [case.title for case in self.cases]
        assert all(titles), f"{self.path.name}: a case without a title"
        assert len(set(titles)) == len(titles), f"{self.path.name}: two cases of one title"
        for case in self.cases:
            yield CaseItem.from_parent(self, name=case.title.splitlines()[0], case=case)

    def write(self) -> None:
        self.path.write_text(write_cases(self.cases), encoding="utf-8")


class CaseItem(pytest.Item):
    """One case: every question in it is asked, and each answer compared."""

    def __init__(self, *, case: Case, **rest: object) -> None:
        super().__init__(**rest)
        self.case = case

    def runtest(self) -> None:
        from answers import GIVEN, answer

        asked = [heading for heading in self.case.sections if heading not in GIVEN]
        assert asked, "nothing is asked"
        given = {heading: text.rstrip("\n") for heading, text in self.case.sections.items()}
        found = {heading: answer(heading, given).rstrip("\n") for heading in asked}
        if self.config.getoption("--update-cases"):
            self.case.sections |= found
            self.parent.write()
            return
        wrong = {heading: text for heading, text in found.items() if text != self.case.sections[heading].rstrip("\n")}
        if wrong:
            raise AssertionError("\n".join(self._difference(heading, text) for heading, text in wrong.items()))

    def _difference(self, heading: str, text: str) -> str:
        expected = self.case.sections[heading].rstrip("\n").splitlines()
        lines = difflib.unified_diff(expected, text.splitlines(), "expected", "found", lineterm="", n=99)
        return "\n".join([heading, *lines])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None) -> object:
        if isinstance(excinfo.value, AssertionError):
            return f"{self.case.title}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name
