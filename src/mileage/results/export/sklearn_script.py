"""A workflow as a script that a data scientist would write: SQL through duckdb, the rest plain scikit-learn.

The script deals the same splits and builds the same estimators as the run did, so it prints the same scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mileage.results.export.code import WIDTH, Writer, bracket, call
from mileage.results.export.pretty import pretty
from mileage.results.export.sections import (
    Scorer,
    constants_section,
    main_section,
    read_section,
    score_section,
    split_section,
    use_section,
)
from mileage.workflow import Assembly


@dataclass(frozen=True)
class Student:
    """The estimators that learn what the members say, the columns that rows are made up of, and how."""

    assembly: Assembly
    columns: tuple[str, ...]
    how: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ScriptSpec:
    """Everything a script says.

    Attributes
    ----------
    sql : str
        SELECT whose columns are the features and the target, rows without a target left out.
    target : str
    task : str
        ``binary``, ``multiclass`` or ``regression``.
    classes : tuple of str
        In the order of their codes; of a binary target the positive one is the last.
    numeric, categorical, text, datetime : tuple of str
        The features by kind; the script names those that are there.
    members : sequence of (weight, Assembly)
        The estimators of the workflow: one assembly, or several that are blended.
    student : Student, optional
        Who learns what the members say, and predicts in their place.
    splits, split_imports : str, tuple of str
        ``Splits.code`` and ``Splits.imports``: reads ``X``, ``y``, ``groups``, ``order``.
    n_splits : int
        How many splits there are; of one there is no standard error.
    scorers : tuple of Scorer
        What is measured; the first is what the workflows were ranked by.
    setup : tuple of str
        Statements for duckdb before the SELECT, such as ATTACH.
    aux_sql : str, optional
        SELECT of the columns that deal the rows, in the order of ``sql``'s rows.
    groups, strata : tuple of str
        Columns of ``aux_sql`` whose values together make one group, or one stratum.
    order_by : str, optional
        Column of ``aux_sql`` that orders the rows in time.
    test_sql : str, optional
        Rows of their own to score on, instead of splits.
    fit_sql : str, optional
        The rows that the workflow is fitted on at last, where these are not those of ``sql``.
    query, header : str, tuple of str
        The query's text and further lines for the docstring.
    """

    sql: str
    target: str
    task: str
    members: Sequence[tuple[float, Assembly]]
    splits: str
    scorers: tuple[Scorer, ...]
    student: Student | None = None
    split_imports: tuple[str, ...] = ()
    n_splits: int = 2
    classes: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    datetime: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    aux_sql: str | None = None
    groups: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    order_by: str | None = None
    test_sql: str | None = None
    fit_sql: str | None = None
    query: str = ""
    header: tuple[str, ...] = ()

    @property
    def reads_several(self) -> bool:
        """Whether the script reads other rows than those of ``sql`` too."""
        return self.test_sql is not None or self.fit_sql is not None

    @property
    def features(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Name of the list in the script and its columns, for the kinds that are there."""
        kinds = (
            ("NUMERIC", self.numeric),
            ("CATEGORICAL", self.categorical),
            ("TEXT", self.text),
            ("DATETIME", self.datetime),
        )
        return tuple((name, columns) for name, columns in kinds if columns)


def script(spec: ScriptSpec) -> str:
    """Return the script as text.

    Its last line of output is one JSON object ``{"metric": ..., "scores": [...], "mean": ...}``.

    Raises
    ------
    OperatorError
        If an estimator cannot be written as code.
    """
    writer = Writer()
    writer.imports |= {"import json", "import duckdb", "import numpy as np", *spec.split_imports}
    build = _build_section(spec, writer)
    constants = constants_section(spec, writer)
    parts = [
        read_section(spec),
        build,
        split_section(spec, writer),
        score_section(spec, writer),
        use_section(spec),
        main_section(spec),
    ]
    helpers = [f"\n\n{source}" if source.startswith(("def ", "class ", "@")) else source for source in writer.helpers]
    future = ["", "from __future__ import annotations"] if any("->" in source for source in writer.helpers) else []
    head = [_docstring(spec), *future, "", *_imports(writer.imports)]
    early = any(scorer.uses for scorer in spec.scorers)  # what is measured is made of them
    middle = [*helpers, "\n" + constants] if early else [constants, *helpers]
    return "\n".join([*head, *middle, *filter(None, parts)]).rstrip() + "\n"


def _build_section(spec: ScriptSpec, writer: Writer) -> str:
    """Return the function that builds the estimator; of what is distilled, one for the teacher, one for the student, and one for both."""
    if spec.student is None:
        return _members_section(spec, writer, "build", "Return the unfitted workflow")
    student, every = spec.student, [name for _, names in spec.features for name in names]
    lists = f"[{', '.join(f'*{name}' for name, _ in spec.features)}]"
    columns = lists if sorted(every) == sorted(student.columns) else writer.value(list(student.columns))
    how = [f"{name}={writer.value(value)}" for name, value in student.how.items()]
    from mileage.workflow.student import Distilled

    made = call(writer.named(Distilled), ["build_teacher()", "build_student()", columns, *how])
    doc = "Return the unfitted workflow: a student that learns what the teacher says."
    body = f"return {pretty(made, WIDTH - 4, len('return '))}".replace("\n", "\n    ")
    return "\n".join(
        [
            _members_section(spec, writer, "build_teacher", "Return the teacher, unfitted"),
            _builder(spec, writer, student.assembly, "build_student", "Return the student, unfitted."),
            f'\n\ndef build():\n    """{doc}"""\n    {body}',
        ]
    )


