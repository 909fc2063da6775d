"""Which modules belong to libraries, whose code a version stands for, and which are the user's own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
from functools import cache, lru_cache
from itertools import groupby
from types import ModuleType

# Settings of scikit-learn that change what an estimator gives.
_TELLING = ("array_api_dispatch", "assume_finite", "enable_metadata_routing", "sparse_interface", "transform_output")
_SCHEMES = ("stdlib", "platstdlib", "purelib", "platlib")


@cache
def _library_folders() -> tuple[str, ...]:
    found = [sysconfig.get_path(name) for name in _SCHEMES]
    found += [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    return tuple(dict.fromkeys(os.path.realpath(folder) + os.sep for folder in dict.fromkeys(found)))


@cache
def is_library(module: str) -> bool:
    """Say whether a module belongs to an installed distribution or to Python, by its full name.

    Examples
    --------
    >>> is_library("json"), is_library("numpy.linalg"), is_library("mileage.core.fingerprint")
    (True, True, True)
    """
    top = module.partition(".")[0]
    if top == "__main__":  # a script's or a notebook's own code, whoever started the process
        return False
    if top in sys.stdlib_module_names or top == "mileage":
        return True
    known = sys.modules.get(module) or sys.modules.get(top)
    file = _file(known) if known is not None else _found(top)
    if file is None:
        return known is not None and not hasattr(known, "__path__")  # built into the interpreter
    return file.startswith(_library_folders())


def own_modules() -> tuple[str, ...]:
    """Return the names of the imported modules that are the user's own.

    Examples
    --------
    >>> {"json", "mileage.core"} & set(own_modules())
    set()
    """
    return _own(tuple(sys.modules))


@lru_cache(maxsize=1)  # a process holds thousands of modules, and mostly the same ones when it asks again
def _own(modules: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for package, inside in groupby(sorted(modules), lambda name: name.partition(".")[0]):
        if (
            getattr(sys.modules.get(package), "__file__", None) is None
        ):  # not one folder, of which all modules are alike
            found += [name for name in inside if not is_library(name)]
        elif not is_library(package):
            found += inside
    return tuple(found)


def _file(module: ModuleType) -> str | None:
    name = getattr(module, "__file__", None)
    if name is None and hasattr(module, "__path__"):
        name = next(iter(module.__path__), None)
    return os.path.realpath(name) if name else None


def _found(top: str) -> str | None:
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    origin = None if spec is None else spec.origin
    return None if origin in {None, "built-in", "frozen"} else os.path.realpath(str(origin))


@cache
def library_version(module: str) -> str:
    """Return name and version of the distribution a module belongs to, such as ``pandas 3.1.1``.

    Examples
    --------
    >>> library_version("json").startswith("python 3.")
    True
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return f"python {sys.version_info.major}.{sys.version_info.minor}"
    version = getattr(sys.modules.get(top), "__version__", None)
    if not isinstance(version, str):
        try:
            version = importlib.metadata.version(top)
        except importlib.metadata.PackageNotFoundError:
            version = _by_contents(top)
    return f"{top} {version}"


def library_state(module: str) -> str:
    """Return :func:`library_version`, and the global settings of scikit-learn where they are not its own.

    Examples
    --------
    >>> import sklearn
    >>> with sklearn.config_context(transform_output="pandas"):
    ...     library_state("sklearn.svm").partition(" with ")[2]
    "transform_output = 'pandas'"
    """
    changed = _settings() if module.partition(".")[0] == "sklearn" else ""
    return f"{library_version(module)} with {changed}" if changed else library_version(module)


def _settings() -> str:
    known = sys.modules.get("sklearn")
    if known is None:
        return ""
    own = sys.modules["sklearn._config"]._global_config  # what a thread of its own begins with
    given: dict[str, object] = known.get_config()
    return ", ".join(f"{name} = {given[name]!r}" for name in _TELLING if given.get(name) != own.get(name))


def _by_contents(top: str) -> str:
    """Ask which distribution holds a package of another name; slow, so only where nothing else answers."""
    names = importlib.metadata.packages_distributions().get(top, ())
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names) or "of unknown version"
