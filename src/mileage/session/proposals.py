"""What a search tries next: first what an earlier run of the query tried, then what the strategy asks for.

With each of these come its companions: configurations that cost little beside it, since they share its fit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from mileage.core.exactness import DEFAULT_FLOOR
from mileage.core.reasons import Reason
from mileage.errors import MileError
from mileage.optimizer import SHARING
from mileage.planner import LogicalPlan
from mileage.results import Trial
from mileage.search import Known, Proposal, SearchContext, companions, strategies
from mileage.session.data_tasks import DataTasks
from mileage.space import Configuration, SearchSpace, conflict

_REPEATS = 200  # of known configurations in a row, before a strategy counts as having nothing left
_LATER = 20  # what takes more than its share of the budget waits until so many others were tried
_DEAR = 0.1  # of a budget: what takes more has no companions, as their predictions take long too
_FIRST_SHARE = 0.05  # the first one surely fits, on a busy machine too, so that there is an answer


class Proposals:
    """Proposals of one search, none twice; a strategy that fails ends the search, not the run.

    Parameters
    ----------
    strategy : str
        Its name in the registry.
    context : SearchContext
        What the strategy may know.
    carried : iterable of Trial
        Trials of the version that this query refines, or of the same question with another budget, in the order of their numbers.
    share_of : callable, optional
        The part of a budget of time that a proposal takes; without one nothing waits for others.
    grouped : bool
        Whether companions are tried, too: they are trials, so not where trials are counted.
    """

    def __init__(
        self,
        strategy: str,
        context: SearchContext,
        carried: Iterable[Trial] = (),
        *,
        share_of: Callable[[Proposal], float] | None = None,
        grouped: bool = False,
    ) -> None:
        self.name, self.space = strategy, context.space
        self._share_of, self._grouped = share_of, grouped
        self._later: list[Proposal] = []
        self.strategy = strategies.get(strategy).begin(context)
        self.carried = {
            Configuration(trial.configuration).digest: trial for trial in carried if _fits(context.space, trial)
        }
        self.ended = ""
        self._first = deque(self.carried.values())
        self._heads: dict[int, int] = {}
        self._tried: set[str] = set()

    @property
    def carries(self) -> bool:
        """Whether configurations of an earlier run are left to be scored again."""
        return bool(self._first)

    def carry(self) -> Proposal | None:
        """Return the next configuration of the earlier version, or None if there is none left."""
        if not self._first:
            return None
        configuration = Configuration(self._first.popleft().configuration)
        return Proposal(configuration, Reason("tried before; scored again", "strategy"))

    def beside(self, configuration: Configuration, number: int) -> int | None:
        """Return the number here of the first of those that one fit served in the earlier run; None if this is the first.

        ``number`` is the one that the configuration of the earlier run has here.
        """
        before = self.carried[configuration.digest]
        first = self._heads.setdefault(before.number if before.beside is None else before.beside, number)
        return None if first == number else first

    def next(self, number: int) -> Proposal | None:
        """Return what to try as the ``number``-th: as the strategy has it, but what takes much of the budget waits for the others.

        That is told from the priors of the operators, which do not depend on the machine.
        """
        if self._share_of is None or number > _LATER:
            return self._later.pop(0) if self._later else self.ask()
        if number == 2 and (at_once := next((p for p in self._later if self._is_worth(p, number)), None)):
            self._later.remove(at_once)  # it was too long for the first answer only
            return at_once
        while len(self._later) < _LATER and (proposal := self.ask()) is not None:
            if self._is_worth(proposal, number):
                return proposal
            self._later.append(proposal)
        if not self._later:
            return None
        return self._later.pop(min(range(len(self._later)), key=lambda i: self._share(self._later[i])))

    def _is_worth(self, proposal: Proposal, number: int) -> bool:
        """Say whether a proposal may run now: it takes no more of the budget than it is worth, the first one not much at all."""
        return self._share(proposal) <= (proposal.share if number > 1 else min(_FIRST_SHARE, proposal.share))

    def _share(self, proposal: Proposal) -> float:
        return 0.0 if self._share_of is None else self._share_of(proposal)

    def group(self, proposal: Proposal) -> tuple[Proposal, ...]:
        """Return a proposal with those of its companions that were not tried yet."""
        cheap = self._grouped and self._share(proposal) <= _DEAR
        made = companions(self.space, proposal.configuration) if cheap else ()
        reason = Reason(f"beside {proposal.reason.text}: one fit serves both", proposal.reason.origin)
        others = (Proposal(c, reason) for c in made if c.digest not in self._tried)
        return (proposal, *others)

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


def search_context(plan: LogicalPlan, known: tuple[Known, ...] = ()) -> SearchContext:
    """Return what a strategy may know of a plan."""
    setting, features = plan.setting, plan.features
    n_columns = len(features.names)
    return SearchContext(plan.space, plan.seed, setting.n_rows, n_columns, setting.n_classes, features.levels, known)


def is_grouped(plan: LogicalPlan, data: DataTasks) -> bool:
    """Say whether companions are tried: they cost little where fits are shared, and count where trials are counted."""
    counted = plan.budget.trials is not None or plan.budget.patience_trials is not None
    shares = plan.rules_off.isdisjoint(SHARING) and plan.floor >= DEFAULT_FLOOR and data.parts is None
    return plan.budget.seconds is not None and not counted and shares
