"""The conformance suite of search strategies: the laws of ask and tell, on small spaces made up here.

Another distribution's strategy is checked with ``check_strategy(MINE)`` in a test of its own.
"""

from __future__ import annotations

import math
import random

import numpy as np

from mileage.core.domains import FloatRange, IntRange, OneOf
from mileage.errors import MileError
from mileage.search import Proposal, SearchContext, Strategy
from mileage.space import Alternative, Configuration, SearchSpace, Slot, StepChoice, conflict

_MANY = 16
_AHEAD = 5  # proposals that a run may ask for before it tells the first score


def _space(*models: StepChoice, task: str = "binary") -> SearchSpace:
    """Return a space of three slots in which some points are in conflict, and one alternative has no weight."""
    impute = (Alternative((StepChoice("median"),)), Alternative((StepChoice("impute_native"),)))
    scale = (Alternative((StepChoice("none"),)), Alternative((StepChoice("standard"),), weight=2.0))
    slots = (Slot("impute", impute), Slot("scale", scale))
    return SearchSpace((*slots, Slot("model", tuple(Alternative((m,)) for m in models))), task)


def finite_space() -> SearchSpace:
    """Return a space of 36 points of which 26 can be run."""
    logistic = StepChoice("logistic", (), (("C", OneOf((0.1, 1.0, 10.0))),))
    trees = StepChoice("hist_gbm", (("learning_rate", 0.1),), (("max_iter", IntRange(5, 8)),))
    return _space(logistic, trees, StepChoice("multinomial_nb"), StepChoice("gaussian_nb"))


def endless_space() -> SearchSpace:
    """Return a space with a continuous parameter."""
    logistic = StepChoice("logistic", (), (("C", FloatRange(0.01, 10.0, log=True)),))
    return _space(logistic, StepChoice("hist_gbm", (), (("max_iter", IntRange(5, 50)),)))


def check_strategy(strategy: Strategy) -> None:
    """Check the laws of :class:`mileage.search.Strategy`.

    Parameters
    ----------
    strategy : Strategy
        The registered template.

    Raises
    ------
    AssertionError
        With the law that is broken.

    Examples
    --------
    >>> from mileage.search import strategies
    >>> check_strategy(strategies.get("random"))
    """
    assert strategy.name.isidentifier(), f"'{strategy.name}' is no name for a query"
    assert (type(strategy).__doc__ or "").strip(), "the class has no docstring"
    served = [space for space in (finite_space(), endless_space()) if _serves(strategy, space)]
    assert served, "it begins a search in neither a finite nor an endless space"
    for space in served:
        check_points(strategy, space)
        check_determinism(strategy, space)
        check_asks_ahead(strategy, space)
        check_strangers(strategy, space)
        if space.size() < math.inf:
            check_end(strategy, space)


def _serves(strategy: Strategy, space: SearchSpace) -> bool:
    try:
        strategy.begin(SearchContext(space))
    except MileError:  # with a message of its own for the user
        return False
    return True


def _loss(configuration: Configuration) -> float | None:
    """Return a made-up loss that prefers some operators; one in seven trials fails."""
    number = int(str(configuration.digest), 16)
    return None if number % 7 == 0 else (number % 1000) / 1000 + ("logistic" in str(configuration))


def _run(strategy: Strategy, n: int = _MANY) -> list[Proposal]:
    made: list[Proposal] = []
    while len(made) < n and (proposal := strategy.ask()) is not None:
        made.append(proposal)
        strategy.tell(proposal.configuration, _loss(proposal.configuration))
    return made


def _check_points(made: list[Proposal], space: SearchSpace) -> None:
    for proposal in made:
        shown = str(proposal.configuration)
        assert space.admits(proposal.configuration.choices), f"{shown} is no point of the space"
        why = conflict(proposal.configuration.steps, space.task)
        assert why is None, f"{shown} cannot run: {why}"
        assert proposal.reason.text.strip(), f"{shown} has no reason"
    digests = [proposal.configuration.digest for proposal in made]
    assert len(set(digests)) == len(digests), "a configuration is proposed twice"


def check_points(strategy: Strategy, space: SearchSpace) -> None:
    """Every proposal is a new point of the space that can run, whatever the seed; there is at least one."""
    for seed in (0, 1):
        begun = strategy.begin(SearchContext(space, seed))
        assert type(begun) is type(strategy), "begin returns something else than its own kind"
        assert begun is not strategy, "begin returns the template itself"
        made = _run(begun)
        assert made, "it proposes nothing"
        _check_points(made, space)


def check_determinism(strategy: Strategy, space: SearchSpace) -> None:
    """The same asks and tells give the same proposals: no global random state, no clock, no earlier search matters."""
    runs = []
    for i in range(2):
        random.seed(i)
        np.random.seed(i)  # noqa: NPY002  (the law is about the global state)
        runs.append([proposal.configuration for proposal in _run(strategy.begin(SearchContext(space, 3)))])
    assert runs[0] == runs[1], "two searches with one seed differ"


def check_asks_ahead(strategy: Strategy, space: SearchSpace) -> None:
    """Several proposals may be open; their scores come in order, and all of them may have failed."""
    for fails in (False, True):
        begun = strategy.begin(SearchContext(space, 5))
        made: list[Proposal] = []
        for _ in range(_MANY):
            proposal = begun.ask()
            if proposal is None:
                break
            made.append(proposal)
            if len(made) > _AHEAD:
                told = made[len(made) - 1 - _AHEAD].configuration
                begun.tell(told, None if fails else _loss(told))
        _check_points(made, space)


def check_strangers(strategy: Strategy, space: SearchSpace) -> None:
    """Scores of configurations that others proposed are taken in."""
    others = [proposal.configuration for proposal in _run(strategy.begin(SearchContext(space, 7)), 6)]
    begun = strategy.begin(SearchContext(space, 8))
    for configuration in others:
        begun.tell(configuration, _loss(configuration))
    _check_points(_run(begun), space)


def check_end(strategy: Strategy, space: SearchSpace) -> None:
    """On a finite space there is an end, and it is one."""
    begun = strategy.begin(SearchContext(space, 9))
    size = int(space.size())
    made = _run(begun, size + 1)
    _check_points(made, space)
    assert len(made) <= size, "it proposes more than there is"
    assert begun.ask() is None, "after the end it proposes again"
    for proposal in made[:2]:
        begun.tell(proposal.configuration, 0.0)
    assert begun.ask() is None, "after the end it proposes again"
