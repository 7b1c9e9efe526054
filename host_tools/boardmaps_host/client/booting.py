"""A simulated board for one connection: the one that runs already under the name, else one started for it."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

from boardmaps_host.client.errors import LinkError, NoAnswer, NotDeployed
from boardmaps_host.client.repl import Repl, server_failed
from boardmaps_host.client.simulated import running
from boardmaps_host.client.transports.serial import SerialTransport
from boardmaps_sim.base import BoardError, SimulatedBoard

_numbers = itertools.count(1)

# The qemu board has a UART for the maps alone: the program that serves it runs in the REPL of the other one.
_SERVE_UART = """import boardmaps
from cmsdk_uart import UART
line = boardmaps.UartLine(UART(), credit=2048)
while True:
    boardmaps.serve(line=line, allow_reset={allow_reset})
"""


def start(target: str, allow_reset: bool = False) -> tuple[str, Callable[[], None] | None]:
    """Return (port of the maps, what ends the board) for "unix", "pico" or "qemu".

    A board that `boardmaps sim` runs under that name is used as it is and not ended. Else a fresh one is booted, with the
    present boardmaps on it. Raises LinkError with what is missing and how to get it.
    """
    from boardmaps_sim.unix import default_port  # not imported at start-up, for boards that are no simulated ones

    there = running(target)
    if there:
        return there, None
    board = boot(target, default_port(f"{target}-{os.getpid()}-{next(_numbers)}"), allow_reset)
    return board.maps_port, board.stop


def boot(target: str, port: Path, allow_reset: bool = False) -> SimulatedBoard:
    """Boot a fresh "unix", "pico" or "qemu" behind `port`, with the present boardmaps on it, and return it at its REPL.

    Raises LinkError with what is missing and how to get it.
    """
    board = _make(target, port)
    try:
        board.start()
    except BoardError as e:
        raise LinkError(str(e)) from e
    try:
        if board.maps_port != board.port:
            serve_uart(board.port, allow_reset)
        elif target == "unix":  # the others' firmware has boardmaps frozen in
            _deploy(board.port)
    except BaseException:
        board.stop()
        raise
    return board


def serve_uart(repl_port: str, allow_reset: bool = False) -> None:
    """Start the server on a qemu board's second UART, from the REPL on its first."""
    line = SerialTransport(repl_port)
    try:
        repl = Repl(line)
        repl.leave_raw()
        if not repl.at_prompt(5.0):
            raise NoAnswer(f"{repl_port}: the board's REPL does not answer; is a main.py of yours running on it?")
        repl.start(_SERVE_UART.format(allow_reset=allow_reset))
        traceback = repl.failed(0.3)
        if traceback is not None:
            raise server_failed(repl_port, traceback)
    finally:
        line.close()


def _make(target: str, port: Path) -> SimulatedBoard:
    if target == "unix":
        from boardmaps_sim.unix import (
            UnixBoard,  # each board's module when one is made: the others' need not be installed
        )

        return UnixBoard(port.name, port=port)
    if target == "pico":
        from boardmaps_sim.pico import PicoBoard  # see above

        return PicoBoard(port.name, port=port, built_in=True)
    from boardmaps_sim.qemu import QemuBoard  # see above

    return QemuBoard(port.name, port=port)


def _deploy(port: str) -> None:
    from boardmaps_host.deploy import (  # saves start-up time: mpremote is loaded for a fresh board alone
        DeployError,
        deploy,
    )

    try:
        deploy(port, reset=False)
    except DeployError as e:
        raise NotDeployed(str(e)) from e
