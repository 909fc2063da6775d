"""What a query may state about columns: one file per word.

``facts`` maps the word to what it does to a column: set its kind, or leave it out as a feature.
"""

from mileage.planner.facts.categorical import CATEGORICAL
from mileage.planner.facts.fact import ColumnFact
from mileage.planner.facts.identifier import IDENTIFIER
from mileage.planner.facts.irrelevant import IRRELEVANT
from mileage.planner.facts.leaky import LEAKY
from mileage.planner.facts.numeric import NUMERIC
from mileage.planner.facts.ordinal import ORDINAL
from mileage.planner.facts.text import TEXT

facts: dict[str, ColumnFact] = {
    fact.word: fact for fact in (CATEGORICAL, IDENTIFIER, IRRELEVANT, LEAKY, NUMERIC, ORDINAL, TEXT)
}

__all__ = ["ColumnFact", "facts"]
