"""Tree-structured Parzen estimator, by Optuna (Bergstra et al. 2011)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, OneOf, Value
from mileage.core.reasons import Reason
from mileage.operators import StepSpec, operators
from mileage.search.sampling import compatible, model_slot
from mileage.search.strategies.random_search import RANDOM, RandomSearch
from mileage.search.strategy import Proposal, SearchContext, Strategy
from mileage.space import Configuration, Slot, StepChoice

if TYPE_CHECKING:
    import optuna

_TRIES = 50


class Tpe(Strategy):
    """Model which values go with low losses, and try more of these."""

    name = "tpe"

    def begin(self, context: SearchContext) -> Self:
        """Return a fresh strategy with a seeded sampler, all in memory."""
        fresh = type(self)()
        fresh._context = context
        fresh._study = None
        fresh._open = {}
        fresh._seen = set()
        fresh._told = []
        fresh._random = RANDOM.begin(context)
        return fresh

    def ask(self) -> Proposal | None:
        """Return a configuration not seen before, or None if 50 draws found none."""
        study = self._begun()
        for _ in range(_TRIES):
            trial = study.ask()
            configuration = self._draw(trial)
            if configuration is None or configuration.digest in self._seen:
                study.tell(trial, state=_states().FAIL)
                continue
            self._seen.add(configuration.digest)
            self._open[configuration.digest] = trial
            self._random.tell(configuration, None)
            return Proposal(configuration, Reason("near what has done well so far (TPE)", "strategy"))
        return self._random.ask()  # the model keeps proposing what is known

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Add the loss of a configuration, its own or another strategy's."""
        self._seen.add(configuration.digest)
        self._random.tell(configuration, loss)
        trial = self._open.pop(configuration.digest, None)
        if trial is None:
            self._told.append((configuration, loss))
            if self._study is not None:
                self._add(*self._told.pop())
        elif loss is None:
            self._begun().tell(trial, state=_states().FAIL)
        else:
            self._begun().tell(trial, loss)

    def _begun(self) -> optuna.Study:
        """Optuna is imported and its study made only when the first guided proposal is due."""
        if self._study is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            sampler = optuna.samplers.TPESampler(seed=self._context.seed, n_startup_trials=8)
            self._study = optuna.create_study(sampler=sampler)
            while self._told:
                self._add(*self._told.pop(0))
        return self._study

    def _add(self, configuration: Configuration, loss: float | None) -> None:
        if loss is None:
            return
        import optuna

        replay = _Replay(self._context, configuration)
        drawn = self._draw(replay)
        if drawn is not None and _operators(drawn) == _operators(configuration):
            made = optuna.trial.create_trial(params=replay.params, distributions=replay.distributions, value=loss)
            self._begun().add_trial(made)

    def _draw(self, trial: Any) -> Configuration | None:
        space = self._context.space
        chosen: dict[str, tuple[StepSpec, ...]] = {}
        for slot in (model_slot(space), *space.slots[:-1]):
            picked = self._draw_slot(trial, slot, chosen)
            if picked is None:
                return None
            chosen[slot.name] = picked
        return Configuration(tuple((slot.name, chosen[slot.name]) for slot in space.slots))

    def _draw_slot(
        self,
        trial: Any,
        slot: Slot,
        chosen: dict[str, tuple[StepSpec, ...]],
    ) -> tuple[StepSpec, ...] | None:
        labels = [_label(slot, i) for i in range(len(slot.alternatives))]
        index = labels.index(trial.suggest_categorical(slot.name, labels)) if len(labels) > 1 else 0
        fits = compatible(self._context.space, slot, chosen)
        if fits[index][1] is not None:  # the drawn one does not suit the model: the first that does stands in
            index = next((i for i, (a, why) in enumerate(fits) if why is None and a.weight > 0), -1)
            if index < 0:
                return None
        alternative = slot.alternatives[index]
        return tuple(_draw_step(trial, f"{labels[index]}.{i}", step) for i, step in enumerate(alternative.steps))

    _context: SearchContext
    _study: optuna.Study | None
    _open: dict[str, Any]
    _seen: set[str]
    _told: list[tuple[Configuration, float | None]]
    _random: RandomSearch


