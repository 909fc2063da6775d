"""A workflow written in Python: ordinary calls whose values come later, so that only what a change touches is computed.

``step`` defers a function, ``read`` a file, ``sql`` a query over both; what they return stands for a value and can be used
as one: columns, operators, methods, arguments of further steps. Nothing runs until a value is asked for.
"""

from mileage.workflow.flow.calls import Call, File
from mileage.workflow.flow.deferred import Deferred, deferred_in, node_of, read, sql, step
from mileage.workflow.flow.estimators import Composite
from mileage.workflow.flow.folds import cross_validate
from mileage.workflow.flow.node import Node, NodePort, Seen, Where, flow_tasks, upstream
from mileage.workflow.flow.plans import is_plan, planned, plans_in
from mileage.workflow.flow.push_down import push_down
from mileage.workflow.flow.scored import Scored, scored

__all__ = [
    "Call",
    "Composite",
    "Deferred",
    "File",
    "Node",
    "NodePort",
    "Scored",
    "Seen",
    "Where",
    "cross_validate",
    "deferred_in",
    "flow_tasks",
    "is_plan",
    "node_of",
    "planned",
    "plans_in",
    "push_down",
    "read",
    "scored",
    "sql",
    "step",
    "upstream",
]
