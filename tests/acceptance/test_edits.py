"""Random edits: what is reused is what a twin that remembers nothing gives, and nothing runs again for nothing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def edits():
    before = list(sys.path)
    spec = importlib.util.spec_from_file_location("mile_edits", BENCHMARKS / "edits.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["mile_edits"] = module
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before
    del sys.modules["mile_edits"]


def test_edits_are_neither_missed_nor_answered_with_needless_work(edits):
    found = edits.run_scripts(range(10_000, 10_010))
    assert found.differences == []
    assert found.needless == []
    assert found.reused > 40
    assert found.ran > 40