def _label(slot: Slot, index: int) -> str:
    return f"{slot.name}.{index}:{slot.alternatives[index].label}"


def _draw_step(trial: Any, prefix: str, step: StepChoice) -> StepSpec:
    return step.spec({name: _suggest(trial, f"{prefix}.{name}", domain) for name, domain in step.open})


def _suggest(trial: Any, name: str, domain: Domain) -> Value:
    if isinstance(domain, OneOf):
        words = [repr(v) for v in domain.values]
        return domain.values[words.index(trial.suggest_categorical(name, words))]
    if isinstance(domain, AnyOf):
        words = [d.describe() for d in domain.domains]
        index = words.index(trial.suggest_categorical(f"{name}.kind", words))
        return _suggest(trial, f"{name}.{index}", domain.domains[index])
    if isinstance(domain, IntRange):
        return int(trial.suggest_int(name, domain.low, domain.high, log=domain.log))
    assert isinstance(domain, FloatRange)
    drawn = float(f"{trial.suggest_float(name, domain.low, domain.high, log=domain.log):.4g}")
    return min(domain.high, max(domain.low, drawn))


def _states() -> Any:
    import optuna

    return optuna.trial.TrialState


def _flat_step(prefix: str, step: StepChoice, spec: StepSpec) -> dict[str, Any]:
    """Return the value of each open parameter by the name it is suggested under."""
    values: dict[str, Any] = {}
    complete = operators.get(spec.operator).complete(dict(spec.params))
    for name, domain in step.open:
        path, value = f"{prefix}.{name}", complete.get(name)
        if isinstance(domain, AnyOf):
            index = next((i for i, d in enumerate(domain.domains) if d.contains(value)), 0)
            values[f"{path}.kind"] = domain.domains[index].describe()
            path = f"{path}.{index}"
        values[path] = value
    return values


def _between(low: float, value: Any, high: float, *, log: bool) -> float:
    """Return a value moved into a range; a word for a number, such as ``scale``, is somewhere in its middle."""
    if isinstance(value, int | float):
        return min(high, max(low, value))
    return math.sqrt(low * high) if log else (low + high) / 2


def _operators(configuration: Configuration) -> list[tuple[str, list[str]]]:
    return [(slot, [spec.operator for spec in specs]) for slot, specs in configuration.choices]


class _Replay:
    """Answers ``suggest_*`` with a known configuration, to tell Optuna about a trial it did not propose.

    What the configuration does not say has the operator's default; a value outside of the space is moved to its edge.
    """

    def __init__(self, context: SearchContext, configuration: Configuration) -> None:
        self.values = self._flatten(context, configuration)
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, Any] = {}

    @staticmethod
    def _flatten(context: SearchContext, configuration: Configuration) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for slot in context.space.slots:
            specs = dict(configuration.choices)[slot.name]
            for index, alternative in enumerate(slot.alternatives):
                if alternative.admits(specs):
                    label = _label(slot, index)
                    values[slot.name] = label
                    for i, (step, spec) in enumerate(zip(alternative.steps, specs, strict=True)):
                        values |= _flat_step(f"{label}.{i}", step, spec)
                    break
        return values

    def suggest_categorical(self, name: str, choices: list[str]) -> str:
        import optuna

        value = self.values.get(name)
        picked = value if value in choices else repr(value) if repr(value) in choices else choices[0]
        return str(self._keep(name, picked, optuna.distributions.CategoricalDistribution(choices)))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int:
        import optuna

        distribution = optuna.distributions.IntDistribution(low, high, log=log)
        return int(self._keep(name, _between(low, self.values.get(name), high, log=log), distribution))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        import optuna

        distribution = optuna.distributions.FloatDistribution(low, high, log=log)
        return float(self._keep(name, _between(low, self.values.get(name), high, log=log), distribution))

    def _keep(self, name: str, value: Any, distribution: Any) -> Any:
        self.params[name], self.distributions[name] = value, distribution
        return value


TPE = Tpe()
