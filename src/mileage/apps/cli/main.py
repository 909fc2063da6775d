"""The command ``mile``.

Exit codes
----------
0    ok
1    the run failed: engine, project folder or MILE itself; ``fmt --check`` found a file to format
2    the command line is wrong
3    the query is wrong
4    the data is wrong
5    the query is valid, and this version does not execute it yet
130  interrupted by Ctrl-C or SIGTERM; what had finished is kept, and shown where there is something to show

With ``--json`` exactly one JSON object is printed on stdout: the answer; or ``{"kind": "script", "answers": [...]}`` for a
script of several statements; or ``{"error": {"code", "message", "hint", "diagnostics"}}``.
"""

# ruff: noqa: PLR0913, PLR0917  (typer reads the options from the parameters)
from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mileage.apps.cli.answers import INTERRUPTED, OK, Options, Output, code_of
from mileage.apps.cli.arguments import VERBS, hoist, join, reference, route, source
from mileage.apps.cli.ascii import PLAIN
from mileage.apps.cli.flows import add_to as add_flow_commands
from mileage.apps.cli.flows import explain_version, is_version, may_be_version, show_version
from mileage.core.near import near_matches
from mileage.core.quoting import quoted

if TYPE_CHECKING:
    from mileage.session import Session

EXAMPLE = """\
mile answers MILEAGE queries: say what to predict, get a ranked list of workflows.

  mile "PREDICT species FROM 'penguins.csv' BUDGET 30 s"
  mile show leaderboard
  mile export @w1 train.py

  mile repl      to explore      mile --help    for all commands"""

_EPILOG = """\b
Exit codes:
  0    ok
  1    the run failed (engine, project folder, MILE itself);
       or fmt --check found a file to format
  2    the command line is wrong
  3    the query is wrong
  4    the data is wrong
  5    the query is valid, but not executed by this version yet
  130  interrupted (Ctrl-C, SIGTERM); what had finished is kept

\b
A query needs no command:
  mile "PREDICT species FROM 'penguins.csv' BUDGET 30 s"
"""

app = typer.Typer(
    name="mile",
    help="Answer MILEAGE queries: say what to predict, get a ranked list of workflows.",
    epilog=_EPILOG,
    add_completion=False,
    rich_markup_mode=None,  # Rich's help costs a third of the time of `mile --help`
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    project: Annotated[
        Path | None, typer.Option("--project", "-p", help="Folder that holds .mile; else found upwards from here.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and no progress.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Progress as plain lines.")] = False,
    backend: Annotated[str | None, typer.Option(help="Where tasks run: processes or inline.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of worker processes; one per core by default.")
    ] = None,
    attach: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="A DuckDB or SQLite file to name tables of; repeatable.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    output: Output = context.obj
    output.options = Options(project, json, quiet, plain, debug, backend, workers, tuple(attach or ()))
    if context.invoked_subcommand is None:
        output.data({"kind": "help", "text": EXAMPLE}, EXAMPLE)


@app.command(hidden=True)
def query(context: typer.Context, words: list[str]) -> None:
    """Run a query given as words."""
    _run(context.obj, join(words))


@app.command(epilog='\b\nExamples:\n  mile run examples/penguins.mile\n  echo "SHOW history" | mile run -')
def run(
    context: typer.Context,
    script: Annotated[str, typer.Argument(metavar="FILE|-", help="A .mile file, or - for stdin.")],
) -> None:
    """Run the statements of a file."""
    from mileage.apps.cli.texts import read_text

    name, text = read_text(script)
    _run(context.obj, text, name=name)


@app.command(epilog="\b\nExamples:\n  mile repl\n  echo \"PREDICT species FROM 'penguins.csv'\" | mile repl")
def repl(context: typer.Context) -> None:
    r"""Ask query after query; \help inside says how."""
    from mileage.apps.cli.repl import run_repl

    output: Output = context.obj
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if output.options.json and interactive:
        raise typer.BadParameter("--json needs statements on stdin, not a terminal")
    with _session(output.options) as session:
        run_repl(session, output, interactive=interactive)


@app.command(epilog="\b\nExamples:\n  mile check churn.mile\n  cat churn.mile | mile check - --json")
def check(
    context: typer.Context,
    scripts: Annotated[list[str], typer.Argument(metavar="FILE|-...", help=".mile files, or - for stdin.")],
) -> None:
    """Find all mistakes of files; nothing runs."""
    from mileage.apps.cli.texts import read_text
    from mileage.core.diagnostics import render

    output: Output = context.obj
    found, lines = [], []
    with _session(output.options) as session:
        for script in scripts:
            name, text = read_text(script)
            for diagnostic in session.check(text):
                found.append((diagnostic, {"file": name, **diagnostic.to_json(text)}))
                lines.append(render(diagnostic, text, name=name))
    output.code = code_of(tuple(diagnostic for diagnostic, _ in found))
    data = {"kind": "check", "ok": output.code == OK, "diagnostics": [data for _, data in found]}
    output.data(data, "\n".join(lines) if lines or output.options.quiet else "no mistakes")


@app.command(epilog="\b\nExamples:\n  mile fmt *.mile\n  mile fmt --check *.mile\n  cat churn.mile | mile fmt -")
def fmt(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE|-...", help=".mile files, or - from stdin to stdout.")],
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if a file would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Change nothing; print what would change.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FORM", help="Change nothing; print as mile, yaml or json.")
    ] = None,
) -> None:
    """Bring files into the one layout; comments stay."""
    from mileage.apps.cli.formatting import format_files, print_as

    if to is not None:
        print_as(context.obj, files, to)
    else:
        format_files(context.obj, files, check=check, diff=diff)


