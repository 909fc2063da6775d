"""Small made-up tables, one for each branch of columns and each task, to check operators on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mileage.operators.base import Branch, BuildContext, Operator

if TYPE_CHECKING:
    import numpy as np

N_ROWS = 96
_WORDS = ("red", "green", "blue", "sea", "sky", "tree", "old", "new")


@dataclass(frozen=True)
class Table:
    """Columns of one branch with a target, and the context an estimator is built in."""

    X: Any
    y: np.ndarray
    context: BuildContext

    def rows(self, rows: Any) -> Table:
        """Return some of the rows."""
        return replace(self, X=take(self.X, rows), y=self.y[rows])


def take(X: Any, rows: Any) -> Any:
    """Return rows of a frame, an array or a sparse matrix."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def table(
    operator: Operator, branch: Branch, task: str, *, missing: bool = False, seed: int = 0, n_rows: int = N_ROWS
) -> Table:
    """Return a table that suits the operator; the same for the same arguments."""
    import numpy as np

    rng = np.random.default_rng([seed, n_rows])
    signal = rng.normal(size=(n_rows, 5))
    y = _target(signal, task, rng)
    if operator.traits.non_negative:
        signal = np.abs(signal)
    X = _COLUMNS[branch](signal, rng, missing)
    n_classes = {"binary": 2, "multiclass": 3}.get(task, 0)
    return Table(X, y, BuildContext(task, n_rows, 5, n_classes or 2, 7, branch))


def _target(signal: np.ndarray, task: str, rng: np.random.Generator) -> np.ndarray:
    import numpy as np

    latent = signal[:, 0] + 0.7 * signal[:, 1] ** 2 + 0.3 * rng.normal(size=len(signal))
    if task == "regression":
        return np.asarray(10 + 3 * latent)
    cuts = [0.5] if task == "binary" else [0.33, 0.66]
    return np.asarray(np.searchsorted(np.quantile(latent, cuts), latent), dtype=np.int64)


def read_only(X: Any) -> Any:
    """Return a frame or an array as tasks hand it out: nobody may write into it."""
    import numpy as np
    import pandas as pd

    if isinstance(X, pd.DataFrame) and all(kind.kind == "f" for kind in X.dtypes):
        return pd.DataFrame(X.to_numpy().copy(), columns=X.columns)  # one block: its array is a read-only view
    if isinstance(X, np.ndarray):
        X = X.copy()
        X.setflags(write=False)
    return X


def _numbers(signal: np.ndarray, rng: np.random.Generator, missing: bool) -> Any:
    import pandas as pd

    frame = pd.DataFrame(signal, columns=[f"x{i}" for i in range(signal.shape[1])])
    frame["x3"] = frame["x3"].round()
    return frame.mask(rng.random(frame.shape) < 0.15) if missing else frame


def _categories(signal: np.ndarray, rng: np.random.Generator, missing: bool) -> Any:
    import numpy as np
    import pandas as pd

    coded = np.clip(np.round(2 * signal[:, :3]), -3, 3).astype(int) + 3
    frame = pd.DataFrame({f"c{i}": pd.array([_WORDS[v] for v in coded[:, i]], dtype="str") for i in range(3)})
    return frame.mask(rng.random(frame.shape) < 0.15) if missing else frame


def _texts(signal: np.ndarray, rng: np.random.Generator, missing: bool) -> Any:
    import pandas as pd

    words: list[str | None] = [
        " ".join(rng.choice(_WORDS, size=3)) + (" good" if row[0] > 0 else " bad") for row in signal
    ]
    if missing:
        words[1], words[2], words[3] = "", "!!", None
    return pd.DataFrame({"note": pd.array(words, dtype="str")})


def _dates(signal: np.ndarray, rng: np.random.Generator, missing: bool) -> Any:
    import pandas as pd

    days = pd.Timestamp("2020-01-31 05:00") + pd.to_timedelta((1000 * signal[:, :2].ravel()).round(), unit="h")
    frame = pd.DataFrame(days.to_numpy().reshape(-1, 2), columns=["start", "end"])
    return frame.mask(rng.random(frame.shape) < 0.15) if missing else frame


def _matrix(signal: np.ndarray, rng: np.random.Generator, missing: bool) -> Any:
    return _numbers(signal, rng, missing).to_numpy()


_COLUMNS = {
    Branch.NUMERIC: _numbers,
    Branch.CATEGORICAL: _categories,
    Branch.TEXT: _texts,
    Branch.DATETIME: _dates,
    Branch.INDICATOR: _matrix,
    Branch.CODES: _matrix,
    Branch.MATRIX: _matrix,
}
