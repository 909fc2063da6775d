"""The command ``mile``: what runs, what is printed where, and the exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mileage.apps.cli import main
from mileage.apps.cli.answers import Options, Output, dumps, unexpected
from mileage.apps.cli.arguments import hoist, join, route
from mileage.language import format_script, parse

pytestmark = pytest.mark.usefixtures("stub")

Mile = Callable[..., "subprocess.CompletedProcess[str]"]
QUERY = "PREDICT y FROM 't.csv'"


def _code_out_err(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_query_is_answered_on_stdout_and_its_progress_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _code_out_err(capsys, QUERY)
    assert code == 0
    assert out.startswith("@w1 hist_gbm 0.9000") and "trial" not in out
    assert "assumed: the search may take 1 minute  [BUDGET 1 min]" in err
    assert "roc_auc 0.9000 ± 0.0100" in err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["PREDICT", "y", "FROM", "t.csv", "BUDGET", "10", "s"], "PREDICT y FROM 't.csv' BUDGET 10 s"),
        (["predict", "y", "from", "my data.csv"], "predict y from 'my data.csv'"),
        (["PREDICT y FROM t", "SEED", "7"], "PREDICT y FROM t SEED 7"),
        (["--json", "PREDICT", "y", "--quiet", "FROM", "t"], "PREDICT y FROM t"),
        (["-- a comment\nPREDICT y FROM t"], "-- a comment\nPREDICT y FROM t"),
    ],
)
def test_a_query_may_come_as_words(capsys: pytest.CaptureFixture[str], arguments: list[str], text: str) -> None:
    code, out, _ = _code_out_err(capsys, "--json", *arguments)
    assert code == 0
    assert json.loads(out)["text"] == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["show", "leaderboard"], "SHOW leaderboard"),
        (["show", "workflow", "w2"], "SHOW workflow OF @w2"),
        (["SHOW", "history"], "SHOW history"),
        (["explain", "plan", "@q3"], "EXPLAIN PLAN @q3"),
        (["explain", "@last"], "EXPLAIN @last"),
        (["explain", "space", "PREDICT y FROM t"], "EXPLAIN SPACE PREDICT y FROM t"),
        (["compare", "@w1", "w2", "--on", "recall"], "COMPARE @w1, @w2 ON recall"),
        (["apply", "@w1", "it's.csv", "--into", "out.csv"], "APPLY @w1 TO 'it''s.csv' INTO 'out.csv'"),
        (["apply", "@w1", "(SELECT 1)"], "APPLY @w1 TO (SELECT 1)"),
        (["export", "@w1", "a.py", "--as", "sklearn"], "EXPORT @w1 TO 'a.py' AS sklearn"),
    ],
)
def test_commands_are_statements(capsys: pytest.CaptureFixture[str], arguments: list[str], text: str) -> None:
    code, out, _ = _code_out_err(capsys, *arguments, "--json")
    assert code == 0
    assert " ".join(json.loads(out)["text"].split()) == text


@pytest.mark.parametrize(
    ("target", "code", "error"),
    [
        ("nope", 3, "E201"), ("nodata", 4, "D400"), ("later", 5, "E301"), ("crash", 1, "X600"), ("bug", 1, "B000"),
        ("interrupt", 130, "X630"),
    ],
)  # fmt: skip
def test_each_kind_of_failure_has_its_exit_code(
    capsys: pytest.CaptureFixture[str], target: str, code: int, error: str
) -> None:
    got, out, err = _code_out_err(capsys, "--json", f"PREDICT {target} FROM t")
    assert (got, json.loads(out)["error"]["code"], err) == (code, error, "")
    got, out, err = _code_out_err(capsys, f"PREDICT {target} FROM t")
    assert (got, out) == (code, "")
    assert err and "Traceback" not in err


def test_an_unknown_reference_is_a_mistake_of_the_query(capsys: pytest.CaptureFixture[str]) -> None:
    assert _code_out_err(capsys, "compare", "@w99", "@w1")[0] == 3


def test_a_wrong_query_shows_the_place_and_the_fix(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = _code_out_err(capsys, "PREDICT nope FROM t")
    assert err == (
        "error[E201]: no column 'nope'\n  --> query:1:9\n 1 | PREDICT nope FROM t\n   |         ^^^^ did you mean y?\n"
    )
    _, out, _ = _code_out_err(capsys, "--json", "PREDICT nope FROM t")
    diagnostic = json.loads(out)["error"]["diagnostics"][0]
    assert (diagnostic["line"], diagnostic["column"], diagnostic["fixes"][0]["text"]) == (1, 9, "y")


def test_an_unexpected_exception_is_one_message_and_debug_shows_the_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, _, err = _code_out_err(capsys, "PREDICT bug FROM t")
    assert err == (
        "error[B000]: KeyError: 'oops'\n  --debug shows where it happened\n"
        "  This is a bug of MILE, not of your query: please report it.\n"
    )
    _, _, err = _code_out_err(capsys, "--debug", "PREDICT bug FROM t")
    assert "Traceback" in err
    assert str(unexpected(ValueError(), debug=True)).startswith("error[B000]: ValueError: no message")


def test_a_search_that_is_interrupted_shows_what_it_has(mile: Mile) -> None:
    done = mile("PREDICT slow FROM t; SHOW history")
    assert done.returncode == 130
    assert done.stdout.startswith("@w1") and "SHOW" not in done.stdout
    assert "what had finished is kept" in done.stderr
    done = mile("PREDICT slow FROM t", "--json")
    assert (done.returncode, json.loads(done.stdout)["stopped"], done.stderr) == (130, True, "")


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (["shwo", "data"], "no command 'shwo'", "did you mean show?"),
        (["PREDCIT", "y"], "no command 'PREDCIT'", "did you mean PREDICT?"),
        (["zzzzzz"], "no command 'zzzzzz'", "commands: run, repl"),
        (["run", "nofile.mile"], "no file 'nofile.mile'", "mile run --help"),
        (["run"], "Missing argument", "mile run --help"),
        (["show", "data", "--bogus"], "No such option", "mile show --help"),
        (["--workers", "none", "version"], "", "mile --help"),
        (["--workers"], "", "mile --help"),
    ],
)
def test_a_wrong_command_line_says_what_to_do(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str, hint: str
) -> None:
    code, out, err = _code_out_err(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error[U001]: ") and said in err and hint in err
    code, out, err = (
        _code_out_err(capsys, *arguments, "--json")
        if arguments != ["--workers"]
        else (2, '{"error": {"code": "U001"}}', "")
    )
    assert (code, json.loads(out)["error"]["code"], err) == (2, "U001", "")


def test_a_file_given_without_run_gets_a_hint(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("churn.mile").write_text(QUERY, encoding="utf-8")
    assert "to run the file: mile run churn.mile" in _code_out_err(capsys, "churn.mile")[2]
    assert "did you mean 'churn.mile'?" in _code_out_err(capsys, "run", "chrn.mile")[2]


def test_run_reads_a_file_or_stdin(mile: Mile, tmp_path: Path) -> None:
    (tmp_path / "a.mile").write_text(f"\ufeff{QUERY};\nSHOW history", encoding="utf-8")
    done = mile("run", "a.mile", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n\nSHOW history\n")
    assert mile("run", "-", stdin="SHOW data").stdout == "SHOW data\n"
    assert mile("-", stdin="SHOW data").stdout == "SHOW data\n"
    (tmp_path / "b.mile").write_bytes(b"\xff\xfe\x00")
    assert mile("run", "b.mile").returncode == 2


def test_a_script_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = _code_out_err(capsys, "--json", f"SHOW history; {QUERY}")
    data = json.loads(out)
    assert (data["kind"], len(data["answers"]), data["leaderboard"][0]["ref"], err) == ("script", 2, "@w1", "")
    code, out, _ = _code_out_err(capsys, "--json", "SHOW history; PREDICT crash FROM t")
    data = json.loads(out)
    assert (code, data["error"]["code"], data["answers"][0]["text"]) == (1, "X600", "SHOW history")


def test_a_number_json_has_no_word_for_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(_code_out_err(capsys, "--json", QUERY)[1])["leaderboard"][0]["se"] is None
    assert dumps({"path": Path("a")}) == '{"path": "a"}'


def test_check_reports_all_mistakes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.mile", tmp_path / "bad.mile"
    good.write_text(QUERY, encoding="utf-8")
    bad.write_text("PREDICT y FORM t BUDGT 2 min", encoding="utf-8")
    assert _code_out_err(capsys, "check", str(good))[:2] == (0, "no mistakes\n")
    code, out, _ = _code_out_err(capsys, "check", str(good), str(bad))
    assert code == 3
    assert "bad.mile:1:11" in out and "did you mean FROM?" in out and "did you mean BUDGET?" in out
    code, out, _ = _code_out_err(capsys, "check", str(bad), "--json")
    data = json.loads(out)
    assert (code, data["ok"], [d["code"] for d in data["diagnostics"]]) == (3, False, ["E101", "E101"])
    assert _code_out_err(capsys, "check", "PREDICT nope FROM t")[0] == 3


def test_fmt_writes_checks_and_shows(capsys: pytest.CaptureFixture[str], tmp_path: Path, mile: Mile) -> None:
    file = tmp_path / "a.mile"
    file.write_text("-- why\npredict y from t   seed 7", encoding="utf-8")
    file.chmod(0o640)
    assert _code_out_err(capsys, "fmt", "--check", str(file))[0] == 1
    code, out, _ = _code_out_err(capsys, "fmt", "--diff", str(file))
    assert code == 0 and "-predict y from t   seed 7" in out and "+SEED 7" in out
    assert _code_out_err(capsys, "fmt", str(file))[0] == 0
    text = file.read_text(encoding="utf-8")
    assert text == format_script(parse(text)).rstrip() + "\n"
    assert text.splitlines()[0] == "-- why" and "SEED 7" in text
    assert file.stat().st_mode & 0o777 == 0o640
    assert _code_out_err(capsys, "fmt", "--check", str(file))[0] == 0
    assert mile("fmt", "-", stdin="predict y from t").stdout.split() == ["PREDICT", "y", "FROM", "t"]


def test_fmt_leaves_a_file_with_mistakes_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "a.mile"
    file.write_text("PREDICT y FORM t", encoding="utf-8")
    code, _, err = _code_out_err(capsys, "fmt", str(file))
    assert code == 3 and "a.mile:1:11" in err
    assert file.read_text(encoding="utf-8") == "PREDICT y FORM t"


def test_help_is_quick_because_it_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = ["rich", "duckdb", "sqlalchemy", "lark", "numpy", "pandas", "sklearn", "prompt_toolkit", "mileage.session"]
    code = (
        "import sys\nfrom mileage.apps.cli import main\ncode = main(sys.argv[1:])\n"
        f"print([name for name in {heavy} if name in sys.modules], code, file=sys.stderr)"
    )
    for arguments in (["--help"], [], ["run", "--help"], ["version"], ["shwo"]):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=30, check=True)
        assert done.stderr.splitlines()[-1].startswith("[] ")
    assert not list(tmp_path.iterdir())


def test_help_says_the_exit_codes_and_no_argument_gives_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _code_out_err(capsys, "--help")
    assert code == 0
    assert all(f"  {number} " in out for number in (0, 1, 2, 3, 4, 5, 130))
    code, out, _ = _code_out_err(capsys)
    assert code == 0 and "PREDICT species FROM" in out
    assert _code_out_err(capsys, "version")[1] == _code_out_err(capsys, "--version")[1]
    assert json.loads(_code_out_err(capsys, "version", "--json")[1])["kind"] == "version"


def test_typers_own_runner_works_on_the_commands() -> None:
    from mileage.apps.cli.main import app

    done = CliRunner().invoke(app, ["show", "data"], obj=Output(Options()))
    assert (done.exit_code, done.stdout) == (0, "SHOW data\n")


def test_a_reader_that_leaves_early_is_no_failure(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'from mileage.apps.cli import main; raise SystemExit(main())' --help | head -0; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, timeout=30, check=True)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert done.stdout.strip() == "0"


def test_words_become_one_text() -> None:
    assert join(["APPLY", "@w1", "TO", "new.csv", "INTO", "out.csv;"]) == "APPLY @w1 TO 'new.csv' INTO 'out.csv';"
    assert join(["PREDICT", "y", "FROM", "(SELECT 1)", "PREFER", "robust", "TO", "noise"]).endswith(
        "(SELECT 1) PREFER robust TO noise"
    )
    assert hoist(["a", "--", "--json"]) == ([], ["a", "--", "--json"])
    assert hoist(["a", "--project=p", "-q"]) == (["--project=p", "-q"], ["a"])
    assert route(["explain", "@q1"], ["explain"]) == ["explain", "@q1"]


@pytest.mark.parametrize(
    "command", ["run", "repl", "check", "fmt", "explain", "show", "compare", "apply", "export", "clean", "completion"]
)
def test_the_help_of_each_command_has_an_example(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, _ = _code_out_err(capsys, command, "--help")
    assert code == 0
    assert f"mile {command}" in out.partition("Examples:")[2]
    assert max(map(len, out.splitlines())) <= 100


def test_help_and_import_load_nothing_heavy() -> None:
    heavy = ("pandas", "sklearn", "duckdb", "lightgbm", "numpy", "scipy", "optuna", "sqlalchemy", "pyarrow", "rich")
    asked = "import sys, mileage; from mileage.apps.cli import main; main(['--help']); main(['show', '--help']);"
    told = f"print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked + told], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_every_command(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    code, out, _ = _code_out_err(capsys, "completion", shell)
    assert code == 0
    assert "run repl check fmt explain show compare apply export clean" in out
    if shell == "bash":
        asked = out + '\nCOMP_WORDS=(mile ex); COMP_CWORD=1; _mile; echo "${COMPREPLY[*]}"'
        done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["explain", "export"]


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _code_out_err(capsys, "completion", "tcsh")
    assert (code, "known: bash, zsh, fish" in err) == (2, True)


def test_signs_become_ascii_where_the_terminal_has_no_other(mile: Mile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = mile(QUERY)
    assert done.returncode == 0
    assert "0.9000 +- 0.0100" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [QUERY],
        ["PREDICT nope FROM t"],
        ["shw"],
        ["show"],
        ["check", "gone.mile"],
        ["export", "@w1"],
        ["clean"],
        ["version"],
        ["fmt", "PREDICT y FROM t"],
    ],
)
def test_json_is_exactly_one_object_whatever_happens(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = _code_out_err(capsys, "--json", *arguments)
    answer = json.loads(out)
    assert isinstance(answer, dict)
    assert err == ""
    assert ("error" in answer) == (code != 0)


def test_the_start_of_the_process_is_known():
    code = "from mileage.apps.cli.main import _process_began_s; print(_process_began_s())"
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert before - 0.02 <= float(done.stdout) <= time.monotonic()


def test_what_a_shell_did_before_it_became_mile_is_not_of_the_budget():
    code = (
        "import time; from mileage.apps.cli.main import _process_began_s; print(time.monotonic() - _process_began_s())"
    )
    asked = f"sleep 4; exec {sys.executable} -c '{code}'"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 3
