"""``EXPLAIN PLAN``, ``EXPLAIN SPACE`` and ``EXPLAIN DATA``: prints of what a logical plan holds."""

from __future__ import annotations

from collections.abc import Sequence

from mileage.core.units import format_bytes, format_seconds
from mileage.planner.logical import BudgetPlan, LogicalPlan
from mileage.results.report import Section


def explain_data(plan: LogicalPlan) -> tuple[Section, ...]:
    """Return what is known of the source: columns, kinds, missing values, findings."""
    seen = plan.profile
    roles = {name: reason.text for name, reason in plan.dropped} | {plan.target: "target"}
    rows = []
    for c in seen.columns:
        spread = ", ".join(f"{v} ({n})" for v, n in c.top[:3]) if c.top else f"{_short(c.min)} .. {_short(c.max)}"
        missing = f"{100 * c.n_missing / max(1, seen.n_rows):.1f} %" if c.n_missing else ""
        rows.append((c.name, str(c.kind), missing, f"{c.n_distinct:,}", spread[:48], roles.get(c.name, "feature")))
    title = f"{plan.dataset.describe}: {seen.n_rows:,} rows, {len(seen.columns)} columns"
    table = Section(title, ("column", "kind", "missing", "distinct", "values", "role"), tuple(rows))
    return (table, _target_section(plan), *_findings(plan))


def explain_space(plan: LogicalPlan) -> tuple[Section, ...]:
    """Return the slots of the space with alternatives, open parameters and reasons, and what was cut."""
    rows = [
        (slot.name if i == 0 else "", " >> ".join(str(s) for s in a.steps), f"{a.weight:g}", a.reason.text)
        for slot in plan.space.slots
        for i, a in enumerate(slot.alternatives)
    ]
    size = plan.space.size()
    shown = "infinitely many points" if size == float("inf") else f"{size:,.0f} points"
    space = Section(f"space: {shown}", ("slot", "alternative", "weight", "reason"), tuple(rows))
    cuts = tuple((r.what, r.reason.text) for r in plan.space.restrictions)
    return (space, Section("cut", ("what", "reason"), cuts)) if cuts else (space,)


def explain_plan(plan: LogicalPlan) -> tuple[Section, ...]:
    """Return what will be done: data, task, validation, objectives, budget, assumptions."""
    v = plan.validation
    method = {
        "folds": f"{v.n} folds",
        "holdout": f"holdout of {v.size}",
        "bootstrap": f"{v.n} bootstraps",
        "on": "a table of its own",
    }
    details = [method[v.method]]
    details += ["stratified"] if v.stratify else []
    details += [f"keeping {', '.join(v.groups)} together"] if v.groups else []
    details += [f"in order of {v.order_by}"] if v.order_by else []
    details += [f"{v.repeat} times"] if v.repeat > 1 else []
    f = plan.features
    counted = ((f.numeric, "numeric"), (f.categorical, "categorical"), (f.text, "text"), (f.datetime, "date"))
    parts = [f"{len(names)} {word}" for names, word in counted if names]
    rows = (
        ("data", f"{plan.dataset.describe}, {plan.profile.n_rows:,} rows"),
        ("target", f"{plan.target} ({plan.task})"),
        ("features", f"{len(f.names)}: {', '.join(parts)}"),
        ("validation", ", ".join(details)),
        ("objective", " then ".join(o.call for o in plan.objectives)),
        ("budget", _budget(plan.budget)),
        ("seed", str(plan.seed)),
    )
    assumed = tuple((a.text, a.clause) for a in plan.assumptions)
    dropped = tuple((name, reason.text) for name, reason in plan.dropped)
    sections = [Section("plan", ("part", "what"), rows)]
    sections += [Section("assumed", ("assumption", "to say it yourself"), assumed)] if assumed else []
    sections += [Section("left out", ("column", "reason"), dropped)] if dropped else []
    return (*sections, *_findings(plan), *explain_space(plan))


def _target_section(plan: LogicalPlan) -> Section:
    t = plan.target_profile
    if t.task == "regression":
        rows: Sequence[tuple[str, ...]] = (("mean", _short(t.mean)), ("sd", _short(t.sd)), ("skew", _short(t.skew)))
        return Section(f"target {plan.target}", ("figure", "value"), tuple(rows))
    total = max(1, sum(t.counts))
    balance = tuple((name, f"{n:,}", f"{100 * n / total:.1f} %") for name, n in zip(t.classes, t.counts, strict=True))
    return Section(f"target {plan.target}", ("class", "rows", "share"), balance[:30])


def _findings(plan: LogicalPlan) -> tuple[Section, ...]:
    rows = tuple((f.code, f.message, f.suggestion or "") for f in plan.findings)
    return (Section("findings", ("code", "what", "suggestion"), rows),) if rows else ()


def _budget(budget: BudgetPlan) -> str:
    parts = [format_seconds(budget.seconds)] if budget.seconds is not None else []
    parts += [f"{budget.trials} trials"] if budget.trials is not None else []
    parts += [format_bytes(budget.memory_bytes)] if budget.memory_bytes is not None else []
    parts += [f"until {budget.until.metric} {budget.until.op} {budget.until.value:g}"] if budget.until else []
    parts += [f"patience {budget.patience_trials} trials"] if budget.patience_trials else []
    parts += [f"patience {format_seconds(budget.patience_s)}"] if budget.patience_s else []
    return ", ".join(parts) or "no limit"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)[:24]
