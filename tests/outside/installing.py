"""Installing a package without a network: its sources are on the path, its metadata are what pip would have written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

EXTRAS = Path(__file__).parent / "mile_extras"
IN_TURN = """
import contextlib, io, json, os, sys
from mileage.apps.cli import main

for words in json.loads(sys.argv[1]):
    while "=" in words[0] and words[0].partition("=")[0].isidentifier():
        name, _, os.environ[name] = words.pop(0).partition("=")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    print(json.dumps([words, code, out.getvalue(), err.getvalue()]))
"""


def metadata_of(project: Path, site: Path) -> None:
    """Write the ``.dist-info`` of a project into a folder of the path."""
    read = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    info = site / f"{read['name'].replace('-', '_')}-{read['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {read['name']}\nVersion: {read['version']}\n")
    lines = []
    for group, points in read["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items()), ""]
    (info / "entry_points.txt").write_text("\n".join(lines))


def package(site: Path, name: str, points: dict[str, str], **modules: str) -> None:
    """Write a distribution of one package, with entry points by ``group.name``, into a folder of the path."""
    folder = site / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)
    by_group: dict[str, list[str]] = {}
    for place, value in points.items():
        group, _, point = place.rpartition(".")
        by_group.setdefault(group, []).append(f"{point} = {value}")
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("".join(f"[{g}]\n" + "\n".join(p) + "\n" for g, p in by_group.items()))


@dataclass(frozen=True)
class Installed:
    """A Python whose path has some folders more; ``folder`` is where it works."""

    folder: Path
    paths: tuple[Path, ...]

    def python(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python there."""
        known = [str(Path(path).resolve()) for path in sys.path if path]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, self.paths), *known]), **variables}
        return subprocess.run(
            [sys.executable, *words], cwd=self.folder, capture_output=True, text=True, check=False, env=env
        )

    def mile(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command there."""
        return self.python("-m", "mileage.apps.cli", *words, **variables)

    def in_turn(self, *commands: tuple[str, ...]) -> list[subprocess.CompletedProcess[str]]:
        """Run commands there one after the other, in one process; ``NAME=value`` before a command stays set after it."""
        done = self.python("-c", IN_TURN, json.dumps(commands))
        assert done.returncode == 0, done.stderr
        return [subprocess.CompletedProcess(*json.loads(line)) for line in done.stdout.splitlines()]


def install(folder: Path, project: Path = EXTRAS) -> Installed:
    """Install a project for what is run in ``folder``."""
    site = folder / "site"
    metadata_of(project, site)
    return Installed(folder, (project / "src", site))
