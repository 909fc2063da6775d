"""``WITH`` and ``WITHOUT``: from the clauses of a query to a search space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from mileage.core.reasons import Reason
from mileage.language import ast, format_node
from mileage.operators import Family, StepSpec, operators, resolve
from mileage.operators.extras import is_there
from mileage.planner.logical import Assumption
from mileage.planner.mistakes import Mistakes
from mileage.planner.steps import StepReader
from mileage.space import Alternative, Restriction, SearchSpace, Slot, StepChoice, conflict
from mileage.workflow import Features

ORDER = ("dates", "text", "impute", "encode", "scale", "select", "reduce", "model")
BLEND, DISTILLED = "blend", "distilled"
_ALIASES = {"pca": "reduce", "feature_selection": "select", "imputer": "impute", "encoder": "encode", "scaler": "scale"}
_OPTIONAL = {"impute", "scale", "select", "reduce"}
_DEFAULTS: dict[str, tuple[tuple[str, float], ...]] = {
    "dates": (("date_parts", 1.0),),
    "text": (("tf_idf", 1.0),),
    "impute": (("median", 1.0), ("impute_native", 1.0), ("mean", 0.3), ("indicator", 0.5)),
    "encode": (("one_hot", 1.0), ("encode_native", 1.0), ("ordinal", 0.7), ("target", 0.7)),
    "scale": (("none", 1.0), ("standard", 1.0), ("quantile", 0.4), ("spline", 0.4), ("robust", 0.2), ("minmax", 0.3)),
    "select": (("none", 1.0), ("k_best", 0.1), ("model_based", 0.1)),
    "reduce": (("none", 1.0), ("pca", 0.1)),
}
_RARE_MODELS = {"svm_linear": 0.2, "multinomial_nb": 0.1, "bernoulli_nb": 0.1, "decision_tree": 0.3, "gaussian_nb": 0.2}
_STRONG_MODELS = {"lightgbm": 4.0, "hist_gbm": 1.5, "extra_trees": 1.5, "random_forest": 1.5}
# In no default space: every run has the constant, additive models take minutes, and logistic is there.
_ASKED = {"dummy", "ebm", "lda", "soft_trees"}
_SLOW_ROWS = 30_000
_NEEDS = {
    "dates": "dates", "text": "text columns", "impute": "missing numbers", "encode": "categories", "scale": "numbers",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SpaceSetting:
    """What the default space depends on."""

    task: str
    features: Features
    n_rows: int
    losses: tuple[str, ...] = ()  # of regression that suit the target and the goal


class SpaceBuilder:
    """Builds the space of one query; mistakes go to ``mistakes``, cuts are remembered with their reasons."""

    def __init__(self, query: ast.Predict, setting: SpaceSetting, mistakes: Mistakes) -> None:
        self.query, self.setting, self.mistakes = query, setting, mistakes
        self.reader = StepReader(setting.task, mistakes, setting.losses)
        self.restrictions: list[Restriction] = []
        self.assumptions: list[Assumption] = []

    def build(self) -> SearchSpace:
        """Return the space, or note why it is empty."""
        written = written_slots(self.query, self.mistakes)
        pipeline, distilled = written.pop("pipeline", None), written.pop(DISTILLED, None)
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
        student = None if distilled is None else self._student(distilled)
        return SearchSpace(tuple(slots), self.setting.task, tuple(self.restrictions), self._blends(slots), student)

    def _student(self, assign: ast.Assign) -> StepSpec | None:
        """Return the model that learns what the best says: one, with fixed parameters, that can learn it."""
        found = self._chain(assign.chain, Family.MODEL)
        for step in (s for a in found for s in a.steps):
            traits = operators.get(step.operator).traits
            if self.setting.task != "regression" and not traits.soft_labels:
                able = " or ".join(op.name for op in operators if op.traits.soft_labels)
                self.mistakes.add(
                    "E221",
                    f"{step.operator} cannot learn what another predicts: it learns classes, no probabilities",
                    assign.span,
                    hint=f"write WITH DISTILLED = {able}",
                )
                return None
        if len(found) > 1 or any(len(a.steps) > 1 for a in found):
            self.mistakes.add(
                "E221",
                "WITH DISTILLED names one model that learns what the best predicts",
                assign.span,
                hint="write for example WITH DISTILLED = soft_trees",
            )
            return None
        if not found:  # it is no model, and was said to be none
            return None
        return found[0].steps[0].spec()

    def _blends(self, slots: list[Slot]) -> bool:
        """Say whether the best may be blended: the query neither says what models there are nor leaves blends out."""
        free = bool(slots) and slots[-1].reason.origin != "user"
        return free and all(cut.what != BLEND for cut in self.restrictions)

    def _slot(self, name: str, assign: ast.Assign | None) -> Slot | None:
        if assign is not None:
            slot = Slot(name, self._chain(assign.chain, Family(name)), Reason(format_node(assign), "user", assign.span))
            if name == "model":
                self._one_model(slot)
            elif not self._applies(name) and name in _NEEDS:
                text = f"{slot.reason.text} has nothing to do: the features have no {_NEEDS[name]}"
                self.assumptions.append(Assumption(text))
            return slot
        if not self._applies(name):
            return None
        if name == "model":
            return Slot(name, self._models())
        alternatives = [
            Alternative((self.reader.open_step(op),), weight)
            for op, weight in _DEFAULTS[name]
            if op == "none" or op in operators
        ]
        return Slot(name, tuple(alternatives), _reason(name))

    def _one_model(self, slot: Slot) -> None:
        """Note a chain of several models: stacking one on another is not executed."""
        for a in slot.alternatives:
            if len(a.steps) > 1:
                message = f"{a.label}: a workflow has one model, and it stands last"
                self.mistakes.add("E207", message, slot.reason.span, hint="part alternatives by |")
                return

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
            if op.family is Family.MODEL
            and op.name not in _ASKED
            and self.setting.task in op.tasks
            and is_there(op.extra)
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
        seen: set[str] = set()
        for written in choice.alternatives:
            weight = 1.0 if written.weight is None else written.weight
            reason = Reason("you wrote it", "user", written.span)
            shown = format_node(written.body)
            if shown in seen:
                self.mistakes.add(
                    "E105", f"{shown} stands twice in this choice", written.span, hint="give it a weight: * 2"
                )
            if weight <= 0:
                hint = "a weight is above 0; to leave it out, take it from the choice"
                self.mistakes.add("E214", f"a weight of {weight:g} leaves {shown} out", written.span, hint=hint)
            seen.add(shown)
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
            reason = Reason(f"PIPELINE = {format_node(assign.chain)}", "user", choice.span)
            slots.append(Slot("model" if last else f"step{i}", alternatives, reason))
        for slot in slots[:-1]:
            models = [a.label for a in slot.alternatives if any(_is_model(s) for s in a.steps)]
            if models:
                self.mistakes.add("E207", f"{models[0]} is a model: it can only stand last", slot.reason.span)
                return slots
        for a in slots[-1].alternatives:
            if a.steps and not _is_model(a.steps[-1]):
                message = f"a PIPELINE ends in a model, {a.label} is none"
                self.mistakes.add("E207", message, slots[-1].reason.span, hint="add for example >> logistic")
        return slots

    def _without(self, slots: list[Slot]) -> list[Slot]:
        cuts: list[tuple[str, ast.Op]] = []
        for clause in self.query.clauses_of(ast.Without):
            for op in clause.ops:
                if op.name.lower() == BLEND and not op.params:
                    self.restrictions.append(Restriction(BLEND, Reason(f"WITHOUT {format_node(op)}", "user", op.span)))
                else:
                    cuts += [(name, op) for name in operators_named(op, self.mistakes)]
        return [self._cut(slot, cuts) for slot in slots]

    def _cut(self, slot: Slot, cuts: list[tuple[str, ast.Op]]) -> Slot:
        """Return the slot without what WITHOUT names; a slot that must be filled and is left empty is a mistake."""
        left, last = slot.alternatives, None
        for name, op in cuts:
            kept = tuple(a for a in left if name not in {s.operator for s in a.steps})
            if len(kept) < len(left):
                self.restrictions.append(Restriction(name, Reason(f"WITHOUT {format_node(op)}", "user", op.span)))
                left, last = kept, op
        if left or last is None:
            return replace(slot, alternatives=left)
        if slot.name in _OPTIONAL and slot.reason.origin != "user":
            why = Reason("WITHOUT left nothing else", "user", last.span)
            return replace(slot, alternatives=(Alternative((StepChoice("none"),), reason=why),))
        written = f"WITH {slot.reason.text}" if slot.reason.origin == "user" else slot.name.upper()
        removed = ", ".join(
            dict.fromkeys(
                format_node(op) for name, op in cuts if name in {s.operator for a in slot.alternatives for s in a.steps}
            )
        )
        message = f"the space is empty: WITHOUT {removed} removes {'the only member' if len(slot.alternatives) == 1 else 'every member'} of {written}"
        self.mistakes.add("E251", message, last.span, hint="drop one of the two clauses, or allow another operator")
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


def _reason(name: str) -> Reason:
    if name in _NEEDS:
        return Reason(f"the features have {_NEEDS[name]}", "profile")
    return Reason("a step that may help")


def written_slots(query: ast.Predict, mistakes: Mistakes) -> dict[str, ast.Assign]:
    """Return what WITH says of each slot; an unknown slot, or one given twice, is a mistake."""
    found: dict[str, ast.Assign] = {}
    for clause in query.clauses_of(ast.With):
        for assign in clause.assignments:
            name = _ALIASES.get(assign.slot.text.lower(), assign.slot.text.lower())
            if name not in {*ORDER, "pipeline", DISTILLED}:
                known = [word.upper() for word in ("pipeline", *ORDER, DISTILLED)]
                mistakes.unknown("E205", "slot", assign.slot.text.upper(), known, assign.slot.span)
            elif name in found:
                mistakes.add("E105", f"{name.upper()} is given twice", assign.span, hint="join the two by |")
            else:
                found[name] = assign
    return found


def operators_named(op: ast.Op, mistakes: Mistakes) -> tuple[str, ...]:
    """Return the operators that WITHOUT names: one, or all of a family."""
    if op.params:
        hint = f"to leave out some values, write WITH MODEL = {op.name}(... IN ...)"
        mistakes.add(
            "E209", f"WITHOUT leaves out all of {op.name}: it takes no parameters", op.span, fix=op.name, hint=hint
        )
        return ()
    if op.name.lower() in {*ORDER} - {"model"} and operators.find(op.name) is None:
        return tuple(o.name for o in operators if o.family is Family(op.name.lower()) and o.name != "none")
    if op.name.lower() == BLEND:
        return ()
    found = resolve(op.name)
    if found is None:
        mistakes.unknown("E208", "operator", op.name, (*operators.names(), *ORDER[:-1], BLEND), op.span)
        return ()
    return (found.name,)


def check_space(query: ast.Predict, mistakes: Mistakes) -> None:
    """Note the mistakes in WITH and WITHOUT that can be seen without the data."""
    reader = StepReader(None, mistakes)
    for name, assign in written_slots(query, mistakes).items():
        family = None if name == "pipeline" else Family.MODEL if name == DISTILLED else Family(name)
        for op in assign.chain.ops():
            reader.read(op, family, fixed=False)
    for clause in query.clauses_of(ast.Without):
        for op in clause.ops:
            operators_named(op, mistakes)


def _is_model(step: StepChoice) -> bool:
    return operators.get(step.operator).family is Family.MODEL


def _product(weights: list[float]) -> float:
    total = 1.0
    for weight in weights:
        total *= weight
    return total
