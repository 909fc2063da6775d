"""Strategies that propose configurations: ask, tell, done."""

from mileage.core.registry import Registry
from mileage.search.strategy import Proposal, SearchContext, Strategy

strategies: Registry[Strategy] = Registry(
    "strategy",
    package="mileage.search.strategies",
    base=Strategy,  # type: ignore[type-abstract]
    group="mileage.strategies",
)

__all__ = ["Proposal", "SearchContext", "Strategy", "strategies"]
