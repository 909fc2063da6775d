"""Every registered operator keeps its contract and the laws of the traits it declares."""

import pytest
from threadpoolctl import threadpool_limits

from mileage.errors import ExtraMissing
from mileage.operators import operators
from mileage.testing import operator_checks

pytestmark = [pytest.mark.filterwarnings("ignore")]  # libraries' own words on tiny tables


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Keep libraries to one thread, as tasks do."""
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize("check", [check for operator in operators for check in operator_checks(operator)], ids=str)
def test_law(check):
    try:
        check()
    except ExtraMissing as error:
        pytest.skip(error.message)
