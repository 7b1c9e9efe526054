"""A serial port where pyserial has no descriptor to wait for, as on Windows: which ports there are, and no busy loop."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
import serial

from boardmaps_host.client import PortBusy, PortMissing
from boardmaps_host.client.transports import serial as transport
from boardmaps_host.client.transports.serial import SerialTransport


class WindowsPort:
    """pyserial's port of Windows, as far as it is used here: reading waits for `timeout`."""

    in_waiting = 0
    reads = 0

    def __init__(self, name: str, **settings: Any) -> None:
        self.timeout = settings["timeout"]
        if name == "COM11":
            text = "could not open port 'COM11': FileNotFoundError(2, 'The system cannot find the file specified.', None, 2)"
            raise serial.SerialException(text)
        if name == "COM12":
            raise serial.SerialException(
                "could not open port 'COM12': PermissionError(13, 'Access is denied.', None, 5)"
            )

    def read(self, _size: int) -> bytes:
        self.reads += 1
        time.sleep(self.timeout)
        return b""


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "os", SimpleNamespace(name="nt", getpid=lambda: 1))
    monkeypatch.setattr(serial, "Serial", WindowsPort)


def test_com10_is_there_though_no_file_is_called_so() -> None:
    assert SerialTransport("COM10").name == "COM10"
    assert SerialTransport("c10").name == "COM10"


def test_a_port_that_is_not_there_or_in_use_is_told_by_pyserial() -> None:
    with pytest.raises(PortMissing, match=r"COM11: there is no such port\. Ports with a board: "):
        SerialTransport("COM11")
    with pytest.raises(PortBusy, match="COM12 is in use by another program"):
        SerialTransport("COM12")


def test_waiting_takes_no_processor() -> None:
    line = SerialTransport("COM10")
    began, used = time.monotonic(), time.process_time()
    assert line.read(0.5) == b""
    assert time.monotonic() - began >= 0.5
    assert time.process_time() - used < 0.2
    port: Any = line._port
    assert port.reads <= 0.5 / transport.PAUSE + 1
