"""What a flow need not read: columns, tables and rows of Parquet files that nothing of it uses."""

from __future__ import annotations

from collections.abc import Mapping

from mileage.workflow.flow.filters import filter_reads
from mileage.workflow.flow.joins import drop_joins
from mileage.workflow.flow.node import NodePort
from mileage.workflow.flow.project import project_reads

RULES = (project_reads, drop_joins, filter_reads)


def push_down(ports: Mapping[str, NodePort]) -> tuple[dict[str, NodePort], tuple[str, ...]]:
    """Return the outputs of a flow that reads what it uses, and what was left out."""
    said: list[str] = []
    made = dict(ports)
    for rule in RULES:
        made, left_out = rule(made)
        said += left_out
    return made, tuple(said)
