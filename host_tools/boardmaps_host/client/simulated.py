"""A simulated board for one connection: the one that runs already under the name, else one started for it."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

from boardmaps_host.client.errors import LinkError, NotDeployed
from boardmaps_sim.base import BoardError, SimulatedBoard

_numbers = itertools.count(1)


def start(target: str) -> tuple[str, Callable[[], None] | None]:
    """Return (port of the maps, what ends the board) for "unix", "pico" or "qemu".

    A board that `boardmaps sim` runs under that name is used as it is and not ended. Else a fresh one is booted, with the
    present boardmaps on it. Raises LinkError with what is missing and how to get it.
    """
    from boardmaps_sim.unix import default_port

    running = default_port(target)
    if running.exists():
        return str(running), None
    board = _make(target, default_port(f"{target}-{os.getpid()}-{next(_numbers)}"))
    try:
        board.start()
    except BoardError as e:
        raise LinkError(str(e)) from e
    try:
        if target != "qemu":  # its firmware has boardmaps frozen in
            _deploy(board.port)
    except BaseException:
        board.stop()
        raise
    return board.maps_port, board.stop


def _make(target: str, port: Path) -> SimulatedBoard:
    if target == "unix":
        from boardmaps_sim.unix import UnixBoard

        return UnixBoard(port.name, port=port)
    if target == "pico":
        from boardmaps_sim.pico import PicoBoard

        return PicoBoard(port.name)
    from boardmaps_sim.qemu import QemuBoard

    return QemuBoard(port.name)


def _deploy(port: str) -> None:
    from boardmaps_host.deploy import DeployError, deploy

    try:
        deploy(port, reset=False)
    except DeployError as e:
        raise NotDeployed(str(e)) from e