@app.command(
    epilog="\b\nExamples:\n  mile explain data \"PREDICT species FROM 'penguins.csv'\"\n  mile explain plan @q1\n  mile explain v7"
)
def explain(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="[plan|space|data] QUERY|@REF|VERSION", help="What to explain, of what.")
    ],
) -> None:
    """Say what a query would do, and why; or why the steps of a version of a flow ran or did not. Nothing runs."""
    output: Output = context.obj
    if len(words) == 1 and may_be_version(words[0]):
        with _session(output.options) as session:
            if is_version(session, words[0]):
                explain_version(output, session, words[0])
                return
    _run(output, "EXPLAIN " + join([words[0].upper() if len(words) > 1 else words[0], *words[1:]]))


@app.command(
    epilog="\b\nExamples:\n  mile show leaderboard\n  mile show workflows @q2.w1\n  mile show v7 --save report"
)
def show(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(help="leaderboard, workflows, workflow, data, history, query, or a version of a flow.")
    ],
    ref: Annotated[str | None, typer.Argument(help="Of which query or workflow; the last one by default.")] = None,
    save: Annotated[
        str | None, typer.Option("--save", metavar="FOLDER", help="Write out what is kept with the version.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files there.")] = False,
) -> None:
    """Show what the project knows."""
    output: Output = context.obj
    if save is not None or (ref is None and may_be_version(what)):
        with _session(output.options) as session:
            if save is not None or is_version(session, what):
                show_version(output, session, what, save=save, force=force)
                return
    _run(output, f"SHOW {what}" + (f" OF {reference(ref)}" if ref else ""))


@app.command(epilog="\b\nExamples:\n  mile compare @w1 @w2\n  mile compare @q1.w1 @q2.w1 --on accuracy")
def compare(
    context: typer.Context,
    refs: Annotated[list[str], typer.Argument(metavar="@REF @REF...")],
    on: Annotated[list[str] | None, typer.Option(help="A metric; may be repeated.")] = None,
) -> None:
    """Show what differs between workflows, scores too."""
    metrics = f" ON {', '.join(on)}" if on else ""
    _run(context.obj, f"COMPARE {', '.join(map(reference, refs))}{metrics}")


@app.command(
    epilog="\b\nExamples:\n  mile apply @w1 new.csv --into scored.csv\n  mile apply @q3.w2 \"(SELECT * FROM 'new.csv' WHERE year = 2026)\""
)
def apply(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="A workflow, such as @w1.")],
    data: Annotated[str, typer.Argument(metavar="NEW", help="A file, or SELECT in parentheses.")],
    into: Annotated[str | None, typer.Option(metavar="OUT", help="A .csv, .parquet or .json file to write.")] = None,
) -> None:
    """Predict for new data."""
    tail = f" INTO {quoted(into)}" if into else ""
    _run(context.obj, f"APPLY {reference(ref)} TO {source(data)}{tail}")


