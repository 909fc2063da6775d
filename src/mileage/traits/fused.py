"""Many minimizations at once: each asks for a value and a slope where it stands, and one answer serves all.

Next: :mod:`mileage.traits.losses`, whose losses of ``X @ w`` are what is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any

import numpy as np

Answer = Callable[[list[int], np.ndarray], tuple[np.ndarray, np.ndarray]]


def minimize_together(answer: Answer, starts: Iterable[np.ndarray], options: dict[str, Any]) -> list[Any]:
    """Minimize several functions by L-BFGS, each as if it were alone.

    Every minimizer asks at its own point. When all that still run have asked, one call answers them; who is done asks no more.
    So the points of each are those of a minimization by itself, but for rounding of what it is told.

    Parameters
    ----------
    answer : callable
        Takes the numbers of those who ask and their points, shape (n_askers, n_parameters), in order; returns values, shape
        (n_askers,), and slopes, shape (n_askers, n_parameters).
    starts : iterable of array of shape (n_parameters,)
    options : dict
        Of ``scipy.optimize.minimize`` with the method L-BFGS-B.

    Returns
    -------
    list of scipy.optimize.OptimizeResult

    Examples
    --------
    >>> middles = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> def squares(who, points):
    ...     off = points - middles[who]
    ...     return (off**2).sum(axis=1), 2 * off
    >>> [made.x.round(6).tolist() for made in minimize_together(squares, np.zeros((2, 2)), {})]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    said: SimpleQueue[tuple[int, np.ndarray | None]] = SimpleQueue()
    begun = list(starts)
    askers = [_Asker(i, said) for i in range(len(begun))]
    threads = [
        threading.Thread(target=asker.run, args=(start, options), daemon=True, name=f"minimizer {asker.number}")
        for asker, start in zip(askers, begun, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        running = len(askers)
        while running:
            asked = {i: point for i, point in (said.get() for _ in range(running)) if point is not None}
            running, who = len(asked), sorted(asked)
            if who:
                values, slopes = answer(who, np.stack([asked[i] for i in who]))
                for i, value, slope in zip(who, values, slopes, strict=True):
                    askers[i].told.put((float(value), slope))
    finally:
        for asker in askers:
            asker.told.put(None)
        for thread in threads:
            thread.join()
    return [asker.result() for asker in askers]


class _EndedError(Exception):
    """Nobody answers any more."""


class _Asker:
    """A minimizer in a thread of its own: it says where it stands, waits until it is told, and says None when it is done."""

    def __init__(self, number: int, said: SimpleQueue[tuple[int, np.ndarray | None]]) -> None:
        self.number, self.said = number, said
        self.told: SimpleQueue[tuple[float, np.ndarray] | None] = SimpleQueue()
        self.made: Any = None

    def run(self, start: np.ndarray, options: dict[str, Any]) -> None:
        """Minimize; what is raised here is raised by :meth:`result`."""
        from scipy.optimize import minimize

        try:
            self.made = minimize(self._ask, start, jac=True, method="L-BFGS-B", options=options)
        except Exception as error:  # noqa: BLE001
            self.made = error
        self.said.put((self.number, None))

    def _ask(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        self.said.put((self.number, point.copy()))
        told = self.told.get()
        if told is None:
            raise _EndedError
        return told

    def result(self) -> Any:
        """Return what was found."""
        if isinstance(self.made, Exception):
            raise self.made
        return self.made
