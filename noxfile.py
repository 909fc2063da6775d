"""The checks by name: ``nox -s lint types arch test docs bench``; without a name all but docs and bench."""

import nox

nox.options.sessions = ["lint", "types", "arch", "test"]
nox.options.default_venv_backend = "venv"


def install(session: nox.Session, *extras: str) -> None:
    """Install this project with extras at the tested versions."""
    session.install("-c", "constraints.txt", f".[{','.join(extras)}]" if extras else ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, and what a linter can find."""
    install(session, "test")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "test")
    session.run("mypy")


@nox.session
def arch(session: nox.Session) -> None:
    """Check the layers, and the size of functions and files."""
    install(session, "test")
    session.run("lint-imports", "--no-cache")
    session.run("python", "tools/structure.py")


@nox.session
def test(session: nox.Session) -> None:
    """Test facts, laws and examples; ``nox -s test -- -m slow`` for the long ones."""
    install(session, "test")
    session.run(
        "python", "-m", "pytest", "-q", *(session.posargs or ["-n", "2", "--dist", "loadfile", "-m", "not slow"])
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Write the reference from the registries, then build the site."""
    install(session, "docs")
    session.run("python", "tools/reference.py")
    session.run("mkdocs", "build", "--strict")


@nox.session
def bench(session: nox.Session) -> None:
    """Run the quick form of the benchmarks: ``nox -s bench -- --data FOLDER``."""
    install(session)
    session.run("python", "benchmarks/automl.py", "--quick", *session.posargs)
    session.run("python", "benchmarks/overhead.py", "--quick", *session.posargs)
