"""Mistakes that this line once had, or could have, put back in the real code: the walk through all orders must find each."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from struct import pack, unpack_from
from typing import Any
from unittest import mock

from boardmaps.abi import OP_MORE, OP_PART, PART_FIRST, PART_LAST, STATUS_MORE
from boardmaps.line import seal, session
from boardmaps.line.frame import REPLY
from boardmaps.line.long import Long
from boardmaps.line.session import ServerSession
from boardmaps_host.client.requests import Requests
from tests.link.orders import FAULTS, Walk


class Forgetful(ServerSession):
    """Nothing holds a request's place while it is executed: when memory ends, its repeat gets an older request's reply."""

    def _execute(self, seq: int, payload: bytes) -> bytes:
        self._next = (seq + 1) & session.NUMBERS
        reply: Any = None
        if payload[0] in (OP_PART, OP_MORE):
            reply, payload = self._go_on(payload[0], payload)
        else:
            self._long = None
        if reply is None:
            reply = self._handle(payload, self.limit)
        if len(reply) > self.limit:
            reply = self._longer().begin(seq, reply, self.limit)
        self._kept[seq % self.window] = reply
        return self.encode(REPLY, self.session, seq, seq & 0xFF, reply)


class _Collector(Long):
    """Puts parts together as they come."""

    parts = b""

    def part(self, payload: bytes) -> tuple[bytes | None, bytes | None]:
        self.parts += payload[10 if payload[1] & PART_FIRST else 6 :]
        if not payload[1] & PART_LAST:
            return b"\0", None
        whole, self.parts = self.parts, b""
        return None, whole


class Collecting(ServerSession):
    """The parts of long requests belong to the server, not to a session: those of two hosts are joined."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._long = _Collector(None)

    def close(self) -> None:
        long = self._long
        super().close()
        self._long = long


class Silent(ServerSession):
    """A request that comes again gets no answer: where the first was lost, the host waits for ever."""

    def _out_of_turn(self, seq: int) -> bytes:
        return b"" if (self._next - seq) & session.NUMBERS == 1 else super()._out_of_turn(seq)


class Twice(ServerSession):
    """The number does not go on before a reply is on its way: where memory ends then, the repeat is done again."""

    def _execute(self, seq: int, payload: bytes) -> bytes:
        try:
            return super()._execute(seq, payload)
        except MemoryError:
            self._next = seq
            raise


def careless(self: Requests, reply: bytes) -> bytes:
    """Fetch the rest of a long reply without a look at the status of what comes: words of an error become the value's end."""
    (size,) = unpack_from("<I", reply, 1)
    step = len(reply) - 5
    asked = [pack("<BHI", OP_MORE, self._answered, at) for at in range(step, size, step)]
    rest = [more[5:] for more in self.run(asked, changes=False)]
    return bytes((reply[0] & ~STATUS_MORE,)) + b"".join([reply[5:], *rest])


def backwards(self: seal.Seal, raw: bytes) -> bool:
    """Open a sealed frame with the number nearest to the last, which may be a lower one."""
    end = len(raw) - seal.TAG - 2
    numbers: int = vars(seal)["NUMBERS"]  # few here
    half = numbers + 1 >> 1
    number = self.highest + ((raw[end] | raw[end + 1] << 8) - self.highest + half & numbers) - half
    if number <= 0 or raw[-seal.TAG :] != self._takes.digest(number.to_bytes(4, "little") + raw[:end])[: seal.TAG]:
        return False
    self.highest = number
    return True


@dataclass(frozen=True)
class Planted:
    """A mistake and the walk that is to find it; `says` is what it breaks."""

    says: str
    scenario: str = "plain"
    server: type[ServerSession] = ServerSession
    patch: tuple[Any, str, Any] | None = None
    faults: int = 1
    sorts: tuple[str, ...] = FAULTS

    @contextmanager
    def walk(self, name: str) -> Iterator[Walk]:
        """Put the mistake into the code, and give the walk through it."""
        with ExitStack() as patched:
            if self.patch is not None:
                patched.enter_context(mock.patch.object(*self.patch))
            yield Walk(self.scenario, self.faults, self.sorts, self.server, f" --planted {name}")


PLANTED = {
    "forgetful": Planted("the kept reply is still", server=Forgetful),
    "collecting": Planted("nobody asked for it", "hosts", server=Collecting),
    "careless": Planted("instead of", patch=(Requests, "_rest", careless)),
    "backwards": Planted("done twice", "locked", patch=(seal.Seal, "open", backwards), sorts=("double",)),
    "silent": Planted("got no answer", server=Silent),
    "twice": Planted("the number did not", server=Twice),
}
