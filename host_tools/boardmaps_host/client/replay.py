"""Replays a recording on any target: the operations again, and what events told as operations; the first difference is named.

Operations come in the order of the recording, each when the one before it is answered. A map is the one of the same name. What
the order of a hash table's slots decides (next_key, the pages of a walk) is compared as sets; a filter's peek and the
positions of a ring are not compared. A record that was taken out of a ring is put in and taken out.

More than 300 lines: what each operation and each event becomes, in one place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import pack, unpack_from
from typing import Protocol

from boardmaps.abi import (
    EVENT_ENTRY,
    EVENT_GONE,
    EVENT_MORE,
    EVENT_RECORD,
    OP_BATCH_LOOKUP,
    OP_BATCH_LOOKUP_AND_DELETE,
    OP_BATCH_UPDATE,
    OP_COMMIT,
    OP_CREATE,
    OP_DELETE,
    OP_NEXT_KEY,
    OP_OUTPUT,
    OP_PEEK,
    OP_PUSH_SAMPLE,
    OP_QUERY,
    OP_READ,
    OP_STATS,
    OP_UPDATE,
    STATUS_MISS,
    STATUS_OK,
)
from boardmaps.errors import KeyNotFound, MapError
from boardmaps.line.operations import _OPERATIONS
from boardmaps_host.client.commit import Commit, parts_of
from boardmaps_host.client.info import MapInfo
from boardmaps_host.client.link import Link
from boardmaps_host.kinds import Kind, by_number
from boardmaps_host.state.errors import StateError
from boardmaps_host.state.recording import Item, Lost, MapMade, Operation, State, Told
from boardmaps_host.state.snapshot import Snapshot

_UNCOMPARED = (OP_PEEK, OP_QUERY)


class Target(Protocol):
    """What is replayed on: a Board."""

    link: Link

    def maps(self) -> list[MapInfo]:
        """Return what the board tells of all its maps."""
        ...

    def restore(self, snapshot: Snapshot) -> object:
        """Have the maps hold what a snapshot's do."""
        ...


@dataclass
class Replayed:
    """How far a replay came: operations that were executed, events that were applied, what the recording had lost, and the first
    difference, None when there was none."""

    operations: int = 0
    events: int = 0
    lost: int = 0
    difference: str | None = None


@dataclass
class _Map:
    """A map of the recording, and the one of the target that stands for it."""

    info: MapInfo
    there: MapInfo
    kind: Kind
    slots: dict[int, bytes] = field(default_factory=dict)  # of a watched map: where which key is
    written: dict[bytes, bytes] = field(default_factory=dict)  # what the session itself wrote last
    cursors: dict[int, int] = field(default_factory=dict)  # the recording's to the target's
    walked: tuple[list[bytes], list[bytes]] = field(default_factory=lambda: ([], []))
    partly: bytes = b""  # data of an event that goes on


def replay(items: Iterable[Item], target: Target, *, restore: bool = True, events: bool = True) -> Replayed:
    """Execute a recording on a target; stop at the first difference.

    `restore`: begin with the state that the recording begins with, where it has one. `events`: also what the firmware did by
    itself, as far as events told it; not on a board whose own firmware does the same again.
    """
    return _Replay(target, restore, events).run(items)


class _Differs(Exception):
    pass


