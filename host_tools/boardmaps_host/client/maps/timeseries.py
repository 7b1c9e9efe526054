"""A board's TimeSeries."""

from __future__ import annotations

from collections.abc import Callable
from struct import iter_unpack, pack
from typing import NamedTuple

from boardmaps.abi import OP_PUSH_SAMPLE, OP_SAMPLES, OP_STATS, SAMPLES_LAST, SAMPLES_OLDEST, SAMPLES_WINDOW, U32_MAX
from boardmaps.errors import InvalidKeySize, MapError
from boardmaps_host.client import subscribe
from boardmaps_host.client.events import Sampled, Subscription
from boardmaps_host.client.info import reading
from boardmaps_host.client.maps.base import Buffer, RemoteMap

Sample = tuple[int, bytes]
_U64_MAX = (1 << 64) - 1


class Stats(NamedTuple):
    """Statistics of a numeric field over samples; `span` is the last timestamp minus the first."""

    count: int  # type: ignore[assignment] # hides the method of tuples
    min: float | None
    max: float | None
    sum: float
    mean: float | None
    span: int


class RemoteTimeSeries(RemoteMap):
    """A TimeSeries on a board. Statistics are computed there."""

    def push(self, timestamp: int, value: Buffer) -> None:
        """Add a sample; in a full series the oldest one goes."""
        if not isinstance(timestamp, int) or not 0 <= timestamp <= _U64_MAX:
            raise InvalidKeySize(f"push {self.name!r}: timestamp is {timestamp!r}, not a number from 0 to 2**64 - 1")
        self._ask(OP_PUSH_SAMPLE, pack("<Q", timestamp) + self._sized("push", value), changes=True)

    def records(self, callback: Callable[[Sampled], None] | None = None) -> Subscription[Sampled]:
        """Have the board push the samples as they come, from the oldest that is there: iterate, or give a callback.

        They stay in the series. A sample's `lost` is how many before it were overwritten before they could be told.
        """
        return subscribe.samples(self._link, self._subscribe, callback)

    def newest(self) -> Sample | None:
        """Return the last sample pushed, as (timestamp, value); None when there is none."""
        found = self.last(1)
        return found[0] if found else None

    def oldest(self) -> Sample | None:
        """Return the first sample that is still there; None when there is none."""
        found = self._samples(SAMPLES_OLDEST)
        return found[0] if found else None

    def last(self, n: int) -> list[Sample]:
        """Return the newest n samples, or all when there are fewer, in the order in which they were pushed."""
        return self._samples(SAMPLES_LAST, self._count("last", n))

    def window(self, start: int, end: int) -> list[Sample]:
        """Return the samples whose timestamps are from `start` to `end`, both included, in the order of pushing."""
        self._whole("window", "start", start)
        self._whole("window", "end", end)
        if start > end or end < 0 or start > _U64_MAX:
            return []
        return self._samples(SAMPLES_WINDOW, max(start, 0), min(end, _U64_MAX))

    def stats(self, n: int | None = None) -> Stats:
        """Return the statistics of the newest n samples, or of all. Raises NotSupported when no field is declared."""
        n = U32_MAX if n is None else self._count("stats", n)
        data = self._ask(OP_STATS, pack("<I", n)) or b""
        with reading(f"stats {self.name!r}"):
            return Stats(*[_number(word) for word in data.decode().split(" ")])  # type: ignore[arg-type] # as the board says them, in this order

    def _count(self, op: str, n: int) -> int:
        if not isinstance(n, int) or n < 0:
            raise MapError(f"{op} {self.name!r}: n is {n!r}, not a number from 0 up")
        return min(n, U32_MAX)

    def _samples(self, what: int, first: int = 0, last: int = 0) -> list[Sample]:
        data = self._ask(OP_SAMPLES, pack("<BQQ", what, first, last)) or b""
        with reading(f"samples of {self.name!r}"):
            return list(iter_unpack(f"<Q{self.definition.value_size}s", data))


def _number(word: str) -> float | None:
    """Read a number as Python writes it: an int has digits alone."""
    if word == "None":
        return None
    return int(word) if word.lstrip("-").isdigit() else float(word)
