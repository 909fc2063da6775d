"""A class of a library under test: how to make one, what to fit it on, and what it answers."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

N_ROWS, N_COLUMNS = 120, 6
_WORDS = ("red", "green", "blue", "teal", "warm", "cold", "soft", "hard", "new", "old", "fast", "slow")


@dataclass(frozen=True)
class Subject:
    """A class by its dotted name, the parameters it is tested with, and the kind of data that it takes.

    ``X`` is ``numbers``, ``holes`` (numbers with missing ones), ``counts``, ``codes`` (small whole numbers),
    ``categories``, ``text`` or ``sparse`` (mostly zeros); ``y`` is ``classes``, ``number``, ``positive`` or empty.
    """

    name: str
    X: str = "numbers"
    y: str = ""
    params: tuple[tuple[str, Any], ...] = ()
    n_rows: int = N_ROWS

    @cached_property
    def cls(self) -> Any:
        """The class.

        Raises
        ------
        ImportError
            If its library is not installed.
        """
        module, _, name = self.name.rpartition(".")
        return getattr(importlib.import_module(module), name)

    @property
    def short(self) -> str:
        """The name without its module."""
        return self.name.rpartition(".")[2]

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(self.cls().get_params(deep=False))

    def data(self, seed: int = 0) -> tuple[Any, np.ndarray | None]:
        """Return rows and targets."""
        return sample(self.X, self.y, seed, n_rows=self.n_rows)

    def make(self, **params: Any) -> Any:
        """Return an unfitted one with the parameters of the test, a seed, and those given."""
        given = {**({"random_state": 0} if self.is_seeded else {}), **dict(self.params), **params}
        return self.cls(**{name: resolved(value) for name, value in given.items()})

    @property
    def is_seeded(self) -> bool:
        """Whether it takes a seed; a parameter that its library gives up is none."""
        return bool(self.cls().get_params(deep=False).get("random_state", "deprecated") != "deprecated")

    def fit(self, X: Any, y: np.ndarray | None, **params: Any) -> Any:
        """Return one that is fitted."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = self.make(**params)
            return made.fit(X) if y is None else made.fit(X, y)

    def answer(self, fitted: Any, X: Any) -> np.ndarray:
        """Return what a fitted one gives for rows: probabilities or margins before labels, or what it transforms."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for verb in ("predict_proba", "decision_function", "transform", "predict"):
                if hasattr(fitted, verb):
                    out = getattr(fitted, verb)(X)
                    return np.asarray(out.toarray() if hasattr(out, "toarray") else out)
        message = f"{self.short} neither predicts nor transforms"
        raise TypeError(message)


def resolved(value: Any) -> Any:
    """Return a parameter as it is passed: ``@name`` in the registry is an object of a library, a list is a tuple."""
    if isinstance(value, str) and value.startswith("@"):
        module, _, name = value[1:].rpartition(".")
        found = getattr(importlib.import_module(module), name)
        return found() if isinstance(found, type) and hasattr(found, "fit") else found
    return tuple(value) if isinstance(value, list) else value


def sample(kind: str, target: str, seed: int = 0, *, n_rows: int = N_ROWS) -> tuple[Any, np.ndarray | None]:
    """Return made-up rows of a kind with a target that depends on them.

    Examples
    --------
    >>> X, y = sample("numbers", "classes")
    >>> X.shape, sorted(set(y.tolist()))
    ((120, 6), [0, 1, 2])
    """
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n_rows, N_COLUMNS))
    margin = 1.5 * base[:, 0] - base[:, 1] + 0.7 * base[:, 2] * (base[:, 3] > 0) + 0.4 * rng.normal(size=n_rows)
    return _rows(kind, base, rng), _target(target, margin)


def _rows(kind: str, base: np.ndarray, rng: np.random.Generator) -> Any:
    match kind:
        case "numbers":
            return base
        case "holes":
            return np.where(rng.random(base.shape) < 0.1, np.nan, base)
        case "counts":
            return rng.poisson(np.exp(0.5 * base + 0.5)).astype(float)
        case "codes":
            return np.digitize(base, [-1.0, 0.0, 1.0]).astype(float)
        case "categories":
            return np.array(_WORDS[:4], dtype=object)[np.digitize(base[:, :3], [-1.0, 0.0, 1.0])]
        case "sparse":
            return np.where(np.abs(base) < 0.8, 0.0, base)
        case "text":
            return np.array([" ".join(rng.choice(_WORDS, 6, p=_weights(z))) for z in base], dtype=object)
    message = f"no kind of data '{kind}'"
    raise ValueError(message)


def _weights(z: np.ndarray) -> np.ndarray:
    raw = np.exp(np.concatenate([z, -z]))
    weights: np.ndarray = raw / raw.sum()
    return weights


def _target(kind: str, margin: np.ndarray) -> np.ndarray | None:
    if kind == "classes":
        return np.asarray(np.digitize(margin, [-0.8, 0.8]))
    if kind == "number":
        return margin
    positive: np.ndarray = np.exp(0.5 * margin) + 0.1
    return positive if kind == "positive" else None


def with_ties(X: Any) -> tuple[Any, ...]:
    """Return rows, and the same with numbers rounded, so that many choices are equally good.

    Examples
    --------
    >>> [rows.tolist() for rows in with_ties(np.array([0.4, 1.3]))]
    [[0.4, 1.3], [0.0, 1.0]]
    """
    return (X, np.round(X)) if isinstance(X, np.ndarray) and X.dtype.kind == "f" else (X,)


def rows_of(X: Any, keep: Any) -> Any:
    """Return some rows of what :func:`sample` made."""
    return X[keep]


def state_of(fitted: Any, names: tuple[str, ...]) -> Mapping[str, np.ndarray]:
    """Return fitted attributes as arrays, by name."""
    found = {}
    for name in names:
        value: Any = fitted
        for part in name.split("."):
            value = getattr(value, part)
        dense = value.toarray() if hasattr(value, "toarray") else value
        if isinstance(dense, dict):
            dense = sorted(dense.items())
        if isinstance(dense, list) and dense and hasattr(dense[0], "dtype"):
            dense = np.concatenate([np.ravel(part) for part in dense])
        found[name] = np.asarray(dense)
    return found
