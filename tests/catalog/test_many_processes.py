"""The store under many processes and sudden death: the benchmark's own runs, with small counts."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "store.py"
    spec = importlib.util.spec_from_file_location("benchmark_store", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_many_processes_compute_a_task_once(benchmark):
    made = benchmark.shared(4, 1.0)
    assert made["errors"] == 0, made["first_errors"]
    assert made["wrong"] == 0 and made["tasks"] > 5
    assert made["once"] >= 0.9  # few tasks: one computed twice would be more than the target of the long run


def test_killed_writers_leave_nothing_wrong_and_never_exceed_the_budget(benchmark):
    made = benchmark.killed(15)
    assert made["ended"] == 0, made["first_ended"]
    assert (made["wrong"], made["unreadable"], made["left_behind"]) == (0, 0, 0)
    assert made["kept"] and max(made["most_bytes"], made["used"]) <= made["quota"]
