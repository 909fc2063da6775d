"""Bad inputs go in where users put them, and what users see comes out: exit code, answer, messages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mileage.apps.cli import main

MODEL = "VALIDATE BY 2 FOLDS WITH MODEL = logistic(C = 1.0) BUDGET 1 trials"
Content = str | bytes


@dataclass(frozen=True)
class Seen:
    """What a user sees of one command."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both streams."""
        return self.out + self.err

    @property
    def reports(self) -> list[str]:
        """The codes of the errors, in the order of their reports."""
        return re.findall(r"^error\[(\w+)\]", self.text, re.MULTILINE)

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object."""
        return json.loads(self.out)

    @property
    def findings(self) -> list[str]:
        """What the monitors say, as ``code message``."""
        return [f"{found['code']} {found['message']}" for found in self.answer["findings"]]

    def fails(self, exit_code: int, *reports: str, says: tuple[str, ...] | str = ()) -> None:
        """Check that there is one report for each mistake, no more, and that it says what it must."""
        assert self.code == exit_code, self.text
        assert self.reports == list(reports), self.text
        for part in (says,) if isinstance(says, str) else says:
            assert part in self.text, self.text
        self.is_clean()

    def answers(self) -> dict[str, Any]:
        """Check that there is a ranked list with a score, and return the answer."""
        assert self.code == 0, self.text
        self.is_clean()
        answer = self.answer
        assert answer["leaderboard"][0]["score"] is not None, answer
        return answer

    def is_clean(self) -> None:
        """Check that nothing of the machine shows."""
        assert "Traceback" not in self.text and "B000" not in self.text, self.text


def _write(folder: Path, files: Mapping[str, Content]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, in which the test works."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILE_BACKEND", "inline")
    return tmp_path


Mile = Callable[..., Seen]


@pytest.fixture
def mile(folder: Path, capsys: pytest.CaptureFixture[str]) -> Mile:
    """Return a function that writes files and runs ``mile`` with arguments, in this process."""

    def run(*arguments: str, files: Mapping[str, Content] | None = None) -> Seen:
        _write(folder, files or {})
        capsys.readouterr()
        code = main(arguments)
        return Seen(code, *capsys.readouterr())

    return run


@pytest.fixture
def process(folder: Path) -> Mile:
    """Return a function that writes files and runs ``mile`` in a process of its own."""

    def run(*arguments: str, files: Mapping[str, Content] | None = None, first: str = "") -> Seen:
        _write(folder, files or {})
        code = f"{first}\nimport sys\nfrom mileage.apps.cli import main\nsys.exit(main(sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=folder, check=False
        )
        return Seen(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def table() -> Callable[..., str]:
    """Return a function that makes a CSV text: a number, a name, and a class that follows from the number."""

    def make(n: int = 28, *, header: str = "a,b,y", classes: tuple[str, str] = ("no", "yes")) -> str:
        rows = "".join(f"{i % 7},{'pqr'[i % 3]},{classes[i % 7 // 4]}\n" for i in range(n))
        return f"{header}\n{rows}"

    return make


@pytest.fixture
def ask() -> Callable[..., str]:
    """Return a function that makes a small query."""

    def make(target: str = "y", source: str = "'t.csv'", *clauses: str, tail: str = MODEL) -> str:
        return " ".join([f"PREDICT {target} FROM {source}", *clauses, tail])

    return make
