"""Sources of a query: what FROM, VALIDATE ON and APPLY name, and columns as facts say they are."""

from __future__ import annotations

from mileage.core.spans import Span
from mileage.data import Database, Dataset, SourceSpec, SqlError, literal, quote
from mileage.errors import DataError
from mileage.language import ast
from mileage.planner.facts import facts
from mileage.planner.mistakes import Mistakes


def bind_source(query: ast.Predict, database: Database, mistakes: Mistakes) -> Dataset | None:
    """Return the dataset of FROM, or note why there is none."""
    clause = query.clause(ast.From)
    if clause is None:
        mistakes.add(
            "E203", "PREDICT says no data", query.span, hint="add FROM 'file.csv', FROM table or FROM (SELECT ...)"
        )
        return None
    return bind_from(clause.source, database, mistakes, clause.span)


def bind_from(source: ast.Source, database: Database, mistakes: Mistakes, span: Span | None) -> Dataset | None:
    """Return the dataset of a source; SQL mistakes are put at their place in the query's text."""
    try:
        return database.bind(source_spec(source))
    except SqlError as error:
        if isinstance(source, ast.SqlSource) and source.sql.span is not None:
            span = _sql_span(source.sql, error.position)
        mistakes.add("E210", error.message, span, hint=error.hint)
    except DataError as error:
        mistakes.add(
            error.code if error.code.startswith("D") else "E202", error.message, source.span or span, hint=error.hint
        )
    return None


def source_spec(source: ast.Source) -> SourceSpec:
    """Return what the data layer reads for a source of the language."""
    if isinstance(source, ast.FileSource):
        return SourceSpec("file", source.path)
    if isinstance(source, ast.TableSource):
        return SourceSpec("table", source.name.text)
    if isinstance(source, ast.FrameSource):
        return SourceSpec("frame", source.name)
    return SourceSpec("sql", source.sql.text)


def with_facts(query: ast.Predict, dataset: Dataset) -> Dataset:
    """Return the dataset with columns rewritten that a fact gives an order or calls numbers."""
    replaced = []
    for name, kind in stated_facts(query).items():
        column = dataset.schema.find(name)
        if column is None:
            continue
        if kind.name == "ordinal":
            levels = [str(ast.plain(v)) for v in kind.values]
            whens = " ".join(f"WHEN {literal(level)} THEN {i}" for i, level in enumerate(levels))
            replaced.append(f"CASE CAST({quote(name)} AS VARCHAR) {whens} END::DOUBLE AS {quote(name)}")
        elif kind.name == "numeric" and column.sql_type == "VARCHAR":
            replaced.append(f"TRY_CAST(trim({quote(name)}) AS DOUBLE) AS {quote(name)}")
    if not replaced:
        return dataset
    return dataset.database.derive(dataset, f"* REPLACE ({', '.join(replaced)})")


def stated_facts(query: ast.Predict) -> dict[str, ast.Kind]:
    """Return what KNOWING says of columns that this version executes."""
    stated: dict[str, ast.Kind] = {}
    for clause in query.clauses_of(ast.Knowing):
        for fact in clause.facts:
            if isinstance(fact.body, ast.Trait) and fact.body.kind.name in facts and fact.belief != "maybe":
                stated |= {name.text: fact.body.kind for name in fact.body.columns}
    return stated


def _sql_span(sql: ast.Sql, position: int | None) -> Span | None:
    if sql.span is None or position is None:
        return sql.span
    start = sql.span.start + position
    rest = sql.text[position:]
    if rest.startswith("'") and (end := rest.find("'", 1)) > 0:
        return Span(start, start + end + 1)
    width = next((i for i, ch in enumerate(rest) if not (ch.isalnum() or ch in '_."')), len(rest)) or 1
    return Span(start, start + width)
