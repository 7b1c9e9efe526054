"""How fast a snapshot is: a row of `python -m bench.line`, under a clock of its own, exact on every machine."""

from binascii import crc32
from collections.abc import Mapping, Sequence
from itertools import accumulate
from struct import pack, unpack_from
from types import MappingProxyType

from bench.report import Row
from boardmaps import ArrayMap, HashMap, Queue, RingBuf, TimeSeries
from boardmaps.abi import INFO_FORMAT, OP_LIST, OP_SLICE_SUM
from boardmaps_host.client.info import MapInfo, listing
from boardmaps_host.client.link import Link
from boardmaps_host.client.pool import RemotePool
from boardmaps_host.client.transfer import take
from boardmaps_host.twin import Registry
from boardmaps_sim.base import BoardError
from boardmaps_sim.faulty import Faults
from tests.link.simulation import World


class _Pool:
    """What answers for a board with a pool full of maps, and what take() asks of a Board."""

    info: Mapping[str, str] = MappingProxyType({})

    def __init__(self, maps: Sequence[bytes]) -> None:
        self.image = b"".join(maps)
        offsets = accumulate((len(one) for one in maps), initial=0)
        self.places = list(zip(offsets, (len(one) for one in maps), strict=False))

    def handle(self, request: bytes, limit: int) -> bytes:
        if request[0] == OP_LIST:
            (after,) = unpack_from("<H", request, 1)
            return b"\0" + b"".join(self.record(i) for i in range(after, len(self.places)))
        if request[0] == OP_SLICE_SUM:
            at, size = self.places[unpack_from("<H", request, 1)[0] - 1]
            return b"\0" + pack("<I", crc32(self.image[at : at + size]))
        offset, n = unpack_from("<IH", request, 1)
        return b"\0" + self.image[offset : offset + min(n, limit - 1)]

    def record(self, i: int) -> bytes:
        at, size = self.places[i]
        words = unpack_from("<5I", self.image, at + 8)
        record = pack(
            INFO_FORMAT, i + 1, *words[:1], *words[2:5], words[1], 0, at, size, 0, self.image[at + 80 : at + 96], 1, 0
        )
        return pack("<H", len(record)) + record

    def maps(self) -> list[MapInfo]:
        return listing(self.link)

    link: Link
    pool: RemotePool


def snapshot() -> Row:
    """A snapshot of a full pool of 64 KB, each map with its checksum behind it."""
    with Registry() as registry:
        HashMap(8, 8, 800, 0, "temps")
        RingBuf(16384, 0, "log")
        TimeSeries(4, 500, 0, "series")
        Queue(8, 200, 0, "jobs")
        left = 65536 - sum(len(one.data) for one in registry.snapshot())
        ArrayMap(8, (left - 96) // 8, 0, "numbers")
        board = _Pool([one.data for one in registry.snapshot()])
    w = World(1, Faults(baud=115200), handle=board.handle)
    with w.link() as link:
        board.link = link
        start = w.now
        taken = take(board, (), None)
        rate = len(board.image) / (w.now - start)
    if [one.data for one in taken] != [board.image[at : at + size] for at, size in board.places] or taken.changed:
        raise BoardError("the snapshot is not what the board has")
    what = f"115,200 baud, snapshot of {len(board.image):,} bytes in {len(board.places)} maps"
    return Row.held(what, rate, "bytes/s", "wire 11,520/s", rate / 11520, ">= 0.9")
