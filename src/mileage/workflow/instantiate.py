"""From chosen steps to a workflow: operators are put on the branches of columns they act on.

Columns flow in branches (numeric, categorical, each text column, dates); an operator acts on every branch it accepts
and leaves the others alone. Before an operator that needs one matrix, what is still open is completed in the least
surprising way (each completion is reported), and the branches are joined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mileage.core.domains import Value
from mileage.core.fingerprint import derive_seed
from mileage.operators import Branch, BuildContext, Family, Operator, StepSpec, operators
from mileage.workflow.step import Step, Workflow

DENSE_COLUMNS = 256
_MOSTLY_ZERO = 0.3
_TEXT_COLUMNS = 300


@dataclass(frozen=True, slots=True)
class Features:
    """The columns a workflow reads, by branch, and what is known of them."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    datetime: tuple[str, ...] = ()
    levels: int = 0  # distinct values of all categorical columns together
    numeric_missing: bool = False
    negative: bool = False  # whether a number, or a part of a date, may be below 0

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        return self.numeric + self.categorical + self.text + self.datetime


@dataclass(frozen=True, slots=True)
class Setting:
    """What else an instantiation reads: task, rows, classes and the query's seed."""

    task: str
    n_rows: int
    n_classes: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Flow:
    """A branch while the workflow is built: its last step and what is known of its output.

    ``filled`` is the number of columns that are not zero in a row.
    """

    name: str
    branch: Branch
    last: str
    width: int
    missing: bool
    filled: int


class _Builder:
    def __init__(self, features: Features, setting: Setting, on_matrix: list[Operator]) -> None:
        self.features, self.setting = features, setting
        self.sparse = all(op.traits.sparse for op in on_matrix)
        self.sparse_missing = all(op.traits.sparse_missing for op in on_matrix)
        self.sparse_pays = self.sparse and any(op.traits.sparse_pays for op in on_matrix)
        self.non_negative = next((op.name for op in on_matrix if op.traits.non_negative), None)
        self.n_codes = 0
        self.steps: list[Step] = []
        self.flows = [self._leaf(*leaf) for leaf in _leaves(features)]
        self.assumed: list[str] = []

    def _leaf(self, name: str, branch: Branch, columns: tuple[str, ...], missing: bool) -> _Flow:
        self.steps.append(Step(name, None, (), branch, columns))
        return _Flow(name, branch, name, len(columns), missing, len(columns))

    def add(self, spec: StepSpec) -> None:
        operator = operators.get(spec.operator)
        if operator.name == "none":
            return
        if Branch.MATRIX in operator.accepts:
            self._join(operator)
            self._on_matrix(operator, spec)
        else:
            self.flows = [self._on_branch(flow, operator, spec) for flow in self.flows]

    def _on_branch(self, flow: _Flow, operator: Operator, spec: StepSpec) -> _Flow:
        if flow.branch not in operator.accepts:
            return flow
        branch = operator.emits or flow.branch
        name = self._unique(f"{flow.name}:{operator.name}")
        self.steps.append(Step(name, spec, (flow.last,), branch, (), self._context(operator, flow.width, flow.branch)))
        width = _width(operator, flow, self.features)
        fills = operator.family is Family.IMPUTE and not operator.traits.keeps_missing
        missing = flow.missing and not fills and not operator.emits
        missing = missing or operator.family is Family.DATES
        filled = flow.filled if operator.column_per_level else width
        return replace(flow, branch=branch, last=name, width=width, missing=missing, filled=filled)

    def _join(self, operator: Operator) -> None:
        if len(self.flows) == 1 and self.flows[0].branch is Branch.MATRIX:
            return
        self._complete(operator)
        flows = sorted(self.flows, key=lambda flow: flow.branch is not Branch.CODES)
        width = sum(flow.width for flow in flows)
        filled = sum(flow.filled for flow in flows)
        zeros_pay = self.sparse_pays and filled < _MOSTLY_ZERO * width
        unread = any(flow.missing for flow in flows) and not self.sparse_missing
        dense = not self.sparse or unread or (width <= DENSE_COLUMNS and not zeros_pay)
        name = self._unique("join")
        self.steps.append(Step(name, None, tuple(f.last for f in flows), Branch.MATRIX, (), (("dense", dense),)))
        codes = sum(flow.width for flow in flows if flow.branch is Branch.CODES)
        self.n_codes = codes
        self.flows = [_Flow("all", Branch.MATRIX, name, width, any(flow.missing for flow in flows), filled)]

    def _complete(self, operator: Operator) -> None:
        """Give every branch what the operator needs and the chain did not say."""
        traits = operator.traits
        native = traits.native_categorical and operator.family is Family.MODEL
        defaults = [
            (Branch.DATETIME, "date_parts", "dates must become numbers"),
            (Branch.TEXT, "tf_idf", "text must become numbers"),
            (Branch.CATEGORICAL, "encode_native" if native else "one_hot", "categories must become numbers"),
        ]
        for branch, name, why in defaults:
            if any(flow.branch is branch for flow in self.flows):
                self.assumed.append(f"{name}: {why}")
                self.add(StepSpec(name))
        if not traits.native_missing and any(f.branch is Branch.NUMERIC and f.missing for f in self.flows):
            self.assumed.append(f"median: {operator.name} cannot read missing values")
            self.flows = [
                self._on_branch(f, operators.get("median"), StepSpec("median")) if f.missing else f for f in self.flows
            ]
        if self.non_negative and self.features.negative and any(self._may_be_negative(f) for f in self.flows):
            self.assumed.append(f"minmax: {self.non_negative} needs values >= 0")
            self.flows = [
                self._on_branch(f, operators.get("minmax"), StepSpec("minmax")) if self._may_be_negative(f) else f
                for f in self.flows
            ]

    def _may_be_negative(self, flow: _Flow) -> bool:
        scaled = any(step.name.startswith(f"{flow.name}:minmax") for step in self.steps)
        return flow.branch is Branch.NUMERIC and not scaled

    def _on_matrix(self, operator: Operator, spec: StepSpec) -> None:
        flow = self.flows[0]
        name = self._unique("model" if operator.family is Family.MODEL else operator.name)
        codes = tuple(range(self.n_codes))
        context = self._context(operator, flow.width, Branch.MATRIX, codes)
        self.steps.append(Step(name, spec, (flow.last,), Branch.MATRIX, (), context))
        self.flows = [replace(flow, last=name, width=min(flow.width, _TEXT_COLUMNS))]

    def _context(
        self, operator: Operator, width: int, branch: Branch, codes: tuple[int, ...] = ()
    ) -> tuple[tuple[str, Value], ...]:
        s = self.setting
        seed = derive_seed(s.seed, operator.family.value) if operator.traits.seeded else 0
        context = BuildContext(s.task, s.n_rows, width, s.n_classes, seed, branch, codes)
        return tuple((name, getattr(context, name)) for name in BuildContext.__slots__)

    def _unique(self, name: str) -> str:
        taken = {step.name for step in self.steps}
        return name if name not in taken else next(f"{name}{i}" for i in range(2, 99) if f"{name}{i}" not in taken)


