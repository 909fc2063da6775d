"""``WITH`` and ``WITHOUT``: from the clauses of a query to a search space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from mileage.core.reasons import Reason
from mileage.core.spans import Span
from mileage.language import ast
from mileage.operators import Family, operators, resolve
from mileage.planner.mistakes import Mistakes
from mileage.planner.steps import StepReader
from mileage.space import Alternative, Restriction, SearchSpace, Slot, StepChoice, conflict
from mileage.workflow import Features

ORDER = ("dates", "text", "impute", "encode", "scale", "select", "reduce", "model")
_ALIASES = {"pca": "reduce", "feature_selection": "select", "imputer": "impute", "encoder": "encode", "scaler": "scale"}
_OPTIONAL = {"impute", "scale", "select", "reduce"}
_DEFAULTS: dict[str, tuple[tuple[str, float], ...]] = {
    "dates": (("date_parts", 1.0),),
    "text": (("tf_idf", 1.0),),
    "impute": (("median", 1.0), ("impute_native", 1.0), ("mean", 0.3), ("indicator", 0.5)),
    "encode": (("one_hot", 1.0), ("encode_native", 1.0), ("ordinal", 0.7), ("target", 0.7)),
    "scale": (("none", 1.0), ("standard", 1.0), ("quantile", 0.4), ("robust", 0.2), ("minmax", 0.3)),
    "select": (("none", 1.0), ("k_best", 0.1), ("model_based", 0.1)),
    "reduce": (("none", 1.0), ("pca", 0.1)),
}
_RARE_MODELS = {"svm_linear": 0.2, "multinomial_nb": 0.1, "bernoulli_nb": 0.1, "decision_tree": 0.3, "gaussian_nb": 0.2}
_STRONG_MODELS = {"lightgbm": 4.0, "hist_gbm": 1.5, "extra_trees": 1.5, "random_forest": 1.5}
_SLOW_ROWS = 30_000


@dataclass(frozen=True, slots=True)
class SpaceSetting:
    """What the default space depends on."""

    task: str
    features: Features
    n_rows: int


class SpaceBuilder:
    """Builds the space of one query; mistakes go to ``mistakes``, cuts are remembered with their reasons."""

    def __init__(self, query: ast.Predict, setting: SpaceSetting, mistakes: Mistakes) -> None:
        self.query, self.setting, self.mistakes = query, setting, mistakes
        self.reader = StepReader(setting.task, mistakes)
        self.restrictions: list[Restriction] = []

    def build(self) -> SearchSpace:
        """Return the space, or note why it is empty."""
        written = self._written()
        pipeline = written.pop("pipeline", None)
        if pipeline is not None:
            slots = self._pipeline_slots(pipeline)
            if written:
                assign = next(iter(written.values()))
                self.mistakes.add(
                    "E240",
                    "WITH PIPELINE says the whole workflow, other slots cannot be added",
                    assign.span,
                    hint="put the step into the PIPELINE, or leave PIPELINE out",
                )
        else:
            slots = [slot for name in ORDER if (slot := self._slot(name, written.get(name))) is not None]
        slots = self._without(slots)
        slots = self._feasible(slots)
        return SearchSpace(tuple(slots), self.setting.task, tuple(self.restrictions))

    def _written(self) -> dict[str, ast.Assign]:
        found: dict[str, ast.Assign] = {}
        for clause in self.query.clauses_of(ast.With):
            for assign in clause.assignments:
                name = _ALIASES.get(assign.slot.text.lower(), assign.slot.text.lower())
                if name not in {*ORDER, "pipeline"}:
                    known = [word.upper() for word in ("pipeline", *ORDER)]
                    self.mistakes.unknown("E205", "slot", assign.slot.text.upper(), known, assign.slot.span)
                elif name in found:
                    self.mistakes.add("E105", f"{name.upper()} is given twice", assign.span, hint="join the two by |")
                else:
                    found[name] = assign
        return found

    def _slot(self, name: str, assign: ast.Assign | None) -> Slot | None:
        if assign is not None:
            return Slot(name, self._chain(assign.chain, Family(name)), Reason("you wrote it", "user", assign.span))
        if not self._applies(name):
            return None
        if name == "model":
            return Slot(name, self._models())
        alternatives = [
            Alternative((self.reader.open_step(op),), weight)
            for op, weight in _DEFAULTS[name]
            if op == "none" or op in operators
        ]
        return Slot(name, tuple(alternatives), Reason(f"the data has columns for {name}", "profile"))

    def _applies(self, name: str) -> bool:
        f = self.setting.features
        needs = {
            "dates": bool(f.datetime),
            "text": bool(f.text),
            "impute": f.numeric_missing or bool(f.datetime),
            "encode": bool(f.categorical),
            "scale": bool(f.numeric),
        }
        return needs.get(name, True)

    def _models(self) -> tuple[Alternative, ...]:
        names = [
            op.name
            for op in operators
            if op.family is Family.MODEL and op.name != "dummy" and self.setting.task in op.tasks and op.extra is None
        ]
        slow = {"svm", "svm_linear", "knn", "mlp"} if self.setting.n_rows > _SLOW_ROWS else set()
        if slow:
            why = Reason(
                f"too slow for {self.setting.n_rows:,} rows in a default search; name it in WITH MODEL to have it",
                "profile",
            )
            self.restrictions += [Restriction(name, why) for name in sorted(slow & set(names))]
        weights = _RARE_MODELS | _STRONG_MODELS
        return tuple(
            Alternative((self.reader.open_step(name),), weights.get(name, 1.0)) for name in names if name not in slow
        )

    def _chain(self, chain: ast.Chain, family: Family | None) -> tuple[Alternative, ...]:
        """Expand ``a >> (b | c)`` to its alternatives."""
        parts = [self._choice(choice, family) for choice in chain.choices]
        if len(parts) == 1:
            return parts[0]
        return tuple(
            Alternative(tuple(s for a in combo for s in a.steps), _product([a.weight for a in combo]))
            for combo in product(*parts)
        )

    def _choice(self, choice: ast.Choice, family: Family | None) -> tuple[Alternative, ...]:
        alternatives: list[Alternative] = []
        for written in choice.alternatives:
            weight = 1.0 if written.weight is None else written.weight
            reason = Reason("you wrote it", "user", written.span)
            if isinstance(written.body, ast.Chain):
                inner = self._chain(written.body, family)
                alternatives += [replace(a, weight=a.weight * weight, reason=reason) for a in inner]
            else:
                steps = self.reader.read(written.body, family, fixed=family is None)
                alternatives += [Alternative((step,), weight, reason) for step in steps]
        return tuple(alternatives)

    def _pipeline_slots(self, assign: ast.Assign) -> list[Slot]:
        slots: list[Slot] = []
        for i, choice in enumerate(assign.chain.choices, 1):
            alternatives = self._choice(choice, None)
            last = i == len(assign.chain.choices)
            slots.append(
                Slot("model" if last else f"step{i}", alternatives, Reason("you wrote it", "user", choice.span))
            )
        for a in slots[-1].alternatives:
            if a.steps and operators.get(a.steps[-1].operator).family is not Family.MODEL:
                self.mistakes.add(
                    "E207",
                    f"a PIPELINE ends in a model, {a.label} is none",
                    assign.span,
                    hint="add for example >> logistic",
                )
        for slot in slots[:-1]:
            models = [
                a.label
                for a in slot.alternatives
                if any(operators.get(s.operator).family is Family.MODEL for s in a.steps)
            ]
            if models:
                self.mistakes.add("E207", f"{models[0]} is a model: it can only stand last", slot.reason.span)
        return slots

    def _without(self, slots: list[Slot]) -> list[Slot]:
        for clause in self.query.clauses_of(ast.Without):
            for op in clause.ops:
                found = resolve(op.name)
                if found is None:
                    self.mistakes.unknown("E208", "operator", op.name, operators.names(), op.span)
                    continue
                slots = [self._cut(slot, found.name, op.span) for slot in slots]
        return slots

    def _cut(self, slot: Slot, name: str, span: Span | None) -> Slot:
        left = tuple(a for a in slot.alternatives if name not in {s.operator for s in a.steps})
        if len(left) < len(slot.alternatives):
            self.restrictions.append(Restriction(name, Reason(f"WITHOUT {name}", "user", span)))
            if not left and slot.name in _OPTIONAL:
                left = (
                    Alternative(
                        (StepChoice("none"),), reason=Reason(f"WITHOUT {name} left nothing else", "user", span)
                    ),
                )
            elif not left:
                self.mistakes.add(
                    "E251",
                    f"the space is empty: WITHOUT {name} removes the only member of {slot.name.upper()}",
                    span,
                    hint="drop one of the two",
                )
        return replace(slot, alternatives=left)

    def _feasible(self, slots: list[Slot]) -> list[Slot]:
        """Cut alternatives that conflict with every choice of the model slot, and say why."""
        if not slots or any(not slot.alternatives for slot in slots):
            return slots
        model = slots[-1]
        kept = [self._fit_slot(slot, model) for slot in slots[:-1]]
        left = tuple(a for a in model.alternatives if self._has_partners(a, kept))
        if not left and not self.mistakes.found:
            why = self._first_conflict(model.alternatives[0], kept)
            self.mistakes.add("E240", f"contradiction: {why}", model.reason.span, hint="change one of the two steps")
        return [*kept, replace(model, alternatives=left)]

    def _fit_slot(self, slot: Slot, model: Slot) -> Slot:
        keep = []
        for a in slot.alternatives:
            whys = [self._conflict(a, m) for m in model.alternatives]
            if all(whys):
                self.restrictions.append(Restriction(a.label, Reason(str(whys[0]), "operator", a.reason.span)))
                if a.reason.origin == "user":
                    self.mistakes.add(
                        "E240", f"contradiction: {whys[0]}", a.reason.span, hint="change one of the two steps"
                    )
            else:
                keep.append(a)
        if not keep and slot.name in _OPTIONAL:
            keep = [Alternative((StepChoice("none"),), reason=Reason("nothing else suits the models", "operator"))]
        return replace(slot, alternatives=tuple(keep) or slot.alternatives)

    def _has_partners(self, model: Alternative, slots: list[Slot]) -> bool:
        return all(any(self._conflict(a, model) is None for a in slot.alternatives) for slot in slots)

    def _first_conflict(self, model: Alternative, slots: list[Slot]) -> str:
        whys = [self._conflict(a, model) for slot in slots for a in slot.alternatives]
        return next((why for why in whys if why), "no combination of these steps works")

    def _conflict(self, a: Alternative, model: Alternative) -> str | None:
        return conflict([s.spec() for s in (*a.steps, *model.steps)], self.setting.task)


def _product(weights: list[float]) -> float:
    total = 1.0
    for weight in weights:
        total *= weight
    return total
