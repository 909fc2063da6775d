"""A version of a flow as Python sees it: ``session.versions()``, ``session.version("v7")``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.catalog import VersionRecord
from mileage.errors import DataError, UnknownRefError
from mileage.session.approximate import comparable
from mileage.session.iterate import TaskReport, reports_of
from mileage.session.version_diff import AFFECTED, Side, StepChange, step_changes
from mileage.session.version_metrics import MetricChange, greater_is_better, is_metric, metric_changes
from mileage.session.version_outputs import file_content, file_name, read_output
from mileage.workflow import Action

if TYPE_CHECKING:
    from mileage.results.report import Report
    from mileage.session.session import Session


@dataclass(frozen=True)
class VersionDiff:
    """What differs between two versions: steps, and outputs with the numbers among them compared."""

    old: Version
    new: Version
    steps: tuple[StepChange, ...]
    metrics: tuple[MetricChange, ...]
    outputs: tuple[str, ...]

    def report(self) -> Report:
        """Return the difference as tables."""
        from mileage.session.versions import diff_report

        return diff_report(self)

    def __str__(self) -> str:
        return self.report().text()

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()


@dataclass(frozen=True)
class Version:
    """One run of a flow: what it gave, what was done for it, and the text it was run from.

    ``version["accuracy"]`` is the value of an output that is kept.
    """

    record: VersionRecord
    session: Session = field(repr=False)

    @property
    def ref(self) -> str:
        """The reference on the command line: ``v7``."""
        return self.record.ref

    @property
    def parent(self) -> Version | None:
        """The version it was edited from."""
        number = self.record.parent
        return None if number is None else Version(self.session.catalog.flows.version(number), self.session)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What was shown, by name: numbers as they are, all else as a short text."""
        record = self.record.record
        return {**record["outputs"], **record.get("plain", {})}

    @property
    def metrics(self) -> dict[str, float]:
        """The outputs that are numbers."""
        return {name: value for name, value in self.outputs.items() if is_metric(value)}

    @cached_property
    def tasks(self) -> tuple[TaskReport, ...]:
        """What happened to each step."""
        return tuple(task for listed in reports_of(self.record).values() for task in listed)

    @property
    def reused(self) -> tuple[int, int]:
        """How many steps were not computed, and how many there are."""
        return sum(task.action is not Action.COMPUTE for task in self.tasks), len(self.tasks)

    @property
    def sources(self) -> Mapping[str, list[str]]:
        """Module and digest of each source, by path below the project's folder."""
        found: Mapping[str, list[str]] = self.record.record.get("sources", {})
        return found

    def source(self, path: str) -> bytes:
        """Return a source as it was run.

        Raises
        ------
        UnknownRefError
            If it has none of this name.
        """
        if path not in self.sources:
            known = f"it has {', '.join(self.sources)}" if self.sources else "it has none"
            raise UnknownRefError(f"{self.ref} has no source '{path}'", hint=known)
        content = self.session.catalog.flows.blob(self.sources[path][1])
        assert content is not None
        return content

    def __getitem__(self, name: str) -> Any:
        if name not in self.outputs:
            raise UnknownRefError(f"{self.ref} has no output '{name}'", hint=f"it has {', '.join(self.outputs)}")
        if is_metric(self.outputs[name]):
            return self.outputs[name]
        key = self.record.record["wanted"].get(name)
        if key is not None and self.session.store.has(key):
            return self.session.store.get(key)
        kept = self.kept.get(name)
        if kept is None:
            raise UnknownRefError(
                f"'{name}' of {self.ref} is no longer kept",
                hint=f"mile checkout {self.ref}, then run the flow: it is computed again",
            )
        return read_output(kept["kind"], self.content(name))

    @property
    def kept(self) -> Mapping[str, Mapping[str, Any]]:
        """What is kept with the version, by the name of the output: plots, reports, rows, tables."""
        found: Mapping[str, Mapping[str, Any]] = self.record.record.get("kept", {})
        return found

    def content(self, name: str) -> bytes:
        """Return the bytes that are kept of an output."""
        content = self.session.catalog.flows.blob(self.kept[name]["digest"])
        assert content is not None
        return content

    @property
    def side(self) -> Side:
        """What a difference is made from."""
        record = self.record.record
        modules = {module: path for path, (module, _) in self.sources.items() if path not in record["cells"].values()}
        modules |= record.get("cells", {})

        def text(module: str) -> str | None:
            path = modules.get(module)
            return None if path is None else self.source(path).decode("utf-8", errors="replace")

        return Side(self.tasks, record.get("kinds", {}), text, record.get("cells", {}))

    def diff(self, other: Version | str) -> VersionDiff:
        """Return what differs from this version to another."""
        new = other if isinstance(other, Version) else self.session.version(other)
        steps = step_changes(self.side, new.side)
        rows = (self._rows(), new._rows())
        metrics = metric_changes(self.outputs, new.outputs, rows)
        names = dict.fromkeys([*self.outputs, *new.outputs])
        return VersionDiff(self, new, steps, metrics, tuple(n for n in names if not self._same(new, n)))

    def changes(self) -> tuple[StepChange, ...]:
        """Return which steps changed by themselves, or came or went, since the parent."""
        parent = self.parent
        if parent is None:
            return ()
        return tuple(change for change in step_changes(parent.side, self.side) if change.state != AFFECTED)

    def mark(self, name: str) -> str:
        """Return whether a number is ``better`` or ``worse`` than the parent's, or ``""``."""
        parent = self.parent
        was, now, more = parent.metrics.get(name) if parent else None, self.metrics.get(name), greater_is_better(name)
        if parent is None or was is None or now is None or more is None or now == was:
            return ""
        if not comparable(parent.record, self.record):  # a sample's number says nothing beside that of all rows
            return ""
        return "better" if (now > was) == more else "worse"

    def _rows(self) -> dict[str, Any]:
        return {
            name: read_output("rows", self.content(name)) for name, kept in self.kept.items() if kept["kind"] == "rows"
        }

    def _same(self, new: Version, name: str) -> bool:
        digests = [version.kept.get(name, {}).get("digest") for version in (self, new)]
        return digests[0] == digests[1] and self.outputs.get(name, ...) == new.outputs.get(name, ...)

    def save(self, folder: str | Path, *, force: bool = False) -> tuple[Path, ...]:
        """Write the kept outputs and the sources into a folder, and return the files.

        Raises
        ------
        DataError
            If a file of the same name has other content, and ``force`` is not given.
        """
        place = Path(folder)
        files = {
            place / file_name(name, kept["suffix"]): file_content(kept["kind"], self.content(name))
            for name, kept in self.kept.items()
        }
        for path in self.sources:
            name = f"{file_name(path, '')}.py" if path in self.record.record["cells"].values() else path
            files[place / "source" / name] = self.source(path)
        taken = [file for file, content in files.items() if file.exists() and file.read_bytes() != content]
        if taken and not force:
            names = ", ".join(map(str, taken))
            raise DataError(f"{names} would be overwritten", code="D460", hint="name another folder, or say --force")
        for file, content in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return tuple(files)

    def report(self) -> Report:
        """Return its outputs, and what its steps did and why."""
        from mileage.session.versions import version_report

        return version_report(self)

    def __str__(self) -> str:
        return self.report().text()

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()
