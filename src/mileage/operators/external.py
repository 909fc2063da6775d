"""Any scikit-learn compatible transformer or estimator as an operator."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mileage.core.domains import Anything, whole_number
from mileage.errors import OperatorError
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Traits
from mileage.operators.batched import Networks
from mileage.operators.family import operators
from mileage.operators.late import LARGEST, Late

if TYPE_CHECKING:
    from mileage.traits import Declaration


def from_estimator(
    estimator: Any,
    *,
    name: str | None = None,
    branch: Branch | None = None,
    family: Family | None = None,
) -> Operator:
    """Make an operator of an estimator and register it for this session.

    Parameters
    ----------
    estimator : estimator, class or str
        ``"sklearn.linear_model.HuberRegressor"``, the class, or an instance with its parameters set.
    name : str, optional
        Name in queries; the class name in lower case unless given.
    branch : Branch, optional
        The branch a transformer acts on; the joined matrix unless given.
    family : Family, optional
        The slot; MODEL for what predicts, SELECT for what transforms.

    Raises
    ------
    OperatorError
        If there is no such class, or it is no estimator.

    Examples
    --------
    >>> operator = from_estimator("sklearn.linear_model.HuberRegressor", name="huber")
    >>> operator.family, operator.param("epsilon").default
    (<Family.MODEL: 'model'>, 1.35)
    """
    template = _instance(estimator)
    is_model = hasattr(template, "predict")
    label = (name or type(template).__name__).lower()

    class External(Operator):
        """A scikit-learn compatible estimator from outside."""

        def build(self, params: Params, context: BuildContext) -> Any:
            """Return a clone with the parameters set."""
            from sklearn.base import clone

            made = clone(template).set_params(**params)
            if _draws(made):
                made.set_params(random_state=context.seed)
            return made if is_model else _between(made, context.branch)

    External.name = label
    External.traits = Traits(
        seeded=_draws(template),
        reads_y=not is_model and _takes_y(template),
        margins=is_model and not hasattr(template, "predict_proba"),
    )
    External.family = family or (Family.MODEL if is_model else Family.SELECT)
    External.accepts = (branch or Branch.MATRIX,)
    External.emits = _EMITS.get(branch or Branch.MATRIX)
    External.column_per_level = branch is Branch.CATEGORICAL
    External.params = tuple(Param(k, Anything(), v, "see the estimator") for k, v in _plain_params(template).items())
    External.late = _late(template)
    if is_model:
        kind = getattr(template, "_estimator_type", None) or _estimator_type(template)
        External.tasks = ("regression",) if kind == "regressor" else ("binary", "multiclass")
    External.version = _identity(template)
    External.libraries = _libraries(type(template))
    stacked = _stacked(template)
    return operators.add(_as_networks(External, template, stacked)() if stacked else External())


def _stacked(estimator: Any) -> tuple[str, ...]:
    """Return the parameters in which fits of a class on one stream of batches may differ, as the registry of traits declares them."""
    plain = _plain_params(estimator)
    return tuple(
        claim.argument
        for declared in _declared(type(estimator))
        for claim in declared.claims
        if claim.law == "stacks" and claim.argument in plain
    )


def _as_networks(external: type[Operator], template: Any, stacked: tuple[str, ...]) -> type[Operator]:
    """Return the operator of an estimator as one of networks that can be trained together."""

    def hidden(_: Networks, params: Params) -> tuple[int, ...]:
        units: Any = params.get("hidden_layer_sizes", template.hidden_layer_sizes)
        return (units,) if isinstance(units, int) else tuple(units)

    def rows_of_batch(self: Networks, params: Params) -> int:
        asked = params["batch_size"]
        return Networks.rows_of_batch(self, params) if asked == "auto" else whole_number(asked)

    def can_batch(self: Networks, params: Params) -> bool:
        from mileage.traits.stacked import stream_of

        # steps of sgd may grow without end, which must not end the fits of others
        return params["solver"] == "adam" and stream_of(self.build(params, BuildContext())) is not None

    members = {"batched": stacked, "hidden": hidden, "rows_of_batch": rows_of_batch, "can_batch": can_batch}
    return type(external.__name__, (external, Networks), {**members, "__doc__": external.__doc__})


def _declared(cls: type) -> Iterator[Declaration]:
    from mileage.traits import declarations

    return (d for d in declarations() if d.subject.short == cls.__name__ and d.subject.cls is cls)


def _late(estimator: Any) -> tuple[Late, ...]:
    """Return the parameters that the registry of traits declares late for a class."""
    cls = type(estimator)
    return tuple(
        Late(
            name=name,
            claims=(f"{cls.__name__}.{name}",),
            whole=() if whole == LARGEST else (whole,),
            gathers=tuple(
                f"{cls.__name__}.{name}"
                for claim in declared.claims
                if claim.law == "gathers" and claim.argument == name
            ),
        )
        for declared in _declared(cls)
        for name, whole in declared.late.items()
    )


def _draws(estimator: Any) -> bool:
    """Say whether it draws random numbers from a seed that was left open."""
    return (
        "random_state" in estimator.get_params(deep=False) and estimator.get_params(deep=False)["random_state"] is None
    )


def _takes_y(template: Any) -> bool:
    """Say whether ``fit`` takes a target: tags do not tell of those that read one if there is one."""
    import inspect

    return "y" in inspect.signature(template.fit).parameters


def _between(transformer: Any, branch: Branch) -> Any:
    """Return a transformer that reads what a branch holds and gives what a workflow joins: see ``glue``."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from mileage.operators.glue import as_dense, as_texts

    if branch is Branch.TEXT:
        return make_pipeline(FunctionTransformer(as_texts), transformer)
    return make_pipeline(transformer, FunctionTransformer(as_dense)) if branch is Branch.MATRIX else transformer


