"""``mile completion``: a few lines for the shell, which then completes commands, options and files by itself."""

from __future__ import annotations

from collections.abc import Sequence

from mileage.apps.cli.arguments import FLAGS, VALUED

SHELLS = ("bash", "zsh", "fish")

_BASH = """\
_mile() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}"
    if [[ "$word" == -* ]]; then
        COMPREPLY=($(compgen -W "{options}" -- "$word"))
    elif [[ "$COMP_CWORD" == 1 ]]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
    elif [[ "${{COMP_WORDS[1]}}" == show && "$COMP_CWORD" == 2 ]]; then
        COMPREPLY=($(compgen -W "{topics}" -- "$word"))
    elif [[ "${{COMP_WORDS[1]}}" == explain && "$COMP_CWORD" == 2 ]]; then
        COMPREPLY=($(compgen -W "plan space data" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -F _mile mile"""

_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"

_FISH = """\
complete -c mile -n __fish_use_subcommand -a "{commands}"
complete -c mile -n "__fish_seen_subcommand_from show" -a "{topics}"
complete -c mile -n "__fish_seen_subcommand_from explain" -a "plan space data"
{flags}"""


def completion_script(shell: str, commands: Sequence[str], topics: Sequence[str]) -> str:
    """Return what a shell evaluates to complete ``mile``.

    Examples
    --------
    >>> completion_script("fish", ["run", "show"], ["data"]).splitlines()[0]
    'complete -c mile -n __fish_use_subcommand -a "run show"'
    """
    options = [name for name in (*FLAGS, *VALUED) if name.startswith("--")]
    flags = "\n".join(f"complete -c mile -l {name.removeprefix('--')}" for name in options)
    words = {
        "commands": " ".join(commands),
        "topics": " ".join(topics),
        "options": " ".join([*options, "--help"]),
        "flags": flags,
    }
    if shell == "fish":
        return _FISH.format(**words)
    return (_ZSH if shell == "zsh" else "") + _BASH.format(**words)
