"""A line that does what serial lines do: it takes its time, loses, damages, doubles, delays and ends. Seeded or scripted.

No I/O and no clock: the simulation of both ends of a session runs it under a clock of its own, relay.py in front of a
simulated board. The same seed does the same to the same chunks.
"""

import heapq
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

_CHUNK = 64  # bytes that share a fate, as a USB packet's do
_BURST = 200  # bytes that a burst damages
_SILENCE = 2.0, 5.0  # seconds that a half-open line carries nothing in one direction

Fault = Literal["lose", "damage", "double", "delay"]


@dataclass(frozen=True)
class Faults:
    """What a line does. Times in seconds; chances per byte (corrupt) or per chunk of at most 64 bytes (all others)."""

    baud: int = 0  # bits a second, ten to a byte; 0: no limit
    latency: float = 0.0
    jitter: float = 0.0  # up to so much more, in order still
    corrupt: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0  # how often a chunk is overtaken by what follows
    burst: float = 0.0  # how often a burst begins, which damages 200 bytes
    half_open: float = 0.0  # how often a direction carries nothing for the next 2 to 5 s
    late: float = 0.02  # up to so late come a chunk that is overtaken and a second copy
    cut_at: int | None = None  # the line ends behind so many bytes
    script: Mapping[int, Fault] = field(default_factory=dict)  # what happens to the chunk with this number, from 0

    @property
    def any(self) -> bool:
        """Whether the line is anything but perfect."""
        return self != Faults()


class FaultyLine:
    """One direction. Put bytes in with send(), take out what arrived() has; `next_arrival` is when there will be more."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self.faults = faults
        self.sent = 0  # bytes
        self.hit = 0  # chunks that something happened to
        self.lose_next = 0  # chunks that will be lost whatever else happens
        self._rng = rng
        self._chunks = 0
        self._free = 0.0  # when the wire has sent what it has
        self._last = 0.0  # the latest arrival of what comes in order
        self._coming: list[tuple[float, int, bytes]] = []
        self._count = 0
        self.bursts = 0
        self.silences = 0  # times that it was half-open
        self._burst = 0  # bytes that are still to be damaged
        self._silent_until = 0.0

    @property
    def cut(self) -> bool:
        """Whether the line has ended."""
        return self.faults.cut_at is not None and self.sent >= self.faults.cut_at

    @property
    def busy_until(self) -> float:
        """When the wire will have sent all that it was given."""
        return self._free

    def send(self, data: bytes, now: float) -> None:
        """Put bytes on the line."""
        for i in range(0, len(data), _CHUNK):
            chunk = data[i : i + _CHUNK]
            if self.faults.cut_at is not None:
                chunk = chunk[: max(0, self.faults.cut_at - self.sent)]
            self.sent += len(chunk)
            if chunk:
                self._send(chunk, now)

    def _send(self, chunk: bytes, now: float) -> None:
        faults, rng = self.faults, self._rng
        scripted = faults.script.get(self._chunks)
        self._chunks += 1
        self._free = max(now, self._free) + (len(chunk) * 10 / faults.baud if faults.baud else 0.0)
        arrival = self._free + faults.latency + (rng.random() * faults.jitter if faults.jitter else 0.0)
        arrival = max(arrival, self._last)
        if self.lose_next:
            self.lose_next -= 1
            scripted = "lose"
        if scripted == "lose" or (faults.loss and rng.random() < faults.loss):
            self.hit += 1
            return
        if faults.half_open and self._is_silent(now):
            self.hit += 1
            return
        whole = chunk
        if faults.burst:
            chunk = self._burst_into(chunk)
        if scripted == "damage":
            chunk = bytes((chunk[0] ^ 0x55,)) + chunk[1:]
        elif faults.corrupt:
            chunk = self._corrupted(chunk)
        self.hit += chunk != whole
        if scripted == "double" or (faults.duplicate and rng.random() < faults.duplicate):
            self.hit += 1
            self._arrives(chunk, arrival + rng.random() * faults.late)
        if scripted == "delay" or (faults.reorder and rng.random() < faults.reorder):
            self.hit += 1
            self._arrives(chunk, arrival + rng.random() * faults.late)
            return
        self._last = arrival
        self._arrives(chunk, arrival)

    def _is_silent(self, now: float) -> bool:
        if now >= self._silent_until and self._rng.random() < self.faults.half_open:
            self.silences += 1
            self._silent_until = now + self._rng.uniform(*_SILENCE)
        return now < self._silent_until

    def _burst_into(self, chunk: bytes) -> bytes:
        if not self._burst and self._rng.random() < self.faults.burst:
            self.bursts += 1
            self._burst = _BURST
        hit = min(self._burst, len(chunk))
        self._burst -= hit
        return self._rng.randbytes(hit) + chunk[hit:]

    def _corrupted(self, chunk: bytes) -> bytes:
        rng, chance = self._rng, self.faults.corrupt
        if rng.random() >= 1 - (1 - chance) ** len(chunk):  # one draw for the many chunks that nothing happens to
            return chunk
        broken = bytearray(chunk)
        broken[rng.randrange(len(broken))] ^= rng.randrange(1, 256)
        for i in range(len(broken)):
            if rng.random() < chance:
                broken[i] ^= rng.randrange(1, 256)
        return bytes(broken)

    def _arrives(self, chunk: bytes, when: float) -> None:
        self._count += 1
        heapq.heappush(self._coming, (when, self._count, chunk))

    @property
    def next_arrival(self) -> float | None:
        """When the next bytes arrive, None while nothing is under way."""
        return self._coming[0][0] if self._coming else None

    def arrived(self, now: float) -> bytes:
        """Return what has arrived by `now`."""
        out = b""
        while self._coming and self._coming[0][0] <= now:
            out += heapq.heappop(self._coming)[2]
        return out

    def drop(self) -> None:
        """Lose what is under way, as when a cable is pulled."""
        self._coming.clear()
