"""``REFINE``: an edit of an earlier query makes a new version, which is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.core.quoting import quoted
from mileage.errors import QueryError, UnknownRefError
from mileage.language import apply_refine, ast, format_query, parse_query
from mileage.session.refs import query_record, result_of
from mileage.session.statements.check import check_added
from mileage.session.statements.predict import run_predict

if TYPE_CHECKING:
    from mileage.session.result import Result
    from mileage.session.session import Session


def run_refine(session: Session, statement: ast.Refine, text: str, on_event: Listener | None) -> Result:
    """Run the edited query; the earlier one and its trials stay."""
    before = query_record(session, statement.ref)
    deltas = tuple(_pinned(session, delta, statement.ref) for delta in statement.deltas)
    query = parse_query(before.text)
    try:
        check_added(query, statement)
        written = format_query(apply_refine(query, deltas))
    except QueryError as error:
        error.source = text
        raise
    try:
        # The edited query has a text of its own, in which its mistakes are shown.
        return run_predict(session, parse_query(written), written, on_event, parent=before.id)
    except QueryError as error:
        error.name = f"{statement.ref} as refined"
        raise


def _pinned(session: Session, delta: ast.Delta, ref: ast.Ref) -> ast.Delta:
    """Give ``PIN SLOT`` without a chain the steps of the best workflow of the query that is no blend of others."""
    if not isinstance(delta, ast.Pin) or delta.chain is not None:
        return delta
    slot = delta.slot.text.lower()
    choices = dict(result_of(session, ref).trial("single").configuration)
    if slot not in choices:
        raise UnknownRefError(
            f"the best workflow has no slot {slot.upper()}", hint=f"it has {', '.join(choices).upper()}"
        )
    written = " >> ".join(_written(spec.operator, dict(spec.params)) for spec in choices[slot])
    query = parse_query(f"PREDICT y FROM t WITH {slot.upper()} = {written}")
    chain = query.clauses_of(ast.With)[0].assignments[0].chain
    return ast.Pin(delta.slot, chain)


def _written(name: str, params: dict[str, object]) -> str:
    inside = ", ".join(f"{k} = {_value(v)}" for k, v in params.items())
    return f"{name}({inside})" if inside else name


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).upper()
    return quoted(value) if isinstance(value, str) else repr(value)
