"""The port of a simulated board, which can tell whether its board still lives."""

from pathlib import Path

import serial

from boardmaps_host.client.errors import PortMissing
from boardmaps_host.client.transports.serial import SerialTransport
from boardmaps_sim.pty_port import has_ended


class SimulatedTransport(SerialTransport):
    """A link to a PTY, with a lock beside it that ends with the board, however that ends."""

    def _opened(self) -> serial.SerialBase:
        if has_ended(Path(self.name)):  # the PTY behind the link may be anybody's by now
            raise PortMissing(f"{self.name}: the simulated board of this port has ended. Start one: boardmaps sim")
        return super()._opened()
