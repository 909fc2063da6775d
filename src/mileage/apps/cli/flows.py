"""The commands for flows written in Python: iterate, log, diff, version, tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mileage.apps.cli.answers import Output
    from mileage.session import Session
    from mileage.session.approximate import Sample


def iterate(  # noqa: PLR0913, PLR0917  (one for each option)
    context: typer.Context,
    flow: Annotated[str, typer.Argument(metavar="FLOW.py", help="A file that shows deferred values.")],
    watch: Annotated[
        bool, typer.Option("--watch", help="Run again whenever a Python file beside it is saved.")
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
    key: Annotated[
        str | None, typer.Option("--key", help="Keep rows with the same value of a column together.")
    ] = None,
    precision: Annotated[str, typer.Option("--precision", help="Of features in such runs: f16, u8 or full.")] = "f16",
) -> None:
    """Run a flow; only what its last edit touches is computed."""
    from mileage.session import connect, flow_file

    output: Output = context.obj
    try:
        opened = connect(output.options.project, disk=disk, policy=policy)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--disk") from None
    with opened as session:
        sample = _sample(session, approximate, key, precision)
        if not watch:
            _once(session, output, flow, sample, every=every)
            return
        flow_file.watch(flow, lambda: _guarded(session, output, flow, sample, every=every))


def log(
    context: typer.Context,
    flow: Annotated[str | None, typer.Argument(help="Of one flow; of all by default.")] = None,
) -> None:
    """List the versions of flows, newest first."""
    from mileage.session.versions import log_report

    output: Output = context.obj
    with _session(output) as session:
        output.answer(log_report(session, flow))


def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="A version, such as v3, a tag, or last.")],
    new: Annotated[str, typer.Argument(help="Another one.")] = "last",
) -> None:
    """Show what differs between two versions of a flow."""
    from mileage.session.versions import diff_report

    output: Output = context.obj
    with _session(output) as session:
        output.answer(diff_report(session, old, new))


def version_of_flow(
    context: typer.Context, ref: Annotated[str, typer.Argument(help="A version, such as v3, a tag, or last.")] = "last"
) -> None:
    """Show one version: its outputs, and why each step ran or did not."""
    from mileage.session.versions import version_report

    output: Output = context.obj
    with _session(output) as session:
        output.answer(version_report(session, ref))


def tag(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="A version, such as v3.")],
    name: Annotated[str, typer.Argument(help="The name it gets.")],
) -> None:
    """Give a version a name."""
    output: Output = context.obj
    with _session(output) as session:
        version = session.catalog.flows.version(ref)
        session.catalog.flows.tag(version.id, name)
        output.data({"kind": "tag", "version": version.ref, "tag": name}, f"{version.ref} is {name}")


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``mile``."""
    app.command()(iterate)
    app.command()(log)
    app.command()(diff)
    app.command("version-of")(version_of_flow)
    app.command()(tag)


def _session(output: Output) -> Session:
    from mileage.session import connect

    return connect(output.options.project)


def _sample(session: Session, share: float | None, key: str | None, precision: str) -> Sample | None:
    if share is None:
        if key is not None or precision != "f16":
            raise typer.BadParameter("--key and --precision are about a sample: give --approximate SHARE, too")
        return None
    from mileage.session.approximate import sample_of

    return sample_of(session, share, key=key, precision=precision)


def _once(session: Session, output: Output, flow: str, sample: Sample | None, *, every: bool) -> None:
    from mileage.session.approximate import with_verdicts
    from mileage.session.flow_file import run_file
    from mileage.session.versions import run_report

    run = run_file(session, flow, approximate=sample)
    output.answer(with_verdicts(session, run.version, run_report(run, every=every)))


def _guarded(session: Session, output: Output, flow: str, sample: Sample | None, *, every: bool) -> None:
    """Run once; an error is shown, and watching goes on."""
    try:
        _once(session, output, flow, sample, every=every)
    except Exception as error:  # noqa: BLE001  (the next save may mend it)
        output.fail(error)
