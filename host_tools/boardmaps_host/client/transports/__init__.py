"""What carries the line, one module a transport, imported when it is used: the twin's needs no pyserial, a port no simulator.

base.py says what a transport does; serial.py (a port), url.py (a URL of pyserial's), tcp.py (a board on the network) and
simulated.py (the port of a simulated board) are opened by open_port(); twin.py is memory;
locked.py stands between any of them and a session, with a key.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boardmaps_host.client.transports.serial import SerialTransport
    from boardmaps_host.client.transports.tcp import TcpTransport


def open_port(target: str) -> "SerialTransport | TcpTransport":
    """Open a port: its name, mpremote's shortcut for it, a URL, or a board on the network. Raises PortMissing or PortBusy."""
    # Each import saves the others' modules at the start of the command.
    if target.startswith("tcp://"):
        from boardmaps_host.client.transports.tcp import TcpTransport  # when a board on the network is named

        return TcpTransport(target)
    if "://" in target:
        from boardmaps_host.client.transports.url import UrlTransport  # when a URL is given

        return UrlTransport(target)
    if os.path.islink(target) and os.path.exists(f"{target}.lock"):
        from boardmaps_host.client.transports.simulated import SimulatedTransport  # when it is one

        return SimulatedTransport(target)
    from boardmaps_host.client.transports.serial import SerialTransport  # not for the twin, which needs no pyserial

    return SerialTransport(target)
