"""A board that answers anything at any time: sound answers of the real server, bent in a way that a seed decides.

    python -m tests.link.hostile SEED

runs one seed again. Time is this board's own, so that silence costs none of the computer's.
"""

import random
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import islice
from struct import pack
from typing import Any
from unittest import mock

from boardmaps.errors import MapError
from boardmaps.line.frame import EVENT, HELLO, LOST, NAK, PIECE_FLAG, REPLY, REPLY_FLAG, Decoder, encode
from boardmaps_host import Board
from boardmaps_host.client import connection, events, link, opening, pump, repl, requests
from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.link import Link
from boardmaps_host.client.maps.base import RemoteMap
from boardmaps_host.client.session import ClientSession
from boardmaps_host.client.transports.twin import TwinTransport
from boardmaps_host.kinds import KINDS
from boardmaps_host.twin.registries import Registry

TIMEOUT = 1.0
LONGEST = 60 * TIMEOUT  # that a call of one request may take: opening a session, then a flood of other things
_TICK = 1e-4
_KINDS = (HELLO | REPLY_FLAG, REPLY, REPLY | PIECE_FLAG, NAK, LOST, EVENT, EVENT | PIECE_FLAG)
_WORDS = (0, 1, 2, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)


class HostileBoard:
    """The transport of a Link, and its clock. `bend` is how many of the frames are not what they should be, 0 to 1."""

    name = "hostile"

    def __init__(self, seed: int, bend: float = 0.0) -> None:
        self.rng = random.Random(seed)
        self.bend = bend
        self.now = 0.0
        self.frames = 0
        self._inner = TwinTransport(allow_reset=True)
        self._decoder = Decoder(8192, text=True)
        self._waiting = b""

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def read(self, timeout: float) -> bytes:
        if not self._waiting and self._inner._events is not None:
            self._take(self._inner._events.poll(int(self.now * 1000) & 0x3FFFFFFF))
        self.now += _TICK if self._waiting else max(timeout, _TICK)
        data, self._waiting = self._waiting, b""
        return data

    def write(self, data: bytes) -> None:
        self._inner.write(data)
        answer, self._inner._waiting = self._inner._waiting, b""
        self._take(answer)

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _take(self, answer: bytes) -> None:
        for frame in self._decoder.feed(answer):
            if isinstance(frame, bytes):
                continue
            self.frames += 1
            self._waiting += self._bent(*frame) if self.rng.random() < self.bend else encode(*frame)

    def _bent(self, kind: int, session: int, seq: int, ack: int, payload: bytes) -> bytes:  # noqa: PLR0911 - one way each
        rng = self.rng
        what = rng.randrange(10)
        if what == 0:
            return b""
        if what == 1:
            return encode(kind, session, seq, ack, payload) * rng.randrange(2, 5)
        if what == 2:
            return rng.randbytes(rng.randrange(200)) + b"\0" + encode(kind, session, seq, ack, payload)
        if what == 3:
            text = b"%08x %d" % (rng.getrandbits(32), rng.getrandbits(16)) if rng.random() < 0.5 else rng.randbytes(12)
            return encode(LOST, session, seq, 0, text)
        if what == 4:
            return encode(rng.choice(_KINDS), session, seq + rng.randrange(3) & 0xFFFF, ack, self._changed(payload))
        if what == 5:
            event = pack("<BBH", rng.randrange(4), rng.choice((0, 1, 2, 3, 0x80, 0x83)), rng.choice((0, 3, 8, 200)))
            frames = [encode(EVENT, session, n & 0xFFFF, 0, event + rng.randbytes(rng.randrange(24))) for n in range(4)]
            return b"".join(frames) + encode(kind, session, seq, ack, payload)
        return encode(kind, session, seq, ack, self._changed(payload))

    def _changed(self, payload: bytes) -> bytes:
        """Return a payload whose fields are not what they should be."""
        rng = self.rng
        data = bytearray(payload)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data) + 1)
            what = rng.randrange(7)
            if what == 0:
                del data[at:]
            elif what == 1:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            elif what == 2 and data:
                data[0] = rng.choice((0, 1, 4, 11, 125, 126, 127, 128, 132, 254, 255))
            elif what == 3:
                word = pack("<I", rng.choice(_WORDS))[: rng.choice((1, 2, 4))]
                data[at : at + len(word)] = word
            elif what == 4:
                data[:] = rng.randbytes(rng.randrange(64))
            elif what == 5:
                data[:1] = b"\0"
            elif data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
        return bytes(data)[:4096]

    @contextmanager
    def board(self) -> Iterator[Board]:
        """A connection to this board, under its clock."""
        with ExitStack() as patched:
            session = partial(ClientSession, self.rng)
            patched.enter_context(mock.patch.object(connection, "ClientSession", session))
            for module in (connection, events, link, opening, pump, repl, requests):
                patched.enter_context(mock.patch.object(module, "time", self))
            yield Board(Link(self, TIMEOUT))


