"""A flow on a sample of its rows: the same steps, with the sample placed where it costs least and distorts nothing.

A sample is taken after the last step that mixes rows on the way to a learning step, so that histories, groups and joins see
all rows; from there on every step that works row by row, learns or is given what a model made of the sample works on it.
What enters one such step together is sampled together. The rows a model learns from and the rows it is tried on are two
samples: the second has ``test`` times the share of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mileage.workflow.flow.calls import MethodCall
from mileage.workflow.flow.node import Node, NodePort, upstream
from mileage.workflow.flow.rows import Rows, RowUse, gives_rows, is_model, row_uses
from mileage.workflow.flow.sample import Sample, SampleError
from mileage.workflow.flow.sample_calls import ChooseCall, SampledCall, TakeCall


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sample is taken: after which step, of which side, how large."""

    after: str
    where: str
    side: str
    share: float


@dataclass(frozen=True)
class Sampled:
    """A flow on a sample: its outputs, which of them depend on the sample, and where it is taken."""

    ports: Mapping[str, NodePort]
    approximate: frozenset[str]
    places: tuple[Place, ...]


def on_sample(ports: Mapping[str, NodePort], sample: Sample) -> Sampled:
    """Return the outputs of a flow, computed on a sample where a model is concerned and exactly elsewhere.

    Raises
    ------
    SampleError
        If nothing in the flow learns.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from mileage.workflow.flow import node_of, step
    >>> rows = step(pd.DataFrame)({"x": range(100), "y": range(100)})
    >>> model = step(LinearRegression()).fit(rows[["x"]], rows["y"])
    >>> made = on_sample({"slope": node_of(model.coef_), "n": node_of(step(len)(rows))}, Sample(0.1))
    >>> sorted(made.approximate), made.places[0].after, made.places[0].side
    (['slope'], 'DataFrame', 'train')
    """
    if sample.fraction == 1:
        return Sampled(dict(ports), frozenset(), ())
    order = upstream(ports.values())
    uses = row_uses(order)
    if not any(use.kind is Rows.LEARNS for use in uses.values()):
        raise SampleError(
            "no step of this flow learns, as far as can be seen",
            code="F714",
            hint='declare the one that does: step(fit_model, rows="learns"), or run without approximate',
        )
    plan = _Plan(order, uses)
    rewrite = _Rewrite(plan, sample, frozenset(ports.values()))
    made = {name: rewrite.port(port) for name, port in ports.items()}
    changed = frozenset(name for name, port in ports.items() if made[name] != port)
    return Sampled(made, changed, tuple(rewrite.places.values()))


class _Plan:
    """Which steps work on a sample, which rows belong together, and which must see all of them."""

    def __init__(self, order: list[Node], uses: dict[Node, RowUse]) -> None:
        self.order, self.uses = order, uses
        self.whole = _whole(order, uses)
        self.touched: set[Node] = set()  # what depends on a sample
        self.full: set[Node] = set()  # of those: what has all rows nevertheless
        self.reads: dict[Node, tuple[int, ...]] = {}  # of those: inputs whose rows are sampled
        self.groups = _Groups()
        self.carried: dict[NodePort, NodePort] = {}  # rows made on a sample -> a root of the rows they stand for
        self.perhaps: dict[NodePort, NodePort] = {}  # the same for what a step that may mix rows made of such rows
        self.guided: dict[
            Node, tuple[NodePort, tuple[int, ...]]
        ] = {}  # step -> what tells, inputs sampled if it has rows
        for node in order:
            self._visit(node)

    def _visit(self, node: Node) -> None:
        use = self.uses[node]
        learns = use.kind is Rows.LEARNS
        depends = any(port.node in self.touched for port in node.inputs)
        if node in self.whole:  # on all rows, even if it learns: what it makes of them is mixed later
            if depends:
                self.touched.add(node)
                self.full.add(node)
            return
        if not learns and not depends:
            return
        self.touched.add(node)
        reads = tuple(i for i in use.rows if self._has_rows(node.inputs[i]))
        if not reads or not self._joins(node, use, reads):
            if use.kind is Rows.EACH and len(reads) == len(use.rows):
                self.full.add(node)
            self._guide(node, use, reads)
            return
        self.reads[node] = reads
        self._group(node, use, reads)

    def _group(self, node: Node, use: RowUse, reads: tuple[int, ...]) -> None:
        """Sample what enters a step together; what its rows are made of stands for the rows it makes."""
        learns = use.kind is Rows.LEARNS
        target = use.label if learns else None
        strict = {i for i in reads if i in {reads[0], target} or node.inputs[i] in self.carried}
        first = self.roots(node.inputs[reads[0]])[0]
        for i in reads:
            for root in self.roots(node.inputs[i]):
                self.groups.join(first, root, strict=i in strict)
        if learns:
            self.groups.train.add(first)
            if use.label is not None and node.inputs[use.label].node not in self.touched:
                self.groups.labels.setdefault(node.inputs[use.label], first)
        for output in range(node.n_outputs):
            port = NodePort(node, output)
            if gives_rows(port, self.uses):
                (self.perhaps if use.kind is Rows.MIXES else self.carried)[port] = first

    def _guide(self, node: Node, use: RowUse, reads: tuple[int, ...]) -> None:
        """Note that what enters a step is sampled if another input turns out to have a row for each of the sample."""
        guide = next((node.inputs[i] for i in use.rows if node.inputs[i] in self.perhaps), None)
        if guide is None:
            return
        self.guided[node] = guide, reads
        for output in range(node.n_outputs):
            if gives_rows(NodePort(node, output), self.uses):
                self.perhaps[NodePort(node, output)] = self.perhaps[guide]

    def _joins(self, node: Node, use: RowUse, reads: tuple[int, ...]) -> bool:
        """Say whether a step is to work on sampled rows: it is a model's, or is given rows made on a sample."""
        if any(node.inputs[i] in self.carried for i in reads) or use.kind is Rows.LEARNS:
            return True
        fitted = any(self.uses[node.inputs[i].node].kind is Rows.LEARNS for i in use.model)
        return fitted and not (use.kind is Rows.MIXES and use.declared)

    def _has_rows(self, port: NodePort) -> bool:
        """Say whether the rows of a value can be sampled: none made by mixing rows of a sample are."""
        if is_model(port, self.uses) or not gives_rows(port, self.uses):
            return False
        return port.node not in self.touched or port.node in self.full or port in self.carried

    def cloned(self, node: Node) -> bool:
        """Say whether a step that knows no model is done on the sample rather than before it."""
        return self.uses[node].kind is Rows.EACH and node not in self.whole and node not in self.touched

    def rows_of(self, node: Node) -> list[NodePort]:
        """Return the inputs of a step whose rows it works on."""
        return [node.inputs[i] for i in self.uses[node].rows if self._has_rows(node.inputs[i])]

    def roots(self, port: NodePort) -> list[NodePort]:
        """Return the values of which rows are taken for ``port``."""
        found: dict[NodePort, None] = {}
        stack = [port]
        while stack:
            one = stack.pop()
            if one in self.carried:
                found[self.carried[one]] = None
            elif self.cloned(one.node) and self.rows_of(one.node):
                stack += reversed(self.rows_of(one.node))
            else:
                found[one] = None
        return list(found)


