"""What did well elsewhere comes first, at the nearest point of the space."""

from __future__ import annotations

from mileage.search.sampling import nearest
from mileage.search.strategy import Proposal, SearchContext

_SHARE = 0.8  # of a budget: it was worth its time before


def known_proposals(context: SearchContext) -> list[Proposal]:
    """Return what is known to do well on tables like this, in its order, each once; what the space has no model for is left out.

    Examples
    --------
    >>> from mileage.core.reasons import Reason
    >>> from mileage.operators import StepSpec
    >>> from mileage.search.strategy import Known
    >>> from mileage.space import Alternative, SearchSpace, Slot, StepChoice
    >>> space = SearchSpace((Slot("model", (Alternative((StepChoice("ridge"),)),)),), "regression")
    >>> known = [Known({"model": StepSpec(name)}, Reason("did well")) for name in ("knn", "ridge", "ridge")]
    >>> [str(proposal.configuration) for proposal in known_proposals(SearchContext(space, known=tuple(known)))]
    ['ridge']
    """
    made: dict[str, Proposal] = {}
    for known in context.known:
        configuration = nearest(context.space, dict(known.wish))
        if configuration is not None:
            made.setdefault(configuration.digest, Proposal(configuration, known.reason, _SHARE))
    return list(made.values())
