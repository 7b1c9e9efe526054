"""The subscriptions that there are: a ring's records, a series's samples, the changes of a map.

`begin` has the board begin one and returns its number; it finds the map again when the board has restarted.
"""

from collections.abc import Callable
from struct import unpack_from
from typing import Protocol

from boardmaps.abi import EVENT_ENTRY, EVENT_RECORD
from boardmaps.definition import MapDef
from boardmaps_host.client.events import Change, Hub, Record, Sampled, Subscription

_U32 = 0xFFFFFFFF


class Subscribing(Protocol):
    """What has a hub of events: a Link."""

    hub: Hub


def records(
    link: Subscribing, begin: Callable[[], int], callback: Callable[[Record], None] | None = None
) -> Subscription[Record]:
    """Have the records of a ring pushed; they are taken out of it."""
    seen: list[int] = []

    def read(what: int, data: bytes) -> list[Record]:
        if what != EVENT_RECORD:
            return []
        (number,) = unpack_from("<I", data)
        return [Record(number, _lost(seen, number), data[4:])]

    return link.hub.subscribe(begin, read, callback)


def samples(
    link: Subscribing, begin: Callable[[], int], callback: Callable[[Sampled], None] | None = None
) -> Subscription[Sampled]:
    """Have the samples of a series pushed, from the oldest that it still has; they stay in it."""
    seen: list[int] = []

    def read(what: int, data: bytes) -> list[Sampled]:
        if what != EVENT_RECORD:
            return []
        number, timestamp = unpack_from("<IQ", data)
        return [Sampled(number, _lost(seen, number), timestamp, data[12:])]

    return link.hub.subscribe(begin, read, callback)


def changes(
    link: Subscribing,
    begin: Callable[[int, bytes], int],
    d: MapDef,
    key: bytes | None,
    every: float,
    callback: Callable[[Change], None] | None = None,
) -> Subscription[Change]:
    """Have the changes of a key, or of the whole map, pushed; first comes what is there."""
    held: dict[int, bytes] = {}  # slot: the key that was told there last
    where: dict[bytes, int] = {}  # key: the slot that it was told in last

    def read(what: int, data: bytes) -> list[Change]:
        slot = int.from_bytes(data[:2], "little")
        now = data[2 : 2 + d.key_size] if what == EVENT_ENTRY else None
        before = held.pop(slot, key)
        found: list[Change] = []
        # A key that has left its slot is gone, unless it was deleted and came back in another slot, which was told already.
        if before is not None and before != now and where.get(before, slot) == slot:
            where.pop(before, None)
            found.append(Change(before, None))
        if now is not None:
            held[slot] = now
            where[now] = slot
            found.append(Change(now, data[2 + d.key_size :]))
        return found

    pause = min(max(round(every * 1000), 0), 0xFFFF)
    return link.hub.subscribe(lambda: begin(pause, key or b""), read, callback)


def _lost(seen: list[int], number: int) -> int:
    lost = (number - seen[0] - 1) & _U32 if seen else 0
    seen[:] = [number]
    return lost if lost < 1 << 31 else 0  # numbers that begin anew: the map was cleared or made again
