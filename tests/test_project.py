"""The project itself: what is tracked, the examples, the changelog, the decisions, the generated pages."""

import ast
import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mileage.language import format_script, parse

ROOT = Path(__file__).parent.parent
LOCKS = {
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "conda-lock.yml",
    "package-lock.json",
    "yarn.lock",
    "pixi.lock",
}
MEGABYTE = 1_000_000
EXAMPLES = sorted((ROOT / "examples").glob("*.mile"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
FRAGMENTS = [path for path in sorted((ROOT / "changelog.d").iterdir()) if path.name not in {"README.md", ".gitkeep"}]


@pytest.fixture(scope="module")
def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git clone: nothing is tracked")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_lock_file_is_tracked(tracked):
    assert not [path for path in tracked if path.name in LOCKS]


def test_no_large_file_is_tracked(tracked):
    assert not [path for path in tracked if path.is_file() and path.stat().st_size > MEGABYTE]


def test_no_link_is_tracked(tracked):
    assert not [path for path in tracked if path.is_symlink()]


def test_no_package_index_is_named(tracked):
    texts = [
        path
        for path in tracked
        if path.suffix in {".toml", ".txt", ".cfg", ".ini", ".yml", ".yaml", ".sh"} or path.name == "run"
    ]
    named = re.compile(r"--(extra-)?index-url|--find-links|index-url\s*=")
    assert not [path for path in texts if path.is_file() and named.search(path.read_text(encoding="utf-8"))]


def test_example_tables_are_small():
    assert sum(path.stat().st_size for path in (ROOT / "examples" / "data").iterdir()) < MEGABYTE


def test_example_tables_state_source_and_licence():
    text = (ROOT / "examples" / "data" / "README.md").read_text(encoding="utf-8")
    tables = [path.name for path in (ROOT / "examples" / "data").iterdir() if path.name != "README.md"]
    assert tables
    assert not [name for name in tables if f"`{name}`" not in text]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_in_the_one_layout(path):
    text = path.read_text(encoding="utf-8")
    assert format_script(parse(text)).rstrip() == text.rstrip()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_names_tables_that_are_there(path):
    named = re.findall(r"FROM '([^']+)'|JOIN '([^']+)'", path.read_text(encoding="utf-8"))
    assert named
    assert not [name for pair in named for name in pair if name and not (ROOT / name).is_file()]


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_changelog_fragment_is_well_formed(path):
    assert re.fullmatch(r"\d+\.(feature|fix|perf|breaking|doc)\.md", path.name)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines
    assert all(re.fullmatch(r"[A-Z`].*[.]", line) for line in lines)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_has_its_parts(path):
    text = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    assert text.startswith(f"# {int(path.stem[:4])}. ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Status", "Context", "Decision", "Consequences"]


def test_decisions_are_numbered_in_order():
    assert [int(path.stem[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_every_page_is_in_the_navigation():
    docs = ROOT / "docs"
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert not [page for page in docs.rglob("*.md") if f": {page.relative_to(docs).as_posix()}\n" not in navigation]


def test_links_between_pages_lead_somewhere():
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    links = [
        (page, link)
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    ]
    assert links
    assert not [(page.name, link) for page, link in links if not (page.parent / link).exists()]


def test_generated_pages_are_current():
    reference = runpy.run_path(str(ROOT / "tools" / "reference.py"))
    assert reference["main"](["--check"]) == 0


def test_every_code_of_the_source_has_an_entry():
    sources = (ROOT / "src" / "mileage").rglob("*.py")
    used = {
        code
        for path in sources
        for code in re.findall(r"[\"']([BCDEFMORUWX]\d{3})[\"']", path.read_text(encoding="utf-8"))
    }
    pages = [
        (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") for name in ("errors.md", "language-errors.md")
    ]
    assert len(used) > 80
    assert sorted(code for code in used if not any(f"| {code} |" in page for page in pages)) == []


def test_dependencies_are_pinned_in_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0] for line in lines if line and not line.startswith("#")}
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    assert not {re.split(r"[<>=\[]", d)[0].lower() for d in wanted} - pinned


def test_structure_finds_a_ring(tmp_path):
    structure = runpy.run_path(str(ROOT / "tools" / "structure.py"))
    (tmp_path / "a.py").write_text("def f():\n    import b\n")
    (tmp_path / "b.py").write_text("from a import f\n")
    assert structure["main"]([str(tmp_path)]) == 1


def test_structure_leaves_out_imports_for_annotations():
    structure = runpy.run_path(str(ROOT / "tools" / "structure.py"))
    tree = ast.parse("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import b\nelse:\n    import c\n")
    assert structure["imports_of"](tree, "a", is_package=False, known={"a", "b", "c"}) == {"c"}


@pytest.mark.slow
def test_first_command_of_the_readme_prints_a_leaderboard(tmp_path):
    command = [
        str(Path(sys.executable).parent / "mile"),
        "--json",
        "--project",
        str(tmp_path),
        "run",
        "examples/penguins.mile",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["leaderboard"][0]


def test_every_code_of_a_query_error_is_documented() -> None:
    """An error's code is stable, and has its line in the reference."""
    page = (ROOT / "docs" / "reference" / "language-errors.md").read_text(encoding="utf-8")
    folders = ("language", "planner", "session")
    sources = [p.read_text(encoding="utf-8") for f in folders for p in (ROOT / "src" / "mileage" / f).rglob("*.py")]
    used = {code for text in sources for code in re.findall(r'"(E[1-3]\d\d)"', text)}
    assert len(used) > 40
    assert sorted(code for code in used if f"| {code} |" not in page) == []
