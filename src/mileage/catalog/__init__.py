"""What is known and kept: a project's folder, its catalog of queries, runs and trials, and its artifacts.

The catalog answers *what happened*; the store holds *values* by fingerprint. Neither computes anything.
"""

from mileage.catalog.behind import WriteBehind
from mileage.catalog.catalog import Catalog
from mileage.catalog.flows import CostRecord, FlowLog, VersionRecord
from mileage.catalog.project import Project
from mileage.catalog.records import ArtifactRecord, QueryRecord, RunRecord
from mileage.catalog.store import ArtifactStore, StoreFinding

__all__ = [
    "ArtifactRecord",
    "ArtifactStore",
    "Catalog",
    "CostRecord",
    "FlowLog",
    "Project",
    "QueryRecord",
    "RunRecord",
    "StoreFinding",
    "VersionRecord",
    "WriteBehind",
]
