"""What each kind of task does: one function per kind, in one table."""

from __future__ import annotations

import contextlib
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from mileage.core.domains import whole_number
from mileage.core.fingerprint import Fingerprint
from mileage.engine import sums
from mileage.engine.frames import columns_of, take_rows
from mileage.engine.together import Manner
from mileage.engine.values import shape_of, thaw
from mileage.errors import InternalError
from mileage.operators.base import BuildContext, Operator
from mileage.operators.batched import Nets
from mileage.operators.bins import Binned
from mileage.operators.from_codes import FromCodes, as_coded
from mileage.operators.layout import Cells
from mileage.operators.metrics import Metric
from mileage.operators.together import Asked, Fits, Fused
from mileage.workflow.task import Task, TaskKind

DRIVER_KINDS = frozenset({TaskKind.SOURCE, TaskKind.SAMPLE})
_TRACE_FRAMES = 6
_PACKAGE = str(Path(__file__).resolve().parents[1])
_MANY_WARNINGS = 50
_WEIGHED_ROWS = 20_000  # enough to tell which blend is better


class Call(Protocol):
    """What a step of a flow does."""

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Return the outputs in order, and leave the inputs as they are."""


Handler = Callable[[Task, list[Any]], Mapping[str, Any]]


def deal_splits(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Deal the rows of a target, and of the columns that say what stays together, to splits."""
    from mileage.data.splits import SplitSpec, deal_rows

    params: dict[str, Any] = dict(task.params)
    y, aux = inputs
    return {"splits": deal_rows(SplitSpec(**params), y, aux)}


