"""A port that programs share: the line to its hub, which is started by whoever comes first (boardmaps_host.share).

To the client the hub is a board. What ends the connection comes as the hub's last words, an error that is raised where the
program would have seen it alone; the client then finds the port gone, and reopen() meets the hub again, or another one.
"""

import select
import struct
import time

from boardmaps_host.client.errors import LinkError, NoAnswer, PortGone, PortReleased, VersionMismatch
from boardmaps_host.share import meeting
from boardmaps_host.share.meeting import LAST_WORDS, NoHub

_WORD = struct.Struct("<I")
_TRIES = 8  # hubs that may end just when they are called, one after the other
_MORE = 20.0  # seconds beside the timeout that a hub may take to find the board: its server may have to be started
_RELEASED = 0.25  # seconds between two looks whether a port that was given away is back
_STALL = 5000  # milliseconds without a byte taken


class SharedTransport:
    """Carries the line of one session to the hub of `port`, the name that all know it by. `key` is for a locked line.

    `name` is what errors call it. Raises what opening the board raises in the hub, LinkError for a hub of another version or
    another user, PortReleased while another program has the port.
    """

    def __init__(self, name: str, port: str, timeout: float, serve: str, key: bytes | str | None) -> None:
        self.name = name
        self.hub = 0  # the hub's process
        self._place = meeting.Place(port)
        self._about = meeting.about("board", timeout=timeout, serve=serve, key=key is not None, name=name)
        self._key = {"key": key.hex()} if isinstance(key, bytes) else {"phrase": key}
        self._patience = timeout + _MORE
        self._last: LinkError | None = None  # what ends the connection, and is to be raised
        self._lost = b""  # the frame that says so of what is written now, if that is sure not to be executed
        self._wrote = False
        self._open()

    def _open(self) -> None:
        for left in range(_TRIES - 1, -1, -1):
            try:
                self._line = meeting.call(self._place)
            except NoHub:
                meeting.start(self._place)
                continue
            try:
                self._attach()
            except NoHub:  # it was about to end
                self._line.close()
                if left:
                    time.sleep(0.02)
                    continue
                raise LinkError(f"{self.name}: the hub that shares this port ends again and again.") from None
            except BaseException:
                self._line.close()
                raise
            return
        raise LinkError(f"{self.name}: no hub that shares this port can be reached. Own it alone: share=False.")

    def _attach(self) -> None:
        try:
            answer, rest = meeting.ask(self._line, self._about, self._patience)
            if answer.get("need") == "key":
                answer, rest = meeting.ask(self._line, self._key, self._patience)
        except TimeoutError:
            raise NoAnswer(
                f"{self.name}: the hub that shares this port does not answer. See: boardmaps hub; or own it alone: share=False."
            ) from None
        if answer.get("v") != meeting.PROTOCOL:
            raise VersionMismatch(
                f"{self.name}: its hub (pid {answer.get('pid')}) is of boardmaps {answer.get('fw')} and speaks version "
                f"{answer.get('v')}, this program {meeting.PROTOCOL}. End the programs that use it (see boardmaps hub), or own "
                "the port alone: share=False."
            )
        if "error" in answer:
            raise meeting.told_error(answer)
        self.hub = int(answer["pid"])
        self._line.setblocking(False)
        self._pending = rest
        self._last = None
        self._lost, self._wrote = b"", False
        self._readable = select.poll() if hasattr(select, "poll") else None
        if self._readable is not None:
            self._readable.register(self._line, select.POLLIN)

    def reopen(self) -> None:
        """Meet the hub again."""
        self.close()
        try:
            self._open()
        except PortReleased:
            time.sleep(_RELEASED)
            raise

    def read(self, timeout: float) -> bytes:
        """Return what the hub has sent, waiting up to `timeout` seconds for the first byte."""
        if self._last is not None:
            if self._wrote and self._lost:
                self._wrote = False
                return self._lost
            raise self._ended()
        if not self._pending and not self._wait(timeout):
            return b""
        try:
            data = self._line.recv(65536)
        except BlockingIOError:
            data = b""
            if not self._pending:
                return b""
        except OSError:
            data = b""
            self._last = PortGone(f"{self.name}: the hub that shares this port is gone.")
        else:
            if not data:
                self._last = PortGone(f"{self.name}: the hub that shares this port has ended.")
        if self._pending:
            data = self._pending + data
        found, self._pending = self._chunks(data)
        if not found and self._last is not None:
            raise self._ended()
        return found

    def _wait(self, timeout: float) -> bool:
        try:
            if self._readable is not None:
                return bool(self._readable.poll(timeout * 1000))
            return bool(select.select([self._line], [], [], timeout)[0])
        except (OSError, ValueError):  # it was closed
            return True

    def _chunks(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the line's bytes in `data` and what is not whole yet; keep the last words."""
        if len(data) >= 4 and _WORD.unpack_from(data)[0] == len(data) - 4:  # nearly always
            return data[4:], b""
        found, at = [], 0
        while at + 4 <= len(data):
            (size,) = _WORD.unpack_from(data, at)
            end = at + 4 + (size & ~LAST_WORDS)
            if end > len(data):
                break
            if size & LAST_WORDS:
                words = meeting.first_line(data[at + 4 : end] + b"\n") or {}
                self._last = meeting.told_error(words)
                self._lost = bytes.fromhex(str(words.get("lost", "")))
                found.append(self._lost)  # for what was written meanwhile
            else:
                found.append(data[at + 4 : end])
            at = end
        return b"".join(found), data[at:]

    def _ended(self) -> LinkError:
        """Return what ended the connection; from then on it is gone."""
        last, self._last = (
            self._last,
            PortGone(f"{self.name}: the hub that shares this port has closed this connection."),
        )
        return last or self._last

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises PortGone also when the hub takes nothing for 5 seconds."""
        self._wrote = True
        if self._last is not None:
            return
        try:
            while data:
                try:
                    data = data[self._line.send(data) :]
                except BlockingIOError:
                    if not select.select([], [self._line], [], _STALL / 1000)[1]:
                        raise PortGone(f"{self.name}: the hub that shares this port takes nothing.") from None
        except (OSError, ValueError):
            pass  # it is closed; its last words say more than that, and whoever reads next gets them

    def close(self) -> None:
        """Leave the hub; safe to call twice."""
        self._line.close()
