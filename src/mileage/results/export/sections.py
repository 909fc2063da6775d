"""The parts of a script below its imports, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.results.export.code import Writer, bracket

if TYPE_CHECKING:
    from mileage.results.export.sklearn_script import ScriptSpec


def constants_section(spec: ScriptSpec, writer: Writer) -> str:
    """Return SQL and names of columns, and what duckdb is told before it reads."""
    lines = ["", *_sql_constant("SQL", spec.sql)]
    if spec.aux_sql is not None:
        lines += _sql_constant("DEAL_SQL", spec.aux_sql)
    if spec.test_sql is not None:
        lines += _sql_constant("TEST_SQL", spec.test_sql)
    lines.append(f"TARGET = {writer.value(spec.target)}")
    if spec.task == "multiclass":
        lines.append(f"CLASSES = {writer.value(list(spec.classes))}")
    lines += [f"{name} = {writer.value(list(columns))}" for name, columns in spec.features]
    return "\n".join([*lines, *[f"duckdb.execute({_literal(statement)})" for statement in spec.setup]])


def read_section(spec: ScriptSpec, writer: Writer) -> str:
    """Return the function that reads the data."""
    argument, name = ("sql", "sql") if spec.test_sql is not None else ("", "SQL")
    body = [f"df = duckdb.sql({name}).df()", "X = df.drop(columns=TARGET)", _target(spec, writer), "return X, y"]
    head = ["", "", f"def read({argument}):", '    """Return the features and the target as numbers."""']
    return "\n".join([*head, *_indented(body)])


def _target(spec: ScriptSpec, writer: Writer) -> str:
    if spec.task == "regression":
        return "y = df[TARGET].to_numpy(dtype=np.float64)"
    if spec.task == "binary" and spec.classes:
        return f"y = (df[TARGET] == {writer.value(spec.classes[-1])}).to_numpy().astype(np.int64)"
    return "y = df[TARGET].map({name: code for code, name in enumerate(CLASSES)}).to_numpy(dtype=np.int64)"


def split_section(spec: ScriptSpec) -> str:
    """Return the function that deals the rows."""
    if spec.test_sql is not None:
        return ""
    body = []
    if spec.groups or spec.strata or spec.order_by:
        body.append("rows = duckdb.sql(DEAL_SQL).df()")
    if spec.strata:
        body.append(f"strata = {_codes(spec.strata)}")
    if spec.groups:
        body.append(f"groups = {_codes(spec.groups)}")
    if spec.order_by:
        body.append(f"order = rows[{_literal(spec.order_by)}].to_numpy()")
    body.append(f"return list({spec.splits})")
    return "\n".join(
        [
            "",
            "",
            "def split(X, y):",
            '    """Return the row numbers to fit on and to score on, for each split."""',
            *_indented(body),
        ]
    )


def _codes(columns: tuple[str, ...]) -> str:
    listed = bracket("[", [_literal(name) for name in columns], "]")
    return f"rows.groupby({listed}, dropna=False, sort=True).ngroup().to_numpy()"


def score_section(spec: ScriptSpec, writer: Writer) -> str:
    """Return the function that scores the workflow."""
    sign = "-" if spec.sign < 0 else ""
    if spec.test_sql is not None:
        writer.imports.add("from sklearn.metrics import check_scoring")
        body = [
            "X, y = read(SQL)",
            "X_test, y_test = read(TEST_SQL)",
            "model = build().fit(X, y)",
            f"scorer = check_scoring(model, scoring={spec.scorer})",
            f"return np.array([{sign}scorer(model, X_test, y_test)])",
        ]
        doc = "Return the score on the rows kept for it."
    else:
        writer.imports.add("from sklearn.model_selection import cross_validate")
        body = [
            "X, y = read()",
            f'scored = cross_validate(build(), X, y, cv=split(X, y), scoring={spec.scorer}, error_score="raise")',
            f'return {sign}scored["test_score"]',
        ]
        doc = "Return the score of each split."
    return "\n".join(["", "", "def scores():", f'    """{doc}"""', *_indented(body)])


def main_section(spec: ScriptSpec) -> str:
    """Return what the script does when it is run."""
    read = "read(SQL)" if spec.test_sql is not None else "read()"
    metric = _literal(spec.metric)
    head = _literal(f"{spec.metric} ")[1:-1].replace("{", "{{").replace("}", "}}")
    body = [
        "values = scores()",
        f'print(f"{head}{{np.mean(values):.4f}} ± {{np.std(values):.4f}} over {{len(values)}} splits")',
        f"X, y = {read}",
        "model = build().fit(X, y)",
        'print(f"fitted on all {len(X)} rows; model.predict(new_rows) predicts others; the first three:")',
        "print(model.predict(X[:3]))",
        f'print(json.dumps({{"metric": {metric}, "scores": values.tolist(), "mean": float(np.mean(values))}}))',
    ]
    return "\n".join(["", "", 'if __name__ == "__main__":', *_indented(body)])


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line.replace("\n", "\n    ") for line in lines]


def _sql_constant(name: str, sql: str) -> list[str]:
    """Return SQL as a raw-looking triple-quoted constant, escaped where it must be."""
    safe = sql.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return [f'{name} = """', *safe.splitlines(), '"""']


def _literal(value: str) -> str:
    return Writer().value(value)
