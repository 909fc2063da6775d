"""The operator contract: a named kind of computation with parameters, a schema rule and traits.

An operator builds a scikit-learn compatible estimator from its parameters; the engine fits and applies it in tasks.
So a run *is* the script that an export writes. An operator never fits anything itself. Next: :mod:`mileage.workflow`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, Value
from mileage.core.near import near_matches
from mileage.errors import OperatorError
from mileage.operators.late import Late

Params = Mapping[str, Value]


class Family(StrEnum):
    """What an operator is for; also the slot of a query that holds it."""

    IMPUTE = "impute"
    DATES = "dates"
    ENCODE = "encode"
    TEXT = "text"
    SCALE = "scale"
    SELECT = "select"
    REDUCE = "reduce"
    MODEL = "model"
    OTHER = "other"


class Branch(StrEnum):
    """A group of columns that flows through a workflow on its own until all are joined to one matrix."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    TEXT = "text"
    DATETIME = "datetime"
    INDICATOR = "indicator"  # 0/1, counts or hashes: already a matrix, not to be scaled
    CODES = "codes"  # category codes for a learner that reads categories natively
    MATRIX = "matrix"  # all columns joined


class Stage(StrEnum):
    """The stage of ``fit`` that first reads a parameter (sharing.md 3.1)."""

    SCAN = "scan"
    FINALIZE = "finalize"
    CONTINUE = "continue"
    RESTRICT = "restrict"
    PREDICT = "predict"


class Rng(StrEnum):
    """How random numbers are drawn in a fit."""

    NONE = "none"
    PREFIX_STABLE = "prefix_stable"  # a smaller fit draws the first numbers of a larger one
    IN_ORDER = "in_order"  # one stream: a part of the fit cannot be made without what is before it


class Rows(StrEnum):
    """How output rows relate to input rows."""

    KEPT = "kept"
    FILTERED = "filtered"
    SAMPLED = "sampled"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: its legal values, its default, and the part of the domain worth searching.

    ``search`` is None for a parameter that is searched only when the query opens it. ``when`` names another parameter
    and the values of it with which this one counts; with any other it would be without effect.
    """

    name: str
    domain: Domain
    default: Value
    doc: str
    search: Domain | None = None
    stage: Stage = Stage.SCAN
    when: tuple[str, tuple[Value, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """The laws an operator declares; the conformance suite tests each one.

    An operator that declares nothing still works: it is then computed as it stands and shared only when equal.
    """

    row_wise: bool = False  # applying a fitted one to a row needs that row only
    stateless: bool = False  # fitting learns nothing
    columnwise: bool = False  # output column j depends on input column j only
    mergeable: bool = False  # state(A + B) = merge(state(A), state(B))
    subtractable: bool = False  # a part can be taken out of a merged state again
    prefix: tuple[str, ...] = ()  # a smaller value is a prefix of the fit with a larger one
    path: tuple[str, ...] = ()  # many values cost little more than one
    fusable: bool = False  # many models over the same batches
    bins_once: bool = False  # works on binned columns that configurations can share (``hist_only``)
    gram_only: bool = False  # fitting a regression needs X'X, X'y and sums only
    oracle_loss: bool = False  # the solver asks for losses and gradients of X @ w only
    additive: bool = False  # a prediction (as a margin) is a sum of one term a column
    weighted01: bool = False  # a 0/1 row weight equals leaving the row out
    reads_y: bool = False
    cross_fitted: bool = False  # output for the train rows differs from applying the fitted one to them
    deterministic: bool = True  # same input and seed, bit-equal output
    seeded: bool = False  # reads ``random_state``
    fit_threads: bool = False  # fits with several threads (``n_jobs``) to the same bits
    predict_threads: bool = False  # predicts with several threads (``n_jobs``) to the same bits
    rng: Rng = Rng.NONE
    order_sensitive: bool = False  # the order of the train rows matters
    rows: Rows = Rows.KEPT
    native_missing: bool = False
    keeps_missing: bool = False  # what is missing comes out missing, and nothing else does
    native_categorical: bool = False
    sparse: bool = False  # accepts a sparse matrix
    sparse_missing: bool = False  # reads missing values in a sparse matrix, too
    sparse_pays: bool = False  # is faster on a sparse matrix wherever most of it is zero
    non_negative: bool = False  # needs values >= 0
    negative: bool = False  # gives values below 0 where it gets none
    soft_labels: bool = False  # learns probabilities of classes in the place of classes, too
    margins: bool = False  # of classes it gives margins, no probabilities
    monotone_capable: bool = False
    glass_box: bool = False
    lossless_projection: bool = False  # knows which input columns still matter once fitted
    scale_free: bool = False  # monotone rescaling of a column changes nothing


_BINNED_ROWS = 1000  # from so many rows on, the bins of a column are as many as they can be


@dataclass(frozen=True, slots=True)
class Cost:
    """Prior for the seconds of one fit: ``fixed_s + per_cell_s * rows ** row_power * columns ** column_power`` on one core.

    With ``per_class`` that is for each of three or more classes, such as a tree of every round of boosting. With
    ``per_column_s`` each column costs that much more from 1,000 rows on, and in proportion below: the bins of histograms.
    """

    fixed_s: float = 0.005
    per_cell_s: float = 2e-8
    row_power: float = 1.0
    column_power: float = 1.0
    per_class: bool = False
    per_column_s: float = 0.0

    def fit_s(self, n_rows: int, n_columns: int, n_classes: int = 2) -> float:
        """Return the forecast of one fit, in seconds."""
        times = n_classes if self.per_class and n_classes > 2 else 1
        rows, columns = math.pow(n_rows, self.row_power), math.pow(max(1, n_columns), self.column_power)
        bins = self.per_column_s * n_columns * min(1.0, n_rows / _BINNED_ROWS)
        return self.fixed_s + times * (self.per_cell_s * rows * columns + bins)


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What is known when an estimator is built: the task, rough sizes, the seed, and positions of category codes."""

    task: str = "binary"  # binary | multiclass | regression
    n_rows: int = 1000
    n_columns: int = 10
    n_classes: int = 2
    seed: int = 0
    branch: Branch = Branch.MATRIX
    codes: tuple[int, ...] = ()  # columns of the matrix that hold category codes

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.task != "regression"


