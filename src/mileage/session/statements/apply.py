"""``APPLY``: predict for new data with a ranked workflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.errors import DataError
from mileage.language import ast
from mileage.planner.sources import source_spec
from mileage.results.report import Report, Section
from mileage.session.apply import predictions
from mileage.session.refs import result_of, trial_of

if TYPE_CHECKING:
    import pandas as pd

    from mileage.session.session import Session

_SHOWN = 10


def run_apply(session: Session, statement: ast.Apply, text: str, on_event: Listener | None) -> Report:
    """Predict each row of the source; write all columns and the predictions to the file after INTO."""
    del text, on_event
    result, trial = result_of(session, statement.ref), trial_of(session, statement.ref)
    dataset = session.database.bind(source_spec(statement.source))
    predicted = predictions(result, trial, dataset)
    table = dataset.read(list(dataset.schema.names)).to_pandas()
    table[f"predicted_{result.plan.target}"] = predicted.decoded(result.plan.classes)
    if result.plan.task != "regression":
        proba = predicted.proba()
        for i, name in enumerate(result.plan.classes):
            table[f"probability_{name}"] = proba[:, i]
    data = {"rows": len(table), "into": statement.into}
    if statement.into is None:
        return Report("apply", "predictions", (_head(table),), data=data)
    write_table(table, Path(statement.into))
    return Report("apply", "predictions", lines=(f"{len(table):,} rows written to {statement.into}",), data=data)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, Parquet or JSON lines, whole or not at all."""
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".parquet", ".json"}:
        raise DataError(f"cannot write '{path}'", code="D440", hint="end the name in .csv, .parquet or .json")
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
        raise DataError(f"cannot write '{path}': {error.strerror or error}", code="D440") from error
    finally:
        part.unlink(missing_ok=True)


def _head(table: pd.DataFrame) -> Section:
    shown = table.head(_SHOWN)
    rows = tuple(tuple(str(v) for v in row) for row in shown.itertuples(index=False))
    return Section(f"first {len(shown)} of {len(table):,} rows", tuple(map(str, table.columns)), rows)
