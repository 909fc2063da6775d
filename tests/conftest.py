"""What all tests share: slow ones wait to be asked for, and Hypothesis has no deadlines, for a busy machine is no failure.

The suite draws the same examples each time, so that a change is judged by what it changed; ``HYPOTHESIS_PROFILE=explore``
draws new ones.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("mile", settings.get_profile("explore"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "mile"))


def pytest_collection_modifyitems(config, items):
    """Skip slow tests unless an expression with ``-m`` names the mark."""
    if "slow" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-cases", action="store_true", help="write the answers of .case files as they are given now"
    )
