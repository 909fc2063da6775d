"""What the pages show is true: their commands and their Python run, on the bundled tables, with short budgets."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
from pathlib import Path

import pytest

from mileage.apps.cli import main

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"(?:<!-- exits with (?P<code>\d+) -->\n)?```(?P<language>console|python)\n(?P<text>.*?)```", re.DOTALL
)
PAGES = [
    "docs/tutorial/1-you-steer.md",
    "docs/tutorial/2-cruise-control.md",
    "docs/tutorial/3-autopilot.md",
    "docs/how-to/exit-codes.md",
    "docs/how-to/project-folder.md",
    "docs/how-to/from-scikit-learn.md",
    "docs/how-to/notebook.md",
    "docs/how-to/from-a-notebook.md",
]


def commands(text: str) -> list[str]:
    """Return the commands of a block: each begins with ``$`` and may go on over lines."""
    return [part.strip() for part in re.split(r"^\$ ", text, flags=re.MULTILINE) if part.strip()]


def short(text: str) -> str:
    """Return a text with budgets that a test can wait for."""
    text = re.sub(r"BUDGET \d+ (?:s|min|trials)", "BUDGET 2 trials", text)
    return re.sub(r"VALIDATE BY \d+ FOLDS", "VALIDATE BY 2 FOLDS", text)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the examples, which have short budgets."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for query in (tmp_path / "examples").glob("*.mile"):
        query.write_text(short(query.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILE_BACKEND", "inline")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def run(command: str, wanted: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Run one command of a page; a pipe and what follows it is left out, as is what is no command of ours."""
    words = shlex.split(command)
    words = words[: words.index("|")] if "|" in words else words
    if words[0] == "python":
        with contextlib.redirect_stdout(None):
            exec(compile(Path(words[1]).read_text(encoding="utf-8"), words[1], "exec"), {"__name__": "read"})
        return
    assert words[0] == "mile", command
    code = main([short(word) for word in words[1:]])
    assert code == wanted, f"{command}\n{capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_runs(page: str, clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    if page.endswith("project-folder.md"):
        run("mile run examples/penguins.mile", 0, capsys)
    ran = 0
    for block in BLOCK.finditer(text):
        if block["language"] == "python":
            exec(compile(short(block["text"]), page, "exec"), {})
            ran += 1
        else:
            for command in commands(block["text"]):
                run(command, int(block["code"] or 0), capsys)
                ran += 1
    assert ran


def test_examples_run(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    queries = sorted((clone / "examples").glob("*.mile"))
    assert queries
    for query in queries:
        assert main(["run", str(query)]) == 0, capsys.readouterr().err
    assert "w1" in capsys.readouterr().out


def test_queries_in_tables_and_sentences_parse() -> None:
    from mileage.language import parse

    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    clauses = re.compile(r"`((?:FROM|WITH|VALIDATE|OPTIMIZE|BUDGET|FEATURES|EXCLUDING|KNOWING) [^`…]*)`")
    checked = 0
    for page in pages:
        if "reference" in page.parts:
            continue
        for clause in clauses.findall(page.read_text(encoding="utf-8").replace("\\|", "|")):
            if re.search(r"column IS \.\.\.|[A-Z]{4,} \.\.\.|FROM [A-Z]+$|^FROM$", clause):
                continue
            text = " ".join(clause.split())
            parse(f"PREDICT y {text}" if text.startswith("FROM") else f"PREDICT y FROM t {text}")
            checked += 1
    assert checked > 20