def _instance(estimator: Any) -> Any:
    if isinstance(estimator, str):
        module, _, cls = estimator.rpartition(".")
        try:
            estimator = getattr(import_module(module), cls)
        except (ImportError, AttributeError, ValueError) as error:
            raise OperatorError(
                f"no estimator '{estimator}'", code="O503", hint="give module and class, such as sklearn.svm.SVC"
            ) from error
    made = estimator() if isinstance(estimator, type) else estimator
    if not hasattr(made, "fit") or not hasattr(made, "get_params"):
        raise OperatorError(
            f"{type(made).__name__} is no scikit-learn compatible estimator",
            code="O503",
            hint="it needs fit and get_params",
        )
    return made


def _plain_params(template: Any) -> dict[str, Any]:
    plain = (bool, int, float, str, type(None))
    return {k: v for k, v in template.get_params(deep=False).items() if isinstance(v, plain) and k != "random_state"}


def _estimator_type(template: Any) -> str:
    from sklearn.base import is_regressor

    return "regressor" if is_regressor(template) else "classifier"


def _identity(template: Any) -> str:
    """Return a hash of class, source and every parameter, nested ones too: two estimators of one name stay apart."""
    from mileage.core.fingerprint import fingerprint

    params = sorted((name, _written(value)) for name, value in template.get_params().items())
    return str(fingerprint(_written(type(template)), params))


def _written(value: Any) -> str:
    import inspect

    if inspect.isclass(value) or inspect.isroutine(value):
        name = f"{value.__module__}.{value.__qualname__}"
        try:
            return name if value.__module__.split(".")[0] in _RELEASED else f"{name} {inspect.getsource(value)}"
        except (OSError, TypeError):
            return name
    return f"{type(value).__name__} {value!r}"


def _libraries(kind: type) -> tuple[str, ...]:
    from importlib.metadata import packages_distributions

    return tuple(packages_distributions().get(kind.__module__.split(".")[0], ()))


_EMITS = {Branch.TEXT: Branch.INDICATOR, Branch.CATEGORICAL: Branch.INDICATOR, Branch.DATETIME: Branch.NUMERIC}
_RELEASED = frozenset({"sklearn", "lightgbm", "xgboost", "catboost", "numpy"})  # named by their version instead
