"""The simulated boards that run already, by their names. booting.py starts one."""

import os

STARTED = ("unix", "pico", "qemu")  # those that connect() starts when none is running


def names() -> list[str]:
    """Return the names of the boards that `boardmaps sim` runs."""
    if not hasattr(os, "getuid"):  # Windows has no simulated boards
        return []
    # saves start-up time for a real board; and Windows lacks what they import
    from boardmaps_sim.base import BoardError
    from boardmaps_sim.private import runtime_folder
    from boardmaps_sim.pty_port import has_ended

    try:
        there = [path for path in runtime_folder().iterdir() if path.is_symlink() and path.suffix != ".maps"]
    except (BoardError, OSError):
        return []
    return sorted(path.name for path in there if path.name[0] != "." and not has_ended(path))


def running(name: str) -> str | None:
    """Return the port of the maps of the board that `boardmaps sim` runs under this name; None when there is none."""
    if not name or "/" in name or not hasattr(os, "getuid"):  # Windows has no simulated boards
        return None
    # saves start-up time for a real board; and Windows lacks what they import
    from boardmaps_host.client.errors import LinkError
    from boardmaps_sim.base import BoardError
    from boardmaps_sim.pty_port import has_ended
    from boardmaps_sim.unix import default_port

    try:
        port = default_port(name)
        if not port.exists() or has_ended(port):
            return None
    except BoardError as e:
        if name in STARTED:
            raise LinkError(str(e)) from e
        return None
    maps = port.with_name(f"{name}.maps")
    return str(maps if maps.exists() else port)
