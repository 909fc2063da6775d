"""Values of flows for tests: every step runs once, in order."""

from __future__ import annotations

from mileage.workflow.flow import node_of
from mileage.workflow.flow.node import flow_tasks


def value_of(*deferred):
    """Compute deferred values as simply as can be."""
    ports = [node_of(one) for one in deferred]
    values, made = {}, flow_tasks(ports)
    for node, one in made.items():
        outputs = node.call.run([values[p] for p in one.task.inputs])
        values |= {one.port(i): value for i, value in enumerate(outputs)}
    found = [values[made[port.node].port(port.output)] for port in ports]
    return found[0] if len(found) == 1 else found