class _Replay:
    def __init__(self, target: Target, restore: bool, events: bool) -> None:
        self._target = target
        self._restore = restore
        self._events = events
        self._maps: dict[int, _Map] = {}
        self._infos: dict[int, MapInfo] = {}
        self._done = Replayed()

    def run(self, items: Iterable[Item]) -> Replayed:
        n = 0
        try:
            for n, item in enumerate(items, 1):  # noqa: B007 - which one it was is told
                self._one(item)
        except _Differs as differs:
            self._done.difference = f"item {n} of the recording: {differs}"
        return self._done

    def _one(self, item: Item) -> None:
        if isinstance(item, State):
            if self._restore:
                self._target.restore(Snapshot.from_bytes(item.snapshot, "the recording's snapshot"))
            self._restore = False
        elif isinstance(item, MapMade):
            self._infos[item.number] = MapInfo.unpack(item.info)
            self._maps.pop(item.number, None)
        elif isinstance(item, Lost):
            self._done.lost += item.count if item.number else 0
        elif isinstance(item, Told):
            if self._events:
                self._told(item)
        else:
            self._operation(item)

    def _ask(self, request: bytes) -> bytes:
        return self._target.link.request(request)

    def _map(self, number: int) -> _Map:
        """Return the map that the recording has under a number."""
        known = self._maps.get(number)
        if known is not None:
            return known
        info = self._infos.get(number)
        if info is None:
            raise StateError(f"the recording says nothing of map {number}: it is damaged there.")
        named = [there for there in self._target.maps() if there.name == info.name and info.name]
        if not named:
            raise _Differs(f"the target has no map {info.name!r}")
        if (named[0].definition, named[0].parameters) != (info.definition, info.parameters):
            raise _Differs(
                f"the map {info.name!r} is {info.definition!r} there, and {named[0].definition!r} on the target"
            )
        self._maps[number] = found = _Map(info, named[0], by_number(info.map_type))
        return found

    # -- operations

    def _operation(self, item: Operation) -> None:
        op = item.request[0]
        if op == OP_CREATE:
            self._create(item)
            return
        if op == OP_COMMIT:
            self._commit(item)
            return
        m = self._map(unpack_from("<H", item.request, 1)[0])
        if op in (OP_BATCH_LOOKUP, OP_BATCH_LOOKUP_AND_DELETE):
            self._page(m, item)
            return
        reply = self._ask(pack("<BH", op, m.there.id) + item.request[3:])
        self._done.operations += 1
        self._remember(m, item)
        if not self._same(op, m, item.reply, reply):
            name = _OPERATIONS[op][1]
            what = f"{name} {m.info.name!r} ({item.request[3:].hex(' ') or 'nothing more'})"
            raise _Differs(f"{what}: it had {_shown(item.reply)}, and the target has {_shown(reply)}")

    def _commit(self, item: Operation) -> None:
        """Make a commit again; where the target's firmware calls tick(), it waits for that."""
        commit = Commit(self._target.link)
        maps = []
        with commit.staging():
            for change in parts_of(item.request):
                maps.append(m := self._map(unpack_from("<H", change, 1)[0]))
                commit.stage(pack("<BH", change[0], m.there.id) + change[3:])
        self._done.operations += 1
        error = b"\0"
        try:
            commit.make()
        except MapError as e:
            error = bytes((e.code,)) + str(e).encode()
        if error[0] != item.reply[0]:
            names = ", ".join(dict.fromkeys(repr(m.info.name) for m in maps))
            raise _Differs(f"commit {names}: it had {_shown(item.reply[:1])}, and the target has {_shown(error)}")
        for m, change in zip(maps, parts_of(item.request), strict=True):
            self._remember(m, Operation(item.at, change, item.reply))

    def _create(self, item: Operation) -> None:
        (size,) = unpack_from("<B", item.request, 21)
        name = item.request[22 : 22 + size].decode("ascii", "replace")
        if name and any(info.name == name for info in self._target.maps()):
            return  # it is here already: whether it is the same one is seen when it is used
        reply = self._ask(item.request)
        self._done.operations += 1
        if bool(reply[0]) != bool(item.reply[0]):
            raise _Differs(f"create {name!r}: it had {_shown(item.reply[:1])}, and the target has {_shown(reply)}")

    def _remember(self, m: _Map, item: Operation) -> None:
        if item.request[0] == OP_UPDATE and item.reply[0] == STATUS_OK:
            (size,) = unpack_from("<H", item.request, 7)
            m.written[item.request[9 : 9 + size]] = item.request[9 + size :]
        if item.request[0] in (OP_UPDATE, OP_DELETE, OP_BATCH_UPDATE):
            m.walked = ([], [])
            m.cursors.clear()  # what is walked now may have been met, or not

    def _same(self, op: int, m: _Map, before: bytes, now: bytes) -> bool:
        if before[0] != now[0] or op in _UNCOMPARED:
            return op in _UNCOMPARED
        if before[0] not in (STATUS_OK, STATUS_MISS):
            return True  # the same error; its text may have other numbers
        if op == OP_NEXT_KEY and not m.kind.indexed:
            return True
        if op == OP_STATS:
            pairs = zip(before[1:].split(), now[1:].split(), strict=True)
            return all(
                a == b or math.isclose(float(a), float(b), rel_tol=1e-5) for a, b in pairs if b"None" not in (a, b)
            )
        if op == OP_READ:
            return [data for _, data in _records(before[1:])] == [data for _, data in _records(now[1:])]
        return before == now

    def _page(self, m: _Map, item: Operation) -> None:
        """Do a step of a walk, and compare what was met when it ends."""
        op = item.request[0]
        cursor, count = unpack_from("<QH", item.request, 3)
        if not cursor:
            m.walked = ([], [])
        elif cursor not in m.cursors:
            return  # a walk that something has changed: what it meets is not said
        at = m.cursors.get(cursor, 0)
        if item.reply[0] != STATUS_OK:
            return
        (after,) = unpack_from("<Q", item.reply, 1)
        size = m.info.key_size + self._value_size(m)
        m.walked[0].extend(_entries(item.reply, size))
        while True:
            reply = self._ask(pack("<BHQH", op, m.there.id, at, count))
            self._done.operations += 1
            if reply[0] != STATUS_OK:
                raise _Differs(f"{_OPERATIONS[op][1]} {m.info.name!r}: the target has {_shown(reply)}")
            m.walked[1].extend(_entries(reply, size))
            (at,) = unpack_from("<Q", reply, 1)
            if after or not at:
                break
        if after:
            m.cursors[after] = at
        elif sorted(m.walked[0]) != sorted(m.walked[1]):
            other = sorted(set(m.walked[0]) ^ set(m.walked[1]))
            first = other[0].hex(" ") if other else "one entry more or less"
            raise _Differs(f"a walk of {m.info.name!r} does not meet the same entries; the first: {first}")

    def _value_size(self, m: _Map) -> int:
        size = m.info.value_size
        return (size + 7) // 8 * 8 * m.info.cpus if m.kind.per_cpu else size

    # -- events

    def _told(self, item: Told) -> None:
        m = self._map(item.number)
        if item.what & EVENT_MORE:
            m.partly += item.data
            return
        data, m.partly = m.partly + item.data, b""
        if item.what == EVENT_RECORD:
            self._record(m, data)
        elif item.what == EVENT_ENTRY:
            (slot,) = unpack_from("<H", data)
            key, value = data[2 : 2 + m.info.key_size], data[2 + m.info.key_size :]
            m.slots[slot] = key
            if m.written.get(key) != value:
                self._apply(m, pack("<BHIH", OP_UPDATE, m.there.id, 0, len(key)) + key + value, "update")
        elif item.what == EVENT_GONE:
            gone = m.slots.pop(unpack_from("<H", data)[0], None)
            if gone is not None and gone not in m.slots.values():
                self._apply(m, pack("<BH", OP_DELETE, m.there.id) + gone, "delete", missing=True)

    def _record(self, m: _Map, data: bytes) -> None:
        if m.kind.has("stats"):
            self._apply(m, pack("<BH", OP_PUSH_SAMPLE, m.there.id) + data[4:], "push")
            return
        self._apply(m, pack("<BH", OP_OUTPUT, m.there.id) + data[4:], "output")
        reply = self._ask(pack("<BHH", OP_READ, m.there.id, 1))
        found = [record for _, record in _records(reply[1:])] if reply[0] == STATUS_OK else []
        if found != [data[4:]]:
            shown = found[0].hex(" ") if found else "none"
            raise _Differs(
                f"record of {m.info.name!r}: it was {data[4:].hex(' ')}, and the target's next one is {shown}"
            )

    def _apply(self, m: _Map, request: bytes, word: str, missing: bool = False) -> None:
        reply = self._ask(request)
        self._done.events += 1
        if reply[0] == STATUS_OK or (missing and reply[0] == KeyNotFound.code):
            return
        raise _Differs(f"{word} {m.info.name!r}, as the firmware did: the target has {_shown(reply)}")


def _entries(reply: bytes, size: int) -> list[bytes]:
    return [reply[at : at + size] for at in range(11, len(reply), size)]


def _records(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        number, size = unpack_from("<II", data, at)
        found.append((number, data[at + 8 : at + 8 + size]))
        at += 8 + size
    return found


def _shown(reply: bytes) -> str:
    """Return a reply as a person reads it."""
    if reply[0] == STATUS_OK:
        return reply[1:].hex(" ") or "done"
    if reply[0] == STATUS_MISS:
        return "a miss"
    return f"the error {reply[1:].partition(bytes(1))[0].decode('utf-8', 'replace') or reply[0]!r}"
