"""The faces on the real session: one small table, from the query to the script taken away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_TRY = "try:\n    import mileage.session.session\nexcept ImportError as error:\n    raise SystemExit(77) from error"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table in which ``y`` follows from ``a`` and ``b``."""
    if subprocess.run([sys.executable, "-c", _TRY], capture_output=True, check=False).returncode == 77:
        pytest.skip("the session is not whole yet")
    folder = tmp_path_factory.mktemp("project")
    rows = [f"{i % 13},{'xyz'[i % 3]},{(i * 7) % 11},{'yes' if i % 13 > (i * 7) % 11 else 'no'}" for i in range(120)]
    (folder / "t.csv").write_text("\n".join(["a,b,c,y", *rows]), encoding="utf-8")
    return folder


def _mile(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    code = "import sys\nfrom mileage.apps.cli import main\nsys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=stdin, capture_output=True, text=True, timeout=60, cwd=folder, check=False,
        env=os.environ | {"MILE_BACKEND": "inline"},
    )  # fmt: skip


def test_a_dialog_from_query_to_script(folder: Path) -> None:
    done = _mile(folder, "--json", "PREDICT", "y", "FROM", "t.csv", "BUDGET", "2", "trials")
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["kind"] == "result"
    assert answer["leaderboard"][0]["ref"].endswith("w1")

    lines = ["SHOW leaderboard", "SHOW history", "COMPARE @w1, @w2", "EXPLAIN DATA @last", "\\d 't.csv'"]
    done = _mile(folder, "repl", stdin="\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "")
    assert "@q1" in done.stdout and done.stdout.rstrip().endswith("a  b  c  y")

    assert _mile(folder, "apply", "@w1", "t.csv", "--into", "out.csv").returncode == 0
    assert len((folder / "out.csv").read_text(encoding="utf-8").splitlines()) == 121
    done = _mile(folder, "export", "@w1", "train.py", "--json")
    assert (done.returncode, json.loads(done.stdout)["path"]) == (0, "train.py")
    assert "mileage" not in [
        line.split()[1].split(".")[0]
        for line in (folder / "train.py").read_text().splitlines()
        if line.startswith(("import ", "from "))
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["PREDICT nope FROM 't.csv'"], 3),
        (["PREDICT y FROM 'gone.csv'"], 4),
        (["PREDICT y FROM 't.csv' PREFER interpretable"], 5),
        (["compare", "@w98", "@w99"], 3),
        (["check", "PREDICT nope FROM 't.csv'"], 3),
        (["check", "PREDICT y FROM 't.csv'"], 0),
    ],
)
def test_exit_codes_of_the_real_session(folder: Path, arguments: list[str], code: int) -> None:
    done = _mile(folder, *arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
