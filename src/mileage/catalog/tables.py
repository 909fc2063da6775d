"""The tables of the catalog. A change here needs a migration in ``migrations/versions`` and a new ``HEAD``."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

queries = Table(
    "queries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent", Integer, ForeignKey("queries.id")),
    Column("text", Text, nullable=False),
    Column("semantic_hash", Text, nullable=False),
    Column("name", Text),
    Column("source", Text, nullable=False),
    Column("created", Float, nullable=False),
    sqlite_autoincrement=True,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("query_id", Integer, ForeignKey("queries.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("budget_s", Float),
    Column("seed", Integer, nullable=False),
    Column("data_fingerprint", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", Float, nullable=False),
    Column("host", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("heartbeat", Float, nullable=False),
    Index("runs_by_state", "state"),
    sqlite_autoincrement=True,
)

trials = Table(
    "trials",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("describe", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("recorded", Float, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Index("findings_by_run", "run_id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("size_bytes", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("last_used", Float, nullable=False),
    Column("seconds", Float),
    Column("run_id", Integer, ForeignKey("runs.id")),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("flow", Text, nullable=False),
    Column("parent", Integer, ForeignKey("versions.id")),
    Column("state", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("record", Text, nullable=False),
    Index("versions_by_flow", "flow"),
    sqlite_autoincrement=True,
)

tags = Table(
    "tags",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version_id", Integer, ForeignKey("versions.id"), nullable=False),
)

costs = Table(
    "costs",
    metadata,
    Column("task", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("inputs", Text, nullable=False, server_default=""),
    Column("part", Text, nullable=False, server_default=""),
    Column("hits", Integer, nullable=False, server_default="0"),
    Column("last_version", Integer, nullable=False, server_default="0"),
    Index("costs_by_code", "code"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

heads = Table(
    "heads",
    metadata,
    Column("flow", Text, primary_key=True),
    Column("version_id", Integer, ForeignKey("versions.id"), nullable=False),
)

lessons = Table(
    "lessons",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("task", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("learned", Float, nullable=False),
    Column("record", Text, nullable=False),
)

__all__ = [
    "artifacts", "blobs", "costs", "findings", "heads", "lessons", "metadata", "queries", "runs", "tags", "trials", "versions",
]  # fmt: skip
