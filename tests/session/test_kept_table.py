"""The grammar is compiled once for a project, and what is kept of it is not trusted unless it is the project's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mileage.catalog import Project
from mileage.language import automaton, parse
from mileage.session.kept_table import KeptTable, keep_table


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(automaton._remembered, "memory", None)
    return Project.open(tmp_path)


def test_the_kept_grammar_is_the_compiled_one(project: Project) -> None:
    assert project.path.is_dir()
    made = automaton._compiled()
    again = automaton.read_table(automaton.write_table(made))
    assert automaton.write_table(again) == automaton.write_table(made)
    one, other = (lark.parse_interactive("").parser_state.parse_conf for lark in (made, again))
    assert other.parse_table.states == one.parse_table.states
    assert (other.start_state, other.end_state) == (one.start_state, one.end_state)
    assert automaton._vocabulary(again) == automaton._vocabulary(made)
    assert again.options.propagate_positions


def test_a_later_process_reads_what_an_earlier_one_compiled(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_table(project)
    automaton._compiled()
    monkeypatch.setattr("lark.Lark.__init__", lambda *_, **__: pytest.fail("compiled again"))
    automaton.automaton.cache_clear()
    assert str(parse("PREDICT y FROM 'a.csv'").statements[0].span) == str(
        parse("PREDICT y FROM 'b.csv'").statements[0].span
    )
    automaton.automaton.cache_clear()


@pytest.mark.parametrize("change", [lambda text: text[:-9], lambda text: text.replace("1", "2", 1), lambda _: "", None])
def test_what_the_project_has_not_written_counts_as_none(project: Project, change: object) -> None:
    kept = KeptTable(project)
    kept.put("name", "text 1")
    assert kept.get("name") == "text 1" and kept.get("other") is None
    file = project.path / "grammar.json"
    if callable(change):
        file.write_text(change(file.read_text()))
    else:
        (project.path / "key").write_bytes(b"0" * 32)
    assert kept.get("name") is None


def test_a_folder_that_cannot_be_written_is_no_error(project: Project) -> None:
    (project.path / "grammar.json").mkdir()
    kept = KeptTable(project)
    kept.put("name", "text")
    assert kept.get("name") is None and not list(project.path.glob(".grammar*"))
