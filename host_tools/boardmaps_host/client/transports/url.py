"""A port behind a URL of pyserial's: socket://HOST:PORT, rfc2217://HOST:PORT, spy://PORT."""

import os
from urllib.parse import urlsplit

import serial

from boardmaps_host.client.errors import PortMissing
from boardmaps_host.client.transports.serial import PAUSE, SerialTransport


class UrlTransport(SerialTransport):
    """What a URL leads to. A socket is read and written as a local port is, the others through pyserial."""

    def _opened(self) -> serial.SerialBase:
        patience = None if self.name.startswith("rfc2217:") else 5  # seconds; pyserial has no such timeout there
        try:
            return serial.serial_for_url(self.name, baudrate=115200, timeout=PAUSE, write_timeout=patience)
        except (ValueError, serial.SerialException) as e:
            raise _url_refused(self.name, e) from e

    def _direct(self) -> bool:
        return os.name == "posix" and self.name.startswith("socket:")


def _url_refused(name: str, error: Exception) -> PortMissing:
    """Return what to tell of a URL that leads nowhere."""
    parts = urlsplit(name)
    try:
        complete = bool(parts.hostname and parts.port)
    except ValueError:  # no number, or none that a port has
        complete = False
    if parts.scheme in ("socket", "rfc2217") and not complete:
        return PortMissing(f"{name}: it lacks a host or a port. Give {parts.scheme}://HOST:PORT.")
    why = str(error).removeprefix(f"Could not open port {name}: ")
    if complete:
        return PortMissing(f"{name}: {why}. Does something serve the port there?")
    return PortMissing(f"{name}: {why}. Give socket://HOST:PORT, rfc2217://HOST:PORT, spy://PORT, or a port itself.")
