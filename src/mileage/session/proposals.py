"""What a search tries next: first what an earlier version of the query tried, then what the strategy asks for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from mileage.core.reasons import Reason
from mileage.errors import MileError
from mileage.results import Trial
from mileage.search import Proposal, SearchContext, strategies
from mileage.space import Configuration, SearchSpace, conflict

_REPEATS = 200  # of known configurations in a row, before a strategy counts as having nothing left


class Proposals:
    """Proposals of one search, none twice; a strategy that fails ends the search, not the run.

    Parameters
    ----------
    strategy : str
        Its name in the registry.
    context : SearchContext
        What the strategy may know.
    carried : iterable of Trial
        Trials of the version that this query refines, in the order of their numbers.
    """

    def __init__(self, strategy: str, context: SearchContext, carried: Iterable[Trial] = ()) -> None:
        self.name = strategy
        self.strategy = strategies.get(strategy).begin(context)
        self.carried = {
            Configuration(trial.configuration).digest: trial for trial in carried if _fits(context.space, trial)
        }
        self.ended = ""
        self._first = deque(self.carried.values())
        self._tried: set[str] = set()

    def carry(self) -> Proposal | None:
        """Return the next configuration of the earlier version, or None if there is none left."""
        if not self._first:
            return None
        configuration = Configuration(self._first.popleft().configuration)
        return Proposal(configuration, Reason("tried by the version before; scored again", "strategy"))

    def ask(self) -> Proposal | None:
        """Return a configuration not tried yet, or None; :attr:`ended` says why."""
        if self.ended:
            return None
        for _ in range(_REPEATS):
            try:
                proposal = self.strategy.ask()
            except MileError:
                raise
            except Exception as error:  # noqa: BLE001  (of another distribution, perhaps; the run says it)
                self._fail(error)
                return None
            if proposal is None:
                self.ended = "every configuration of the space was tried"
                return None
            if proposal.configuration.digest not in self._tried:
                return proposal
        self.ended = f"the strategy '{self.name}' proposes nothing new"
        return None

    def take(self, configuration: Configuration) -> None:
        """Note that a configuration is tried now."""
        self._tried.add(configuration.digest)

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Let the strategy learn a loss; smaller is better, None is a failure."""
        if self.ended.startswith("the strategy"):
            return
        try:
            self.strategy.tell(configuration, loss)
        except MileError:
            raise
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.ended = f"the strategy '{self.name}' failed: {type(error).__name__}: {error}"


def _fits(space: SearchSpace, trial: Trial) -> bool:
    """Say whether a trial of another query has a score and is a point of this space."""
    if trial.state != "ok" or not space.admits(trial.configuration):
        return False
    return conflict([spec for _, specs in trial.configuration for spec in specs], space.task) is None
