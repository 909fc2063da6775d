"""What a run answers: trials, the ranked list, comparisons, and scripts to take away.

Results are records; nothing here trains, reads or writes a project. Kept by :mod:`mileage.catalog`.
"""

from mileage.results.comparison import Comparison, PairedDifference, compare, paired_difference
from mileage.results.leaderboard import Leaderboard, Row
from mileage.results.ranking import MEASURED
from mileage.results.report import Report, Section
from mileage.results.requirement import Requirement, missed, shortfall
from mileage.results.trial import FULL, PRIVATE, Trial

__all__ = [
    "FULL",
    "MEASURED",
    "PRIVATE",
    "Comparison",
    "Leaderboard",
    "PairedDifference",
    "Report",
    "Requirement",
    "Row",
    "Section",
    "Trial",
    "compare",
    "missed",
    "paired_difference",
    "shortfall",
]
