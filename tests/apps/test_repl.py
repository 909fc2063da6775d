"""The REPL, piped and typed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from mileage.apps.cli.terminal import QueryCompleter, typed_statements
from mileage.apps.cli.typed import needs_more, statements

Mile = Callable[..., "subprocess.CompletedProcess[str]"]


def test_piped_statements_run_one_after_the_other(mile: Mile) -> None:
    done = mile("repl", "-q", stdin="PREDICT y\nFROM t\nBUDGET 10 s;\nSHOW history\nSHOW data\n\\quit\nSHOW never\n")
    assert done.returncode == 0
    assert done.stdout.startswith("@w1") and done.stdout.endswith("SHOW history\n\nSHOW data\n")


def test_a_failure_does_not_end_the_repl_and_sets_the_exit_code(mile: Mile) -> None:
    done = mile("repl", "-q", stdin="PREDICT nope FROM t\n\nPREDICT bug FROM t;\nSHOW data")
    assert (done.returncode, done.stdout) == (1, "SHOW data\n")
    assert "E201" in done.stderr and "B000" in done.stderr and "Traceback" not in done.stderr


def test_helpers_work(mile: Mile, tmp_path: Path) -> None:
    (tmp_path / "a.mile").write_text("SHOW data", encoding="utf-8")
    done = mile("repl", stdin="\\help\n\\d 't.csv'\n\\i a.mile\n\\what\n")
    assert done.returncode == 2
    assert "Ctrl-C" in done.stdout and "age  sex" in done.stdout and "SHOW data" in done.stdout
    assert "no helper '\\what'" in done.stderr
    assert mile("repl", stdin="\\d nothing").returncode == 4


def test_a_piped_repl_can_answer_one_object(mile: Mile) -> None:
    done = mile("repl", "--json", stdin="SHOW data; PREDICT y FROM t;\n")
    assert len(json.loads(done.stdout)["answers"]) == 2
    assert mile("repl", stdin="").returncode == 0


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("PREDICT", True), ("PREDICT y", True), ("PREDICT y FROM", True), ("PREDICT y FROM t", False),
        ("PREDICT y FROM (SELECT *", True), ("PREDICT y FROM 'a", True), ("PREDICT y FROM t;", False),
        ("PREDICT y FORM t", False), ("EXPLAIN PLAN", True), ("hello", False), ("\\help", False),
        ("COMPARE @w1,", True), ("PREDICT y FROM t WITH MODEL =", True), ("SHOW", True), ("SHOW data; PREDICT y", True),
    ],
)  # fmt: skip
def test_a_statement_goes_on_while_it_breaks_off(text: str, *, more: bool) -> None:
    assert needs_more(text) is more


def test_a_statement_of_a_pipe_ends_where_the_next_begins() -> None:
    assert list(statements(["EXPLAIN PLAN", "PREDICT y FROM t", "SHOW data"])) == [
        "EXPLAIN PLAN\nPREDICT y FROM t",
        "SHOW data",
    ]


def _typed(keys: str, stub: ModuleType, tmp_path: Path) -> list[str]:
    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        return list(typed_statements(stub.connect(tmp_path), tmp_path / "history", input=pipe, output=DummyOutput()))


def test_enter_ends_a_complete_statement_and_else_the_line(stub: ModuleType, tmp_path: Path) -> None:
    assert _typed("PREDICT y\rFROM t\rSHOW data\r\x04", stub, tmp_path) == ["PREDICT y\nFROM t", "SHOW data"]
    assert "FROM t" in (tmp_path / "history").read_text(encoding="utf-8")


def test_ctrl_c_clears_the_input_and_a_blank_line_ends_it(stub: ModuleType, tmp_path: Path) -> None:
    assert _typed("PREDICT y\x03SHOW data\rPREDICT y\r\r\x04", stub, tmp_path) == ["SHOW data", "PREDICT y\n"]


def test_completion_offers_columns_and_what_the_grammar_allows(stub: ModuleType, tmp_path: Path) -> None:
    completer = QueryCompleter(stub.connect(tmp_path))

    def offered(before: str, after: str = "") -> list[str]:
        document = Document(before + after, len(before))
        return [c.text for c in completer.get_completions(document, CompleteEvent(completion_requested=True))]

    assert offered("PREDICT a", " FROM 't.csv'") == ["age"]
    assert "BUDGET" in offered("PREDICT y FROM t BUD")
    assert "leaderboard" in offered("SHOW lea")
    assert "@w1" in offered("EXPORT @w")
