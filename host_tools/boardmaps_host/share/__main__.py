"""`python -m boardmaps_host.share PORT`: become the port's hub. The process that was called ends when the hub listens.

Ends with 0 also when the port has a hub already.
"""

import os
import signal
import sys
import traceback

from boardmaps_host.client.errors import LinkError
from boardmaps_host.share import meeting


def main(port: str) -> int:
    """Be the hub of `port`; return in the process that was called, never in the hub's."""
    sys.path[:] = [os.path.abspath(entry) for entry in sys.path]  # modules are loaded when they are needed
    try:
        place = meeting.Place(port)
        listening = meeting.listen(place)
    except (LinkError, OSError) as e:
        print(e)
        return 1
    if listening is None:
        return 0
    if os.name == "posix" and os.fork():
        return 0
    _serve(place, *listening)
    os._exit(0)


def _serve(place: meeting.Place, listener: "meeting.Listener", lock: int) -> None:
    """Serve in a process that belongs to no terminal. Of a mistake of ours the traceback is kept beside the socket."""
    if os.name == "posix":
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
    os.chdir(os.path.abspath(os.sep))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    try:
        from boardmaps_host.share.hub import Hub  # only now: whoever waits for us sees that we listen
        from boardmaps_host.share.waiting import Waiting

        waiting = Waiting(listener, meeting.token_of(place))
        Hub(place, waiting).run()
        place.socket.unlink(missing_ok=True)
        waiting.end()
    except BaseException:
        place.socket.with_suffix(".failed").write_text(traceback.format_exc())
        raise
    finally:
        os.close(lock)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
