"""Watches over data: one file per watch, each yields findings. Nothing here changes data or plans."""

from mileage.core.findings import Finding
from mileage.core.registry import Registry
from mileage.monitors.monitor import Monitor, WatchContext

monitors: Registry[Monitor] = Registry(
    "monitor",
    package="mileage.monitors",
    base=Monitor,  # type: ignore[type-abstract]
    group="mileage.monitors",
)

__all__ = ["Finding", "Monitor", "WatchContext", "monitors"]