@app.command(epilog="\b\nExamples:\n  mile export @w1 train.py\n  mile export @w1 model.skops")
def export(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="A workflow, such as @w1.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The file to write.")],
    as_: Annotated[str | None, typer.Option("--as", metavar="FORMAT", help="sklearn (a script) or skops.")] = None,
) -> None:
    """Take a workflow away as a scikit-learn script or a skops file."""
    tail = f" AS {as_}" if as_ else ""
    _run(context.obj, f"EXPORT {reference(ref)} TO {quoted(out)}{tail}")


@app.command(epilog="\b\nExamples:\n  mile clean --dry-run\n  mile clean")
def clean(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; tell the sizes.")] = False,
) -> None:
    """Remove kept artifacts; queries, runs and scores stay."""
    output: Output = context.obj
    with _session(output.options) as session:
        output.answer(session.clean(dry_run=dry_run))


@app.command(epilog="\b\nExamples:\n  mile replay\n  mile replay @q3")
def replay(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="[@QUERY]", help="The last one by default.")] = "@last",
) -> None:
    """Run a recorded search once more, in its order and without the clock, and say whether it comes out the same."""
    from mileage.apps.cli.progress import progress
    from mileage.session.refs import ref_of, result_of

    output: Output = context.obj
    with _session(output.options) as session:
        result = result_of(session, ref_of(ref))
        with progress(quiet=output.options.quiet or output.options.json, plain=output.options.plain) as shown:
            answer = result.replay(on_event=shown)
        output.answer(answer)


@app.command(
    epilog="\b\nExamples:\n  mile knowledge\n  mile knowledge export ours.json\n  mile knowledge import theirs.json"
)
def knowledge(
    context: typer.Context,
    action: Annotated[str | None, typer.Argument(metavar="[export|import|forget]", help="Tell by default.")] = None,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="To write, or to read.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Tell what searches have taught, and pool it between projects: sizes, parameters and scores, no data."""
    from mileage.apps.cli.knowledge import knowledge_action

    output: Output = context.obj
    chosen = knowledge_action(action, file, force=force)
    with _session(output.options) as session:
        output.answer(chosen(session))


@app.command(epilog='\b\nExamples:\n  eval "$(mile completion bash)"\n  mile completion fish | source')
def completion(
    context: typer.Context, shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="Your shell.")]
) -> None:
    """Print what makes your shell complete mile."""
    from mileage.apps.cli.completion import SHELLS, completion_script
    from mileage.session.statements.names import SHOWN

    if shell not in SHELLS:
        raise typer.BadParameter(f"no shell '{shell}'; known: {', '.join(SHELLS)}")
    text = completion_script(shell, tuple(_names()), SHOWN)
    context.obj.data({"kind": "completion", "shell": shell, "text": text}, text)


@app.command()
def schema(context: typer.Context) -> None:
    """Print the JSON Schema of queries as YAML or JSON, for editors."""
    import json

    from mileage.language import json_schema

    data = json_schema()
    context.obj.data(data, json.dumps(data, indent=1))


@app.command()
def traits(
    context: typer.Context,
    classes: Annotated[
        list[str] | None, typer.Argument(metavar="[CLASS...]", help="Such as Ridge; all by default.")
    ] = None,
) -> None:
    """Test what is declared of classes of scikit-learn and LightGBM, and show what may be shared between them."""
    from mileage.session.traits import kept_verdicts, traits_report

    output: Output = context.obj
    output.answer(traits_report(kept_verdicts(output.options.project), classes or ()))


@app.command()
def version(context: typer.Context) -> None:
    """Print the version."""
    import mileage

    context.obj.data({"kind": "version", "version": mileage.__version__}, f"mile {mileage.__version__}")


add_flow_commands(app)


@contextlib.contextmanager
def _session(options: Options) -> Iterator[Session]:
    from mileage.session import connect

    if options.backend is not None:
        _check_backend(options.backend)
    with connect(options.project, backend=options.backend, workers=options.workers, attach=options.attach) as session:
        yield session


