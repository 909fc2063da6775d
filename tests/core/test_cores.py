"""How many cores are counted: those this process may use, one where libraries are told to use one thread."""

from __future__ import annotations

import os

from mileage.core.cores import n_cores


def test_one_where_libraries_are_told_to_use_one(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert n_cores() == 1


def test_another_number_for_libraries_changes_nothing(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    usual = n_cores()
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert n_cores() == usual


def test_only_the_cores_this_process_may_use_count(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 7}, raising=False)
    assert n_cores() == 3
