"""connect(): from a name to a board whose maps can be read and changed.

More than 300 lines: one class, and the one way to get it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, overload

from boardmaps.definition import MapDef
from boardmaps.errors import InvalidDefinition, KeyNotFound, MapError
from boardmaps_host.client.errors import LinkError, NoAnswer
from boardmaps_host.client.info import create
from boardmaps_host.client.link import Link
from boardmaps_host.client.making import follow_schemas, take_parameters
from boardmaps_host.client.maps import remote
from boardmaps_host.client.maps.base import RemoteMap
from boardmaps_host.client.named import Maps
from boardmaps_host.client.opening import serve_code
from boardmaps_host.client.pins import Pinning, pinning, read_kept, unpin
from boardmaps_host.client.pool import RemotePool
from boardmaps_host.client.transports.base import Transport
from boardmaps_host.client.transports.choose import open_line
from boardmaps_host.kinds import KINDS, by_class

if TYPE_CHECKING:
    from boardmaps import ArrayMap, BloomFilter, HashMap, LpmTrie, PerCpuArray, PerCpuHash, Queue, RingBuf, TimeSeries
    from boardmaps_host.client.commit import Commit
    from boardmaps_host.client.maps.bloom import RemoteBloomFilter
    from boardmaps_host.client.maps.numbers import RemoteNumbers
    from boardmaps_host.client.maps.percpu import RemotePerCpu
    from boardmaps_host.client.maps.queue import RemoteQueue
    from boardmaps_host.client.maps.ringbuf import RemoteRingBuf
    from boardmaps_host.client.maps.timeseries import RemoteTimeSeries
    from boardmaps_host.client.replay import Replayed
    from boardmaps_host.client.transfer import Restored
    from boardmaps_host.state.snapshot import Snapshot


class Board:
    """A connection to a board and its maps. Use it as a context manager; leaving restores the board's REPL."""

    def __init__(self, link: Link, cleanup: Callable[[], None] | None = None) -> None:
        self.link = link
        self.pool = RemotePool(link)
        self.leaving: Callable[[Board], None] | None = (
            None  # called before a connection that has changed something ends
        )
        self._cleanup = cleanup

    @property
    def info(self) -> Mapping[str, str]:
        """What the board said when we connected: boot (its boot id), profile, machine, fw (its boardmaps version), …"""
        return {**self.link.fields, "boot": self.link.board_boot}

    @property
    def program_runs(self) -> bool:
        """Whether a program of the board's own serves the maps. Else the board was found at its REPL: no program changes a map.

        What a program printed before we connected is not kept by MicroPython; boardmaps.run() keeps its last traceback.
        """
        return self.link.program_runs

    @property
    def maps(self) -> Maps:
        """The board's maps: maps() lists what the board tells of them, maps.NAME is a typed one by its fields' names."""
        return Maps(self)

    @property
    def crash_on_record(self) -> bool:
        """Whether the board had a crash on record when we connected; client.crashes has it, and `boardmaps postmortem` shows it."""
        return self.info.get("crash", "0") != "0"

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
    def create_map(self, map_class: "type[PerCpuArray | PerCpuHash]", **parts: Any) -> "RemotePerCpu": ...
    @overload
    def create_map(self, map_class: "type[ArrayMap | HashMap]", **parts: Any) -> "RemoteNumbers": ...
    @overload
    def create_map(self, map_class: "type[LpmTrie]", **parts: Any) -> RemoteMap: ...
    @overload
    def create_map(self, map_class: "type[BloomFilter]", **parts: Any) -> "RemoteBloomFilter": ...
    @overload
    def create_map(self, map_class: "type[Queue]", **parts: Any) -> "RemoteQueue": ...
    @overload
    def create_map(self, map_class: "type[RingBuf]", **parts: Any) -> "RemoteRingBuf": ...
    @overload
    def create_map(self, map_class: "type[TimeSeries]", **parts: Any) -> "RemoteTimeSeries": ...
    @overload
    def create_map(self, map_class: str, **parts: Any) -> RemoteMap: ...

    def create_map(self, map_class: type[Any] | str, **parts: Any) -> RemoteMap:
        """Make a map on the board: create_map(HashMap, key_size=8, value_size=4, max_entries=64, name="new").

        `map_class` is a class of boardmaps, or its name for a program that does not want to import it; the parts are those
        of its constructor, or of its typed(): create_map(HashMap, key="room:8s", value="temp:i16/100", max_entries=64).
        """
        class_name = map_class if isinstance(map_class, str) else map_class.__name__
        kind = by_class(class_name)
        if kind is None:
            there = ", ".join(kind.class_name for kind in KINDS)
            raise InvalidDefinition(f"create: {class_name!r} is no map class; there are {there}")
        if kind.in_bytes and "size" in parts:  # what its constructor calls it
            parts["max_entries"] = parts.pop("size")
        if "key" in parts or "value" in parts:
            follow_schemas(kind, parts)
        parameters = take_parameters(kind, parts)
        if unknown := set(parts) - {"key_size", "value_size", "max_entries", "map_flags", "name", "schema"}:
            raise InvalidDefinition(f"create {class_name}: a definition has no {', '.join(sorted(unknown))}")
        if missing := set(kind.sizes) - set(parts):
            raise InvalidDefinition(f"create {class_name}: {', '.join(sorted(missing))} is missing")
        parts = {"key_size": kind.key_least, "value_size": 0, **parts}
        return remote(self.link, create(self.link, MapDef(kind.number, **parts), parameters))

    @contextlib.contextmanager
    def commit(self) -> "Iterator[Commit]":
        """Have what the block writes into entries of hash maps and arrays hold together, or none of it.

        Staged are update(), update_part() and delete(), records and fields by name, and the commit's own add(). Behind the block
        the board looks at all of them, and makes them in one turn of its server, or at the firmware's tick() where it calls that;
        then this returns. What the block reads is what the board holds still. When the block raises, nothing is sent. Raises the
        error of the first change that cannot be made, and nothing was changed then; OutcomeUnknown when all was made or nothing.
        """
        from boardmaps_host.client.commit import committing  # saves start-up time: for those who make one

        with committing(self.link) as commit:
            yield commit

    def snapshot(self, *names: str, progress: Callable[[int, int], None] | None = None) -> "Snapshot":
        """Return the maps of these names, or all, as slices, while the firmware runs on; save() writes the file.

        Each map is read until it did not change meanwhile, a few times; one that always does is in `changed`, and its slice is of
        no one moment. What a write-only map holds is not in it. `progress` is told (bytes read, bytes in all).
        """
        from boardmaps_host.client.transfer import take  # saves start-up time: for those who take one

        return take(self, names, progress)

    def restore(
        self,
        snapshot: "Snapshot",
        *,
        override: bool = False,
        migrate: "Mapping[str, Callable[[Any, Any], object]] | None" = None,
    ) -> "Restored":
        """Have the maps hold what those of a snapshot do; those that are not here are made. All is looked at first.

        On a board the bytes are collected on its file system where that has room, and put into the maps in one step; else map by
        map, and a map that did not become whole cannot be used. `override`: also maps that the computer may not write; the
        board's server must allow it. `migrate` has, for a map that has another definition here, a function of the old map and a new
        one of the twin, which becomes the map's content. Raises StateError and NotPermitted, and nothing was changed then.
        """
        from boardmaps_host.client.transfer import restore  # saves start-up time: for those who restore one

        return restore(self, snapshot, override, migrate or {})

    def pins(self) -> Pinning:
        """Return which maps are pinned on the board's file system, and what that took. A map's pin() and unpin() change it."""
        return pinning(self.link)

    def unpin(self, name: str) -> bool:
        """Remove the pin of a map by name, also of one that was not made in this boot; return whether there was one."""
        return unpin(self.link, name)

    def unpinned(self) -> list[str]:
        """Return the names of the maps that are pinned and have changed since; what they hold now is lost with the power."""
        if self.info.get("pins", "0") == "0" and not self.link.changed:
            return []
        return [pin.name for pin in self.pins().pins if pin.state == "changed"]

    def kept(self, file: str) -> bytes | None:
        """Return a file that boardmaps keeps on the board's file system, such as `temps.pin`; None when there is none."""
        return read_kept(self.link, file)

    @contextlib.contextmanager
    def record(self, path: "str | Path", *, snapshot: bool = True) -> Iterator[None]:
        """Write every operation on a map, and every event, to a file while the block runs; what the file has already stays.

        `snapshot`: first what the maps hold, so that a replay can begin with it. Raises StateError for a file that is something
        else, OSError.
        """
        # saves start-up time: for those who record
        from boardmaps_host.client.record import Recorder
        from boardmaps_host.state.recording import State

        recorder = Recorder(path, self.maps)
        try:
            if snapshot:
                taken = self.snapshot()
                taken.maps = [kept for kept in taken.maps if not kept.changed and not kept.slice.hidden]
                recorder.add(State(taken.to_bytes()))
            self.link.recorder, self.link.hub.recorder = recorder, recorder.told
            yield
        finally:
            self.link.recorder = self.link.hub.recorder = None
            recorder.close()

    def replay(self, path: "str | Path", *, restore: bool = True, events: bool = True) -> "Replayed":
        """Execute a recording's operations here, and what its events told as operations; stop at the first difference.

        `restore`: begin with the state that the recording begins with. `events`: not on a board whose own firmware does the same
        again. Raises StateError for a file that is no recording, OSError.
        """
        # saves start-up time: for those who replay
        from boardmaps_host.client.replay import replay
        from boardmaps_host.state.recording import read

        return replay(read(path), self, restore=restore, events=events)

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
        leaving, self.leaving = self.leaving, None
        try:
            if leaving is not None and self.link.changed:
                with contextlib.suppress(
                    LinkError, MapError
                ):  # the port may be gone, or the board's boardmaps an older one
                    leaving(self)
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


