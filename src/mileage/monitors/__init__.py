"""Watches over data: one file per watch, each yields findings. Nothing here changes data or plans."""

from mileage.core.findings import Finding
from mileage.core.registry import Registry
from mileage.monitors.monitor import NOTE, Monitor, WatchContext

monitors: Registry[Monitor] = Registry(
    "monitor",
    package="mileage.monitors",
    base=Monitor,  # type: ignore[type-abstract]  # for isinstance only
    group="mileage.monitors",
)

__all__ = ["NOTE", "Finding", "Monitor", "WatchContext", "monitors"]
