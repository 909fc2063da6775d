"""Strategies that propose configurations: ask, tell, done."""

from mileage.search.companions import companions
from mileage.search.strategies import strategies
from mileage.search.strategy import Known, Proposal, SearchContext, Strategy

__all__ = ["Known", "Proposal", "SearchContext", "Strategy", "companions", "strategies"]
