"""Slow tests run only when they are asked for: ``pytest -m slow tests/catalog``."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config, items):
    if "slow" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.path.parent.name == "catalog" and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))
