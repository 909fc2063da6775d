"""Every registered monitor keeps its contract."""

import pytest

from mileage.monitors import monitors
from mileage.testing import check_monitor


@pytest.mark.parametrize("name", monitors.names())
def test_the_monitor_keeps_its_contract(name):
    check_monitor(monitors.get(name))