def _whole(order: list[Node], uses: Mapping[Node, RowUse]) -> set[Node]:
    """Return the steps that must see all rows: those that mix rows on the way to a learning step, and all before them."""
    leads: set[Node] = set()  # rows reach a learning step
    whole: set[Node] = set()
    for node in reversed(order):
        use = uses[node]
        if node in leads and use.kind is Rows.MIXES:
            whole.add(node)
        for i in use.rows:
            before = node.inputs[i].node
            if not gives_rows(node.inputs[i], uses):
                continue
            if use.kind is Rows.LEARNS or node in leads:
                leads.add(before)
            if node in whole:
                whole.add(before)
    return whole


class _Groups:
    """Values whose rows are sampled together, as a union-find; the first of a group stands for it."""

    def __init__(self) -> None:
        self.above: dict[NodePort, NodePort] = {}
        self.strict: dict[NodePort, None] = {}
        self.train: set[NodePort] = set()
        self.labels: dict[NodePort, NodePort] = {}

    def of(self, root: NodePort) -> NodePort:
        """Return the representative of a group."""
        while self.above.setdefault(root, root) != root:
            root = self.above[root]
        return root

    def join(self, one: NodePort, other: NodePort, *, strict: bool) -> None:
        """Put two values in one group; only those that are ``strict`` must agree in length."""
        first, second = self.of(one), self.of(other)
        self.strict.setdefault(one)
        if strict:
            self.strict.setdefault(other)
        if first != second:
            self.above[second] = first

    def members(self, root: NodePort) -> list[NodePort]:
        """Return the strict members of a group."""
        return [one for one in self.strict if self.of(one) == self.of(root)]

    def side(self, root: NodePort) -> str:
        """Return ``train`` if something learns from the group's rows."""
        return "train" if any(self.of(one) == self.of(root) for one in self.train) else "test"

    def labels_of(self, root: NodePort) -> list[NodePort]:
        """Return the targets that are learned from the rows of a group."""
        return [label for label, one in self.labels.items() if self.of(one) == self.of(root)]


