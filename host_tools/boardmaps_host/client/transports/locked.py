"""The computer's end of a locked line: a transport that seals what is sent and lets through what the board has sealed."""

import os
import random
import time
from dataclasses import dataclass

from boardmaps.line.frame import HELLO, REPLY_FLAG, Decoder, cobs_decode, decode, encode
from boardmaps.line.seal import CHALLENGE, LONGER, NONCE, SEALED, Seal, plain
from boardmaps.line.session import frame_limit
from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.session import HOST_MTU, taken_back
from boardmaps_host.client.transports.base import Transport

_HARMLESS = frozenset(range(256)) - {0, 1, 2, 3, 4, 5, 8, 9, 10, 13, 27, 127}
_SEALS = 20  # one in four or five makes a HELLO that a REPL would obey
_PATIENCE = 1.2  # seconds for the answer to a challenge: a firmware's loop may poll but once a second

_Frame = tuple[int, int, int, int, bytes]


class WrongKey(LinkError):
    """The board's key is another one than ours, or somebody else answers in its place."""


@dataclass
class LockedTransport:
    """Carries the frames of a session over `line`, sealed with `key`."""

    line: Transport
    key: bytes

    def __post_init__(self) -> None:
        self.name = self.line.name
        self._decoder = Decoder(frame_limit(HOST_MTU) + LONGER, text=True)
        self._decoder.decode = self._decode
        self._seal: Seal | None = None
        self._hello: tuple[int, int] | None = None
        self._answers: list[_Frame] = []
        self._anew = False
        self._ready = b""

    @property
    def refused(self) -> int:
        """How many pieces of what came were no frame that our seal opens."""
        return self._decoder.damaged

    # -- the transport

    def read(self, timeout: float) -> bytes:
        """Return what has come, the frames among it with a CRC."""
        if self._anew:
            self._begin()
        if not self._ready:
            data = self.line.read(timeout)
            self._ready = self._pass(data) if data else self._decoder.idle()
        data, self._ready = self._ready, b""
        return data

    def write(self, data: bytes) -> None:
        """Send frames sealed; what is no frame, such as the control characters for a REPL, goes as it is."""
        out = b""
        *chunks, last = data.split(b"\0")
        greeted = False  # what takes a HELLO back is counted for the sealed one
        for chunk in chunks:
            frame = decode(chunk) if chunk else None
            if frame is None:
                out += b"" if greeted and not chunk.strip(b"\b") else chunk + b"\0"
                greeted = False
                continue
            greeted = frame[0] == HELLO
            if greeted and self._hello != frame[1:3]:
                self._hello = frame[1:3]  # a session has a seal of its own, so that an old HELLO opens nothing
                self._seal = None
            sealed = self._sealed(frame)
            out += sealed
            if greeted and sealed:
                out += taken_back(sealed)
        out += last
        if out:
            self.line.write(out)

    def reopen(self) -> None:
        """Open the port again after it was closed under us."""
        self.line.reopen()

    def close(self) -> None:
        """Close the line."""
        self.line.close()

    # -- the lock

    def _sealed(self, frame: _Frame) -> bytes:
        """Return a frame sealed, nothing when nobody agrees on a seal.

        HELLO may find a board whose Ctrl-C still ends its firmware, and a seal may make one of it: then another seal is due.
        """
        for _ in range(_SEALS):
            if self._seal is None:
                self._begin()
            if self._seal is None:
                break
            sealed = self._seal.seal(*frame)
            if frame[0] != HELLO or _HARMLESS.issuperset(sealed[:-1]):
                return sealed
            self._seal = None
        return b""

    def _begin(self) -> None:
        """Agree on a new seal. Nobody may answer: then there is none, and nothing is sent."""
        self._anew = False
        nonce = os.urandom(8).hex().encode()
        seal = None
        end = time.monotonic() + _PATIENCE
        session, seq, challenge = _challenge(nonce)
        self.line.write(b"\0" + challenge + taken_back(challenge))
        while seal is None and (left := end - time.monotonic()) > 0:
            self._ready += self._pass(self.line.read(left))
            for *asked, _, payload in self._answers:
                # The answer to an earlier challenge may come late: its proof is of another nonce.
                if asked == [CHALLENGE | REPLY_FLAG, session, seq] and len(payload) == 2 * NONCE:
                    seal = Seal(self.key, nonce, payload[:NONCE])
                    if seal.proof != payload[NONCE:]:
                        raise WrongKey(f"{self.name}: the board has another key. Give the one that its server has.")
            self._answers.clear()
        self._anew = False
        self._seal = seal or self._seal

    def _pass(self, data: bytes) -> bytes:
        """Return what came for the session: text, and the frames that our seal opens."""
        out = []
        for found in self._decoder.feed(data):
            if isinstance(found, bytes):
                out.append(found)
            elif found[0] & 0x0F == CHALLENGE:
                self._answers.append(found)
                self._anew = self._anew or not found[4]
            else:
                out.append(encode(*found))
        return b"".join(out)

    def _decode(self, chunk: bytes) -> _Frame | None:
        raw = cobs_decode(chunk)
        if raw is None or len(raw) < 9:
            return None
        if not raw[0] & SEALED:
            frame = decode(chunk)
            return frame if frame is not None and frame[0] & 0x0F == CHALLENGE else None
        if self._seal is None or not self._seal.open(raw):
            return None
        return plain(raw)


def _challenge(nonce: bytes) -> tuple[int, int, bytes]:
    """Return a session, a number and the frame with them for a nonce; its bytes harm no REPL that it may reach."""
    rng = random.SystemRandom()
    while True:
        seq = rng.randrange(0x20, 0x7F) << 8 | rng.randrange(0x20, 0x7F)
        session = rng.randrange(0x20, 0x100)
        frame = encode(CHALLENGE, session, seq, 0x20, b"boardmaps lock " + nonce)
        if _HARMLESS.issuperset(frame[:-1]):
            return session, seq, frame
