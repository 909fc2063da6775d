"""What the monitors find in the data of a plan, before anything is trained."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.monitors import WatchContext, monitors
from mileage.planner import LogicalPlan


def watch(plan: LogicalPlan) -> tuple[Finding, ...]:
    """Return the findings of all monitors."""
    context = WatchContext(
        dataset=plan.dataset,
        profile=plan.profile,
        target_name=plan.target,
        target=plan.target_profile,
        features=plan.features.names,
        splits=plan.validation,
    )
    return tuple(finding for monitor in monitors for finding in monitor.watch(context))
