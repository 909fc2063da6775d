"""What an exported script says: the data's SQL, the splits, and the estimators of the workflow."""

from __future__ import annotations

import re
import textwrap
from importlib.metadata import version
from typing import TYPE_CHECKING

from mileage.core.events import EventBus
from mileage.data import Database, Dataset, literal, quote
from mileage.engine import Limits
from mileage.errors import DataError, OperatorError
from mileage.language import ast, format_query
from mileage.operators.metrics import scorer_code
from mileage.operators.versions import versions_of
from mileage.optimizer import PlanContext, optimize
from mileage.results.export import Scorer, ScriptSpec, Student
from mileage.session.confirm import scored_on
from mileage.session.data_tasks import SessionData, aux_sql, column_kinds, larger_of, script_sql
from mileage.session.engines import finished, open_executor
from mileage.workflow import assemble, lesson_in, unblended

if TYPE_CHECKING:
    from mileage.data import Splits
    from mileage.planner import LogicalPlan
    from mileage.results import Trial
    from mileage.session.result import Result


def script_spec(result: Result, trial: Trial) -> ScriptSpec:
    """Return everything the script of a ranked workflow says.

    Raises
    ------
    DataError
        If the data is a frame of this process or in SQLite, which a script cannot read.
    """
    plan = result.plan
    clause = plan.query.clause(ast.From)
    if clause is not None and isinstance(clause.source, ast.FrameSource):
        name = clause.source.name
        message = f"a script cannot read the frame :{name} of this process"
        raise DataError(
            message, code="D441", hint=f"write it to a file and query that: {name}.to_parquet('{name}.parquet')"
        )
    _check_sqlite(plan.dataset)
    assert trial.workflow is not None
    lesson = lesson_in(trial.workflow)
    teacher = trial.workflow if lesson is None else lesson.teacher
    members = [(weight, assemble(member)) for weight, member in unblended(teacher)]
    student = None if lesson is None else Student(assemble(lesson.student), lesson.columns, dict(lesson.how))
    v = plan.validation
    assembled = [made for _, made in members] + ([student.assembly] if student is not None else [])
    used = {name for made in assembled for _, _, columns in made.branches for name in columns}
    kinds = tuple((name, kind) for name, kind in column_kinds(plan.features) if name in used)
    strata = v.stratify if isinstance(v.stratify, tuple) else ()
    aux = tuple(dict.fromkeys([*v.groups, *strata, *([v.order_by] if v.order_by else [])]))
    splits = dealt(result, trial) if plan.test is None else None
    scorers, uncounted = _scorers(result, margins=any(not hasattr(m.tail[-1][1], "predict_proba") for _, m in members))
    f, larger = plan.features, larger_of(plan, trial)
    return ScriptSpec(
        sql=script_sql(plan.dataset, kinds, plan.target, plan.task),
        target=plan.target,
        task=plan.task,
        classes=plan.classes,
        members=members,
        student=student,
        splits=splits.code if splits is not None else "",
        n_splits=len(splits.pairs) if splits is not None else 1,
        split_imports=splits.imports if splits is not None else (),
        scorers=scorers,
        numeric=tuple(n for n in f.numeric if n in used),
        categorical=tuple(n for n in f.categorical if n in used),
        text=tuple(n for n in f.text if n in used),
        datetime=tuple(n for n in f.datetime if n in used),
        setup=_attached(plan.dataset.database),
        aux_sql=aux_sql(plan.dataset, aux, plan.target, plan.task) if aux else None,
        groups=v.groups,
        strata=strata,
        order_by=v.order_by,
        test_sql=script_sql(plan.test, kinds, plan.target, plan.task) if plan.test is not None else None,
        fit_sql=_fit_sql(plan, larger, kinds) if larger is not None else None,
        query=format_query(plan.query),
        header=(*_header(result, trial), *uncounted),
    )


def _fit_sql(plan: LogicalPlan, larger: Dataset, kinds: tuple[tuple[str, str], ...]) -> str:
    """Return the SQL of the rows that the answer is fitted on: those of classes that were searched with."""
    sql = script_sql(larger, kinds, plan.target, plan.task)
    if plan.task == "regression":
        return sql
    known = ", ".join(literal(name) for name in plan.classes)
    return f"SELECT *\nFROM (\n{textwrap.indent(sql, '    ')}\n)\nWHERE {quote(plan.target)} IN ({known})"


def _check_sqlite(dataset: Dataset) -> None:
    for alias, path in dataset.database.sqlite_files.items():
        if re.search(rf'(?<!\w)"?{re.escape(alias)}"?\s*\.', dataset.relation_sql, re.IGNORECASE):
            raise DataError(
                f"a script cannot read the SQLite file '{path.name}': duckdb alone has no reader for it",
                code="D443",
                hint="write the table to a Parquet file and query that",
            )


def _attached(database: Database) -> tuple[str, ...]:
    """Return the statements that attach the database files of the session, for the script to do the same."""
    rows = database.rows("SELECT path, database_name FROM duckdb_databases() WHERE NOT internal AND path IS NOT NULL")
    return tuple(f"ATTACH {literal(path)} AS {quote(name)} (READ_ONLY)" for path, name in rows)


def dealt(result: Result, trial: Trial) -> Splits:
    """Return the splits that a trial was scored on, dealt again from the data."""
    leaves = scored_on(result.plan, trial)
    port = leaves.deal.port("splits")
    physical, _ = optimize(leaves.tasks, (port,), PlanContext(kept=result.session.store.has))
    executor, _ = open_executor(
        result.session, SessionData.of(result.plan), EventBus(), plan=result.plan, backend="inline"
    )
    with executor:
        executor.submit(physical, label="deal", limits=Limits())
        splits: Splits = finished(executor).values[port]
    return splits


def _scorers(result: Result, *, margins: bool) -> tuple[tuple[Scorer, ...], tuple[str, ...]]:
    """Return what the script scores by: all objectives that scikit-learn can compute; the first must be one."""
    plan = result.plan
    made, left_out = [], []
    for i, objective in enumerate(plan.objectives):
        try:
            code, imports, sign, uses = scorer_code(objective.call, plan.task, plan.classes, margins=margins)
        except OperatorError:
            if i == 0:
                raise
            left_out.append(objective.call)
        else:
            made.append(Scorer(objective.call, code, imports, int(sign), uses))
    return tuple(made), ((f"Not scored here: {', '.join(left_out)}.",) if left_out else ())


def _header(result: Result, trial: Trial) -> tuple[str, ...]:
    scored = [
        f"{o.call} {trial.mean(o.call):.6g}" + (f" ± {trial.se(o.call):.2g}" if len(trial.scores[o.call]) > 1 else "")
        for o in result.plan.objectives
        if o.call in trial.scores
    ]
    assert trial.workflow is not None
    libraries = ", ".join(versions_of([step.spec.operator for step in trial.workflow.steps if step.spec]))
    return (
        f"Workflow: {trial.describe}",
        f"Score: {', '.join(scored)}",
        f"Made by mileage {version('mileage')} with {libraries}.",
    )