def _members_section(spec: ScriptSpec, writer: Writer, function: str, doc: str) -> str:
    """Return the function that builds the members as one; of a blend, one for each member and one for all."""
    if len(spec.members) == 1:
        return _builder(spec, writer, spec.members[0][1], function, f"{doc}.")
    numbers = range(1, len(spec.members) + 1)
    parts = [
        _builder(spec, writer, assembly, f"build_{i}", f"Return member {i} of the blend, unfitted.")
        for i, (_, assembly) in zip(numbers, spec.members, strict=True)
    ]
    name = "VotingRegressor" if spec.task == "regression" else "VotingClassifier"
    writer.imports.add(f"from sklearn.ensemble import {name}")
    voting = [] if spec.task == "regression" else ['voting="soft"']
    weights = f"weights={writer.value([weight for weight, _ in spec.members])}"
    members = bracket("[", [f'("member_{i}", build_{i}())' for i in numbers], "]")
    made = pretty(call(name, [members, *voting, weights]), WIDTH - 4, len("return "))
    body = f"return {made}".replace("\n", "\n    ")
    mean = f'"""{doc}: the mean of what its members predict."""'
    return "\n".join([*parts, f"\n\ndef {function}():\n    {mean}\n    {body}"])


def _builder(spec: ScriptSpec, writer: Writer, assembly: Assembly, function: str, doc: str) -> str:
    """Return a function that builds one assembly."""
    writer.imports |= {"from sklearn.pipeline import Pipeline", "from sklearn.compose import ColumnTransformer"}
    lists = {columns: name for name, columns in spec.features}
    parts = []
    for name, chain, columns in assembly.branches:
        named = lists.get(tuple(columns)) or writer.value(list(columns))
        parts.append(f"({writer.value(name)}, {_chain(chain, writer)}, {named})")
    threshold = "sparse_threshold=0.0" if assembly.dense else "sparse_threshold=1.0"
    made = f"ColumnTransformer([{', '.join(parts)}], {threshold})"
    steps = ['("prepare", prepare)']
    steps += [f"({writer.value(name)}, {writer.value(step)})" for name, step in assembly.tail]
    prepare = pretty(made, WIDTH - 4, len("prepare = "))
    pipeline = pretty(f"Pipeline([{', '.join(steps)}])", WIDTH - 4, len("return "))
    body = f"prepare = {prepare}\nreturn {pipeline}".replace("\n", "\n    ")
    return f'\n\ndef {function}():\n    """{doc}"""\n    {body}'


def _chain(chain: Any, writer: Writer) -> str:
    if not isinstance(chain, tuple | list):
        return writer.value(chain)
    if not chain:
        return '"passthrough"'
    if len(chain) == 1:
        return writer.value(chain[0])
    writer.imports.add("from sklearn.pipeline import make_pipeline")
    return call("make_pipeline", [writer.value(step) for step in chain])


def _docstring(spec: ScriptSpec) -> str:
    lines = [*spec.query.strip().splitlines(), *([""] if spec.query and spec.header else []), *spec.header]
    title = f"Predict {spec.target}: a workflow found by MILE, as a plain scikit-learn script."
    lines += ["", "Run it to see its scores; import fit and predict to use it."]
    body = "\n".join([title, "", *lines] if lines else [title])
    safe = body.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{safe}\n"""' if lines else f'"""{safe}"""'


def _from(module: str, names: set[str]) -> str:
    """Return one import, a name a line where one line is too long.

    Examples
    --------
    >>> print(_from("sklearn.model_selection", {"StratifiedKFold", "StratifiedShuffleSplit", "cross_validate"}))
    from sklearn.model_selection import (
        StratifiedKFold,
        StratifiedShuffleSplit,
        cross_validate,
    )
    """
    listed = sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    line = f"from {module} import {', '.join(listed)}"
    if len(line) <= WIDTH or "#" in line:
        return line
    return "\n".join([f"from {module} import (", *[f"    {name}," for name in listed], ")"])


def _imports(lines: set[str]) -> list[str]:
    """Return import lines sorted as isort does: standard library, then the rest; names of one module joined."""
    import sys

    merged: dict[str, set[str]] = {}
    for line in lines:
        for single in line.splitlines():
            if single.startswith("from "):
                module, listed = single[5:].split(" import ", 1)
                merged.setdefault(module.strip(), set()).update(n.strip() for n in listed.split(","))
            else:
                merged.setdefault(single.strip(), set())
    made: dict[bool, list[tuple[bool, str, str]]] = {True: [], False: []}
    for module, names in merged.items():
        root = (module.removeprefix("import ")).split(".")[0].split(" ")[0]
        if root == "__future__":
            continue
        text = _from(module, names) if names else module
        made[root in sys.stdlib_module_names].append((bool(names), module, text))
    standard, others = ([text for *_, text in sorted(made[kind])] for kind in (True, False))
    return [*standard, *([""] if standard and others else []), *others]


__all__ = ["ScriptSpec", "Student", "script"]
