"""Traits of classes of other libraries: what is declared of them, and laws that test it.

An operator of ours declares its traits itself; this registry says what the optimizer may rely on for classes that it meets in a
user's own steps. Not here: what is done with a trait, which is the business of the optimizer's rules.
"""

from mileage.traits.declaration import Claim, Declaration, claimed, declarations
from mileage.traits.exactness import Exactness, compare
from mileage.traits.harness import Verdict, Verdicts, verify

__all__ = [
    "Claim",
    "Declaration",
    "Exactness",
    "Verdict",
    "Verdicts",
    "claimed",
    "compare",
    "declarations",
    "verify",
]