def calls(board: Board, rng: random.Random) -> Iterator[Callable[[], object]]:
    """Give calls of all that a board and its maps can be asked, for ever."""
    sizes = {"key_size": 8, "value_size": 8, "max_entries": 16, "name": ""}
    maps: list[RemoteMap] = []
    for kind in KINDS:
        parts = {name: 64 if kind.in_bytes else sizes[name] for name in kind.sizes}
        maps.append(board.create_map(kind.class_name, **parts, name=kind.word))
    long = board.create_map("ArrayMap", value_size=20_000, max_entries=1, name="long")
    long.update(0, b"5" * 20_000)
    names = [m.name for m in board.maps()]
    arguments = {"key": bytes(8), "index": 0, "value": bytes(8), "small": 1}
    while True:
        m = rng.choice([*maps, long])
        yield board.maps
        yield lambda: board.map(rng.choice(names))
        yield lambda: board.create_map("HashMap", key_size=4, value_size=4, max_entries=4)
        yield rng.choice((board.pool.stats, board.pool.read))
        yield m.info
        yield lambda: long.lookup(0)
        yield lambda: long.update(0, b"7" * 20_000)
        methods = [name for name in dir(type(m)) if not name.startswith("_") and callable(getattr(type(m), name))]
        for name in rng.sample(methods, min(4, len(methods))):
            given = rng.choice(list(arguments.values())), rng.choice(list(arguments.values()))
            yield partial(attempt, getattr(m, name), given[: rng.randrange(3)])


def attempt(call: Callable[..., Any], given: tuple[object, ...]) -> None:
    """Make a call whose own arguments may be wrong; walks and subscriptions are followed for a while."""
    try:
        result = call(*given)
    except (TypeError, ValueError) as error:
        if error.__traceback__ is not None and within_an_answer(error):
            raise
        return
    if hasattr(result, "get") and hasattr(result, "close"):
        with result:
            for _ in range(3):
                result.get(0.2)
    elif hasattr(result, "__next__"):
        deque(islice(result, 100), 0)


def within_an_answer(error: BaseException) -> bool:
    """Whether an error comes from behind a request: then it is the board's answer that made it, not the arguments."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(("requests.py", "session.py", "info.py", "link.py")):
            return True
        trace = trace.tb_next
    return False


class NotBounded(AssertionError):
    """A call took longer than it may."""


def check_time(took: float, frames: int) -> None:
    """Raise NotBounded when a call with so many frames took longer than it may."""
    if took > LONGEST + frames * TIMEOUT:
        raise NotBounded(f"a call with {frames} frames took {took:.1f} s")


def run(seed: int, most: int, bend: float = 0.3) -> int:
    """Make calls to a hostile board until it has sent `most` frames; return how many calls that were.

    What is raised beside LinkError and MapError passes, with the line that runs this seed again.
    """
    made = 0
    try:
        with Registry():
            hostile = HostileBoard(seed)
            with hostile.board() as board:
                rng = random.Random(seed + 1)
                each = calls(board, rng)
                next(each)
                hostile.bend = bend
                while hostile.frames < most:
                    call = next(each)
                    begun, sent = hostile.now, hostile.frames
                    made += 1
                    with suppress(LinkError, MapError):
                        call()
                    check_time(hostile.now - begun, hostile.frames - sent)
    except Exception as error:
        error.add_note(f"seed {seed}; replay: python -m tests.link.hostile {seed} {most}")
        raise
    return made


if __name__ == "__main__":
    print(run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000), "calls")
