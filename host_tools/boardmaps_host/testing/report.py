"""What a failing test shows of its board: the last that it printed, and the crash that it has on record."""

import contextlib
import io

from boardmaps.errors import MapError
from boardmaps_host import Board
from boardmaps_host.client.errors import FirmwareError, LinkError

_LISTEN = 0.1  # seconds for what the board has printed last
_PATIENCE = 5.0  # seconds that a board which answers nothing may hold up the report


def crashes_of(board: Board) -> str:
    """Return what the board has on record, as `boardmaps postmortem` shows it; "" when that is nothing.

    Hears first what the board has printed. A board that does not answer is a sentence.
    """
    connection = board.link.connection
    timeout, connection.timeout = connection.timeout, min(connection.timeout, _PATIENCE)
    try:
        with contextlib.suppress(FirmwareError):  # the program's end is told once; then the REPL answers
            board.listen(_LISTEN)
        board.link.refresh()
        return _shown(board) if board.crash_on_record else ""
    except FirmwareError as error:
        return str(error)
    except (LinkError, MapError) as error:
        return f"the board was asked what it has on record: {error}"
    finally:
        connection.timeout = timeout


def _shown(board: Board) -> str:
    # saves start-up time: for a board that has crashed
    from boardmaps_host.cli.postmortem import show
    from boardmaps_host.postmortem import of_board

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        show(of_board(board), all_maps=False, as_json=False)
    return text.getvalue()
