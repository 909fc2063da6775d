"""``APPLY``: predict for new data with a ranked workflow."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.core.events import Listener
from mileage.errors import DataError
from mileage.language import ast
from mileage.planner.mistakes import Mistakes
from mileage.planner.sources import bind_from
from mileage.results.report import Report, Section
from mileage.session.apply import Applied, apply_workflow
from mileage.session.labels import predicted_values
from mileage.session.refs import result_of, trial_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mileage.operators.running import Predictions
    from mileage.session.result import Result
    from mileage.session.session import Session

_SHOWN = 10
_WRITERS = (".csv", ".parquet", ".json")


def run_apply(session: Session, statement: ast.Apply, text: str, on_event: Listener | None) -> Report:
    """Predict each row of the source; write all its columns and the predictions to the file after INTO.

    A file that is there is replaced, whole or not at all, unless it is the data itself.
    """
    del on_event
    result, trial = result_of(session, statement.ref), trial_of(session, statement.ref)
    mistakes = Mistakes(text)
    dataset = bind_from(statement.source, session.database, mistakes, statement.span)
    mistakes.stop_if_any()
    assert dataset is not None
    into = Path(statement.into) if statement.into is not None else None
    if into is not None:
        check_place(into, dataset.files)
    applied = apply_workflow(result, trial, dataset)
    made, names = prediction_columns(result, applied.predicted), list(dataset.schema.names)
    n, read = dataset.n_rows, _read_line(applied, result.plan.features.names)
    data = {"rows": n, "into": statement.into, "columns": list(made), "workflow": trial.describe}
    data |= {"read": list(applied.columns)}
    if into is None:
        table = dataset.read(names, n_rows=_SHOWN).to_pandas()
        given = {str(name): table[name] for name in table.columns}
        return Report("apply", "predictions", (_head(made, given, n),), lines=read, data=data)
    there = into.exists()
    write_table(dataset.read(names).to_pandas().assign(**made), into)
    line = f"{n:,} rows written to {into}" + (", which was there before" if there else "")
    lines = (line, f"new columns: {', '.join(made)}", *read)
    return Report("apply", line, lines=lines, data=data | {"replaced": there})


def _read_line(applied: Applied, features: tuple[str, ...]) -> tuple[str, ...]:
    """Say how many columns the workflow did not look at, if any."""
    n, every = len(applied.columns), len(features)
    return (f"{n} of {every} columns read: the others do not matter to the workflow",) if n < every else ()


def prediction_columns(result: Result, predicted: Predictions) -> dict[str, np.ndarray]:
    """Return the columns that predictions add: ``predicted_TARGET``, and of classes ``probability_CLASS`` of each."""
    plan = result.plan
    made = {f"predicted_{plan.target}": predicted_values(plan, predicted)}
    if plan.task != "regression":
        proba = predicted.proba()
        made |= {f"probability_{name}": proba[:, i] for i, name in enumerate(plan.classes)}
    return made


def check_place(path: Path, sources: tuple[Path, ...]) -> None:
    """Check before anything runs that a table can be written there.

    Raises
    ------
    DataError
        If the ending is unknown, the folder is missing, or the file is one that is read.
    """
    if path.suffix.lower() not in _WRITERS:
        raise DataError(f"cannot write '{path}'", code="D440", hint=f"end the name in {' or '.join(_WRITERS)}")
    if not path.absolute().parent.is_dir():
        raise DataError(f"cannot write '{path}': there is no such folder", code="D440", hint="make it first")
    if any(path.absolute() == Path(source).absolute() for source in sources):
        raise DataError(f"'{path}' is the data itself", code="D442", hint="write the predictions to another file")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, Parquet or JSON lines, whole or not at all."""
    suffix = path.suffix.lower()
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


def _head(made: dict[str, np.ndarray], given: dict[str, pd.Series], n: int) -> Section:
    """Return the first rows, the predictions before what they were made from."""
    columns = [
        *((name, list(values[:_SHOWN])) for name, values in made.items()),
        *((k, list(v)) for k, v in given.items()),
    ]
    rows = tuple(zip(*[[_cell(value) for value in values] for _, values in columns], strict=True))
    return Section(f"first {min(n, _SHOWN)} of {n:,} rows", tuple(name for name, _ in columns), rows)


def _cell(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124  (NaN alone differs from itself)
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
