"""A locked line: who has not the key changes nothing, and what was said once cannot be said again by somebody else.

A layer between line and session, the same on both sides: frames go out with a MAC in place of their CRC, and only those that
come with the right one are passed on, with a CRC again. The session and all above it know nothing of it. Nothing is hidden:
the payloads can be read on the line. SPEC.md has the bytes. The key never crosses the line; any bytes do, 16 random ones are
good. A board loads this module only when its server has a key.
"""

import os
from hashlib import sha256

from .frame import BYE, EVENT, HELLO, REPLY_FLAG, TAKEN, Decoder, cobs_decode, cobs_encode, decode, encode
from .session import frame_limit, pack_hello

CHALLENGE = 7  # host: begins a locked line with a nonce; with REPLY_FLAG, board: its nonce and its proof
SEALED = 0x40  # in a frame's kind: a MAC stands where the CRC would
TAG = 8  # bytes of the MAC that are sent
NONCE = 16  # bytes of the board's nonce, and of its proof
_WORD = b"boardmaps lock "  # before the host's nonce: 16 hex digits, so that a challenge harms no REPL
LONGER = 5  # bytes that a sealed frame may be longer than a plain one


class Hmac:
    """HMAC-SHA256 (RFC 2104) with one key."""

    def __init__(self, key: bytes) -> None:
        if len(key) > 64:
            key = sha256(key).digest()
        key = key + bytes(64 - len(key))
        self._inner = bytes([b ^ 0x36 for b in key])
        self._outer = bytes([b ^ 0x5C for b in key])

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes for `message`."""
        return sha256(self._outer + sha256(self._inner + message).digest()).digest()


class Seal:
    """Seals the frames of one session and opens them, on either side. `host` and `board` are the two nonces."""

    def __init__(self, key: bytes, host: bytes, board: bytes) -> None:
        shared = Hmac(key)
        self.proof = shared.digest(b"boardmaps board" + host + board)[:NONCE]
        self._hmac = Hmac(shared.digest(b"boardmaps line" + host + board))
        # A frame's number has 16 bits. The MAC covers 32: the number of that value that is nearest to the last one.
        self._last = [0x8000, 0x8000]

    def _tag(self, raw: bytes) -> "tuple[int, int, bytes]":
        kind = raw[0] & 0x0F
        number = raw[2] | raw[3] << 8
        line = 1 if kind in (EVENT, TAKEN) else 0
        if kind not in (HELLO, BYE):
            last = self._last[line]
            number = last + ((number - last + 0x8000) & 0xFFFF) - 0x8000
        message = (number & 0xFFFFFFFF).to_bytes(4, "little") + raw
        return line, number if kind not in (HELLO, BYE) else self._last[line], self._hmac.digest(message)[:TAG]

    def seal(self, kind: int, session: int, seq: int, ack: int, payload: bytes) -> bytes:
        """Return the frame as it goes over the wire, its closing zero included."""
        raw = bytes((kind | SEALED, session, seq & 0xFF, seq >> 8, ack)) + payload
        line, number, tag = self._tag(raw)
        self._last[line] = number
        return cobs_encode(raw + tag) + b"\0"

    def open(self, raw: bytes) -> bool:
        """Whether `raw`, a sealed frame with its tag, is one that the other side has sealed."""
        if len(raw) < 5 + TAG:
            return False
        line, number, tag = self._tag(raw[:-TAG])
        different = 0
        for i in range(TAG):  # all of them: the time must not tell how many are right
            different |= tag[i] ^ raw[i - TAG]
        if different:
            return False
        self._last[line] = number
        return True


def plain(raw: bytes) -> "tuple[int, int, int, int, bytes]":
    """Return the parts of a sealed frame that open() has found right, as decode() gives those of a plain one."""
    return raw[0] & ~SEALED, raw[1], raw[2] | raw[3] << 8, raw[4], raw[5:-TAG]


class BoardLock:
    """The board's end: bytes of the line in, bytes for the session out, and back. `refused` counts what was not let through."""

    def __init__(self, key: bytes, limit: int) -> None:
        self.refused = 0
        self.decoder = Decoder(limit)
        self.decoder.decode = self._decode
        self._key = key
        self._seal = None  # type: Seal | None
        self._offered = None  # type: Seal | None # becomes the seal when the host has used it
        self._answer = b""

    def receive(self, data: bytes) -> "tuple[bytes, bytes]":
        """Take what came over the line; return (what the session may have, what is to be sent)."""
        self._answer = b""
        frames = self.decoder.feed(data)
        return b"".join([encode(*frame) for frame in frames]), self._answer  # type: ignore[misc]

    def send(self, data: bytes) -> bytes:
        """Return the session's frames as they go over the line."""
        out = b""
        for chunk in data.split(b"\0"):
            frame = decode(chunk)
            if frame is not None and self._seal is not None:
                out += self._seal.seal(*frame)
        return out

    def _decode(self, chunk: bytes):  # type: ignore[no-untyped-def]
        raw = cobs_decode(chunk)
        if raw is None or len(raw) < 9:
            return None
        if raw[0] & SEALED:
            return self._opened(raw)
        frame = decode(chunk)
        if frame is None:
            return None
        kind, session, seq, _, payload = frame
        if kind == CHALLENGE and payload[: len(_WORD)] == _WORD:
            nonce = os.urandom(NONCE)
            self._offered = Seal(self._key, payload[len(_WORD) :], nonce)
            self._answer += encode(CHALLENGE | REPLY_FLAG, session, seq, 0, nonce + self._offered.proof)
            return None
        self.refused += 1
        if kind == HELLO:  # of a host without a key: tell it what it needs
            terms = pack_hello({"v": "0-0", "lock": "hmac-sha256"})
            self._answer += encode(HELLO | REPLY_FLAG, session, seq, 0, terms)
        return None

    def _opened(self, raw: bytes):  # type: ignore[no-untyped-def]
        if self._seal is not None and self._seal.open(raw):
            pass
        elif self._offered is not None and self._offered.open(raw):
            self._seal, self._offered = self._offered, None
        else:
            self.refused += 1
            if self._seal is None:  # the board has restarted: an empty answer asks for a new beginning
                self._answer += encode(CHALLENGE | REPLY_FLAG, raw[1], raw[2] | raw[3] << 8, 0)
            return None
        return plain(raw)


