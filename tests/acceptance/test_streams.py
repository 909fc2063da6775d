"""What a process of `mile` writes where: the answer, and nothing that a library says as the process ends."""

import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "examples" / "data" / "mpg.csv"
MILE = "import sys; from mileage.apps.cli import main; sys.exit(main())"


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "data", f"PREDICT mpg FROM '{DATA}'"),
        ("run", "--json", f"PREDICT mpg FROM '{DATA}' WITH MODEL = ridge VALIDATE BY 2 FOLDS BUDGET 1 trials"),
    ],
)
def test_the_end_of_a_process_is_quiet(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MILE, *arguments], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.strip()
    assert "leaked" not in done.stdout + done.stderr
    assert not [line for line in done.stderr.splitlines() if "Error" in line or "Warning" in line or "nanobind" in line]
