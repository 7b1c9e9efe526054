"""What comes unasked: the board's prints and events, taken while no request is under way."""

import time

from boardmaps_host.client.connection import Connection
from boardmaps_host.client.errors import PortGone, PortReleased
from boardmaps_host.client.opening import Opening
from boardmaps_host.client.states import State, Step

_TURN = 0.05  # seconds that the line is kept at a time, so that other threads get it too
_QUIET = 0.1  # seconds without a byte after which an unfinished line of output is shown
_REST = 1.0  # what looks like the beginning of a frame waits so long for its rest


class Pump:
    """Takes what comes on `connection`, and sees to it that a session stays open while somebody listens."""

    def __init__(self, connection: Connection, opening: Opening) -> None:
        self._connection = connection
        self._opening = opening
        self._patience = 0.0  # until when a port that is gone is waited for

    def turn(self, seconds: float) -> bool:
        """Take what comes within `seconds`, at most a twentieth; return whether the board should say again what it waits for.

        A port that is gone is opened again as soon as it is there. Raises PortGone when it is not for `timeout` seconds,
        FirmwareError when the program on the board has ended, and what opening a session raises.
        """
        connection = self._connection
        connection.check_usable()
        if connection.state is State.GONE and not connection.back():
            if isinstance(connection.gone, PortReleased):  # whoever listens waits for its end
                self._patience = time.monotonic() + connection.timeout
            elif time.monotonic() > self._patience and connection.gone is not None:
                self._patience = time.monotonic() + connection.timeout
                raise connection.gone
            time.sleep(max(0.0, min(seconds, _TURN)))
            return False
        try:
            return self._take(seconds)
        except PortGone as gone:
            connection.cut(gone)
            self._patience = time.monotonic() + connection.timeout
            return False

    def _take(self, seconds: float) -> bool:
        connection = self._connection
        woken = connection.state is not State.OPEN
        if woken:
            self._opening.ready(0.0)
        data = connection.line.read(max(0.0, min(seconds, _TURN)))
        connection.receive(data)
        now = time.monotonic()
        ended = not data and connection.may_have_ended()
        unheard = now - connection.heard > connection.session.silence / 3  # the board is to know that somebody is there
        if ended or unheard:
            connection.happened(Step.SILENCE)
            self._opening.resume()
            woken = True
        if now - connection.read_at > (_REST if connection.session.begun() else _QUIET):
            connection.show_held()
        return woken
