"""The faces are tested on a session that answers at once; ``test_real_session.py`` has the real one."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

_STUB = Path(__file__).with_name("stub_session.py")
_MAIN = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("mileage.session", {stub!r})
module = sys.modules["mileage.session"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from mileage.apps.cli import main
sys.exit(main())
"""


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Put the stub in the place of ``mileage.session``; the names that completion offers stay the real ones."""
    importlib.import_module("mileage.session.statements.names")
    spec = importlib.util.spec_from_file_location("mileage.session", _STUB)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mileage.session", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def mile(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs ``mile`` on the stub in a process of its own, in an empty folder."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", _MAIN.format(stub=str(_STUB)), *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=30, cwd=tmp_path, check=False
        )

    return run
