"""The steps that a run on a sample adds to a flow: choosing rows, taking them, and reading narrow matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mileage.core.fingerprint import fingerprint
from mileage.errors import EngineError
from mileage.workflow.flow.calls import Call
from mileage.workflow.flow.narrow import narrowed, widened
from mileage.workflow.identity import Identity, identify

if TYPE_CHECKING:
    import numpy as np

_MOST_CLASSES = 50


@dataclass(frozen=True)
class Chosen:
    """Rows of a sample, by number, in order, out of ``n``."""

    n: int
    rows: np.ndarray


@dataclass(frozen=True)
class ChooseCall(Call):
    """Choose rows of values that belong together; the inputs after ``n_aligned`` of them are targets.

    A row's key is its value of ``key``, else its label in the index of the first frame, else its number. Where a target has
    classes, each gets its share; a key keeps groups whole instead.
    """

    fraction: float
    salt: int
    key: str | None
    n_aligned: int
    names: tuple[str, ...]

    def identity(self) -> Identity:
        """The sample's share, salt and key."""
        return identify(("sample", self.salt, self.key, self.n_aligned), {"fraction": self.fraction})

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Return the chosen rows."""
        import numpy as np

        from mileage.data.samples import nested_sample

        aligned = inputs[: self.n_aligned]
        n = self._common_length(aligned)
        keys = self._keys(aligned, n)
        y = None if self.key is not None else _classes(inputs[self.n_aligned :], n)
        rows = np.flatnonzero(nested_sample(n, self.fraction, seed=self.salt, y=y, keys=keys).mask())
        if not len(rows):
            raise EngineError(
                f"a sample of {self.fraction:g} of {n} rows is empty: ask for a larger share", code="F712"
            )
        return (Chosen(n, rows),)

    def _common_length(self, aligned: list[Any]) -> int:
        known = [(name, n) for name, value in zip(self.names, aligned, strict=True) if (n := n_rows(value)) is not None]
        if not known:
            raise EngineError(
                f"{' and '.join(self.names)} has no rows to sample; parts that differ in length are outputs of their own: "
                "step(f, outputs=2)",
                code="F711",
            )
        other = next((pair for pair in known if pair[1] != known[0][1]), None)
        if other is not None:
            (one, n), (two, m) = known[0], other
            raise EngineError(
                f"{one} has {n} rows and {two} {m}: one sample does not fit both",
                code="F711",
            )
        return known[0][1]

    def _keys(self, aligned: list[Any], n: int) -> np.ndarray:
        import numpy as np

        if self.key is not None:
            frame = next((v for v in aligned if self.key in getattr(v, "columns", ())), None)
            if frame is None:
                raise EngineError(
                    f"no column '{self.key}' where the sample is taken, {', '.join(dict.fromkeys(self.names))}: name one that gets there",
                    code="F713",
                )
            return np.asarray(frame[self.key])
        for value in aligned:
            index = getattr(value, "index", None)
            if hasattr(value, "iloc") and index is not None and index.is_unique and index.nlevels == 1:
                return np.asarray(index)
        return np.arange(n)


@dataclass(frozen=True)
class TakeCall(Call):
    """Take the chosen rows of a value; what has other rows than those chosen from is left whole.

    With a third input, this too decides: where it has no row for each of the sample, the value is left whole.
    """

    precision: str = "full"

    def identity(self) -> Identity:
        """The precision."""
        return identify(("take", self.precision), {})

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Return the rows."""
        value, chosen, *guides = inputs
        if n_rows(value) != chosen.n or any(n_rows(guide) != len(chosen.rows) for guide in guides):
            return (value,)
        return (narrowed(taken(value, chosen.rows), self.precision),)


@dataclass(frozen=True)
class SampledCall(Call):
    """A step of the flow on a sample: narrow inputs are read as wide ones, ``narrow`` outputs made narrow.

    ``checked`` is the input whose number of rows the output must have.
    """

    inner: Call
    precision: str
    narrow: frozenset[int] = frozenset()
    checked: int | None = None
    label: str = ""

    def identity(self) -> Identity:
        """The step's own, with the precision."""
        own = self.inner.identity()
        key = fingerprint("sampled", own.key, self.precision, sorted(self.narrow))
        return Identity(key, own.parts, own.notes)

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Run the step."""
        wide = [widened(value) for value in inputs]
        made = self.inner.run(wide)
        if self.checked is not None:
            before, after = n_rows(wide[self.checked]), n_rows(made[0])
            if before is not None and after != before:
                found = "no" if after is None else after
                raise EngineError(
                    f'{self.label} is declared rows="each" and made {found} rows of {before}: '
                    "leave that out, and the sample is taken after it",
                    code="F710",
                )
        return tuple(narrowed(out, self.precision) if i in self.narrow else out for i, out in enumerate(made))


def n_rows(value: Any) -> int | None:
    """Return how many rows a value has; None for what has none, such as a number, a text or an estimator.

    A dict has the rows that its values have, if they agree.

    Examples
    --------
    >>> n_rows([1, 2]), n_rows({"X": [1, 2], "y": [0, 1], "unit": "m"}), n_rows("text"), n_rows({"a": 1}), n_rows(3.5)
    (2, 2, None, None, None)
    """
    if isinstance(value, str | bytes | set | type(None)) or hasattr(value, "get_params"):
        return None
    if isinstance(value, dict):
        counts = {n for item in value.values() if (n := n_rows(item)) is not None}
        return counts.pop() if len(counts) == 1 else None
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return int(shape[0]) if shape else None
    return len(value) if isinstance(value, list | tuple) else None


def taken(value: Any, rows: np.ndarray) -> Any:
    """Return some rows of a frame, an array, a sparse matrix, a list, or of those in a dict."""
    if isinstance(value, dict):
        return {key: item if n_rows(item) is None else taken(item, rows) for key, item in value.items()}
    if hasattr(value, "iloc"):
        return value.iloc[rows]
    if hasattr(value, "take") and type(value).__module__.startswith("pyarrow"):
        return value.take(rows)
    if isinstance(value, list | tuple):
        return type(value)(value[i] for i in rows)
    return (value.tocsr() if hasattr(value, "tocsr") else value)[rows]


def _classes(labels: list[Any], n: int) -> np.ndarray | None:
    """Return codes of the first target that has classes and these rows; None where there is none."""
    import numpy as np
    import pandas as pd

    for label in labels:
        if n_rows(label) == n and getattr(label, "ndim", 1) == 1:
            codes, classes = pd.factorize(np.asarray(label), use_na_sentinel=False)
            if 2 <= len(classes) <= _MOST_CLASSES:
                return np.asarray(codes)
    return None