@dataclass
class _Rewrite:
    """Makes the steps of a flow anew, on the sample where the plan says so."""

    plan: _Plan
    sample: Sample
    wanted: frozenset[NodePort]
    places: dict[NodePort, Place] = field(default_factory=dict)
    made: dict[Node, Node] = field(default_factory=dict)
    clones: dict[Node, Node] = field(default_factory=dict)
    takes: dict[NodePort, NodePort] = field(default_factory=dict)
    choices: dict[NodePort, Node] = field(default_factory=dict)
    narrow: set[NodePort] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.narrow = self._features_only() if self.sample.precision != "full" else set()
        for node in self.plan.order:  # inputs first: no recursion through a long flow
            if node in self.plan.touched:
                self.made[node] = self._again(node)

    def port(self, port: NodePort) -> NodePort:
        """Return a value as the rewritten flow has it: changed only if it depends on the sample."""
        return NodePort(self.made[port.node], port.output) if port.node in self.made else port

    def _again(self, node: Node) -> Node:
        reads = self.plan.reads.get(node, ())
        inputs = [self._sampled(port) if i in reads else self.port(port) for i, port in enumerate(node.inputs)]
        guide, others = self.plan.guided.get(node, (None, ()))
        if guide is not None:
            chosen = NodePort(self._choice(self.plan.perhaps[guide]))
            for i in others:
                port = node.inputs[i]
                made = Node(TakeCall(), (self.port(port), chosen, self.port(guide)), 1, f"sample of {port.node.label}")
                inputs[i] = NodePort(replace(made, where=port.node.where))
        return self._copy(node, inputs, reads)

    def _sampled(self, port: NodePort) -> NodePort:
        """Return the sampled rows of a value."""
        if port in self.plan.carried:
            return self.port(port)
        for node in self._to_clone(port):
            rows = set(self.plan.rows_of(node))
            inputs = [self._cloned_or_taken(one) if one in rows else self.port(one) for one in node.inputs]
            reads = tuple(i for i, one in enumerate(node.inputs) if one in rows)
            self.clones[node] = self._copy(node, inputs, reads)
        return self._cloned_or_taken(port)

    def _to_clone(self, port: NodePort) -> list[Node]:
        """Return the row-wise steps between the sample and a value that are not made yet, inputs first."""
        order: dict[Node, None] = {}
        stack = [(port, False)]
        while stack:
            one, ready = stack.pop()
            if ready:
                order[one.node] = None
            elif self._is_clone(one) and one.node not in self.clones and one.node not in order:
                stack.append((one, True))
                stack += [(before, False) for before in reversed(self.plan.rows_of(one.node))]
        return list(order)

    def _is_clone(self, port: NodePort) -> bool:
        return port not in self.plan.carried and self.plan.cloned(port.node) and bool(self.plan.rows_of(port.node))

    def _cloned_or_taken(self, port: NodePort) -> NodePort:
        if port in self.plan.carried:
            return self.port(port)
        if port.node in self.clones:
            return NodePort(self.clones[port.node], port.output)
        if port not in self.takes:
            precision = self.sample.precision if port in self.narrow else "full"
            chosen = NodePort(self._choice(port))
            label = f"sample of {port.node.label}"
            self.takes[port] = NodePort(Node(TakeCall(precision), (self.port(port), chosen), 1, label, port.node.where))
        return self.takes[port]

    def _choice(self, root: NodePort) -> Node:
        groups = self.plan.groups
        group = groups.of(root)
        if group not in self.choices:
            members, side = groups.members(root), groups.side(root)
            labels = groups.labels_of(root) if self.sample.key is None and side == "train" else []
            names = tuple(f"{one.node.label} ({one.node.where})" for one in members)
            share = self.sample.share(side)
            call = ChooseCall(share, self.sample.salt, self.sample.key, len(members), names)
            where = members[0].node.where
            inputs = tuple(self.port(one) for one in (*members, *labels))
            self.choices[group] = Node(call, inputs, 1, f"choose {side} rows", where)
            self.places[group] = Place(members[0].node.label, str(where), side, share)
        return self.choices[group]

    def _copy(self, node: Node, inputs: Iterable[NodePort], reads: tuple[int, ...]) -> Node:
        """Return a step with other inputs, that reads what is narrow and makes narrow what may be."""
        use = self.plan.uses[node]
        outputs = () if node in self.plan.full else range(node.n_outputs)  # of which rows are taken: narrow after that
        narrow = frozenset(i for i in outputs if NodePort(node, i) in self.narrow)
        checked = reads[0] if reads and use.declared and use.kind is Rows.EACH else None
        call = node.call
        if narrow or checked is not None or any(node.inputs[i] in self.narrow for i in reads):
            call = SampledCall(call, self.sample.precision, narrow, checked, node.label)
        return Node(call, tuple(inputs), node.n_outputs, node.label, node.where, node.rows)

    def _features_only(self) -> set[NodePort]:
        """Return the sampled values that models read as features and nothing else reads."""
        read: dict[NodePort, bool] = {}
        seen: set[Node] = set()
        stack: list[NodePort] = []
        for node, reads in self.plan.reads.items():
            use = self.plan.uses[node]
            apart = use.label is not None or isinstance(node.call, MethodCall) or use.kind is Rows.EACH
            for i in reads:
                port = node.inputs[i]
                read[port] = read.get(port, True) and apart and i == use.features
                stack.append(port)
        while stack:
            port = stack.pop()
            if self._is_clone(port) and port.node not in seen:
                seen.add(port.node)
                for before in self.plan.rows_of(port.node):
                    read[before] = False
                    stack.append(before)
        return {port for port, features in read.items() if features and port not in self.wanted}
