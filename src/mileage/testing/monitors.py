"""The conformance suite of monitors: a watch changes nothing, and says what it found in a form that can be shown."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd

from mileage.core.findings import Finding
from mileage.data import Database, SplitSpec, profile, profile_target
from mileage.language import parse
from mileage.monitors import Monitor, WatchContext

_N = 120


def check_monitor(monitor: Monitor) -> None:
    """Check a monitor on made-up tables: clean and messy ones, of each task.

    Raises
    ------
    AssertionError
        If it changes data, finds other things the second time, or says what cannot be shown.

    Examples
    --------
    >>> from mileage.monitors import monitors
    >>> check_monitor(monitors.get("constant_columns"))
    """
    assert monitor.name.isidentifier(), f"'{monitor.name}' is no name"
    assert (type(monitor).__doc__ or "").strip(), "the class has no docstring"
    for context in _contexts():
        before = context.dataset.database.rows(f"SELECT * FROM ({context.dataset.relation_sql})")
        found = monitor.watch(context)
        assert isinstance(found, tuple), "watch does not return a tuple"
        for finding in found:
            _check_finding(finding, context)
        assert monitor.watch(context) == found, "the same data gives other findings the second time"
        after = context.dataset.database.rows(f"SELECT * FROM ({context.dataset.relation_sql})")
        assert repr(after) == repr(before), "it changed the data"


def _check_finding(finding: Finding, context: WatchContext) -> None:
    assert isinstance(finding, Finding), "what was found is no Finding"
    assert finding.code[:1] == "W" and finding.code[1:].isalnum(), f"'{finding.code}' is no code of a finding"  # noqa: PT018
    assert finding.message.strip(), "a finding has no message"
    unknown = set(finding.columns) - set(context.dataset.schema.names)
    assert not unknown, f"a finding names columns that are not there: {unknown}"
    json.dumps(finding.to_json())
    if finding.suggestion:  # the clause that answers a finding can be pasted into the query
        head = "" if finding.suggestion.lstrip().upper().startswith("FROM") else "FROM t "
        parse(f"PREDICT y {head}{finding.suggestion}")


@cache
def _contexts() -> tuple[WatchContext, ...]:
    """Return what monitors are asked to watch; all of them the same, for none may change it."""
    rng, database = np.random.default_rng(0), Database()
    contexts: list[WatchContext] = []
    for target in (rng.integers(0, 2, _N), np.array(["a", "b", "c"])[rng.integers(0, 3, _N)], rng.normal(size=_N)):
        clean = pd.DataFrame({"x": rng.normal(size=_N), "c": rng.choice(["u", "v", "w"], _N), "y": target})
        messy = clean.assign(
            one=1,
            row_id=np.arange(_N),
            twin=clean["y"],
            hole=np.where(rng.random(_N) < 0.8, np.nan, 1.0),
            patient_id=np.arange(_N) // 4,
        )
        contexts += [_context(database, table) for table in (clean, messy, pd.concat([messy, messy.head(40)]))]
    return tuple(contexts)


def _context(database: Database, table: pd.DataFrame) -> WatchContext:
    dataset = database.bind_frame(table)
    features = tuple(name for name in table.columns if name != "y")
    return WatchContext(dataset, profile(dataset), "y", profile_target(dataset, "y"), features, SplitSpec())
