"""``date_parts``: calendar parts of dates."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Branch, BuildContext, Family, Operator, Params, Traits


class DateParts(Operator):
    """Turn each date into year, month, day, weekday, hour, day of the year and days since 1970."""

    name = "date_parts"
    family = Family.DATES
    traits = Traits(row_wise=True, stateless=True, native_missing=True)
    accepts = (Branch.DATETIME,)
    emits = Branch.NUMERIC

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return a function transformer."""
        del params, context
        from sklearn.preprocessing import FunctionTransformer

        from mileage.operators import glue

        return FunctionTransformer(glue.date_parts)


DATE_PARTS = DateParts()
