"""The main loop of a worker process: jobs in, results out, over one pipe."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
import time
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

_WATCH_S = 1.0


def work(connection: Any) -> None:
    """Serve jobs until the other end is closed.

    The first message is the pickled :class:`~mileage.engine.backend.WorkerSetup`; then each message is a job. The
    worker says ``("ready", pid)``; before each task ``("task", job id, index, ports published)``; and ``("done", result)``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what Ctrl-C means
    from mileage.engine.segment import Runner

    with contextlib.suppress(EOFError, OSError):
        connection.send(("ready", os.getpid()))
        sys_path, packed = pickle.loads(connection.recv_bytes())
        sys.path[:] = sys_path
        setup = pickle.loads(packed)
        _know(setup.resources.metrics)
        runner = Runner(setup, by_reference=False)
        while True:
            job = connection.recv()
            connection.send(("task", job.id, 0, {}))
            say = partial(_say, connection, job.id)
            connection.send(("done", runner.run(job, progress=say)))


def _know(own: Any) -> None:
    """Let names mean what they mean in the driver."""
    from mileage.operators.metrics import metrics

    for metric in own:
        metrics.add(metric)


def _say(connection: Any, job_id: int, index: int, published: Any) -> None:
    connection.send(("task", job_id, index, published))


def spawned(fd: int) -> None:
    """Be a worker that was started as a process of its own, where there is no fork server."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    work(Connection(fd))
