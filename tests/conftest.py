"""What all tests share: Hypothesis without deadlines, for a busy machine is no failure."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("mile", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("mile")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-cases", action="store_true", help="write the answers of .case files as they are given now"
    )
