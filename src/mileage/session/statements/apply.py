"""``APPLY``: predict for new data with a ranked workflow."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.errors import DataError
from mileage.language import ast
from mileage.planner.mistakes import Mistakes
from mileage.planner.sources import bind_from
from mileage.results.report import Report, Section
from mileage.session.apply import predictions
from mileage.session.refs import result_of, trial_of

if TYPE_CHECKING:
    import pandas as pd

    from mileage.session.session import Session

_SHOWN = 10
_SUFFIXES = frozenset({".csv", ".parquet", ".json"})


def run_apply(session: Session, statement: ast.Apply, text: str, on_event: Listener | None) -> Report:
    """Predict each row of the source; write all columns and the predictions to the file after INTO."""
    del on_event
    result, trial = result_of(session, statement.ref), trial_of(session, statement.ref)
    if statement.into is not None:
        check_suffix(Path(statement.into))
    mistakes = Mistakes(text)
    dataset = bind_from(statement.source, session.database, mistakes, statement.span)
    mistakes.stop_if_any()
    assert dataset is not None
    predicted = predictions(result, trial, dataset)
    table = dataset.read(list(dataset.schema.names)).to_pandas()
    table[f"predicted_{result.plan.target}"] = predicted.decoded(result.plan.classes)
    if result.plan.task != "regression":
        proba = predicted.proba()
        for i, name in enumerate(result.plan.classes):
            table[f"probability_{name}"] = proba[:, i]
    data = {"rows": len(table), "into": statement.into}
    if statement.into is None:
        return Report("apply", "predictions", (_head(table),), lines=dataset.notes, data=data)
    write_table(table, Path(statement.into))
    lines = (*dataset.notes, f"{len(table):,} rows written to {statement.into}")
    return Report("apply", "predictions", lines=lines, data=data)


def check_suffix(path: Path) -> None:
    """Check, before anything is computed, that the format of a file to write is known."""
    if path.suffix.lower() not in _SUFFIXES:
        raise DataError(
            f"cannot write '{path}': its format is not known",
            code="D440",
            hint="end the name in .csv, .parquet or .json",
        )


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, Parquet or JSON lines, whole or not at all."""
    suffix = path.suffix.lower()
    check_suffix(path)
    part = path.with_name(f".{path.name}.part")
    try:
        if suffix == ".csv":
            table.to_csv(part, index=False)
        elif suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            table.to_json(part, orient="records", lines=True)
        part.replace(path)
    except OSError as error:
        hint = "name a file in a folder that exists and may be written"
        raise DataError(f"cannot write '{path}': {error.strerror or error}", code="D440", hint=hint) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _head(table: pd.DataFrame) -> Section:
    shown = table.head(_SHOWN)
    rows = tuple(tuple(str(v) for v in row) for row in shown.itertuples(index=False))
    return Section(f"first {len(shown)} of {len(table):,} rows", tuple(map(str, table.columns)), rows)
