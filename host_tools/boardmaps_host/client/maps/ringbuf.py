"""A board's RingBuf."""

from collections.abc import Callable
from struct import pack, unpack, unpack_from
from typing import NamedTuple

from boardmaps.abi import OP_CLEAR, OP_OUTPUT, OP_QUERY, OP_READ
from boardmaps_host.client import subscribe
from boardmaps_host.client.events import Record, Subscription
from boardmaps_host.client.info import reading
from boardmaps_host.client.maps.base import Buffer, RemoteMap

_READ_MOST = 0xFFFF  # records asked for at once; the board sends what fits its frame


class RingState(NamedTuple):
    """How full a ring is. Positions grow, modulo 2**32; all but `dropped` (records) are bytes."""

    waiting: int
    size: int
    consumer: int
    producer: int
    dropped: int


class RemoteRingBuf(RemoteMap):
    """A RingBuf on a board: the host is its reader, as a rule. Reserving is for the firmware alone."""

    def output(self, data: Buffer) -> bool:
        """Add a record with these bytes; return False, and it is counted, when there is no room for it."""
        return self._ask(OP_OUTPUT, self._bytes("output", "record", data), changes=True) == b"\1"

    def read(self) -> tuple[int, bytes] | None:
        """Take the next record: (its number, its bytes). None when there is none, or the next one is still reserved."""
        found = self.read_many(1)
        return found[0] if found else None

    def read_many(self, count: int = _READ_MOST) -> list[tuple[int, bytes]]:
        """Take up to `count` records, as many as one frame holds; an empty list when there is none."""
        data = self._ask(OP_READ, pack("<H", min(count, _READ_MOST)), changes=True) or b""
        found = []
        at = 0
        with reading(f"read {self.name!r}", changed=True):
            while at < len(data):
                number, length = unpack_from("<II", data, at)
                at += 8 + length
                if at > len(data):
                    raise ValueError("a record is cut short")
                found.append((number, data[at - length : at]))
        return found

    def records(self, callback: Callable[[Record], None] | None = None) -> Subscription[Record]:
        """Have the board push the records as they come, from the oldest that waits: iterate, or give a callback.

        They are taken out of the ring. A record's `lost` is how many before it the board had to drop.
        """
        return subscribe.records(self._link, self._subscribe, callback)

    def clear(self, force: bool = False) -> None:
        """Throw away every record that is waiting; by force also those that a dead firmware has reserved."""
        self._ask(OP_CLEAR, b"\1" if force else b"", changes=True)

    def query(self) -> RingState:
        """Return the bytes waiting, the size, the positions of consumer and producer, and the records dropped."""
        data = self._ask(OP_QUERY) or b""
        with reading(f"query {self.name!r}"):
            return RingState(*unpack("<5I", data))
