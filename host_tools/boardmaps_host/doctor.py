"""What stands between this computer and a board's maps: looked at from the port upwards, as far as that goes."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from boardmaps.abi import OP_PING, VERSION
from boardmaps.errors import MapError, NotSupported
from boardmaps_host.client.board import connect
from boardmaps_host.client.errors import LinkError, NoAnswer, NotDeployed, PortBusy, PortMissing, VersionMismatch
from boardmaps_host.client.health import heap
from boardmaps_host.client.simulated import STARTED, running

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

_PINGS = 20
_LITTLE = 2048  # bytes in one block: what a program's next list or message may need
State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Check:
    """What was found of one thing; `do` is what helps, "" where nothing has to be done, or `text` says it."""

    name: str
    state: State
    text: str
    do: str = ""


def examine(
    target: str, timeout: float, key: bytes | str | None = None, *, accept_board: bool = False
) -> Iterator[Check]:
    """Give a check after the other, until one is wrong that the rest needs. `target`, `timeout` and `key` are connect()'s.

    The largest free block is found by taking it: for tens of milliseconds nothing else runs on the board.
    """
    port = target
    if target != "twin":
        try:
            port = _port(target)
        except LinkError as missing:
            yield Check("port", "wrong", str(missing))
            return
        yield Check("port", "ok", port if port == target else f"{target} is {port}")
        yield from _rights(port)
        if "://" not in port and not os.access(port, os.R_OK | os.W_OK):
            return
    try:
        board = connect(port, timeout=timeout, key=key, accept_board=accept_board)
    except PortBusy as busy:
        yield Check("holder", "wrong", str(busy))
        return
    except (LinkError, ValueError) as error:
        yield _silent(target, error)
        return
    with board:
        yield _holder(port)
        try:
            yield from _board(board, target)
        except (LinkError, MapError) as error:
            yield Check("line", "wrong", str(error), "Look at what the board prints: boardmaps console")


def _port(target: str) -> str:
    """Return the port that a name stands for. Raises PortMissing when there is none."""
    there = running(target)
    if there is not None:
        return there
    if target in STARTED:
        raise PortMissing(f"no simulated board {target} is running. Start one: boardmaps sim --board {target}")
    if "://" in target:
        return target
    from boardmaps_host.client.transports.serial import boards_there, port_path  # saves start-up time: a real port's

    port = port_path(target)
    if not os.path.exists(port) and os.name == "posix":
        there = boards_there()
        raise PortMissing(
            f"{port}: there is no such port; those with a board: {there}. Is it plugged in, with a cable that has data lines?"
        )
    return port


def _rights(port: str) -> Iterator[Check]:
    """Tell whether this user may open a port that is a file."""
    if "://" in port or os.name != "posix":
        return
    if os.access(port, os.R_OK | os.W_OK):
        yield Check("rights", "ok", "this user may open it")
        return
    owner = _group_of(port)
    do = f"sudo usermod -aG {owner} $USER, then log in again" if owner else "run this as the port's owner"
    yield Check("rights", "wrong", f"this user may not open {port}", do)


def _group_of(port: str) -> str:
    import grp  # Windows lacks it

    try:
        return grp.getgrgid(os.stat(port).st_gid).gr_name
    except (KeyError, OSError):
        return ""


def _holder(port: str) -> Check:
    """Tell who has the port, now that it could be opened: this program, or a hub."""
    from boardmaps_host.share.meeting import hubs, port_name, shared_port  # saves start-up time: not for a twin alone

    shared = None if port == "twin" else shared_port(port_name(port))
    for hub in hubs() if shared else ():
        if hub["port"] == shared:
            others = [f"{one['program']} (pid {one['pid']})" for one in hub["programs"] if one["pid"] != os.getpid()]
            return Check("holder", "ok", f"shared, hub {hub['pid']}; others: {', '.join(others) or 'none'}")
    return Check("holder", "ok", "nobody else has it")


def _silent(target: str, error: Exception) -> Check:
    """Tell why a port that could be opened gives no board."""
    do = ""
    if isinstance(error, NotDeployed | VersionMismatch):
        do = f"boardmaps deploy --port {target}"
    elif isinstance(error, NoAnswer):
        do = f"press the board's reset button; or: boardmaps deploy --port {target}"
    return Check("firmware", "wrong", str(error), do)


def _board(board: "Board", target: str) -> Iterator[Check]:
    """Look at a board that answers."""
    info = board.info
    machine = info.get("machine", "?").replace("_", " ")
    if board.program_runs:
        yield Check("firmware", "ok", f"{machine}; its program serves the maps")
    else:
        text = f"{machine}; it is at its REPL, and no program of its own runs"
        yield Check("firmware", "note", text, "call boardmaps.poll() or boardmaps.serve() in its main.py")
    theirs = info.get("fw", "?")
    if theirs == VERSION:
        yield Check("versions", "ok", f"boardmaps {VERSION} on both")
    else:
        yield Check(
            "versions",
            "note",
            f"boardmaps {theirs} on the board, {VERSION} here; they understand each other",
            f"boardmaps deploy --port {target}",
        )
    yield from _memory(board)
    yield _trip(board)
    maps = board.maps()
    bare = [info.name or f"#{info.id}" for info in maps if not info.schema]
    text = f"{len(maps)} map{'s' * (len(maps) != 1)}"
    yield Check("maps", "ok", f"{text}; without a schema: {', '.join(bare)}" if bare else text)
    if board.crash_on_record:
        yield Check("crashes", "note", "a crash is on record", f"boardmaps postmortem --port {target}")
    else:
        yield Check("crashes", "ok", "none on record")


def _memory(board: "Board") -> Iterator[Check]:
    try:
        found = heap(board.link, largest=True)
    except NotSupported as lacking:
        yield Check("memory", "note", f"not told: {lacking}")
        return
    yield Check("kernels", "ok", _KERNELS.get(found.kernels, found.kernels))
    total, used, _ = board.pool.stats()
    free = f"{found.free:,} bytes of heap are free, the largest block has {found.largest:,}"
    text = f"{free}; the pool has {used:,} of {total:,} in use"
    little = (found.largest or 0) < _LITTLE
    do = "make the pool smaller (boardmaps deploy --pool BYTES), or put less on the heap" if little else ""
    yield Check("memory", "note" if little else "ok", text, do)


_KERNELS = {
    "built-in": "C, built into the firmware",
    "native": "C, in native modules",
    "viper": "viper: machine code that MicroPython made",
    "plain": "plain Python: this board's MicroPython makes no machine code",
}


def _trip(board: "Board") -> Check:
    before = board.link.resent
    times = []
    for _ in range(_PINGS):
        begun = time.perf_counter()
        board.link.request(bytes((OP_PING,)), changes=False)
        times.append(time.perf_counter() - begun)
    again = board.link.resent - before
    text = f"{median(times) * 1e3:.1f} ms, at most {max(times) * 1e3:.1f} ms, of {_PINGS}; {again} sent again"
    if again:
        return Check(
            "round trip", "note", text, "a line that loses bytes, or a program that polls too seldom: look at both"
        )
    return Check("round trip", "ok", text)
