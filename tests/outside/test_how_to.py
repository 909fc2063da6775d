"""The distribution that the how-to page shows is a working one."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from installing import Installed, metadata_of

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "new-operator.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The distribution as the page writes it, and its query."""
    folder = tmp_path_factory.mktemp("page")
    project = folder / "project"
    query = ""
    for language, title, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "mile":
            query = text
            continue
        assert title, f"a block of {language} without a file's name"
        path = project / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (project / "my_package" / "__init__.py").write_text("")
    metadata_of(project, folder / "site")
    return Installed(folder, (project, folder / "site")), query


def test_its_members_keep_the_laws_of_their_families(built):
    installed, _ = built
    done = installed.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "project/tests")
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_query_runs(built):
    installed, query = built
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=120), "tens": 10 * rng.integers(0, 50, 120)})
    table["y"] = np.where(table["a"] > 0.2, "yes", "no")
    table.to_csv(installed.folder / "table.csv", index=False)
    (installed.folder / "query.mile").write_text(query)
    done = installed.mile("--json", "run", "query.mile")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert "top_tenth" in found["leaderboard"][0]["metrics"]
    assert any("clip(share" in row["describe"] for row in found["leaderboard"])
    assert "models in turn" in done.stdout
    assert [f["columns"] for f in found["findings"] if f["code"] == "W901"] == [["tens"]]
