"""connect(): from a name to a board whose maps can be read and changed."""

import contextlib
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, overload

from boardmaps.abi import CLASS_NAMES, HASH, LRU_HASH, PERCPU_HASH, RINGBUF, TIME_SERIES, U32_MAX
from boardmaps.definition import KEY_SIZES, MapDef
from boardmaps.errors import InvalidDefinition, KeyNotFound
from boardmaps_host.client.errors import LinkError, NoAnswer
from boardmaps_host.client.info import MapInfo, create, listing
from boardmaps_host.client.known import KnownBoards
from boardmaps_host.client.link import Link
from boardmaps_host.client.lock import HostLock
from boardmaps_host.client.maps.base import RemoteMap
from boardmaps_host.client.maps.kinds import RemotePerCpu, RemoteQueue, RemoteRingBuf, RemoteTimeSeries, remote
from boardmaps_host.client.pool import RemotePool
from boardmaps_host.client.transports.serial import SerialTransport, Transport
from boardmaps_host.client.transports.simulated import STARTED, running, start

if TYPE_CHECKING:
    from boardmaps import ArrayMap, HashMap, PerCpuArray, PerCpuHash, Queue, RingBuf, TimeSeries

_TYPES = {CLASS_NAMES[t]: t for t in CLASS_NAMES}


class Board:
    """A connection to a board and its maps. Use it as a context manager; leaving restores the board's REPL."""

    def __init__(self, link: Link, cleanup: Callable[[], None] | None = None) -> None:
        self.link = link
        self.pool = RemotePool(link)
        self._cleanup = cleanup

    @property
    def info(self) -> Mapping[str, str]:
        """What the board said when we connected: boot (its boot id), profile, machine, fw (its boardmaps version), …"""
        return self.link.fields

    def maps(self) -> list[MapInfo]:
        """Return what the board tells of all its maps, in the order of their creation."""
        return listing(self.link)

    def map(self, which: str | int) -> RemoteMap:
        """Return the map with this name or id. Raises KeyNotFound, or InvalidDefinition when several have the name."""
        maps = self.maps()
        found = [m for m in maps if (m.id if isinstance(which, int) else m.name) == which]
        if not found:
            there = ", ".join(f"{m.name or '(no name)'} (id {m.id})" for m in maps) or "none"
            raise KeyNotFound(f"map {which!r}: the board has no such map; it has: {there}")
        if len(found) > 1:
            ids = ", ".join(str(m.id) for m in found)
            raise InvalidDefinition(f"map {which!r}: several maps have this name, ids {ids}; give the id")
        return remote(self.link, found[0])

    @overload
    def create_map(self, map_class: "type[PerCpuArray | PerCpuHash]", **parts: Any) -> RemotePerCpu: ...
    @overload
    def create_map(self, map_class: "type[ArrayMap | HashMap]", **parts: Any) -> RemoteMap: ...
    @overload
    def create_map(self, map_class: "type[Queue]", **parts: Any) -> RemoteQueue: ...
    @overload
    def create_map(self, map_class: "type[RingBuf]", **parts: Any) -> RemoteRingBuf: ...
    @overload
    def create_map(self, map_class: "type[TimeSeries]", **parts: Any) -> RemoteTimeSeries: ...
    @overload
    def create_map(self, map_class: str, **parts: Any) -> RemoteMap: ...

    def create_map(self, map_class: type[Any] | str, **parts: Any) -> RemoteMap:
        """Make a map on the board: create_map(HashMap, key_size=8, value_size=4, max_entries=64, name="new").

        `map_class` is a class of boardmaps, or its name for a program that does not want to import it; the parts are those
        of its constructor.
        """
        class_name = map_class if isinstance(map_class, str) else map_class.__name__
        if class_name not in _TYPES:
            raise InvalidDefinition(f"create: {class_name!r} is no map class; there are {', '.join(_TYPES)}")
        map_type = _TYPES[class_name]
        wanted = {"key_size", "value_size", "max_entries", "map_flags", "name"}
        needed = {"value_size", "max_entries"}
        field = b""
        if map_type in (HASH, LRU_HASH, PERCPU_HASH):
            needed.add("key_size")
        elif map_type == RINGBUF:
            needed.remove("value_size")
            if "size" in parts:
                parts["max_entries"] = parts.pop("size")
        elif map_type == TIME_SERIES and (letter := parts.pop("field", None)) is not None:
            field = _field(letter, parts.pop("field_offset", 0))
        if unknown := set(parts) - wanted:
            raise InvalidDefinition(f"create {class_name}: a definition has no {', '.join(sorted(unknown))}")
        if missing := needed - set(parts):
            raise InvalidDefinition(f"create {class_name}: {', '.join(sorted(missing))} is missing")
        parts = {"key_size": KEY_SIZES.get(map_type, 0), "value_size": 0, **parts}
        return self.map(create(self.link, MapDef(map_type, **parts), field))

    def listen(self, seconds: float) -> None:
        """Take what the board tells unasked for so long: its prints go to `console`, events to their callbacks.

        Prints and events also come while calls wait for their answers; callbacks are made here only. Raises FirmwareError
        when the program on the board has ended.
        """
        end = time.monotonic() + seconds
        while True:
            self.link.pump(max(0.0, end - time.monotonic()))
            self.link.hub.call_back()
            if time.monotonic() >= end:
                return

    def interrupt(self) -> None:
        """End the session and raise KeyboardInterrupt in the firmware of a board with a locked line, which obeys no Ctrl-C.

        Raises LinkError on a line without a lock, LinkTimeout when the board does not say that it has heard.
        """
        self.link.interrupt()

    def close(self) -> None:
        """Take leave of the board and close the port; a simulated board that connect() started ends. Safe to call twice."""
        cleanup, self._cleanup = self._cleanup, None
        try:
            self.link.close()
        finally:
            if cleanup is not None:
                cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _field(letter: str, offset: int) -> bytes:
    """Return the declaration of a TimeSeries's field as the request has it."""
    if len(letter.encode()) != 1 or not 0 <= offset <= U32_MAX:
        raise InvalidDefinition(f"create TimeSeries: no field can be {letter!r} at {offset}")
    return letter.encode() + offset.to_bytes(4, "little")


