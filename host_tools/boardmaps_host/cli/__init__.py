"""The command `boardmaps`. Parsing and printing live here and nowhere else; what it does is in the packages beside it.

Exit status: 0 done, 1 refused or failed (also a key that is not there), 2 wrong usage, 130 after Ctrl-C, 141 when the
reader of a pipe went away. Errors are one line on stderr, with --json also {"error": "..."} on stdout.
"""

import errno
import os
import sys
from typing import Any

import rich_click as click
from click import exceptions
from click.exceptions import Exit

from . import output
from .root import boardmaps

_FAILED, _USAGE, _INTERRUPTED, _PIPE_CLOSED = 1, 2, 130, 141

_HELP_WANTED: Any = getattr(exceptions, "NoArgsIsHelpError", ())  # click before 8.2 prints the help itself


def main(args: list[str] | None = None) -> None:
    """Run the command with `args` (the process's own when None) and leave the process with its exit status."""
    words = sys.argv[1:] if args is None else args
    try:
        status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads our output has read enough (| head). Python would flush once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _PIPE_CLOSED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        output.error(f"the output cannot be written: {error.strerror}.", as_json=False)
        status = _FAILED
    sys.exit(status)


def _run(words: list[str]) -> int:  # noqa: PLR0911 - one for each way to end
    if "_BOARDMAPS_COMPLETE" in os.environ:  # a shell asks how a word may go on
        boardmaps.main(args=words, prog_name="boardmaps")
    as_json = output.wants_json(words)
    try:
        # Not boardmaps.main(), which prints a line of its own on Ctrl-C and ends a closed pipe in its own way.
        with boardmaps.make_context("boardmaps", list(words)) as context:
            status = boardmaps.invoke(context)
    except Exit as ended:
        return ended.exit_code
    except _HELP_WANTED as error:
        click.echo(error.format_message(), err=True)
        return _USAGE
    except click.UsageError as error:
        hint = f" See: {error.ctx.command_path} --help" if error.ctx else ""
        output.error(error.format_message() + hint, as_json=as_json)
        return _USAGE
    except click.ClickException as error:
        output.error(error.format_message(), as_json=as_json)
        return _FAILED
    except (KeyboardInterrupt, click.Abort) as stopped:
        if str(stopped):
            output.error(str(stopped), as_json=as_json)
        return _INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        if not isinstance(error, _expected()):
            raise  # a mistake of ours: the traceback is what a bug report needs
        output.error(str(error), as_json=as_json)
        return _FAILED
    return status if isinstance(status, int) else 0


def _expected() -> tuple[type[Exception], ...]:
    """The errors whose text is made for people. Imported only when something went wrong: most of it costs time."""
    # saves start-up time: needed when something went wrong
    from boardmaps.errors import MapError
    from boardmaps_host.boards import DefinitionError
    from boardmaps_host.client.errors import LinkError
    from boardmaps_host.deploy import DeployError
    from boardmaps_host.flash.image import FlashError
    from boardmaps_sim.base import BoardError

    return MapError, BoardError, DefinitionError, LinkError, DeployError, FlashError
