"""An operator as written in a query becomes a step with fixed and open parameters, checked against its contract."""

from __future__ import annotations

from collections.abc import Mapping

from mileage.core.domains import Domain, FloatRange, IntRange, OneOf, Value
from mileage.core.units import Quantity
from mileage.errors import ExtraMissing, MileError
from mileage.language import ast, format_node
from mileage.operators import BuildContext, Family, Operator, Param, operators, resolve
from mileage.operators.parameters import LOSS
from mileage.planner.mistakes import Mistakes
from mileage.space import StepChoice

_FAMILIES = {family.value for family in Family}


class StepReader:
    """Reads the operators of one query."""

    def __init__(self, task: str | None, mistakes: Mistakes, losses: tuple[str, ...] = ()) -> None:
        self.task, self.mistakes, self.losses = task, mistakes, losses

    def open_step(self, name: str) -> StepChoice:
        """Return an operator with all parameters that are worth searching open."""
        operator = operators.get(name)
        searched = [(p.name, self._searched(p)) for p in operator.params]
        return StepChoice(operator.name, (), tuple((name, domain) for name, domain in searched if domain is not None))

    def _searched(self, param: Param) -> Domain | None:
        """Return the values that are searched of a parameter: of losses, those that suit."""
        if param.name != LOSS or not isinstance(param.domain, OneOf):
            return param.search
        values = tuple(value for value in param.domain.values if value in self.losses)
        return OneOf(values) if len(values) > 1 else None

    def read(self, op: ast.Op, family: Family | None, *, fixed: bool) -> list[StepChoice]:
        """Return the steps that ``op`` can mean.

        A bare name is open where the query searches (``MODEL = hist_gbm``) and takes its defaults in a PIPELINE
        (``fixed``); with any parameter written, those not written keep their defaults. ``impute(median)`` names a
        family and its member.
        """
        if op.name in _FAMILIES and operators.find(op.name) is None:
            return self._of_family(op, fixed=fixed)
        operator = resolve(op.name, family)
        if operator is None:
            self._unknown(op, family)
            return []
        return self._step(operator, op, op.params, fixed=fixed)

    def _unknown(self, op: ast.Op, family: Family | None) -> None:
        """Note a name that is no operator here; one of another slot is said to be of that."""
        span = self.mistakes.at_name(op.span, op.name)
        elsewhere = resolve(op.name)
        if family is not None and elsewhere is not None:
            home = elsewhere.family.value.upper()
            message = f"{op.name} is no {family} operator: it belongs to {home}"
            self.mistakes.add("E208", message, span, hint=f"write WITH {home} = {op.name}, or a PIPELINE")
            return
        known = [o.name for o in operators if family is None or o.family is family]
        aliases = [alias for o in operators if family is None or o.family is family for alias in o.aliases]
        families = sorted(_FAMILIES) if family is None else []
        what = "operator" if family is None else f"{family} operator"
        self.mistakes.unknown(
            "E208", what, op.name, dict.fromkeys([*known, *aliases, *families]), span, why=operators.why_not(op.name)
        )

    def _of_family(self, op: ast.Op, *, fixed: bool) -> list[StepChoice]:
        family = Family(op.name)
        members = [(p, p.value) for p in op.params if p.name is None and p.value is not None]
        rest = tuple(p for p in op.params if p.name is not None)
        if len(members) != 1:
            known = ", ".join(o.name for o in operators if o.family is family)
            self.mistakes.add(
                "E209", f"{op.name}(...) needs one member", op.span, hint=f"write {op.name}(...) with one of: {known}"
            )
            return []
        member, value = members[0]
        name = str(ast.plain(value))
        operator = resolve(name, family)
        if operator is None:
            known_names = [o.name for o in operators if o.family is family]
            span, why = member.span or op.span, operators.why_not(name)
            self.mistakes.unknown("E208", f"{family} operator", name, known_names, span, why=why)
            return []
        return self._step(operator, op, rest, fixed=fixed)

    def _step(self, operator: Operator, op: ast.Op, params: tuple[ast.Param, ...], *, fixed: bool) -> list[StepChoice]:
        before = len(self.mistakes.found)
        if operator.name != "none" and self.task is not None and self.task not in operator.tasks:
            serving = ", ".join(o.name for o in operators if o.family is operator.family and self.task in o.tasks)
            self.mistakes.add(
                "E211",
                f"{operator.name} does not serve {self.task}",
                self.mistakes.at_name(op.span, op.name),
                hint=f"these do: {serving}",
            )
        step = self.open_step(operator.name) if not params and not fixed else self._with_params(operator, params)
        if len(self.mistakes.found) > before:
            return []
        self._try_build(operator, dict(step.fixed), op)
        return [step]

    def _with_params(self, operator: Operator, params: tuple[ast.Param, ...]) -> StepChoice:
        fixed: dict[str, Value] = {}
        opened: dict[str, Domain] = {}
        for given in params:
            known = self._known(operator, given)
            if known is None:
                continue
            if known.name in fixed or known.name in opened:
                self.mistakes.add("E105", f"{known.name} is given twice", given.span, hint="keep one of the two")
            elif given.domain is not None:
                domain = self._domain(known, given.domain, operator)
                if domain is not None:
                    opened[known.name] = domain
            else:
                self._fix(operator, known, given, fixed)
        self._check_conditions(operator, params, fixed, opened)
        return StepChoice(operator.name, tuple(sorted(fixed.items())), tuple(sorted(opened.items())))

    def _check_conditions(
        self, operator: Operator, params: tuple[ast.Param, ...], fixed: dict[str, Value], opened: dict[str, Domain]
    ) -> None:
        """Note a parameter that would be without effect, as another one stands."""
        for given in params:
            known = operator.param(given.name) if given.name is not None else None
            if known is None or known.when is None or known.name not in {*fixed, *opened}:
                continue
            other, values = known.when
            default = next(p.default for p in operator.params if p.name == other)
            current = fixed.get(other, default)
            can = any(opened[other].contains(v) for v in values) if other in opened else current in values
            if not can:
                listed = " or ".join(f"{other} = {v}" for v in values)
                stands = "its range" if other in opened else f"{other} = {'none' if current is None else current}"
                message = f"{operator.name}: {known.name} has no effect with {stands}"
                self.mistakes.add("E213", message, given.span, hint=f"it counts with {listed}")

    def _known(self, operator: Operator, given: ast.Param) -> Param | None:
        if given.name is None:
            hint = f"write {operator.params[0].name} = ..." if operator.params else "it takes no parameters"
            self.mistakes.add("E209", f"{operator.name} takes its parameters by name", given.span, hint=hint)
            return None
        known = operator.param(given.name)
        if known is None:
            names = [p.name for p in operator.params]
            span = self.mistakes.at_name(given.span, given.name)
            self.mistakes.unknown("E212", f"parameter of {operator.name} named", given.name, names, span)
        return known

    def _fix(self, operator: Operator, known: Param, given: ast.Param, fixed: dict[str, Value]) -> None:
        value = value_of(given.value)
        shown = format_node(given).partition(" = ")[2]
        if isinstance(given.value, Quantity) and given.value.unit != "%":
            self._no_unit(f"{operator.name}({known.name} = {shown})", given)
            return
        if known.domain.contains(value):
            fixed[known.name] = value
            return
        self.mistakes.add(
            "E213",
            f"{operator.name}({known.name} = {shown}) is not legal",
            given.span,
            hint=f"{known.name} must be {known.domain.describe()}",
        )

    def _no_unit(self, call: str, given: ast.Param) -> None:
        assert isinstance(given.value, Quantity)
        fix = f"{given.name} = {given.value.value:g}"
        self.mistakes.add("E213", f"{call}: the parameter has no unit", given.span, fix=fix)

    def _domain(self, known: Param, written: ast.Domain, operator: Operator) -> Domain | None:
        if isinstance(written, ast.SetDomain):
            values = tuple(value_of(v) for v in written.values)
            bad = next((v for v in values if not known.domain.contains(v)), None)
            domain: Domain = OneOf(tuple(dict.fromkeys(values)))
        else:
            bad = next((v for v in (written.low, written.high) if not known.domain.contains(v)), None)
            domain = _range(known, written)
            if written.low > written.high or (written.log and written.low <= 0):
                why = "its ends are turned round" if written.low > written.high else "LOG needs a low end above 0"
                self.mistakes.add("E214", f"{written.low}..{written.high} is empty: {why}", written.span)
                return None
        if bad is not None:
            self.mistakes.add(
                "E213",
                f"{operator.name}({known.name} = {bad}) is not legal",
                written.span,
                hint=f"{known.name} must be {known.domain.describe()}",
            )
            return None
        return domain

    def _try_build(self, operator: Operator, fixed: Mapping[str, Value], op: ast.Op) -> None:
        """Find a missing extra or an illegal combination before anything runs.

        Ours without an extra say all in ``check``, as their suite of laws makes sure; others are built once.
        """
        if self.task is None:
            return
        try:
            params = operator.complete(dict(fixed))
            operator.check(params, self.task)
            if operator.extra is not None or not operators.is_ours(operator.name):
                operator.build(params, BuildContext(task=self.task))
        except ExtraMissing as error:
            self.mistakes.add("E218", error.message, self.mistakes.at_name(op.span, op.name), hint=error.hint)
        except MileError as error:
            self.mistakes.add("E213", error.message, op.span, hint=error.hint)


def value_of(value: ast.Value | None) -> Value:
    """Return a written value as a plain one; the bare words ``none``, ``true`` and ``false`` are themselves."""
    if isinstance(value, ast.Name):
        return {"none": None, "null": None, "true": True, "false": False}.get(value.text.lower(), value.text)
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return value.fraction


def _range(known: Param, written: ast.RangeDomain) -> Domain:
    whole = all(float(v).is_integer() for v in (written.low, written.high))
    between = (written.low + written.high) / 2
    if whole and not (known.domain.contains(between + 0.123) and isinstance(known.default, float)):
        return IntRange(int(written.low), int(written.high), written.log)
    return FloatRange(float(written.low), float(written.high), written.log)
