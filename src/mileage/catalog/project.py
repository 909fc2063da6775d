"""The project folder ``.mile``: found upwards like ``.git``, or made."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mileage.catalog.store import ArtifactStore
from mileage.errors import CatalogError

FOLDER = ".mile"
_ELSEWHERE = "name another folder with --project FOLDER"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a ``.mile`` in it; ``root`` is the folder, ``path`` the ``.mile``.

    Examples
    --------
    >>> with_project = Project.temporary()
    >>> with_project.path.name, Project.find(with_project.root) == with_project.root
    ('.mile', True)
    """

    root: Path
    transient: bool = False

    @property
    def path(self) -> Path:
        """The folder of the catalog and the artifacts."""
        return self.root / FOLDER

    @property
    def catalog_file(self) -> Path:
        """The SQLite file of the catalog."""
        return self.path / "catalog.sqlite"

    @classmethod
    def find(cls, start: str | Path | None = None) -> Path | None:
        """Return the nearest folder from ``start`` upwards that holds a ``.mile``, or None."""
        here = Path(start if start is not None else Path.cwd()).expanduser().resolve()
        return next((folder for folder in (here, *here.parents) if _is_dir(folder / FOLDER)), None)

    @classmethod
    def open(cls, path: str | Path | None = None, *, create: bool = True) -> Project:
        """Open a project, and make it if there is none.

        Parameters
        ----------
        path : path, optional
            The folder of the project; by default it is searched upwards from the working folder, and is the working
            folder if none is found.
        create : bool, default True
            Make ``.mile`` where it is missing.

        Raises
        ------
        CatalogError
            If there is none and ``create`` is false, or the folder cannot be made or written.
        """
        if path is None:
            root = cls.find() or Path.cwd()
        else:
            root = Path(path).expanduser().absolute()
            root = root.parent if root.name == FOLDER else root
        project = cls(root)
        if not _is_dir(project.path):
            if not create:
                hint = "run a query there first, or " + _ELSEWHERE
                raise CatalogError(f"no project in '{root}' (no {FOLDER} folder)", code="C701", hint=hint)
            project._make()
        if not os.access(project.path, os.W_OK | os.X_OK):
            raise CatalogError(f"the project folder '{project.path}' cannot be written", code="C702", hint=_ELSEWHERE)
        return project

    @classmethod
    def temporary(cls) -> Project:
        """Return a project in a new folder under the system's temporary one, for a session that keeps nothing."""
        project = cls(Path(tempfile.mkdtemp(prefix="mile-")), transient=True)
        project._make()
        return project

    def store(self, *, quota_bytes: int | None = None) -> ArtifactStore:
        """Return the store of the project's artifacts, without what killed writers have left in it."""
        store = ArtifactStore(self.path / "artifacts", quota_bytes=quota_bytes, key=self.secret())
        store.sweep()
        return store

    def secret(self) -> bytes:
        """Return the key that authenticates what this project has written itself; made once, readable by its owner.

        Raises
        ------
        CatalogError
            If the key cannot be read or written.
        """
        file = self.path / "key"
        try:
            if not file.exists():
                _write_once(file, os.urandom(32))
            key = file.read_bytes()
        except OSError as error:
            raise CatalogError(
                f"cannot read or write '{file}': {error.strerror or error}", code="C702", hint=_ELSEWHERE
            ) from error
        if len(key) != 32:
            hint = f"move it aside (mv '{file}' '{file}.broken'): kept artifacts are then computed again"
            raise CatalogError(f"'{file}' is no key of a project", code="C703", hint=hint)
        return key

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            ignore = self.path / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            reason = error.strerror or str(error)
            raise CatalogError(
                f"cannot make a project in '{self.root}': {reason}", code="C702", hint=_ELSEWHERE
            ) from error


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _write_once(file: Path, content: bytes) -> None:
    """Write a private file whole; whoever is first wins, so that two processes agree on one key."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".key.")
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(name, file)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not file.exists():
                Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)