def connect(
    target: str,
    *,
    timeout: float = 5.0,
    console: Callable[[str], None] | None = None,
    allow_reset: bool = False,
    key: bytes | str | None = None,
    accept_board: bool = False,
) -> Board:
    """Connect to a board's maps and return it; nothing is reset, a running firmware goes on.

    `target`: "twin" (the maps of this process), a simulated board, or a port: /dev/ttyACM0, mpremote's a0, u0 and auto (the
    only board that is there), a URL of pyserial's (socket://host:port, rfc2217://host:port, spy://port). A simulated board is
    the one that `boardmaps sim` runs under this name; when none does, "unix", "pico" and "qemu" start one with boardmaps on it
    for this connection, which ends with it.
    `timeout`: seconds of silence after which a call gives up. `console` gets what the board prints while connected.
    `allow_reset`: whether a server that this call starts lets the host reset the pool.
    `key`: what a board with a locked line has been given (boardmaps.serve(key=…)): bytes, at least 16; or, as str, the pass
    phrase that `boardmaps key` made the board's key of. It never crosses the line, so such a server is not started from here.
    The first board that proves the key on a port is remembered; `accept_board`: take another one in its place.

    Raises LinkError and its kin (PortMissing, PortBusy, NoAnswer, NotDeployed, VersionMismatch, WrongKey,
    WrongBoard); ValueError for a key that is too short.
    """
    known = KnownBoards(accept_board)
    # Made before anything is opened: a key that is too short is refused first.
    lock = None if key is None else HostLock(key, lambda identity: known.check(line.name, identity), target)
    serve = f"import boardmaps\nboardmaps.serve(allow_reset={allow_reset})"
    cleanup: Callable[[], None] | None = None
    line: Transport
    if target == "twin":
        from boardmaps_host.client.transports.twin import TwinTransport

        line = TwinTransport(allow_reset)
    elif target in STARTED:
        port, cleanup = start(target, allow_reset)
        with _ending_on_error(cleanup):
            line = SerialTransport(port)
    else:
        line = SerialTransport(running(target) or target)
    with _ending_on_error(line.close), _ending_on_error(cleanup):
        if lock is not None:
            try:
                return Board(Link(line, timeout, None, console, lock), cleanup)
            except NoAnswer:
                _refuse_unlocked(line, timeout)
                raise
        return Board(Link(line, timeout, serve, console), cleanup)


def _refuse_unlocked(line: Transport, timeout: float) -> None:
    """Nobody has answered with the key: say so plainly when somebody does without."""
    with contextlib.suppress(NoAnswer):
        Link(line, timeout).close()
        raise LinkError(
            f"{line.name}: the board's line is not locked, and you gave a key. Leave out the key (connect(…, key=…), "
            "--key-file, BOARDMAPS_KEY), or lock the board's server: boardmaps.Server(key=…)."
        )


@contextlib.contextmanager
def _ending_on_error(cleanup: Callable[[], None] | None) -> Any:
    try:
        yield
    except BaseException:
        if cleanup is not None:
            cleanup()
        raise
