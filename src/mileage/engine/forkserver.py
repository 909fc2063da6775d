"""A small process that has everything imported and forks workers on request.

Why not multiprocessing's own: that one imports the user's ``__main__`` again, so that a script without a main guard
runs twice; it blocks the caller until all is imported; and it leaves busy workers behind when the driver is killed.
Here a request is one byte and one file descriptor (the worker's end of a pipe), and nobody waits for an answer.
When the driver goes away, however it goes, the server kills its workers and ends; where the server itself is killed,
the system kills the workers (Linux).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

EXIT = struct.Struct("<ii")  # pid, exit code
_TAIL_BYTES = 2000
_EXIT_TICK_S = 0.005
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


def command(module: str, function: str, fd: int) -> list[str]:
    """Return the command line of a process that calls a function with the number of a descriptor."""
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "hasattr(signal, 'pthread_sigmask') and signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT}); "
        f"sys.path[:] = {list(sys.path)!r}; "
        f"from {module} import {function}; {function}({fd})"
    )
    return [sys.executable, *subprocess._args_from_interpreter_flags(), "-c", code]  # type: ignore[attr-defined]  # private: the flags this interpreter was started with


def environment() -> dict[str, str]:
    """Return our environment with every thread pool at one thread, so that a fork finds no threads."""
    return {**os.environ, **dict.fromkeys(_THREADS, "1")}


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Start a process in here that Ctrl-C does not end before it can say that it ignores it."""
    mask = getattr(signal, "pthread_sigmask", None)
    before = mask(signal.SIG_BLOCK, {signal.SIGINT}) if mask is not None else None
    try:
        yield
    finally:
        if mask is not None:
            mask(signal.SIG_SETMASK, before)


class ForkServer:
    """The driver's side of the server; it is started on first use and serves many runs."""

    def __init__(self) -> None:
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._exits: dict[int, int] = {}
        self._rest = b""
        self._log: Any = None
        self._lock = threading.RLock()  # sessions of several threads share the server

    def warm(self) -> None:
        """Start the server if it is not running; returns at once."""
        with self._lock:
            self._warm()

    def _warm(self) -> None:
        if self._control is not None and self._owner == os.getpid() and self._process and self._process.poll() is None:
            return
        self.stop()
        ours, theirs = socket.socketpair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        with theirs, without_interrupts():
            self._process = subprocess.Popen(
                command("mileage.engine.forkserver", "serve", theirs.fileno()),
                pass_fds=[theirs.fileno()],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
            )
        self._control, self._owner, self._exits, self._rest = ours, os.getpid(), {}, b""

    def launch(self) -> Connection:
        """Ask for a worker; return our end of its pipe, at once."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            self._warm()
            assert self._control is not None
            try:
                socket.send_fds(self._control, [b"f"], [theirs.fileno()])
            except OSError:  # the server died just now: once more with a new one
                self.stop()
                self._warm()
                socket.send_fds(self._control, [b"f"], [theirs.fileno()])
        return Connection(ours.detach())

    def exit_code(self, pid: int, timeout_s: float) -> int | None:
        """Return the exit code of a worker (negative: a signal), or None if it has not ended in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            with self._lock:
                alive = self._control is not None and self._hear()
                if pid in self._exits or not alive:
                    return self._exits.pop(pid, None)
            if time.monotonic() >= deadline:
                return None
            time.sleep(_EXIT_TICK_S)

    def _hear(self) -> bool:
        """Take in what the server has said of exits; False once it is gone."""
        assert self._control is not None
        try:
            data = self._control.recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._note(data)
        return bool(data)

    def _note(self, data: bytes) -> None:
        data = self._rest + data
        whole = len(data) // EXIT.size * EXIT.size
        self._rest = data[whole:]
        self._exits |= dict(EXIT.iter_unpack(data[:whole]))

    def log_tail(self) -> str:
        """Return the end of what the server and its workers wrote to standard error."""
        if self._log is None:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace")

    def stop(self) -> None:
        """End the server and all its workers."""
        with self._lock:
            if self._control is not None:
                self._control.close()
            if self._process is not None and self._owner == os.getpid():
                self._process.kill()  # its workers die with it
                self._process.wait()
            if self._log is not None:
                self._log.close()
            self._control = self._process = self._log = None


server = ForkServer()
atexit.register(server.stop)


def serve(fd: int) -> None:
    """Be the server: import everything, then fork a worker for each request until the driver is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from mileage.engine.preload import preload

    with socket.socket(fileno=fd) as control:
        preload(asked=lambda: bool(select.select([control], [], [], 0)[0]))
        _Server(control).run()


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: set[int] = set()
        self.woken, self.wake = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(self.wake, False)

    def run(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake)
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(self.woken, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self.woken in ready:
                    self._reap()
                if self.control in ready and not self._request(selector):
                    break
        for pid in self.children:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        os._exit(0)

    def _request(self, selector: selectors.BaseSelector) -> bool:
        """Serve one request; False when the driver is gone."""
        try:
            data, fds, *_ = socket.recv_fds(self.control, 1, 1)
        except OSError:
            return False
        if not data:
            return False
        for fd in fds:
            pid = os.fork()
            if pid == 0:
                self._child(fd, selector)
            self.children.add(pid)
            os.close(fd)
        return True

    def _child(self, fd: int, selector: selectors.BaseSelector) -> None:
        """Be a worker; never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _die_with_parent()
            selector.close()
            self.control.close()
            os.close(self.woken)
            os.close(self.wake)
            from mileage.engine.worker import work

            work(Connection(fd))
            code = 0
        except BaseException:  # noqa: BLE001
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.woken, 4096)
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.children.discard(pid)
            with contextlib.suppress(OSError):
                message = EXIT.pack(pid, os.waitstatus_to_exitcode(status))
                self.control.send(message, getattr(socket, "MSG_DONTWAIT", 0))


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the server ends."""
    if sys.platform == "linux":
        import ctypes

        parent = os.getppid()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)
