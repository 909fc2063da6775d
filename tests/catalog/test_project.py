"""The project folder: found, made, or refused in one clear sentence."""

from __future__ import annotations

import os

import pytest

from mileage.catalog import Project
from mileage.errors import CatalogError


def test_the_nearest_project_upwards_is_found(tmp_path, monkeypatch):
    Project.open(tmp_path)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert Project.find() == tmp_path.resolve()
    assert Project.open().root == tmp_path.resolve()


def test_a_project_is_made_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Project, "find", classmethod(lambda cls, start=None: None))
    assert Project.open().path.is_dir()
    assert (tmp_path / ".mile" / ".gitignore").read_text() == "*\n"


def test_the_folder_itself_may_be_named(tmp_path):
    assert Project.open(tmp_path / ".mile").root == tmp_path


def test_no_project_is_an_error_where_none_may_be_made(tmp_path):
    with pytest.raises(CatalogError, match="no project in"):
        Project.open(tmp_path, create=False)


def test_a_file_in_the_way_is_a_clear_error(tmp_path):
    (tmp_path / ".mile").write_text("")
    with pytest.raises(CatalogError, match="cannot make a project in") as caught:
        Project.open(tmp_path)
    assert "--project" in str(caught.value)


def test_an_unwritable_folder_is_a_clear_error(tmp_path, monkeypatch):
    Project.open(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(CatalogError, match="cannot be written") as caught:
        Project.open(tmp_path)
    assert "--project" in str(caught.value)
