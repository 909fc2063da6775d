"""What makes two user-written steps the same one: their code, all that it reads, and their parameters.

Not the results of steps: lineage is a chain of keys, and no intermediate is ever hashed to look it up. Next:
:mod:`mileage.workflow.identity.code`.
"""

from mileage.workflow.identity.code import Identity, Part, changes, identify
from mileage.workflow.identity.outside import UNSTABLE
from mileage.workflow.identity.values import IdentityError

__all__ = ["UNSTABLE", "Identity", "IdentityError", "Part", "changes", "identify"]
