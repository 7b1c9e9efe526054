"""One run of the command: from its words to its exit status."""

import errno
import os
import sys
from typing import Any

from click import exceptions
from click.exceptions import Exit

from ..terminal import replace_what_cannot_be_shown
from . import output
from .drawing import click
from .root import boardmaps

_FAILED, _USAGE, _INTERRUPTED, _PIPE_CLOSED = 1, 2, 130, 141

_HELP_WANTED: Any = getattr(exceptions, "NoArgsIsHelpError", ())  # click before 8.2 prints the help itself


def run(words: list[str]) -> int:
    """Run the command and return its exit status. Raises only what is a mistake of ours."""
    replace_what_cannot_be_shown()
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
        output.error(f"the output cannot be written: {error.strerror}.", plain=True)
        status = _FAILED
    finally:
        output.begin(())  # a program that calls this again asks anew
    return status


def _run(words: list[str]) -> int:  # noqa: PLR0911 - one for each way to end
    if "_BOARDMAPS_COMPLETE" in os.environ:  # a shell asks how a word may go on
        boardmaps.main(args=words, prog_name="boardmaps")
    output.begin(words)
    try:
        # Not boardmaps.main(), which prints a line of its own on Ctrl-C and ends a closed pipe in its own way.
        with boardmaps.make_context("boardmaps", list(words)) as context:
            status = boardmaps.invoke(context)
    except Exit as ended:
        return ended.exit_code
    except _HELP_WANTED as error:
        click.echo(error.format_message(), err=True)  # our own text, in colours on a terminal
        return _USAGE
    except click.UsageError as error:
        from .mistakes import said  # saves start-up time: needed when something went wrong

        output.error(said(error, words))
        return _USAGE
    except click.ClickException as error:
        output.error(error.format_message())
        return _FAILED
    except (KeyboardInterrupt, click.Abort) as stopped:
        if str(stopped):
            output.error(str(stopped))
        return _INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        if not isinstance(error, _expected()):
            raise  # a mistake of ours: the traceback is what a bug report needs
        from .mistakes import not_there  # saves start-up time: needed when something went wrong

        output.error(not_there(error, words))
        return _FAILED
    return status if isinstance(status, int) else 0


def _expected() -> tuple[type[Exception], ...]:
    """The errors whose text is made for people. Imported only when something went wrong: most of it costs time."""
    # saves start-up time: needed when something went wrong
    from boardmaps.errors import MapError
    from boardmaps_host.boards import DefinitionError
    from boardmaps_host.client.errors import LinkError
    from boardmaps_host.deploy import DeployError
    from boardmaps_host.export import ExportError
    from boardmaps_host.flash.image import FlashError
    from boardmaps_host.state.errors import StateError
    from boardmaps_sim.base import BoardError

    return MapError, BoardError, DefinitionError, LinkError, DeployError, ExportError, FlashError, StateError