def score_splits(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Score kept predictions by one metric: those of each split, or of a whole table of its own."""
    import numpy as np

    from mileage.operators.metrics import score

    params: dict[str, Any] = dict(task.params)
    predictions, truths = _with_truths(params, inputs)
    asked = {"classes": params["classes"], "task": params["task"], "positive": 1}
    pairs = zip(truths, predictions, strict=True)
    return {"out": np.asarray([score(task.operator, truth, made, **asked) for truth, made in pairs], dtype=float)}


def score_all_splits(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Score many models by one metric, shape (n_models, n_splits)."""
    import numpy as np

    from mileage.operators.metrics import score_stacked

    params: dict[str, Any] = dict(task.params)
    if "route" in params:
        return sums.score(task, inputs)
    stacks, truths = _with_truths(params, inputs)
    asked = {"classes": params["classes"], "task": params["task"], "positive": 1}
    pairs = zip(truths, stacks, strict=True)
    return {"out": np.column_stack([score_stacked(task.operator, truth, made, **asked) for truth, made in pairs])}


def weigh_splits(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Return the weight of each workflow in a blend, chosen by a metric on the rows that each split keeps apart."""
    import numpy as np

    from mileage.operators.blending import blend_weights, pooled
    from mileage.operators.metrics import resolve_metric, score

    params: dict[str, Any] = dict(task.params)
    predictions, truths = _with_truths(params, inputs)
    asked = {"classes": params["classes"], "task": params["task"], "positive": 1}
    sign = -1.0 if resolve_metric(task.operator, params["task"]).greater_is_better else 1.0

    every = -(-sum(map(len, truths)) // _WEIGHED_ROWS)
    truth, n = np.concatenate(truths)[::every], len(truths)
    candidates = [pooled(predictions[i : i + n], every) for i in range(0, len(predictions), n)]
    return {"out": blend_weights(candidates, lambda made: sign * score(task.operator, truth, made, **asked))}


def _with_truths(params: Mapping[str, Any], inputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return predictions, and what is true of the rows that each split keeps apart, or of a whole table of its own."""
    if params["whole"]:
        *predictions, y = inputs
        return predictions, [y]
    *predictions, y, splits = inputs
    return predictions, [y[split.test.indices()] for split in splits.pairs[: params.get("first")]]


@dataclass(frozen=True)
class Resources:
    """What tasks need besides their inputs.

    ``source``, ``deal`` and ``score`` take a task and its inputs' values and return its outputs by name; ``source``
    holds a connection and runs in the driver only. ``operators`` and ``metrics`` are known to this session alone and
    are sent to workers by value; ``calls`` are the steps of a user's flow, by the fingerprint of their task, at most
    ``n_threads`` of which run at once, in this process, if ``manner`` allows it. A fit may have ``fit_threads``, where its
    operator says that they change no bit of it.
    """

    source: Handler | None = None
    operators: Mapping[str, Operator] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    calls: Mapping[Fingerprint, Call] = field(default_factory=dict)
    n_threads: int = 1
    fit_threads: int = 1
    manner: Callable[[Task, list[Any]], Manner] | None = None
    deal: Handler = deal_splits
    score: Handler = score_splits

    def to_travel(self) -> Resources:
        """Return what a worker in another process gets."""
        return replace(self, source=None, calls={}, n_threads=1, manner=None)


@dataclass(frozen=True, slots=True)
class TaskError:
    """Why a task gave no result: plain data that crosses process borders.

    ``kind`` is ``task`` (it raised), ``load`` (an input could not be read), ``timeout``, ``memory``, ``lost`` or
    ``cancelled``.
    """

    type: str
    message: str
    kind: str = "task"
    label: str = ""
    task: Fingerprint | None = None
    inputs: tuple[str, ...] = ()
    trace: str = ""

    def __str__(self) -> str:
        where = f"{self.label}: " if self.label else ""
        return f"{where}{self.type}: {self.message}" if self.type else f"{where}{self.message}"

    @classmethod
    def of(cls, error: BaseException, task: Task, inputs: list[Any], *, kind: str = "task") -> TaskError:
        """Return the record of an exception that a task raised."""
        frames = _frames(error)
        shapes = tuple(shape_of(value) for value in inputs)
        text = getattr(error, "message", None) or str(error)
        label = task.label or f"{task.kind} {task.operator}".strip()
        return cls(
            type(error).__name__,
            str(text),
            kind,
            label,
            task.fingerprint,
            shapes,
            "".join(frames),
        )


def _frames(error: BaseException) -> list[str]:
    """Return the last lines that led to an error, those of the engine left out."""
    stack = traceback.extract_tb(error.__traceback__)
    others = [frame for frame in stack if not frame.filename.startswith(_PACKAGE)]
    return traceback.format_list((others or stack)[-_TRACE_FRAMES:])


def run_task(task: Task, inputs: list[Any], *, resources: Resources) -> dict[str, Any]:
    """Return the outputs of a task by name.

    Parameters
    ----------
    task : Task
        What to do.
    inputs : list
        Values of ``task.inputs``, in order; they are not changed.
    resources : Resources
        Session-local operators, and the handlers of the kinds that only the driver runs.

    Raises
    ------
    Exception
        Whatever the operator's estimator raises.
    """
    try:
        return _RUN[task.kind](task, inputs, resources)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
    # some libraries' compiled code asks for writable arrays without writing to them: they get copies
    return _RUN[task.kind](task, [thaw(value) for value in inputs], resources)


def _sample(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    del resources
    from mileage.data import sampled

    params: dict[str, Any] = dict(task.params)
    keys = None
    if params["key"]:
        keys = inputs[1][list(params["key"])].astype(str).agg("\x1f".join, axis=1).to_numpy()
    return {"splits": sampled(inputs[0], params["fraction"], seed=params["seed"], keys=keys)}


def _reshuffle(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    del resources
    from mileage.data.reshuffle import reshuffled

    params: dict[str, Any] = dict(task.params)
    params.pop("seed")  # of which the private one is made
    return {"splits": reshuffled(inputs[0], **params)}


def _take(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    del resources
    params = dict(task.params)
    if isinstance(inputs[0], Cells):
        return {"out": inputs[0].take(_rows(params, inputs))}
    frame, columns = inputs[0], params.get("columns")
    assert columns is None or isinstance(columns, tuple)
    frame = frame if columns is None else columns_of(frame, tuple(str(column) for column in columns))
    rows = _rows(params, inputs)
    return {"out": frame if rows is None else take_rows(frame, rows)}


def _target(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    del resources
    from mileage.operators.running import Predictions

    y, rows = inputs[0], _rows(dict(task.params), inputs)
    y = y.values if isinstance(y, Predictions) else y  # what a teacher says
    return {"out": y if rows is None else y[rows]}


def _rows(params: Mapping[str, Any], inputs: list[Any]) -> Any:
    part = params.get("part", "all")
    if part == "all":
        return None
    pair = inputs[1].pairs[int(params.get("split", 0))]
    return (pair.train if part == "train" else pair.test).indices()


def _fit(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    from mileage.operators import running

    context: dict[str, Any] = dict(task.context)
    operator = _operator(task.operator, resources)
    if isinstance(operator, Binned) and len(inputs) > 2:
        X, y, bins = inputs
        return {"state": operator.fit_binned(dict(task.params), BuildContext(**context), bins, X, y)}
    if isinstance(operator, FromCodes) and len(inputs) > 1 + operator.traits.reads_y:
        codes, *y, levels = inputs
        coded, target, transforms = as_coded(codes, levels), y[0] if y else None, "out" in task.outputs
        made = operator.fit_codes(dict(task.params), BuildContext(**context), coded, target, transforms=transforms)
        return dict(zip(task.outputs, made, strict=False))
    estimator = operator.build(dict(task.params), BuildContext(**context))
    X, y = inputs[0], (inputs[1] if len(inputs) > 1 else None)
    if task.is_model:
        n = resources.fit_threads if operator.traits.fit_threads else 1
        return {"state": running.fit_model(estimator, X, y, n_threads=n)}
    if task.outputs == ("state",):
        return {"state": running.fit_transformer(estimator, X, y)}
    state, out = running.fit_transform(estimator, X, y)
    return {"state": state, "out": out}


def _code(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    params: dict[str, Any] = dict(task.params)
    operator = _operator(task.operator, resources)
    assert isinstance(operator, FromCodes)
    made = operator.code(params, columns_of(inputs[0], params.pop("columns")))
    return dict(zip(("codes", "levels"), made, strict=True))


def _bin(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    operator, context = _operator(task.operator, resources), dict[str, Any](task.context)
    assert isinstance(operator, Binned)
    return {"out": operator.bins(dict(task.params), BuildContext(**context), inputs[0])}


def _operator(name: str, resources: Resources) -> Operator:
    from mileage.operators import operators

    return resources.operators.get(name) or operators.get(name)


def _cut(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    from mileage.operators.cutting import cut_step

    context: dict[str, Any] = dict(task.context)
    operator = _operator(task.operator, resources)
    if isinstance(inputs[0], Nets):
        return {"state": inputs[0].each[whole_number(dict(task.params)["place"])]}
    if isinstance(operator, Fused) and isinstance(inputs[0], Fits | list):
        params: dict[str, Any] = dict(task.params)
        place, fits = params.pop("place"), inputs[0]
        fits, place = (fits, place) if isinstance(fits, Fits) else (fits[place], 0)  # each on rows of its own
        return {"state": operator.alone(params, BuildContext(**context), fits, place)}
    state = cut_step(operator, inputs[0], dict(task.params), BuildContext(**context))
    return {"state": state} if task.is_model else {"state": state, "out": _shaped(task, state, inputs[1], resources)}


def _shaped(task: Task, state: Any, rows: Any, resources: Resources) -> Any:
    """Return the output of a fitted transformer for rows, or out of what was gathered for them."""
    from mileage.operators import running
    from mileage.operators.cutting import inform_step
    from mileage.traits.gather import Columns

    if isinstance(rows, Columns):
        state = inform_step(_operator(task.operator, resources), state, rows)
    return running.apply(_step_of(task, state), rows)


def _gather(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    from mileage.operators.cutting import gather_answers

    if isinstance(inputs[0], Fits):
        return {"out": Asked(inputs[0], inputs[1], whole_number(dict(task.params)["n_classes"]))}
    context: dict[str, Any] = dict(task.context)
    operator = _operator(task.operator, resources)
    return {"out": gather_answers(operator, inputs[0], inputs[1], dict(task.params), BuildContext(**context))}


def _apply(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    state, rows, *levels = inputs
    return {"out": as_coded(rows, *levels).told(state) if levels else _shaped(task, state, rows, resources)}


def _join(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    del resources
    from mileage.operators import running

    return {"out": running.join(inputs, bool(dict(task.params).get("dense", True)))}


def _munge(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    del resources
    from mileage.operators.distilling import made_up_rows

    params: dict[str, Any] = dict(task.params)
    return {"X": made_up_rows(inputs[0], **params)}


def _predict(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    from mileage.operators import running
    from mileage.operators.cutting import inform_step

    if "place" in dict(task.params):
        return {"out": inputs[0].at(dict(task.params)["place"])}
    state, rows, *gathered = inputs
    if gathered:
        state = inform_step(_operator(task.operator, resources), state, *gathered)
    settings: dict[str, Any] = {**dict(task.context), **dict(task.params)}
    kind, n_classes = str(settings.get("task", "binary")), int(settings.get("n_classes", 2))
    return {"out": running.predict(_step_of(task, state), rows, kind, n_classes)}


def _step_of(task: Task, state: Any) -> Any:
    """Return the fitted step, for the columns that the task is given if some were left out."""
    kept: Any = dict(task.params).get("kept")
    if kept is None:
        return state
    from mileage.workflow.partial import partial_step

    return partial_step(state, kept)


def _source(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    if resources.source is None:
        message = "no handler for a task that reads data: it runs in the driver only"
        raise InternalError(message)
    return dict(resources.source(task, inputs))


def _deal(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    return dict(resources.deal(task, inputs))


def _score(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    params: dict[str, Any] = dict(task.params)
    if "place" in params:
        return {"out": inputs[0][params["place"]]}
    return dict(resources.score(task, inputs))


def _weigh(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    del resources
    return weigh_splits(task, inputs)


def _blend(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    del resources
    from mileage.operators.blending import blend

    weights: Any = dict(task.params)["weights"]
    return {"out": blend(inputs, weights)}


def _call(task: Task, inputs: list[Any], resources: Resources) -> dict[str, Any]:
    return dict(zip(task.outputs, resources.calls[task.fingerprint].run(inputs), strict=True))


_RUN: dict[TaskKind, Callable[[Task, list[Any], Resources], dict[str, Any]]] = {
    TaskKind.SOURCE: _source,
    TaskKind.DEAL: _deal,
    TaskKind.RESHUFFLE: _reshuffle,
    TaskKind.SAMPLE: _sample,
    TaskKind.TAKE: _take,
    TaskKind.TARGET: _target,
    TaskKind.FIT: _fit,
    TaskKind.WHOLE: _fit,
    TaskKind.CUT: _cut,
    TaskKind.GATHER: _gather,
    TaskKind.SUMS: lambda task, inputs, _: sums.sum_up(task, inputs),
    TaskKind.BIN: _bin,
    TaskKind.CODE: _code,
    TaskKind.LAYOUT: lambda task, inputs, _: sums.lay_out(task, inputs),
    TaskKind.CELLS: lambda _, inputs, __: sums.read_cells(inputs),
    TaskKind.LIFT: lambda task, inputs, _: sums.lift(task, inputs),
    TaskKind.MERGE: lambda task, inputs, _: sums.merge(task, inputs),
    TaskKind.IMAGE: lambda task, inputs, _: sums.image(task, inputs),
    TaskKind.LEARN: lambda task, inputs, resources: sums.learn(task, inputs, _operator(task.operator, resources)),
    TaskKind.TOGETHER: lambda task, inputs, resources: sums.learn_together(
        task, inputs, _operator(task.operator, resources)
    ),
    TaskKind.MASKED: lambda task, inputs, resources: sums.fit_masked(task, inputs, _operator(task.operator, resources)),
    TaskKind.APPLY: _apply,
    TaskKind.JOIN: _join,
    TaskKind.MUNGE: _munge,
    TaskKind.PREDICT: _predict,
    TaskKind.BLEND: _blend,
    TaskKind.WEIGH: _weigh,
    TaskKind.SCORES: lambda task, inputs, _: score_all_splits(task, inputs),
    TaskKind.SCORE: _score,
    TaskKind.CALL: _call,
}


class _Threads:
    """Keeps the thread pools of BLAS and OpenMP at one thread; finding the pools is slow, so it is done once."""

    def __init__(self) -> None:
        self._seen = -1
        self._controller: Any = None

    def limit(self) -> contextlib.AbstractContextManager[Any]:
        try:
            from threadpoolctl import ThreadpoolController
        except ImportError:
            return contextlib.nullcontext()
        if len(sys.modules) != self._seen:  # a library that was imported since may have brought a pool
            self._controller = ThreadpoolController()
            self._seen = len(sys.modules)
        limited: contextlib.AbstractContextManager[Any] = self._controller.limit(limits=1)
        return limited


_threads = _Threads()


@contextlib.contextmanager
def quiet(said: dict[str, None]) -> Iterator[None]:
    """One thread, and warnings (numpy's too) as keys of ``said`` instead of on the screen."""
    import numpy as np

    def record(message: Any, category: Any, *_: Any, **__: Any) -> None:
        if len(said) < _MANY_WARNINGS:
            said.setdefault(f"{category.__name__}: {message}")

    with (
        _threads.limit(),
        warnings.catch_warnings(),
        np.errstate(all="warn", under="ignore"),
    ):
        warnings.simplefilter("always")
        warnings.showwarning = record
        yield
