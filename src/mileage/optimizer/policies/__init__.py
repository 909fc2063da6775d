"""What to keep within a quota: one policy per file, and their registry; ``density`` is the default."""

from mileage.core.registry import Registry
from mileage.optimizer.policies.known import PACKED_SHARE, Item, Known, Part
from mileage.optimizer.policies.policy import NEVER, Policy, make_room

policies: Registry[Policy] = Registry(
    "policy",
    package="mileage.optimizer.policies",
    base=Policy,  # type: ignore[type-abstract]  # for isinstance only
    group="mileage.policies",
)

__all__ = ["NEVER", "PACKED_SHARE", "Item", "Known", "Part", "Policy", "make_room", "policies"]
