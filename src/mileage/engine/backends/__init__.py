"""Backends: one file per place where jobs run; ``backends`` is the registry."""

from mileage.core.registry import Registry
from mileage.engine.backend import Backend

backends: Registry[Backend] = Registry(
    "backend",
    package="mileage.engine.backends",
    base=Backend,  # type: ignore[type-abstract]  # for isinstance only
    group="mileage.backends",
)

__all__ = ["Backend", "backends"]