class Operator(ABC):
    """A named kind of computation; one subclass and one module-level instance in a file of its own.

    Laws (checked by ``mileage.testing.check_operator``): ``build`` is pure, returns a new unfitted estimator each
    time and imports its library inside; legal defaults; every declared trait holds; a fitted estimator survives
    pickling; rows in = rows out unless ``traits.rows`` says otherwise.

    Attributes
    ----------
    name : str
        Name in a query, such as ``"hist_gbm"``.
    family : Family
        The slot the operator belongs to.
    accepts, emits : tuple of Branch, Branch or None
        Branches it acts on (others pass by); the branch its output belongs to, None for the same one.
    column_per_level : bool
        Whether its output has a column for each level of a category.
    tasks : tuple of str
        Tasks it serves: of ``binary``, ``multiclass``, ``regression``.
    extra : str or None
        The extra to install where its library is optional.
    late : tuple of Late
        Parameters that a fit reads last, in the order in which it does.
    """

    name: ClassVar[str]
    family: ClassVar[Family]
    params: ClassVar[tuple[Param, ...]] = ()
    traits: ClassVar[Traits] = Traits()
    late: ClassVar[tuple[Late, ...]] = ()
    cost: ClassVar[Cost] = Cost()
    accepts: ClassVar[tuple[Branch, ...]] = (Branch.NUMERIC,)
    emits: ClassVar[Branch | None] = None
    column_per_level: ClassVar[bool] = False
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "regression")
    extra: ClassVar[str | None] = None
    aliases: ClassVar[tuple[str, ...]] = ()
    libraries: ClassVar[tuple[str, ...]] = ()  # distributions it runs on besides scikit-learn
    version: ClassVar[str] = "1"  # raise it when ``build`` changes meaning

    @abstractmethod
    def build(self, params: Params, context: BuildContext) -> Any:
        """Return an unfitted scikit-learn compatible estimator; ``params`` is complete and legal."""

    def trimmed(self, fitted: Any) -> Any:
        """Return a fitted step, cut back to a value of what is read late, without what its output does not need."""
        return fitted

    def check(self, params: Params, task: str) -> None:  # noqa: B027  (most operators have nothing to add)
        """Refuse parameters that do not suit the task; most operators have none such.

        Raises
        ------
        OperatorError
        """

    def complete(self, params: Params) -> dict[str, Value]:
        """Return ``params`` with defaults for what is not given.

        Raises
        ------
        OperatorError
            If a name is unknown or a value is outside its domain.
        """
        known = {p.name: p for p in self.params}
        for name, value in params.items():
            if name not in known:
                raise OperatorError(
                    f"{self.name} has no parameter '{name}'", code="O501", hint=_name_hint(name, tuple(known))
                )
            if not known[name].domain.contains(value):
                wanted = known[name].domain.describe()
                raise OperatorError(
                    f"{self.name}({name} = {value}) is not legal", code="O502", hint=f"{name} must be {wanted}"
                )
        return {p.name: _normal(params.get(p.name, p.default), p.domain) for p in self.params}

    def param(self, name: str) -> Param | None:
        """Return the parameter of this name, or None."""
        return next((p for p in self.params if p.name == name), None)

    @property
    def doc(self) -> str:
        """First line of the class docstring."""
        return (type(self).__doc__ or "").strip().partition("\n")[0]

    @property
    def is_model(self) -> bool:
        """Whether it predicts the target."""
        return self.family is Family.MODEL

    def __repr__(self) -> str:
        return f"<operator {self.name}>"


def _normal(value: Value, domain: Domain) -> Value:
    """Return a number in the type its domain means: ``3.0`` trees are 3, ``C = 1`` is 1.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    domains = domain.domains if isinstance(domain, AnyOf) else (domain,)
    kinds = [type(d) for d in domains if d.contains(value)]
    if IntRange in kinds and (isinstance(value, int) or FloatRange not in kinds):
        return int(value)
    return float(value) if FloatRange in kinds else value


def _name_hint(name: str, known: tuple[str, ...]) -> str:
    near = near_matches(name, known)
    return f"did you mean {near[0]}?" if near else (f"known: {', '.join(known)}" if known else "it takes no parameters")


@dataclass(frozen=True, slots=True)
class StepSpec:
    """An operator by name with the parameters that are fixed: what a configuration holds for a slot."""

    operator: str
    params: tuple[tuple[str, Value], ...] = field(default=())

    @classmethod
    def of(cls, operator: str, **params: Value) -> StepSpec:
        """Return a spec with its parameters in canonical order.

        Examples
        --------
        >>> str(StepSpec.of("logistic", C=1.0, penalty="l2"))
        "logistic(C = 1.0, penalty = 'l2')"
        """
        return cls(operator, tuple(sorted(params.items())))

    def __str__(self) -> str:
        inside = ", ".join(f"{k} = {v!r}" for k, v in self.params)
        return f"{self.operator}({inside})" if inside else self.operator
