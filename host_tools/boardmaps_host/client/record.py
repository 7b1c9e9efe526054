"""Records a session: every operation on a map and every event goes into a file, as it is answered and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from struct import pack, unpack_from

from boardmaps.abi import (
    EVENT_MORE,
    EVENT_RECORD,
    INFO_FORMAT,
    OP_COMMIT,
    OP_COMMITTED,
    OP_CREATE,
    OP_HEALTH,
    OP_INFO,
    OP_LIST,
    OP_LOOKUP,
    OP_MORE,
    OP_PART,
    OP_PEEK,
    OP_PING,
    OP_POOL,
    OP_POOL_READ,
    OP_POOL_RESET,
    OP_SUBSCRIBE,
    STATUS_OK,
    TAG_PARAMETERS,
    TAG_SCHEMA,
    U32_MAX,
)
from boardmaps_host.client.commit import changes_in
from boardmaps_host.client.info import MapInfo, one
from boardmaps_host.state.recording import Lost, MapMade, Operation, State, Told, Writer

# Operations that are no part of a recording: about no map, or about where the board has it.
_LEFT_OUT = (OP_PING, OP_LIST, OP_INFO, OP_HEALTH, OP_POOL, OP_POOL_RESET, OP_PART, OP_MORE, OP_POOL_READ)


class Recorder:
    """Writes what a Link and its hub of events tell it. `infos` lists the board's maps."""

    def __init__(self, path: str | Path, infos: Callable[[], list[MapInfo]]) -> None:
        self._writer = Writer(path)
        self._infos = infos
        self._begun = time.monotonic()
        self._boot = ""
        self._known: set[int] = set()
        self._watched: dict[int, int] = {}  # subscription: map
        self._early: list[tuple[int, int, bytes]] = []
        self._numbers: dict[int, int] = {}  # by map, the number of the record that was told last
        self._partly: set[int] = set()  # maps of which an event goes on
        self._waiting: dict[bytes, bytes] = {}  # commits that wait for a tick, by their numbers
        self._asking = False

    def executed(self, request: bytes, reply: bytes, boot: str) -> None:
        """Take a request and its reply."""
        op = request[0]
        if self._asking or op in _LEFT_OUT:
            return
        self._now_in(boot)
        if op == OP_CREATE:
            if reply[0] == STATUS_OK:
                self._made(one(reply[1:]))
            self._writer.add(Operation(self._at(), request, reply))
        elif op == OP_SUBSCRIBE:
            if reply[0] == STATUS_OK:
                self._describe(unpack_from("<H", request, 1)[0])
                self._watched[reply[1]] = unpack_from("<H", request, 1)[0]
                early, self._early = self._early, []
                for told in early:
                    self.told(*told)
        elif op in (OP_COMMIT, OP_COMMITTED):
            self._committed(request, reply)
        elif OP_LOOKUP <= op <= OP_PEEK and len(request) >= 3:
            self._describe(unpack_from("<H", request, 1)[0])
            self._writer.add(Operation(self._at(), request, reply))

    def _committed(self, request: bytes, reply: bytes) -> None:
        """Take a commit: one that waits for a tick when it holds."""
        if request[0] == OP_COMMITTED:
            if reply[:2] != b"\0\0":  # else it waits still, or was withdrawn
                request = self._waiting.pop(request[1:5], b"")
        elif reply[:2] == b"\0\0":
            self._waiting[reply[2:6]] = request
            return
        if not request or request[0] == OP_COMMITTED:
            return
        for change in changes_in(request):
            self._describe(unpack_from("<H", change, 1)[0])
        self._writer.add(Operation(self._at(), request, reply))

    def told(self, subscription: int, what: int, data: bytes) -> None:
        """Take an event."""
        number = self._watched.get(subscription)
        if number is None:
            self._early.append((subscription, what, data))
            return
        if what & ~EVENT_MORE == EVENT_RECORD and number not in self._partly:
            self._count(number, unpack_from("<I", data)[0])
        if what & EVENT_MORE:
            self._partly.add(number)
        else:
            self._partly.discard(number)
        self._writer.add(Told(self._at(), number, what, data))

    def _count(self, number: int, running: int) -> None:
        before = self._numbers.get(number)
        lost = 0 if before is None else (running - before - 1) & U32_MAX
        if 0 < lost < 1 << 31:
            self._writer.add(Lost(number, lost))
        self._numbers[number] = running

    def add(self, state: State) -> None:
        """Write what the maps hold."""
        self._writer.add(state)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    def _at(self) -> int:
        return int((time.monotonic() - self._begun) * 1000) & U32_MAX

    def _now_in(self, boot: str) -> None:
        if boot != self._boot:
            self._boot = boot
            self._known.clear()
            self._watched.clear()
            self._waiting.clear()

    def _describe(self, number: int) -> None:
        if number in self._known:
            return
        self._asking = True
        try:
            for info in self._infos():
                if info.id not in self._known:
                    self._made(info)
        finally:
            self._asking = False

    def _made(self, info: MapInfo) -> None:
        self._known.add(info.id)
        self._writer.add(MapMade(info.id, packed(info)))


def packed(info: MapInfo) -> bytes:
    """Return a map's record as LIST has it, without what changes, with its parameters and its schema."""
    sizes = (info.map_type, info.key_size, info.value_size, info.max_entries, info.map_flags, 0, 0, info.slice_bytes)
    record = pack(INFO_FORMAT, info.id, *sizes, 0, info.name.encode(), info.cpus, 0)
    for tag, part in ((TAG_PARAMETERS, info.parameters), (TAG_SCHEMA, info.schema.encode())):
        if part:
            record += pack("<BH", tag, len(part)) + part
    return record
