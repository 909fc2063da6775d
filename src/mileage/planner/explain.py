"""``EXPLAIN PLAN``, ``EXPLAIN SPACE`` and ``EXPLAIN DATA``: prints of what a logical plan holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, OneOf, Value
from mileage.core.units import format_bytes, format_seconds
from mileage.language import ast, format_node
from mileage.operators import Family, resolve
from mileage.planner.logical import BudgetPlan, LogicalPlan
from mileage.results.report import Section
from mileage.space import Alternative, Slot

_CLASSES_SHOWN = 30
_WIDE = 60
_FAMILIES = {family.value: family for family in Family}


def explain_data(plan: LogicalPlan) -> tuple[Section, ...]:
    """Return what is known of the source: columns, kinds, missing values, findings."""
    seen = plan.profile
    roles = {name: f"left out: {reason.text}" for name, reason in plan.dropped} | {plan.target: "target"}
    rows = []
    for c in seen.columns:
        spread = ", ".join(f"{v} ({n})" for v, n in c.top[:3]) if c.top else f"{_short(c.min)} .. {_short(c.max)}"
        missing = f"{100 * c.n_missing / max(1, seen.n_rows):.1f} %" if c.n_missing else ""
        rows.append((c.name, str(c.kind), missing, f"{c.n_distinct:,}", _cut(spread, 40), roles.get(c.name, "feature")))
    twice = f", {seen.n_duplicate_rows:,} rows twice" if seen.n_duplicate_rows else ""
    title = f"{plan.dataset.describe}: {seen.n_rows:,} rows, {len(seen.columns)} columns{twice}"
    table = Section(title, ("column", "kind", "missing", "distinct", "values", "role"), tuple(rows))
    notes = tuple((note,) for note in plan.dataset.notes)
    read = (Section("as it was read", ("note",), notes),) if notes else ()
    return (table, _target_section(plan), *read, *_known(plan), *_findings(plan))


def explain_space(plan: LogicalPlan) -> tuple[Section, ...]:
    """Return the slots of the space with alternatives, open parameters and reasons, and what was cut."""
    rows = [
        (slot.name.upper() if i == 0 else "", _label(a), f"{a.weight:g}", _why(slot, a))
        for slot in plan.space.slots
        for i, a in enumerate(slot.alternatives)
    ]
    size = plan.space.size()
    shown = "infinitely many points" if size == float("inf") else f"{size:,.0f} point{'s' * (size != 1)}"
    sections = [Section(f"space: {shown}", ("slot", "alternative", "weight", "because"), tuple(rows))]
    parameters = tuple(_parameters(plan))
    if parameters:
        header = ("operator", "parameter", "values", "because")
        sections.append(Section("parameters searched", header, parameters))
    cuts = tuple(_cuts(plan))
    return (*sections, Section("cut", ("what", "because"), cuts)) if cuts else tuple(sections)


def explain_plan(plan: LogicalPlan) -> tuple[Section, ...]:
    """Return what will be done: data, task, validation, objectives, budget, each with the clause that says so."""
    f = plan.features
    counted = ((f.numeric, "numeric"), (f.categorical, "categorical"), (f.text, "text"), (f.datetime, "date"))
    parts = [f"{len(names)} {word}" for names, word in counted if names]
    rows = (
        ("data", f"{plan.dataset.describe}, {plan.profile.n_rows:,} rows", _said(plan, ast.From)),
        ("target", f"{plan.target} ({plan.task}{_classes(plan)})", _task_said(plan)),
        ("features", f"{len(f.names)}: {', '.join(parts)}", _said(plan, ast.Features, ast.Excluding, ast.Knowing)),
        ("validation", _validation(plan), _said(plan, ast.Validate)),
        ("objective", " then ".join(o.call for o in plan.objectives), _said(plan, ast.Optimize)),
        *_required(plan),
        ("space", _space(plan), _said(plan, ast.With, ast.Without)),
        ("budget", _budget(plan.budget), _said(plan, ast.Budget)),
        ("answer", f"the best {plan.n_results}{' different' * plan.diverse} workflows", _said(plan, ast.Return)),
        ("seed", str(plan.seed), _said(plan, ast.Seed)),
        *((("name", f"@{plan.name}", _said(plan, ast.Named)),) if plan.name else ()),
        *((("hints", ", ".join(f"{k} = {v}" for k, v in plan.hints), _said(plan, ast.Hint)),) if plan.hints else ()),
    )
    assumed = tuple((a.text, a.clause) for a in plan.assumptions)
    dropped = tuple((name, reason.text, _origin(reason.origin)) for name, reason in plan.dropped)
    sections = [Section("logical plan", ("part", "what", "because"), rows)]
    sections += [Section("assumed", ("assumption", "to say it yourself"), assumed)] if assumed else []
    sections += [*_known(plan)]
    sections += [Section("left out", ("column", "because", "said by"), dropped)] if dropped else []
    return (*sections, *_findings(plan))


# --- parts of the plan ------------------------------------------------------------------------------------------------


def _said(plan: LogicalPlan, *kinds: type[ast.Commented]) -> str:
    """Return the clauses that say a part, or that none does."""
    texts = [format_node(clause) for clause in plan.query.clauses if isinstance(clause, kinds)]
    return _cut(" ".join(" ".join(texts).split()), _WIDE) or "default"


def _task_said(plan: LogicalPlan) -> str:
    task = plan.query.task
    return f"AS {task.name.upper()}" if task is not None else plan.target_profile.reason


def _classes(plan: LogicalPlan) -> str:
    n = len(plan.target_profile.classes)
    if plan.task == "binary":
        return f", '{plan.target_profile.positive}' is positive"
    return f", {n} classes" if n else ""


def _validation(plan: LogicalPlan) -> str:
    v = plan.validation
    size = f"{v.size:.0%} of the rows" if v.size < 1 else f"{v.size:,.0f} rows"
    method = {
        "folds": f"{v.n} folds",
        "holdout": f"holdout of {size}",
        "bootstrap": f"{v.n} bootstraps",
        "on": f"on {plan.test.describe if plan.test else 'a table of its own'}",
    }
    details = [method[v.method]]
    details += (
        [f"stratified by {', '.join(v.stratify) if isinstance(v.stratify, tuple) else plan.target}"]
        if v.stratify
        else []
    )
    details += [f"keeping {', '.join(v.groups)} together"] if v.groups else []
    details += [f"in order of {v.order_by}"] if v.order_by else []
    details += [f"{v.repeat} times"] if v.repeat > 1 else []
    details += ["dealt anew for each workflow"] if v.parts else []
    details += [f"the best of many on {plan.confirmation.repeat} fresh deals"] if plan.confirmation else []
    return ", ".join(details)


def _required(plan: LogicalPlan) -> list[tuple[str, str, str]]:
    text = ", ".join(str(bound) for bound in plan.requirements)
    return [("required", text, _said(plan, ast.Require))] if text else []


def _space(plan: LogicalPlan) -> str:
    size = plan.space.size()
    count = "infinitely many points" if size == float("inf") else f"{size:,.0f} point{'s' * (size != 1)}"
    blends = "; the best are blended to one more (WITHOUT blend leaves it out)" if plan.space.blends else ""
    student = plan.space.student
    blends += f"; {student} learns what the best says (WITH DISTILLED)" if student is not None else ""
    return f"{len(plan.space.slots)} slots, {count} (EXPLAIN SPACE lists them){blends}"


def _budget(budget: BudgetPlan) -> str:
    parts = [format_seconds(budget.seconds)] if budget.seconds is not None else []
    parts += [f"{budget.trials} trials"] if budget.trials is not None else []
    parts += [format_bytes(budget.memory_bytes)] if budget.memory_bytes is not None else []
    parts += [f"{budget.cores} core{'s' * (budget.cores != 1)}"] if budget.cores is not None else []
    parts += [f"until {budget.until.metric} {budget.until.op} {budget.until.value:g}"] if budget.until else []
    parts += [f"patience {budget.patience_trials} trials"] if budget.patience_trials else []
    parts += [f"patience {format_seconds(budget.patience_s)}"] if budget.patience_s else []
    return ", ".join(parts) or "no limit"


def _known(plan: LogicalPlan) -> tuple[Section, ...]:
    return (Section("known", ("fact", "what it does"), plan.known),) if plan.known else ()


def _findings(plan: LogicalPlan) -> tuple[Section, ...]:
    rows = tuple((f.code, f.message, f.suggestion or "") for f in plan.findings)
    return (Section("findings", ("code", "what", "suggestion"), rows),) if rows else ()


def _target_section(plan: LogicalPlan) -> Section:
    t = plan.target_profile
    if t.task == "regression":
        rows: Sequence[tuple[str, ...]] = (("mean", _short(t.mean)), ("sd", _short(t.sd)), ("skew", _short(t.skew)))
        return Section(f"target {plan.target}", ("figure", "value"), tuple(rows))
    total = max(1, sum(t.counts))
    balance = [(name, f"{n:,}", f"{100 * n / total:.1f} %") for name, n in zip(t.classes, t.counts, strict=True)]
    more = len(balance) - _CLASSES_SHOWN
    balance = [*balance[:_CLASSES_SHOWN], *([(f"and {more} more classes", "", "")] if more > 0 else [])]
    return Section(f"target {plan.target}", ("class", "rows", "share"), tuple(balance))


# --- parts of the space -----------------------------------------------------------------------------------------------


def _label(a: Alternative) -> str:
    """Return the operators of an alternative with what is fixed of them."""
    shown = []
    for step in a.steps:
        inside = ", ".join(f"{name} = {_value(v)}" for name, v in step.fixed)
        shown.append(f"{step.operator}({inside})" if inside else step.operator)
    return " >> ".join(shown)


def _why(slot: Slot, a: Alternative) -> str:
    if a.reason.origin == "user" and slot.reason.origin == "user":
        return _cut(f"WITH {slot.reason.text}", _WIDE)
    return a.reason.text if slot.reason.origin == "user" or a.reason.origin != "default" else slot.reason.text


def _parameters(plan: LogicalPlan) -> Iterator[tuple[str, str, str, str]]:
    """Yield each open parameter once, with its values and who opened it."""
    written = {(_operator_of(op), p.name) for op in _ops(plan) for p in op.params}
    seen: set[tuple[str, str]] = set()
    for slot in plan.space.slots:
        for a in slot.alternatives:
            for step in a.steps:
                for name, domain in step.open:
                    if (step.operator, name) in seen:
                        continue
                    first = not any(operator == step.operator for operator, _ in seen)
                    seen.add((step.operator, name))
                    why = "you wrote it" if (step.operator, name) in written else "its default range"
                    yield step.operator if first else "", name, domain_text(domain), why


def _ops(plan: LogicalPlan) -> Iterator[ast.Op]:
    for clause in plan.query.clauses_of(ast.With):
        for assign in clause.assignments:
            yield from assign.chain.ops()


def _operator_of(op: ast.Op) -> str:
    """Return the operator that a query means: ``impute(knn, n_neighbors = 3)`` names its family first."""
    member = next((p.value for p in op.params if p.name is None and p.value is not None), None)
    found = resolve(op.name) or resolve(str(ast.plain(member or "")), _FAMILIES.get(op.name.lower()))
    return found.name if found is not None else op.name


def domain_text(domain: Domain) -> str:
    """Return the values of a parameter as a query writes them.

    Examples
    --------
    >>> domain_text(FloatRange(0.001, 100, log=True)), domain_text(OneOf(("l1", None)))
    ('LOG 0.001..100', '{l1, none}')
    """
    if isinstance(domain, IntRange | FloatRange):
        return f"{'LOG ' if domain.log else ''}{domain.low:g}..{domain.high:g}"
    if isinstance(domain, OneOf):
        return f"{{{', '.join(_value(v) for v in domain.values)}}}"
    if isinstance(domain, AnyOf):
        return " or ".join(domain_text(d) for d in domain.domains)
    return domain.describe()


def _value(value: Value) -> str:
    if value is None:
        return "none"
    return str(value).upper() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _cuts(plan: LogicalPlan) -> Iterator[tuple[str, str]]:
    for slot in plan.space.slots:
        if slot.reason.origin == "user" and not slot.reason.text.startswith("PIPELINE"):
            yield f"any other {slot.name.upper()}", _cut(f"WITH {slot.reason.text}", _WIDE)
    for cut in plan.space.restrictions:
        yield cut.what, cut.reason.text


def _origin(origin: str) -> str:
    return {"user": "the query", "profile": "the data", "default": "default"}.get(origin, origin)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)[:24]


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 1]}…"
