"""Queries built in Python that a session runs: the language builds them, and itself runs nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mileage.language import QueryBuilder
from mileage.language import predict as begin
from mileage.session.session import Session, connect


def predict(*targets: str, task: str | None = None) -> QueryBuilder:
    """Begin a query; its ``run`` takes a session, or runs in the project of the working folder.

    Examples
    --------
    >>> print(predict("price", task="regression").from_("houses.csv").budget(trials=20))
    PREDICT price AS REGRESSION FROM 'houses.csv'
    BUDGET 20 trials
    """
    return replace(begin(*targets, task=task), runner=_run)


def _run(query: QueryBuilder, session: Session | None = None, **options: Any) -> Any:
    return (session or connect()).run(query, **options)
