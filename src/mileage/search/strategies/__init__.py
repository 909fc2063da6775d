"""One strategy per file, and their registry; ``default`` chains portfolio and TPE."""

from mileage.core.registry import Registry
from mileage.search.strategy import Strategy

strategies: Registry[Strategy] = Registry(
    "strategy",
    package="mileage.search.strategies",
    base=Strategy,  # type: ignore[type-abstract]  # for isinstance only
    group="mileage.strategies",
)
