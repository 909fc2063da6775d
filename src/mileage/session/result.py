"""What a PREDICT answers: a ranked list of workflows that can be applied, inspected and taken away."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from mileage.core.units import format_seconds
from mileage.errors import UnknownRefError
from mileage.planner import LogicalPlan
from mileage.results import Leaderboard, Trial
from mileage.results.drawing import Graph, workflow_graph
from mileage.results.html import drawing_html, lines_html
from mileage.results.layout import wrapped
from mileage.results.rendering import brief

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from mileage.core.events import Listener
    from mileage.results.report import Report
    from mileage.session.session import Session
    from mileage.workflow import PhysicalPlan, Port


@dataclass
class Result:
    """A leaderboard with what was assumed, found and spent; ``result["w1"]`` is a workflow to use."""

    session: Session
    plan: LogicalPlan
    leaderboard: Leaderboard
    run_id: int
    query_id: int
    seconds: float
    ended: str
    stopped: bool = False
    refit: Mapping[int, Mapping[str, Port]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kind: str = "result"
    # to predict, by trial
    states: dict[int, Mapping[str, Port]] = field(default_factory=dict, init=False, repr=False, compare=False)
    plans: dict[int, PhysicalPlan] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getitem__(self, ref: str) -> Fitted:
        """Return the workflow of a reference such as ``"w1"``, ready to predict."""
        return Fitted(self, self.trial(ref))

    def refine(self, edits: str, **options: Any) -> Result:
        """Edit the query and run it: ``result.refine("SET BUDGET 5 min ADD WITHOUT svm")``.

        It is what ``REFINE @q... edits`` does; the options are those of :meth:`mileage.Session.run`.
        """
        answer = self.session.run(f"REFINE @q{self.query_id} {edits}", **options)
        assert isinstance(answer, Result)
        return answer

    def replay(self, *, on_event: Listener | None = None) -> Report:
        """Run the recorded workflows once more, in their order and without the clock, and say whether all comes out the same.

        It is what ``mile replay @q3`` does; nothing that is kept is used, and nothing is recorded.
        """
        from mileage.session.replay import replay

        return replay(self, on_event=on_event)

    @property
    def best(self) -> Fitted:
        """The first workflow of the list."""
        return self["w1"]

    @property
    def single(self) -> Fitted:
        """The best workflow that is one model: the first of the list, or where that is a blend, the best that is none."""
        return self["single"]

    @property
    def distilled(self) -> Fitted:
        """The one model that has learned what the best says, where the query asked for one: ``WITH DISTILLED = soft_trees``."""
        return self["distilled"]

    def trial(self, ref: str) -> Trial:
        """Return the trial of a reference: ``w2`` is the second one of the list, ``best`` its first.

        ``single`` is the first that is no blend, ``distilled`` the one that has learned what the best says.

        Raises
        ------
        UnknownRefError
            If the list has no such workflow.
        """
        name = ref.lstrip("@").lower()
        board = self.leaderboard
        named = {"best": board.find("w1"), "single": board.single, "distilled": board.distilled}
        found = named[name] if name in named else board.find(name)
        if found is None and name == "distilled":
            hint = "ask for one: WITH DISTILLED = soft_trees; where it was not made, a line below the list says why"
            raise UnknownRefError(f"@q{self.query_id} has no distilled workflow", hint=hint)
        if found is None:
            raise UnknownRefError(
                f"no workflow @{name} in the list of @q{self.query_id}",
                hint=f"it has w1 to w{n}"
                if (n := len(self.leaderboard.ranked))
                else "none of its workflows has a score",
            )
        return found

    def text(self, *, width: int = 120) -> str:
        """Return the answer as a reader sees it in a terminal."""
        return "\n".join(text for text, _ in self.styled(width=width))

    def styled(self, *, width: int = 120) -> list[tuple[str, str]]:
        """Return the lines of :meth:`text` with their styles: ``""``, ``"bold"`` or ``"dim"``."""
        lines = [(text, "") for text in wrapped(self._head, width)]
        lines += self.leaderboard.styled(width=width)
        return lines + [(text, "dim") for line in (self._foot, *self.notes) for text in wrapped(line, width)]

    @property
    def _head(self) -> str:
        return f"@q{self.query_id} · {self.plan.dataset.describe} · {self.plan.target} ({self.plan.task})"

    @property
    def _foot(self) -> str:
        tried = self.leaderboard.count("ok")
        scored = f"{tried} workflow{'' if tried == 1 else 's'} scored"
        return f"{scored} in {format_seconds(self.seconds)} · search ended: {self.ended}"

    def to_json(self) -> dict[str, Any]:
        """Return the answer as one plain object; ``leaderboard`` holds the ranked workflows."""
        return {
            "kind": self.kind,
            "query": f"@q{self.query_id}",
            "run": self.run_id,
            "data": self.plan.dataset.describe,
            "target": self.plan.target,
            "task": self.plan.task,
            "seconds": self.seconds,
            "ended": self.ended,
            "stopped": self.stopped,
            "assumptions": [{"text": a.text, "clause": a.clause} for a in self.plan.assumptions],
            "findings": [f.to_json() for f in self.plan.findings],
            "notes": list(self.notes),
            **self.leaderboard.to_json(),
        }

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        assumed = [f"assumed: {a.text}  [{a.clause}]" for a in self.plan.assumptions]
        found = [f"{f.severity}: {f.message}" for f in self.plan.findings]
        head = f"<div style='font-weight:600'>{escape(self._head)}</div>"
        drawn = drawing_html(self.best.graph) if self.leaderboard.ranked else ""
        notes = lines_html([self._foot, *self.notes, *assumed, *found])
        return f"<div>{head}{self.leaderboard._repr_html_()}{drawn}{notes}</div>"


@dataclass(frozen=True)
class Fitted:
    """A ranked workflow, fitted on all rows when it is first used."""

    result: Result
    trial: Trial

    def predict(self, data: Any) -> np.ndarray:
        """Return the predicted class or value of each row of ``data``, shape (n_rows,).

        Classes have the type of the target column: of a column of whole numbers they are whole numbers.

        Parameters
        ----------
        data : frame (pandas, polars or Arrow) or str
            New rows, or the path of a file with them; the target may be left out.

        Raises
        ------
        DataError
            If a column is missing, unknown, or of another type than in the training data.
        """
        from mileage.session.apply import apply_workflow
        from mileage.session.labels import predicted_values

        return predicted_values(self.result.plan, apply_workflow(self.result, self.trial, data).predicted)

    def predict_proba(self, data: Any) -> np.ndarray:
        """Return the probability of each class, shape (n_rows, n_classes), in the order of :attr:`classes`."""
        from mileage.session.apply import apply_workflow

        return apply_workflow(self.result, self.trial, data).predicted.proba()

    @property
    def classes(self) -> np.ndarray:
        """The classes in the order of the columns of :meth:`predict_proba`; empty for a regression."""
        from mileage.session.labels import labels

        return labels(self.result.plan)

    def to_sklearn(self) -> Any:
        """Return a fitted scikit-learn ``Pipeline`` that reads a DataFrame of the raw columns and predicts the classes.

        Of a blend it is a ``VotingClassifier`` or ``VotingRegressor`` of pipelines.
        """
        from mileage.session.export import fitted_pipeline

        return fitted_pipeline(self.result, self.trial)

    def script(self, path: str | None = None) -> str:
        """Return the workflow as a plain scikit-learn script, and write it to ``path`` if given."""
        from mileage.session.export import script_of

        return script_of(self.result, self.trial, path)

    @property
    def graph(self) -> Graph:
        """The steps of the workflow as boxes and arrows."""
        name = self.result.leaderboard.ref_of(self.trial) or "single"
        title = f"@q{self.result.query_id}.{name}: {brief(self.trial)}"
        return workflow_graph(self.trial.workflow, title) if self.trial.workflow else Graph((), (), title)

    def _repr_html_(self) -> str:
        return drawing_html(self.graph)

    def __str__(self) -> str:
        return self.trial.describe
