"""The parts of a script below its imports, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mileage.results.export.code import WIDTH, Writer
from mileage.results.export.pretty import hoisted, pretty

if TYPE_CHECKING:
    from mileage.results.export.sklearn_script import ScriptSpec


@dataclass(frozen=True, slots=True)
class Scorer:
    """A metric of a script: its name, the expression for ``scoring=``, what that imports.

    ``sign`` is -1 where the scorer is the negative of the metric; ``uses`` are functions of ours that are copied.
    """

    metric: str
    code: str
    imports: tuple[str, ...] = ()
    sign: int = 1
    uses: tuple[Callable[..., Any], ...] = ()


def constants_section(spec: ScriptSpec, writer: Writer) -> str:
    """Return SQL and names of columns, and what is measured."""
    lines = ["", *_sql_constant("SQL", spec.sql)]
    if spec.aux_sql is not None:
        lines += _sql_constant("DEAL_SQL", spec.aux_sql)
    if spec.test_sql is not None:
        lines += _sql_constant("TEST_SQL", spec.test_sql)
    if spec.fit_sql is not None:
        lines += _sql_constant("FIT_SQL", spec.fit_sql)
    lines.append(f"TARGET = {writer.value(spec.target)}")
    if spec.classes:
        lines.append(_assigned("CLASSES", writer.value(list(spec.classes))))
    lines += [_assigned(name, writer.value(list(columns))) for name, columns in spec.features]
    dealing = (("GROUPS", spec.groups), ("STRATA", spec.strata))
    lines += [_assigned(name, writer.value(list(columns))) for name, columns in dealing if columns]
    lines += _scoring(spec, writer)
    if spec.setup:
        lines += ["", *[pretty(f"duckdb.execute({writer.value(statement)})", WIDTH) for statement in spec.setup]]
    return "\n".join(lines)


def _assigned(name: str, value: str) -> str:
    return f"{name} = {pretty(value, WIDTH, len(name) + 3)}"


def _scoring(spec: ScriptSpec, writer: Writer) -> list[str]:
    """Return the scorers, and the signs of their scores if these differ."""
    writer.imports |= {line for scorer in spec.scorers for line in scorer.imports}
    for function in dict.fromkeys(use for scorer in spec.scorers for use in scorer.uses):
        writer.named(function)
    scorers = ", ".join(f"{writer.value(s.metric)}: {s.code}" for s in spec.scorers)
    lines = [_assigned("SCORING", f"{{{scorers}}}")]
    if len({s.sign for s in spec.scorers}) > 1:
        signs = ", ".join(f"{writer.value(s.metric)}: {s.sign}" for s in spec.scorers)
        lines += ["# scikit-learn negates losses", _assigned("SIGNS", f"{{{signs}}}")]
    return lines


def _signed(spec: ScriptSpec, value: str) -> str:
    """Return a score with the sign that a reader expects; scikit-learn negates losses."""
    signs = {scorer.sign for scorer in spec.scorers}
    return f"SIGNS[metric] * {value}" if len(signs) > 1 else f"{'-' if signs == {-1} else ''}{value}"


def read_section(spec: ScriptSpec) -> str:
    """Return the function that reads the data."""
    head = ["", "", "def read(sql=SQL):" if spec.reads_several else "def read():"]
    if spec.classes:
        head.append('    """Return the features, and the target as positions in CLASSES."""')
        target = ["codes = {name: code for code, name in enumerate(CLASSES)}"]
        target.append("y = df[TARGET].map(codes).to_numpy(dtype=np.int64)")
    else:
        head.append('    """Return the features and the target."""')
        target = ["y = df[TARGET].to_numpy(dtype=np.float64)"]
    name = "sql" if spec.reads_several else "SQL"
    body = [f"df = duckdb.sql({name}).df()", *target, "return df.drop(columns=TARGET), y"]
    return "\n".join([*head, *_indented(body)])


def split_section(spec: ScriptSpec, writer: Writer) -> str:
    """Return the function that deals the rows."""
    if spec.test_sql is not None:
        return ""
    body = []
    if spec.groups or spec.strata or spec.order_by:
        body.append("rows = duckdb.sql(DEAL_SQL).df()")
    if spec.strata:
        body.append("strata = rows.groupby(STRATA, dropna=False).ngroup().to_numpy()")
    if spec.groups:
        body.append("groups = rows.groupby(GROUPS, dropna=False).ngroup().to_numpy()")
    if spec.order_by:
        body.append(f"order = rows[{writer.value(spec.order_by)}].to_numpy()")
    splitter, pairs = hoisted(spec.splits)
    if splitter:
        body.append(f"splitter = {pretty(splitter, WIDTH - 4, len('splitter = '))}")
    pairs = pairs if pairs.startswith("[") else f"list({pairs})"
    body.append(f"return {pretty(pairs, WIDTH - 4, len('return '))}")
    doc = '    """Return the row numbers to fit on and to score on, for each split."""'
    return "\n".join(["", "", "def split(X, y):", doc, *_indented(body)])


def score_section(spec: ScriptSpec, writer: Writer) -> str:
    """Return the function that scores the workflow."""
    body = ["X, y = read()"]
    if spec.test_sql is not None:
        writer.imports.add("from sklearn.metrics import check_scoring")
        body += [
            "scored = check_scoring(scoring=SCORING)(build().fit(X, y), *read(TEST_SQL))",
            _collected(spec, "np.array([value])", "metric, value in scored.items()"),
        ]
        doc = "Return the scores on the rows kept for it."
    else:
        writer.imports.add("from sklearn.model_selection import cross_validate")
        body += [
            "scored = cross_validate(",
            '    build(), X, y, cv=split(X, y), scoring=SCORING, error_score="raise"',
            ")",
            _collected(spec, 'scored[f"test_{metric}"]', "metric in SCORING"),
        ]
        doc = "Return the scores of each split by metric."
    return "\n".join(["", "", "def scores():", f'    """{doc}"""', *_indented(body)])


def _collected(spec: ScriptSpec, value: str, source: str) -> str:
    return f"return {{metric: {_signed(spec, value)} for {source}}}"


def use_section(spec: ScriptSpec) -> str:
    """Return the functions for whoever goes on from here: fit on all rows, predict for new ones."""
    kinds = {"NUMERIC": "numbers", "CATEGORICAL": "texts", "TEXT": "texts", "DATETIME": "timestamps"}
    columns = ", ".join(f"{name} ({kinds[name]})" for name, _ in spec.features)
    what, made = "value", "model.predict(rows)"
    if spec.classes:
        what, made = "class", "np.array(CLASSES, dtype=object)[model.predict(rows)]"
    rows = "" if spec.fit_sql is None else "FIT_SQL"
    fit = [
        "",
        "",
        "def fit():",
        '    """Return the workflow fitted on all rows."""',
        f"    return build().fit(*read({rows}))",
    ]
    columns = textwrap.fill(f"rows: a DataFrame with the columns {columns}.", WIDTH - 4, subsequent_indent="    ")
    doc = f"Return the predicted {what} of each row.\n\n    {columns}\n    "
    return "\n".join([*fit, "", "", "def predict(model, rows):", f'    """{doc}"""', f"    return {made}"])


def main_section(spec: ScriptSpec) -> str:
    """Return what the script does when it is run."""
    one = ['    print(f"{metric} {values.mean():.4f}")']
    several = [
        "    se = values.std(ddof=1) / np.sqrt(len(values))",
        '    print(f"{metric} {values.mean():.4f} ± {se:.4f} over {len(values)} splits")',
    ]
    body = [
        "found = scores()",
        "for metric, values in found.items():",
        *(several if spec.n_splits > 1 else one),
        'print("first predictions:", *predict(fit(), read()[0].head(3)))',
        "metric, values = next(iter(found.items()))",
        'summary = {"metric": metric, "mean": values.mean(), "scores": values.tolist()}',
        "print(json.dumps(summary))",
    ]
    text = ["", "", "def main():", '    """Score the workflow, fit it on all rows, and show what it predicts."""']
    return "\n".join([*text, *_indented(body), "", "", 'if __name__ == "__main__":', "    main()"])


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line.replace("\n", "\n    ") for line in lines]


def _sql_constant(name: str, sql: str) -> list[str]:
    """Return SQL as a triple-quoted constant, escaped where it must be."""
    safe = sql.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return [f'{name} = """', *safe.splitlines(), '"""']
