"""A query as a step of a flow: one workflow, fitted on frames of the flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mileage.language import ast, parse_query
from mileage.workflow.flow import Deferred
from mileage.workflow.flow.calls import FunctionCall
from mileage.workflow.flow.deferred import FlowError, _call


def query(text: str, **frames: Any) -> Deferred:
    """Return the workflow of a query, later, fitted on a frame of the flow: a scikit-learn ``Pipeline``.

    Parameters
    ----------
    text : str
        A ``PREDICT`` whose space is one workflow: each choice is made in ``WITH``.
    **frames : deferred, or DataFrame
        What ``:name`` stands for in ``FROM :name``.

    Raises
    ------
    FlowError
        If the query reads something else, whose content the flow would not know.
    QueryError
        If it does not parse.

    Examples
    --------
    >>> import mileage
    >>> birds = mileage.read("examples/data/penguins.csv")
    >>> model = mileage.query("PREDICT species FROM :birds WITH PIPELINE = median >> logistic(C = 0.5)", birds=birds)
    >>> model.predict(birds.head(3))
    <deferred predict at ...>
    """
    source = next((c.source for c in parse_query(text).clauses if isinstance(c, ast.From)), None)
    if not isinstance(source, ast.FrameSource) or source.name not in frames:
        raise FlowError(
            "a query in a flow reads a frame of the flow",
            code="F704",
            hint='query("PREDICT … FROM :rows …", rows=frame)',
        )
    made: Deferred = _call(FunctionCall, fitted_by, (text, frames), {}, label="query", rows="learns")
    return made


def fitted_by(text: str, frames: Mapping[str, Any]) -> Any:
    """Return the fitted workflow of a query, at once.

    Raises
    ------
    FlowError
        If the query leaves a choice open: what it would find is an answer, not a step.
    """
    import tempfile

    from mileage.session.session import connect
    from mileage.session.statements.check import bound

    with tempfile.TemporaryDirectory() as folder, connect(folder) as session:
        for name, frame in frames.items():
            session.database.register(name, frame)
        n_workflows = bound(session, parse_query(text), text).space.size()
        if n_workflows != 1:
            raise FlowError(
                f"the query has {n_workflows:g} workflows, and a step is one", code="F704",
                hint="make each choice in WITH; mile explain space shows what is open",
            )  # fmt: skip
        return session.run(text, frames=frames).best.to_sklearn()  # type: ignore[union-attr]
