"""A flow in the cells of a notebook: what is shown, or asked for by name, is one version of the notebook."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mileage.core.near import near_matches
from mileage.errors import DataError
from mileage.session.flow_errors import place
from mileage.session.flow_file import last_values, recorded, run_values
from mileage.session.flow_sources import notebook_name
from mileage.session.iterate import Iteration
from mileage.workflow.flow import Deferred, Node, node_of, upstream
from mileage.workflow.flow.calls import FunctionCall
from mileage.workflow.identity import identify

if TYPE_CHECKING:
    from mileage.session.session import Session


def run_names(session: Session, scope: dict[str, Any], names: Sequence[str] = ()) -> Iteration:
    """Compute variables of a notebook; without names, the last ones: those no other variable is made from.

    Raises
    ------
    DataError
        If there is no such variable, or nothing that is to be computed.
    """
    unknown = [name for name in names if not isinstance(scope.get(name), Deferred)]
    if unknown:
        deferred = [name for name, value in scope.items() if isinstance(value, Deferred)]
        near = near_matches(unknown[0], deferred)
        what = "is no deferred value" if unknown[0] in scope else "is not defined"
        raise DataError(f"'{unknown[0]}' {what}", code="D464", hint=f"did you mean {near[0]}?" if near else None)
    wanted = {name: scope[name] for name in names} or last_values(scope)
    if not wanted:
        raise DataError("no cell has made a deferred value", code="D403", hint="make one: mileage.read('file.csv')")
    return run_values(session, wanted, flow=notebook_name(scope))


def run_cell(session: Session, scope: dict[str, Any], execute: Callable[[], None]) -> Iteration | None:
    """Execute a cell, and compute in one run all that it shows; none if it shows nothing to be computed."""
    with recorded() as shown:
        execute()
    if not shown.values:
        return None
    return run_values(session, shown.values, flow=notebook_name(scope), plain=shown.plain)


def outdated(run: Iteration, scope: dict[str, Any], named: dict[str, Deferred]) -> tuple[str, ...]:
    """Return notes on values that were made by a function whose cell was run again since, changed.

    As in any notebook they stand for what the function was then; to see the change, their cell is run again, too.
    """
    cells = run.version.record["cells"]
    found: dict[str, None] = {}
    for node in upstream(node_of(value) for value in named.values()):
        name = _edited_since(node, scope)
        if name:
            where = place(str(node.where), cells)
            found[f"'{name}' was edited after {where} made a value with it: run that cell again"] = None
    return tuple(found)


def shown_in(run: Iteration, scope: dict[str, Any]) -> dict[str, Deferred]:
    """Return the variables of a notebook that a run gave."""
    return {name: scope[name] for name in run.values if isinstance(scope.get(name), Deferred)}


def _edited_since(node: Node, scope: dict[str, Any]) -> str:
    function = getattr(node.call, "function", None) if isinstance(node.call, FunctionCall) else None
    name = getattr(function, "__name__", "")
    now = scope.get(name)
    if not callable(now) or getattr(function, "__module__", None) != "__main__":
        return ""
    now = inspect.unwrap(now)
    return name if now is not function and identify(now).key != identify(function).key else ""