class LockedLine:
    """A board's line (StdioLine, UartLine) on which only frames sealed with `key` pass."""

    def __init__(self, line, key, mtu):  # type: ignore[no-untyped-def]
        self.credit = line.credit - 8 * LONGER
        self._line = line
        self.lock = BoardLock(key, frame_limit(mtu) + LONGER)
        self._raw = memoryview(bytearray(min(line.credit, 1024)))
        self._ready = b""
        self.open = line.open
        self.close = line.close

    @property
    def steady(self):  # type: ignore[no-untyped-def]
        """As the line's own."""
        return self._line.steady

    @steady.setter
    def steady(self, value):  # type: ignore[no-untyped-def]
        self._line.steady = value

    def wait(self, ms):  # type: ignore[no-untyped-def]
        """Return whether something is there to read within `ms` milliseconds."""
        return bool(self._ready) or self._line.wait(ms)

    def readinto(self, buf):  # type: ignore[no-untyped-def]
        """Read what was let through into buf; return the number of bytes."""
        if not self._ready:
            n = self._line.readinto(self._raw[: len(buf)])
            self._ready, answer = self.lock.receive(bytes(self._raw[:n]))
            if answer:
                self._line.write(answer)
            decoder = self.lock.decoder
            if decoder.interrupted() or decoder.held() == b"\x03":
                self._ready += decoder.idle()  # somebody's Ctrl-C is for the server to see
        n = min(len(buf), len(self._ready))
        buf[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n

    def write(self, data):  # type: ignore[no-untyped-def]
        """Seal the frames in `data` and write them."""
        self._line.write(self.lock.send(data))
