"""`boardmaps completion`: names of commands, maps, keys and fields on the Tab key, for good, by one command."""

import os
from contextlib import suppress
from pathlib import Path

from . import options, output
from .drawing import click

_SHELLS = ("bash", "zsh", "fish")
_BEGIN, _END = "# >>> boardmaps completion >>>", "# <<< boardmaps completion <<<"


@click.command("completion")
@click.argument("shell", required=False, type=click.Choice(_SHELLS))
@click.option("--remove", is_flag=True, help="Take it away again.")
@click.option("--show", is_flag=True, help="Print the script and change nothing.")
@options.as_json
@click.pass_context
def command(context: click.Context, shell: str | None, remove: bool, show: bool, as_json: bool) -> None:
    """Have SHELL complete the words of this command on the Tab key; of a board in $BOARDMAPS_PORT also maps, keys and fields.

    SHELL is bash, zsh or fish, by itself the one in $SHELL. A script goes into the user's data folder, and for bash and zsh a
    line that reads it into .bashrc or .zshrc; new shells have it. Doing it again changes nothing.

    JSON: {"shell", "script": its path, "startup": the file that reads it or null, "changed"}.
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in _SHELLS:
        raise click.UsageError(f"$SHELL is {name or 'not set'}; name the shell: bash, zsh or fish.")
    if show:
        output.say(_script(context, name).rstrip("\n"))
        return
    script, startup = _places(name)
    try:
        changed = _write(script, None if remove else _script(context, name))
        if startup is not None:
            changed |= _write(startup, _with(startup, "" if remove else _lines(script)), keep=True)
    except OSError as error:
        raise click.FileError(error.filename or str(script), error.strerror) from error
    if as_json:
        told = None if startup is None else str(startup)
        output.as_json({"shell": name, "script": str(script), "startup": told, "changed": changed})
    elif remove:
        output.say(f"{name}: the completion is {'removed' if changed else 'not there'}")
    else:
        where = f"{script}{f', read by {startup}' if startup else ''}"
        output.say(f"{name}: {where}; {'a new shell has it' if changed else 'it was there'}")


def _script(context: click.Context, shell: str) -> str:
    """Return what the shell is to read: click's own script, with zsh's completion begun where it is not."""
    from click.shell_completion import get_completion_class  # saves start-up time: needed by this command alone

    class_ = get_completion_class(shell)
    assert class_ is not None
    made = class_(context.find_root().command, {}, "boardmaps", "_BOARDMAPS_COMPLETE")
    text = made.source_template % made.source_vars()  # source() asks bash for its version, which need not be there
    if shell == "zsh":
        text = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n" + text
    return text.strip("\n") + "\n"


def _places(shell: str) -> tuple[Path, Path | None]:
    """Return where the script goes, and the file that is to read it; fish reads its folder by itself."""
    home = Path.home()
    if shell == "fish":
        return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "fish/completions/boardmaps.fish", None
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share") / "boardmaps"
    if shell == "zsh":
        return data / "completion.zsh", Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    return data / "completion.bash", home / ".bashrc"


def _lines(script: Path) -> str:
    quoted = str(script).replace("'", "'\\''")
    return f"{_BEGIN}\n[ -f '{quoted}' ] && . '{quoted}'\n{_END}\n"


def _with(path: Path, lines: str) -> str:
    """Return a start-up file with our lines, or without for ""; all others stay as they are."""
    text = ""
    with suppress(FileNotFoundError):
        text = path.read_text("utf-8", "surrogateescape")
    before, begin, rest = text.partition(_BEGIN)
    if begin and _END in rest:
        return before + lines + rest.partition(_END)[2].removeprefix("\n")
    return text + ("\n" if text and not text.endswith("\n") and lines else "") + lines


def _write(path: Path, text: str | None, *, keep: bool = False) -> bool:
    """Have a file hold a text, None: have none there; return whether that changed anything. `keep`: no file is made for ""."""
    old = None
    with suppress(FileNotFoundError):
        old = path.read_text("utf-8", "surrogateescape")
    if old == text or (keep and not text and old is None):
        return False
    if text is None:
        path.unlink()
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.resolve()  # a link to a folder of settings stays one
    fresh = place.with_name(f"{place.name}.boardmaps")
    fresh.write_text(text, "utf-8", "surrogateescape")
    if old is not None:
        fresh.chmod(place.stat().st_mode & 0o7777)
    os.replace(fresh, place)
    return True
