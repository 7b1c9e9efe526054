"""Having a port that programs share for oneself: for a deploy, for esptool, for mpremote."""

import contextlib
from collections.abc import Iterator

from boardmaps_host.client.errors import LinkError, PortBusy
from boardmaps_host.share import meeting

_PATIENCE = 30.0  # seconds that a hub may take to finish what the board is doing


@contextlib.contextmanager
def released(target: str) -> Iterator[bool]:
    """Have the hub of a port, if there is one, give it away for the time of the block; its programs wait, and go on then.

    Yields whether there is one. Raises LinkError when the hub does not answer.
    """
    with contextlib.ExitStack() as stack:
        line = _ask(target, None)
        if line is not None:
            stack.enter_context(line)
        yield line is not None


def release(target: str, seconds: float) -> bool:
    """Have the hub of a port give it away until another program has had it, or for so long if none comes.

    Returns whether there is a hub.
    """
    line = _ask(target, seconds)
    if line is None:
        return False
    line.close()
    return True


def _ask(target: str, seconds: float | None) -> "meeting.Listener | None":
    port = meeting.shared_port(meeting.port_name(target))
    if port is None:
        return None
    try:
        line = meeting.call(meeting.Place(port))
    except meeting.NoHub:
        return None
    words = meeting.about("release", **({} if seconds is None else {"seconds": seconds}))
    try:
        answer, _ = meeting.ask(line, words, _PATIENCE)
    except meeting.NoHub:
        line.close()
        return None
    except TimeoutError:
        line.close()
        raise PortBusy(f"{target}: the hub that shares this port does not answer. See: boardmaps hub") from None
    except BaseException:
        line.close()
        raise
    if answer.get("ok"):
        return line
    line.close()
    if "error" in answer:
        raise meeting.told_error(answer)
    raise LinkError(
        f"{target}: its hub (pid {answer.get('pid')}) is of boardmaps {answer.get('fw')} and gives no port away. End the "
        "programs that use it: boardmaps hub"
    )
