"""The commands for flows written in Python: iterate, log, diff, checkout, tag."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

_QUERY = re.compile(r"@last$|@?last\.|@?[qw]\d+(\.|$)", re.IGNORECASE)

if TYPE_CHECKING:
    from mileage.apps.cli.answers import Output
    from mileage.session import Session
    from mileage.session.approximate import Sample


def iterate(  # noqa: PLR0913, PLR0917  (one for each option)
    context: typer.Context,
    flow: Annotated[str, typer.Argument(metavar="FLOW.py", help="A file that shows deferred values.")],
    watch: Annotated[
        bool, typer.Option("--watch", help="Run again whenever it, what it imports or what it reads is saved.")
    ] = False,
    every: Annotated[bool, typer.Option("--every", help="List the steps that were not needed, too.")] = False,
    disk: Annotated[
        str | None, typer.Option("--disk", metavar="SIZE", help="The most that kept results may take, such as '2 GB'.")
    ] = None,
    policy: Annotated[
        str, typer.Option("--policy", help="What is kept: density, lima, helix, lru, all or none.")
    ] = "density",
    approximate: Annotated[
        float | None,
        typer.Option("--approximate", metavar="SHARE", help="Learn from a share of the rows, such as 0.1."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", metavar="VERSION", help="Take larger samples until it is better or worse than that one."
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Keep rows with the same value of a column together.")
    ] = None,
    precision: Annotated[str, typer.Option("--precision", help="Of features in such runs: f16, u8 or full.")] = "f16",
) -> None:
    """Run a flow; only what its last edit touches is computed."""
    from mileage.session import connect
    from mileage.session.flow_watch import files_of
    from mileage.session.flow_watch import watch as run_on_save

    output: Output = context.obj
    try:
        opened = connect(output.options.project, disk=disk, policy=policy)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--disk") from None
    with opened as session:
        sample = _sample(session, approximate, key, precision, against)
        if not watch:
            _once(session, output, flow, sample, against, every=every)
            return

        def run() -> tuple[Path, ...]:
            _guarded(session, output, flow, sample, against, every=every)
            return files_of(session, flow)

        run_on_save(flow, run)


def log(
    context: typer.Context,
    flow: Annotated[str | None, typer.Argument(help="Of one flow; of all by default.")] = None,
    most: Annotated[int, typer.Option("-n", min=0, help="At most so many, the newest; 0 for all.")] = 30,
) -> None:
    """List the versions of flows, newest first."""
    from mileage.session.versions import log_report

    output: Output = context.obj
    with _session(output) as session:
        output.answer(log_report(session, flow, most=most))


def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="A version, such as v3, a tag, or last.")],
    new: Annotated[str, typer.Argument(help="Another one.")] = "last",
) -> None:
    """Show what differs between two versions of a flow."""
    output: Output = context.obj
    with _session(output) as session:
        output.answer(session.version(old).diff(new).report())


def checkout(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="A version, such as v3, a tag, or last.")],
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE...]", help="Only these of its sources.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite edits that no version has kept.")] = False,
) -> None:
    """Put the sources of a flow back as they were in a version."""
    from mileage.session.checkout import checkout as put_back

    output: Output = context.obj
    with _session(output) as session:
        output.answer(put_back(session, ref, files or (), force=force))


def tag(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="A version, such as v3.")],
    name: Annotated[str, typer.Argument(help="The name it gets.")],
) -> None:
    """Give a version a name."""
    from mileage.session.versions import tag as give_name

    output: Output = context.obj
    with _session(output) as session:
        version = give_name(session, ref, name)
        output.data({"kind": "tag", "version": version.ref, "tag": name}, f"{version.ref} is {name}")


def may_be_version(word: str) -> bool:
    """Say whether a word could name a version: one word that is no topic of SHOW and no reference to a query.

    Examples
    --------
    >>> [may_be_version(word) for word in ("v7", "@first", "last", "data", "@q3.w1", "@last")]
    [True, True, True, False, False, False]
    """
    from mileage.session.statements.names import SHOWN, SHOWN_LATER

    topics = {form for topic in (*SHOWN, *SHOWN_LATER) for form in (topic, topic.removesuffix("s"))}
    return len(word.split()) == 1 and word.lower() not in topics and not _QUERY.match(word)


def is_version(session: Session, ref: str) -> bool:
    """Say whether the project has a version of this name."""
    from mileage.session.versions import is_version as known

    return known(session, ref)


def show_version(output: Output, session: Session, ref: str, *, save: str | None, force: bool) -> None:
    """Show one version, or write out what is kept with it."""
    version = session.version(ref)
    if save is None:
        output.answer(version.report())
        return
    files = [str(path) for path in version.save(save, force=force)]
    said = "\n".join(files) or f"{version.ref} has kept nothing to write"
    output.data({"kind": "saved", "version": version.ref, "files": files}, said)


def explain_version(output: Output, session: Session, ref: str) -> None:
    """Say of each step of a version why it ran, was loaded or was not needed."""
    from mileage.session.versions import explain_report

    output.answer(explain_report(session.version(ref)))


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``mile``."""
    app.command()(iterate)
    app.command()(log)
    app.command()(diff)
    app.command()(checkout)
    app.command()(tag)


def _session(output: Output) -> Session:
    from mileage.session import connect

    return connect(output.options.project)


def _sample(
    session: Session, share: float | None, key: str | None, precision: str, against: str | None
) -> Sample | None:
    if share is None:
        if key is not None or precision != "f16" or against is not None:
            message = "--key, --precision and --against are about a sample: give --approximate SHARE, too"
            raise typer.BadParameter(message)
        return None
    from mileage.session.approximate import sample_of

    return sample_of(session, share, key=key, precision=precision)


def _once(
    session: Session, output: Output, flow: str, sample: Sample | None, against: str | None, *, every: bool
) -> None:
    from mileage.session.versions import run_report

    if against is not None and sample is not None:
        from mileage.session.against import run_against

        run, decision = run_against(session, flow, against, sample)
        output.answer(decision.added_to(run_report(run, every=every), against))
        return
    from mileage.session.approximate import with_verdicts
    from mileage.session.flow_file import run_file

    run = run_file(session, flow, approximate=sample)
    output.answer(with_verdicts(session, run.version, run_report(run, every=every)))


def _guarded(
    session: Session, output: Output, flow: str, sample: Sample | None, against: str | None, *, every: bool
) -> None:
    """Run once; an error is shown, and watching goes on."""
    try:
        _once(session, output, flow, sample, against, every=every)
    except Exception as error:  # noqa: BLE001  (the next save may mend it)
        output.fail(error)
