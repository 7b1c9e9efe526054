"""A board on the network: tcp://HOST:PORT, where its firmware serves on a TcpLine, with a key."""

import contextlib
import select
import socket
from urllib.parse import urlsplit

from boardmaps_host.client.errors import LinkError, PortGone, PortMissing

_CONNECT = 5.0  # seconds
_STALL = 5.0  # seconds without a byte taken


def refuse_without_key(target: str, key: object) -> None:
    """Raise LinkError for a board on the network when no key was given."""
    if target.startswith("tcp://") and key is None:
        raise LinkError(
            f"{target}: a board on the network is reached with its key alone. Give it: connect(…, key=…), --key-file or "
            "BOARDMAPS_KEY."
        )


class TcpTransport:
    """A connection to a board. Raises PortMissing when nobody listens there, PortGone when the board has ended it."""

    def __init__(self, target: str) -> None:
        self.name = target
        self._open()

    def _open(self) -> None:
        parts = urlsplit(self.name)
        try:
            place = (parts.hostname or "", parts.port or 0)
        except ValueError:  # no number, or none that a port has
            place = ("", 0)
        if not all(place) or parts.path.strip("/"):
            raise PortMissing(f"{self.name}: it is no address of a board. Give tcp://HOST:PORT.")
        try:
            self._socket = socket.create_connection(place, timeout=_CONNECT)
        except OSError as e:
            raise PortMissing(f"{self.name}: {e.strerror or e}. Is the board on the network, and serves it?") from e
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that tells when there is something to read."""
        return self._socket.fileno()

    def reopen(self) -> None:
        """Connect again."""
        self.close()
        self._open()

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, waiting up to `timeout` seconds for the first byte."""
        try:
            if not select.select((self._socket,), (), (), timeout)[0]:
                return b""
            data = self._socket.recv(8192)
        except BlockingIOError:
            return b""
        except (OSError, ValueError) as e:  # the latter of a socket that is closed
            raise PortGone(f"{self.name}: the connection is gone ({e}). Is the board still on the network?") from e
        if not data:
            raise PortGone(f"{self.name}: the board has ended the connection. Did it restart, or has it another host?")
        return data

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises PortGone also when the board takes nothing for 5 seconds."""
        try:
            while data:
                try:
                    data = data[self._socket.send(data) :]
                except BlockingIOError:
                    if not select.select((), (self._socket,), (), _STALL)[1]:
                        raise PortGone(
                            f"{self.name}: the board takes nothing. Is its firmware still polling?"
                        ) from None
        except (OSError, ValueError) as e:
            raise PortGone(f"{self.name}: writing failed ({e}). Is the board still on the network?") from e

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        with contextlib.suppress(OSError):
            self._socket.close()
