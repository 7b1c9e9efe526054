"""What is said of words that are wrong: click's own sentence, and where people get it wrong once, what to write."""

import re
import shlex
from collections.abc import Sequence

from click import exceptions

from .drawing import click

_PORT = ("--port", "-P")
_EXAMPLE = "E.g. --port /dev/ttyACM0, or --port unix while `boardmaps sim` runs; or set BOARDMAPS_PORT."
_PRETTY = " -p is --pretty; the port is -P."
_LIKE_A_PORT = re.compile(r"unix|pico|qemu|twin|auto|[auc]\d+|COM\d+|/.+|.+://.+")


def said(error: click.UsageError, words: Sequence[str]) -> str:
    """Return what to say of a mistake in the command line `words`."""
    command = error.ctx.command if error.ctx else None
    if isinstance(error, exceptions.NoSuchOption) and isinstance(command, click.Group) and error.option_name in _PORT:
        return f"{error.option_name} goes behind the command: {_moved(words, error.option_name)}"
    text = error.format_message()
    text += "" if text.endswith((".", "?", "!")) else "."
    no_port = isinstance(error, exceptions.MissingParameter) and error.param is not None and error.param.name == "port"
    if no_port:
        text += f" {_EXAMPLE}"
    if (word := _behind_pretty(words)) and (no_port or _LIKE_A_PORT.fullmatch(word)):
        text += _PRETTY
    if command is not None and command.name == "deploy" and (extra := re.search(r"extra argument \((.+)\)", text)):
        text += f" Did you mean --app {extra[1]}?"
    return text + (f" See: {error.ctx.command_path} --help" if error.ctx else "")


def _moved(words: Sequence[str], option: str) -> str:
    """Return the command line with an option, and its value, behind the rest."""
    at = next((i for i, word in enumerate(words) if word.startswith(option)), len(words))
    end = at + (1 if "=" in words[at] or len(words[at]) > len(option) else 2) if at < len(words) else at
    return shlex.join(["boardmaps", *words[:at], *words[end:], *words[at:end]])


def not_there(error: Exception, words: Sequence[str]) -> str:
    """Return what to say of something that is not there; a map that is called as a port is was not meant as one."""
    return str(error) + (f".{_PRETTY}" if _LIKE_A_PORT.fullmatch(_behind_pretty(words)) else "")


def _behind_pretty(words: Sequence[str]) -> str:
    """Return the word behind -p, which is an option without a value; "" when there is none."""
    behind = words[words.index("-p") + 1 :] if "-p" in words else []
    return behind[0] if behind and not behind[0].startswith("-") else ""
