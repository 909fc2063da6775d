"""What the monitors find in the data of a plan, before anything is trained; and what of MILE itself is not there."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.core.registry import LeftOut
from mileage.engine import backends
from mileage.monitors import Monitor, WatchContext, monitors
from mileage.operators import operators
from mileage.operators.metrics import metrics
from mileage.planner import LogicalPlan
from mileage.search import strategies


def watch(plan: LogicalPlan) -> tuple[Finding, ...]:
    """Return the findings of all monitors, after what other distributions offer and cannot be had."""
    context = WatchContext(
        dataset=plan.dataset,
        profile=plan.profile,
        target_name=plan.target,
        target=plan.target_profile,
        features=plan.features.names,
        splits=plan.validation,
    )
    missing = tuple(Finding("W380", str(out)) for out in left_out())
    return (*missing, *(finding for monitor in monitors for finding in _watched(monitor, context)))


def left_out() -> tuple[LeftOut, ...]:
    """Return the members of other distributions, of all families, that cannot be had."""
    families = (operators, metrics, strategies, backends, monitors)
    return tuple(out for family in families for out in family.left_out())


def _watched(monitor: Monitor, context: WatchContext) -> tuple[Finding, ...]:
    """Return what one monitor finds; one that fails costs its own findings only, and is said."""
    try:
        return tuple(monitor.watch(context))
    except Exception as error:  # noqa: BLE001  (perhaps another distribution's; nothing was trained yet)
        return (Finding("W381", f"the monitor '{monitor.name}' failed: {type(error).__name__}: {error}"),)
