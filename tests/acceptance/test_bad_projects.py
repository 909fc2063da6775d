"""Project folders that are full, read-only, broken or of another version; runs that were killed."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mileage.catalog import store

NO_SPACE = os.strerror(errno.ENOSPC)
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
"""
needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes there")


@pytest.fixture
def query(ask, table, folder):
    """Return a small query, its table written."""
    (folder / "t.csv").write_text(table())
    return ask()


def test_a_full_disk_ends_no_run_and_is_told(mile, query, monkeypatch):
    def refuse(*args, **options):
        raise OSError(errno.ENOSPC, NO_SPACE)

    monkeypatch.setattr(store.ArtifactStore, "_write", refuse)
    answer = mile("--json", query).answers()
    assert any("some results are not kept" in note and NO_SPACE in note for note in answer["notes"])
    assert "some results are not kept" in mile("-q", query).out
    seen = mile("apply", "@w1", "t.csv", "--into", "out.csv")  # nothing was kept: it is fitted again
    assert (seen.code, Path("out.csv").exists()) == (0, True)


@needs_limits
def test_a_catalog_that_cannot_grow_ends_no_run_and_is_told(process, query):
    seen = process("--json", "--backend", "inline", query, first=FULL.format(size=3000))
    answer = seen.answers()
    assert any("catalog.sqlite' cannot be written" in note and "not kept" in note for note in answer["notes"])


@needs_limits
def test_a_full_disk_is_no_damage(mile, process, query):
    mile("--json", query).answers()
    seen = process("show", "history", first=FULL.format(size=3000))
    seen.fails(1, "C706", says=("cannot be opened or written", "free some space"))
    assert "mv '" not in seen.text


def test_a_folder_that_cannot_be_written_is_one_error(mile, query, folder, monkeypatch):
    (folder / ".mile").mkdir()
    monkeypatch.setattr("mileage.catalog.project.os.access", lambda *args: False)
    mile(query).fails(1, "C702", says=("cannot be written", "name another folder with --project"))


@pytest.mark.parametrize(
    ("files", "options", "code", "says"),
    [
        ({".mile": "x"}, (), "C702", ("cannot make a project", "--project FOLDER")),
        ({"f": "x"}, ("--project", "f"), "C702", "cannot make a project"),
        ({".mile/catalog.sqlite": b"junk" * 500}, (), "C703", ("is damaged", "move it aside (mv '")),
        ({".mile/catalog.sqlite/x": ""}, (), "C706", "unable to open database file"),
        ({".mile/key": "short"}, (), "C703", ("is no key of a project", "move it aside")),
        ({".mile/key/x": ""}, (), "C702", "cannot read or write"),
    ],
)
def test_a_broken_project_is_one_error_that_says_how_to_mend_it(mile, query, files, options, code, says):
    mile(*options, query, files=files).fails(1, code, says=says)


def test_what_the_hint_says_mends_a_broken_catalog(mile, query, folder):
    mile(query, files={".mile/catalog.sqlite": b"junk" * 500}).fails(1, "C703")
    (folder / ".mile/catalog.sqlite").rename(folder / ".mile/catalog.sqlite.broken")
    mile("--json", query).answers()


def test_artifacts_that_cannot_be_kept_are_told(mile, query):
    answer = mile("--json", query, files={".mile/artifacts": "x"}).answers()
    assert any("not kept" in note for note in answer["notes"])


def test_a_catalog_of_a_newer_version_is_not_touched(mile, query, folder):
    mile("--json", query).answers()
    file = folder / ".mile/catalog.sqlite"
    with closing(sqlite3.connect(file)) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        other.commit()
    mile("show", "history").fails(1, "C704", says=("newer version of MILE", "upgrade mileage"))
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_what_a_killed_run_left_is_listed_and_in_nobodys_way(mile, process, query, folder):
    killed = """
import os, signal
from mileage.session import run
run._refit_best = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
"""
    assert process("--backend", "inline", query, first=killed).code != 0
    part = folder / ".mile/artifacts/ab/.ab12.out.1.1.1.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"half")
    [run] = mile("--json", "show", "history").answer["sections"][0]["rows"]
    assert run["state"] == "interrupted"
    assert mile("--json", "show", "leaderboard").answers()["leaderboard"][0]["score"] > 0.9
    assert mile("--json", query).answers()["query"] == "@q2"


def test_an_artifact_that_was_tampered_with_is_computed_again(mile, query, folder):
    first = mile("--json", query).answers()
    files = [path for path in (folder / ".mile/artifacts").rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:-8] + b"tampered")
    again = mile("--json", query).answers()
    assert [row["score"] for row in again["leaderboard"]] == [row["score"] for row in first["leaderboard"]]
