"""Strategies that propose configurations: ask, tell, done."""

from mileage.search.strategies import strategies
from mileage.search.strategy import Proposal, SearchContext, Strategy

__all__ = ["Proposal", "SearchContext", "Strategy", "strategies"]
