"""The runner of ``.case`` files can fail, and leaves files as they are."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from answers import answer
from layout import Case, read_cases, write_cases

FILES = sorted(Path(__file__).parent.rglob("*.case"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_in_the_one_layout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert write_cases(read_cases(text)) == text


def test_an_empty_line_inside_a_text_is_kept() -> None:
    text = "# A title.\nquery\n  one\n\n  two\nprints\n  three\n"
    assert read_cases(text) == [Case("A title.", {"query": "one\n\ntwo\n", "prints": "three\n"})]
    assert write_cases(read_cases(text)) == text


@pytest.mark.parametrize("text", ["  text first\n", "# t\nquery\n  a\nquery\n  b\n"])
def test_a_malformed_case_is_refused(text: str) -> None:
    with pytest.raises(AssertionError):
        read_cases(text)


def test_an_unknown_question_is_refused() -> None:
    with pytest.raises(AssertionError, match="no question 'printz'"):
        answer("printz", {"query": "PREDICT y FROM 'a.csv'"})


def test_a_question_about_an_unknown_rule_is_refused() -> None:
    query = "PREDICT species FROM 'penguins.csv' VALIDATE BY 2 FOLDS WITH PIPELINE = median >> one_hot >> gaussian_nb"
    with pytest.raises(AssertionError, match="no rule merge_all"):
        answer("same scores without merge_all", {"query": query})


def test_a_wrong_answer_fails_and_an_update_mends_it(tmp_path: Path) -> None:
    here = Path(__file__).parent
    (tmp_path / "cases").mkdir()
    shutil.copy(here.parent / "conftest.py", tmp_path)
    for name in ("conftest.py", "answers.py", "layout.py"):
        shutil.copy(here / name, tmp_path / "cases")
    right = (here / "language" / "edits.case").read_text(encoding="utf-8")
    case = tmp_path / "cases" / "edits.case"
    case.write_text(right.replace("BUDGET 2 min, 20 trials\n---", "BUDGET 9 min\n---"), encoding="utf-8")

    def run(*more: str) -> int:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *more, str(tmp_path)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode

    assert run() == 1
    assert run("--update-cases") == 0
    assert case.read_text(encoding="utf-8") == right