def _check_backend(name: str) -> None:
    from mileage.session.engines import known_backends

    names = known_backends()
    if name not in names:
        near = near_matches(name, names)
        known = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
        raise typer.BadParameter(f"no backend '{name}'; {known}")


def _run(output: Output, text: str, *, name: str = "query") -> None:
    from mileage.apps.cli.statements import run_script

    with _session(output.options) as session:
        session.stays = False
        run_script(session, output, text, name=name, asked_s=output.asked_s)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``mile`` with arguments, those of the process by default, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAIN)
    own, words = hoist(sys.argv[1:] if argv is None else argv)
    output = Output(Options(json="--json" in own, debug="--debug" in own))
    if argv is None:
        output.asked_s = _process_began_s()
    try:
        with _guard(output), _stopped_by_sigterm(), warnings.catch_warnings():
            if not output.options.debug:
                warnings.simplefilter("ignore")  # libraries warn of what a search tries; trials keep their errors
            _dispatch(output, own, words)
        return output.close()
    except BrokenPipeError:  # whoever read the output has read enough
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return output.code


_START_S, _BUSY = (
    1.0,
    10.0,
)  # even on a busy machine Python takes less to start than that, and so many times its own time


def _process_began_s() -> float:
    """Return when this process was started, by ``time.monotonic``: a budget covers the start of Python, too.

    A shell may become its last command (``pip install ... && mile run ...``): the process is then older than Python in it, and
    the time that Python itself has used is what counts.
    """
    try:  # exact to 10 ms on Linux; the time of day of the boot, which others count from, is known to a second only
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, IndexError, ValueError):
        import psutil

        age_s = time.time() - float(psutil.Process().create_time())
    used_s = time.process_time()
    return time.monotonic() - (used_s if age_s > _START_S + _BUSY * used_s else max(0.0, age_s))


def _dispatch(output: Output, own: list[str], words: list[str]) -> None:
    commands = tuple(_names())
    routed = route(["version" if word == "--version" else word for word in words[:1]] + words[1:], commands)
    if routed and routed[0] not in (*commands, "query") and not routed[0].startswith("-"):
        output.refuse(*_unknown(routed[0], commands))
        return
    if "--help" in routed or "-h" in routed:
        output.options = Options()  # help is text
    try:
        ended = app([*own, *routed], prog_name="mile", standalone_mode=False, obj=output)
    except SystemExit as left:  # typer leaves so when the reader of stdout is gone
        raise BrokenPipeError from left
    if ended == INTERRUPTED:  # typer swallows Ctrl-C
        raise KeyboardInterrupt


@contextlib.contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM stop a run as Ctrl-C does: what has finished is kept, recorded and shown."""
    from mileage.core.interrupts import ask_to_stop

    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, ask_to_stop)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _guard(output: Output) -> Iterator[None]:
    """Turn whatever ends a command early into a message and an exit code."""
    try:
        yield
    except BrokenPipeError:
        raise
    except _USAGE_ERRORS as error:
        said: Any = error
        command = said.ctx.command_path if getattr(said, "ctx", None) else "mile"
        ours = isinstance(error, typer.BadParameter) and not (said.param or said.param_hint)
        output.refuse(said.message if ours else said.format_message().rstrip("."), f"see `{command} --help`")
    except (typer.Abort, KeyboardInterrupt):
        output.fail(KeyboardInterrupt())
    except typer.Exit as error:
        output.code = error.exit_code
    except Exception as error:  # noqa: BLE001  (nothing may leave as a traceback)
        output.fail(error)


# The base of all usage errors: typer carries its own click from 0.20 on, and shows only this subclass of it.
_USAGE_ERRORS: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def _names() -> Iterator[str]:
    for command in app.registered_commands:
        if command.callback is not None and not command.hidden:
            yield command.name or command.callback.__name__


def _unknown(word: str, commands: Sequence[str]) -> tuple[str, str]:
    """Return what to say of a first argument that is no command and no query."""
    near = near_matches(word, VERBS if word.isupper() else commands) or near_matches(word, (*commands, *VERBS))
    if Path(word).is_file():
        return f"'{word}' is no command", f"to run the file: mile run {word}"
    known = f"commands: {', '.join(commands)}"
    return f"no command '{word}'", f"did you mean {near[0]}?" if near else known
