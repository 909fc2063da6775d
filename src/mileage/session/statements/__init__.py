"""What each statement does: one file per statement, and this table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mileage.core.collector import seldom
from mileage.core.events import Listener
from mileage.errors import NotYetError
from mileage.language import ast
from mileage.session.statements.names import statement_mistakes

if TYPE_CHECKING:
    from mileage.session.session import Answer, Session

Handler = Callable[["Session", Any, str, Listener | None], Any]


def execute(session: Session, statement: ast.Commented, text: str, on_event: Listener | None) -> Answer:
    """Run one statement.

    Raises
    ------
    NotYetError
        If this version does not execute such statements.
    """
    with seldom():
        handler = _handlers().get(type(statement))
    if handler is None:
        raise NotYetError(list(statement_mistakes(statement, text)), source=text)
    answer: Answer = handler(session, statement, text, on_event)
    return answer


def _handlers() -> dict[type, Handler]:
    from mileage.session.statements.apply import run_apply
    from mileage.session.statements.attach import run_attach
    from mileage.session.statements.compare import run_compare
    from mileage.session.statements.explain import run_explain
    from mileage.session.statements.export import run_export
    from mileage.session.statements.predict import run_predict
    from mileage.session.statements.refine import run_refine
    from mileage.session.statements.show import run_show

    return {
        ast.Predict: run_predict,
        ast.Refine: run_refine,
        ast.Explain: run_explain,
        ast.Show: run_show,
        ast.Compare: run_compare,
        ast.Apply: run_apply,
        ast.Attach: run_attach,
        ast.Export: run_export,
    }