def connect(
    target: str,
    *,
    timeout: float = 5.0,
    console: Callable[[str], None] | None = None,
    allow_reset: bool = False,
    key: bytes | str | None = None,
    accept_board: bool = False,
    allow_restore: bool = False,
    share: bool | None = None,
) -> Board:
    """Connect to a board's maps and return it; nothing is reset, a running firmware goes on.

    `target`: "twin" (the maps of this process), a simulated board, or a port: /dev/ttyACM0, mpremote's a0, u0 and auto (the
    only board that is there), a URL of pyserial's (socket://host:port, rfc2217://host:port, spy://port), or a board on the network
    (tcp://host:port, with a key), whose firmware serves on a TcpLine. A simulated board is
    the one that `boardmaps sim` runs under this name; when none does, "unix", "pico" and "qemu" start one with boardmaps on it
    for this connection, which ends with it.
    `timeout`: seconds of silence after which a call gives up. `console` gets what the board prints while connected.
    `allow_reset`: whether a server that this call starts lets the host reset the pool; `allow_restore`: whether it lets the host
    restore maps that it may not write.
    `key`: what a board with a locked line has been given (boardmaps.serve(key=…)): bytes, at least 16; or, as str, the pass
    phrase that `boardmaps key` made the board's key of. It never crosses the line, so such a server is not started from here.
    The first board that proves the key on a port is remembered; `accept_board`: take another one in its place.
    `share`: whether the port is shared with other programs of this user, through its hub (boardmaps_host.share); False: this
    program owns it alone. By itself what BOARDMAPS_SHARE says, 0 or 1, else True. A port that is given as rfc2217:// or spy://
    is never shared, nor is a board that this call starts.

    Raises LinkError and its kin (PortMissing, PortBusy, NoAnswer, NotDeployed, VersionMismatch, WrongKey,
    WrongBoard); ValueError for a key that is too short.
    """
    lock = None
    if key is not None:  # before anything is opened: a key that is too short is refused first
        # saves start-up time: HMAC and the known boards, for a key alone
        from boardmaps_host.client.known import KnownBoards
        from boardmaps_host.client.lock import HostLock

        known = KnownBoards(accept_board)
        lock = HostLock(key, lambda identity: known.check(line.name, identity), target)
    serve = serve_code(allow_reset, allow_restore)
    cleanup: Callable[[], None] | None = None
    line: Transport
    if target == "twin":
        from boardmaps_host.client.transports.twin import TwinTransport  # saves start-up time: the server's modules

        line = TwinTransport(allow_reset)
    else:
        from boardmaps_host.client.simulated import STARTED, running  # not for the twin

        port = running(target) or target
        if port in STARTED:
            from boardmaps_host.client.booting import (
                start,  # pyserial, and the board's own module: for one that is started
            )

            port, cleanup = start(target, allow_reset)
            share = False
        with _ending_on_error(cleanup):
            line = open_line(port, timeout, serve, key, share)
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