def instantiate(
    choices: tuple[tuple[str, tuple[StepSpec, ...]], ...], features: Features, setting: Setting
) -> tuple[Workflow, tuple[str, ...]]:
    """Return the workflow of these choices, and what was assumed to complete it.

    Parameters
    ----------
    choices : tuple of (slot, steps)
        In the order of the workflow; the last step is the model.
    features : Features
        The columns by branch.
    setting : Setting
        Task, sizes and seed.

    Examples
    --------
    >>> choices = (("model", (StepSpec("logistic"),)),)
    >>> made, assumed = instantiate(choices, Features(("age",), ("sex",), levels=2), Setting("binary", 100))
    >>> made.describe(), assumed
    ('one_hot >> logistic', ('one_hot: categories must become numbers',))
    """
    specs = [spec for _, chosen in choices for spec in chosen]
    on_matrix = [op for op in (operators.get(spec.operator) for spec in specs) if Branch.MATRIX in op.accepts]
    builder = _Builder(features, setting, on_matrix)
    for spec in specs:
        builder.add(spec)
    return Workflow(tuple(builder.steps), setting.task, choices), tuple(builder.assumed)


def _leaves(features: Features) -> list[tuple[str, Branch, tuple[str, ...], bool]]:
    leaves: list[tuple[str, Branch, tuple[str, ...], bool]] = []
    if features.numeric:
        leaves.append(("numeric", Branch.NUMERIC, features.numeric, features.numeric_missing))
    if features.categorical:
        leaves.append(("categorical", Branch.CATEGORICAL, features.categorical, False))
    if features.datetime:
        leaves.append(("datetime", Branch.DATETIME, features.datetime, False))
    leaves += [(f"text_{i}", Branch.TEXT, (name,), False) for i, name in enumerate(features.text, 1)]
    return leaves


def _width(operator: Operator, flow: _Flow, features: Features) -> int:
    if operator.column_per_level:
        return max(flow.width, features.levels)
    if operator.family is Family.DATES:
        return flow.width * 7
    if operator.family is Family.TEXT:
        return _TEXT_COLUMNS
    return flow.width
