"""References: ``@q3`` a query, ``@w1`` a workflow of the last answer, ``@q3.w1`` one of an earlier answer.

``best`` is ``w1``, ``single`` the best workflow that is no blend, ``distilled`` the one that has learned what the best says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mileage.errors import UnknownRefError
from mileage.language import ast

if TYPE_CHECKING:
    from mileage.catalog import QueryRecord
    from mileage.results import Trial
    from mileage.session.result import Result
    from mileage.session.session import Session

LAST = ast.Ref("last")
_QUERY = re.compile(r"q(\d+)$", re.IGNORECASE)
_WORKFLOW = re.compile(r"(w\d+|best|single|distilled)$", re.IGNORECASE)


def ref_of(text: str) -> ast.Ref:
    """Return the reference that a text writes, its ``@`` left out or not.

    Examples
    --------
    >>> str(ref_of("q3.w1")), is_workflow(ref_of("@q3")), is_workflow(ref_of("w2"))
    ('@q3.w1', False, True)
    """
    name, _, part = text.strip().removeprefix("@").partition(".")
    return ast.Ref(name, part or None)


def is_workflow(ref: ast.Ref) -> bool:
    """Say whether a reference means a workflow and not a whole answer."""
    return ref.part is not None or _WORKFLOW.match(ref.name) is not None


def query_record(session: Session, ref: ast.Ref) -> QueryRecord:
    """Return the query version of a reference; ``@last`` and workflow references mean the last one.

    Raises
    ------
    UnknownRefError
        If there is none.
    """
    queries = session.catalog.queries()
    if not queries:
        raise UnknownRefError(
            f"{ref} names nothing: no query has run in this project", hint="run one: PREDICT column FROM 'file.csv'"
        )
    numbered = _QUERY.match(ref.name)
    if numbered is None:
        named = [q for q in queries if q.name == ref.name]
        if named:
            return named[-1]
        if ref.name.lower() == "last" or _WORKFLOW.match(ref.name):
            answered = {run.query_id for run in session.catalog.runs()}
            return next((q for q in reversed(queries) if q.id in answered), queries[-1])
    else:
        found = next((q for q in queries if q.id == int(numbered[1])), None)
        if found is not None:
            return found
    raise UnknownRefError(
        f"{ref} names no query of this project", hint=f"queries are @q1 to @q{queries[-1].id}; see SHOW history"
    )


def result_of(session: Session, ref: ast.Ref) -> Result:
    """Return the answer of a reference's query, from this session or from the catalog."""
    from mileage.session.reopen import reopen

    record = query_record(session, ref)
    key = f"q{record.id}"
    if key not in session.results:
        session.results[key] = reopen(session, record)
    return session.results[key]


def trial_of(session: Session, ref: ast.Ref) -> Trial:
    """Return the trial of a workflow reference such as ``@w2`` or ``@q1.w2``."""
    name = ref.part or ref.name
    if not _WORKFLOW.match(name):
        name = "w1"
    return result_of(session, ref).trial(name)
