"""A locked line: only who has the key changes something, and each frame counts once. SPEC.md, section 5, has bytes and limits.

seal.BoardLock is the codec of a board's session when its server has a key; the host's is boardmaps_host.client.lock. Frames bear
a MAC in place of the CRC. Nothing is hidden: the payloads can be read on the line. A board loads this module only when it has a
key.
"""

import os
from hashlib import sha256

from .frame import HELLO, REPLY_FLAG, cobs_decode, cobs_encode, decode, encode
from .session import NUMBERS, pack_hello

CHALLENGE = 7  # host: begins keys of a session with a nonce; with REPLY_FLAG, board: its nonce, its proof and its id
SEALED = 0x40  # in a frame's kind: a number and a MAC stand where the CRC would
TAG = 8  # bytes of the MAC that are sent
NONCE = 16  # bytes of the board's nonce, and of its proof
HOST_NONCE = 32  # hex digits: text, so that a challenge harms no REPL
WORD = b"boardmaps lock 2 "  # before the host's nonce
LEAST_KEY = 16  # bytes
LEAST_ID, MOST_ID = 4, 32  # bytes of a board's id
LONGER = 6  # bytes that a sealed frame is longer than a plain one: number 2, tag 8, no CRC 4
LATEST = 16  # how far behind the highest number a frame may come; none comes twice
REKEY = 1 << 24  # at this number, or any time before, the host begins new keys
END = 1 << 28  # no frame has this number or a higher one
_SEALED_LEAST = 5 + 2 + TAG  # bytes of a sealed frame without payload


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


def check_key(key: bytes) -> bytes:
    """Return the key; raise TypeError when it is not bytes, ValueError when it is shorter than 16 bytes."""
    if not isinstance(key, (bytes, bytearray)):
        raise TypeError("the key is not bytes: give at least %d, such as `boardmaps key` makes" % LEAST_KEY)
    if len(key) < LEAST_KEY:
        raise ValueError(
            "the key has %d bytes: give at least %d, such as `boardmaps key` makes" % (len(key), LEAST_KEY)
        )
    return bytes(key)


def same(one: bytes, other: bytes) -> bool:
    """Whether two MACs of one length are equal; the time it takes does not tell how many bytes are."""
    different = 0
    for i in range(len(one)):
        different |= one[i] ^ other[i]
    return not different


class Seal:
    """The keys of one session, on one side, and the numbers of the frames under them.

    `host` and `board` are the two nonces, `identity` is the board's id. `proof` is what shows the host that the board has the
    key. `sent` and `highest` are the last number sealed and the highest opened.
    """

    def __init__(self, key: bytes, host: bytes, board: bytes, identity: bytes, is_board: bool) -> None:
        # The key is hashed first: HMAC fills keys up with zeros, so those that differ in zeros at the end would be one.
        shared = Hmac(sha256(b"boardmaps key 2\0" + key).digest())
        about = host + board + identity
        self.proof = shared.digest(b"boardmaps proof 2\0" + about)[:NONCE]
        to_board = Hmac(shared.digest(b"boardmaps to board 2\0" + about))
        to_host = Hmac(shared.digest(b"boardmaps to host 2\0" + about))
        self._sends, self._takes = (to_host, to_board) if is_board else (to_board, to_host)
        self.sent = 0
        self.highest = 0
        self._seen = 0  # bit i: number highest - i was opened

    def seal(self, kind: int, session: int, seq: int, ack: int, payload: bytes = b"") -> bytes:
        """Return the frame as it goes over the wire, its closing zero included; nothing when the numbers have come to their end."""
        number = self.sent + 1
        if number >= END:
            return b""
        self.sent = number
        raw = bytes((kind | SEALED, session, seq & 0xFF, seq >> 8, ack)) + payload
        tag = self._sends.digest(number.to_bytes(4, "little") + raw)[:TAG]
        return cobs_encode(raw + bytes((number & 0xFF, number >> 8 & 0xFF)) + tag) + b"\0"

    def open(self, raw: bytes) -> bool:
        """Whether `raw`, a sealed frame with number and tag, is one of the other side's that was not opened before."""
        if len(raw) < _SEALED_LEAST:
            return False
        end = len(raw) - TAG - 2
        # The lowest number of these bits that is not behind the window: numbers are never followed backwards.
        lowest = self.highest - LATEST + 1
        number = lowest + ((raw[end] | raw[end + 1] << 8) - lowest & NUMBERS)
        behind = self.highest - number
        if not 0 < number < END or (behind >= 0 and self._seen >> behind & 1):
            return False
        tag = self._takes.digest(number.to_bytes(4, "little") + raw[:end])
        if not same(raw[-TAG:], tag[:TAG]):
            return False
        if behind >= 0:
            self._seen |= 1 << behind
        else:
            self._seen = (self._seen << -behind | 1) & (1 << LATEST) - 1 if -behind < LATEST else 1
            self.highest = number
        return True


def plain(raw: bytes) -> "tuple[int, int, int, int, bytes]":
    """Return the parts of a sealed frame that open() has found right, as decode() gives those of a plain one."""
    return raw[0] & ~SEALED, raw[1], raw[2] | raw[3] << 8, raw[4], raw[5 : -TAG - 2]


class BoardLock:
    """The codec of a board's locked line. `refused` counts the frames that were not let through."""

    sealed = True
    longer = LONGER

    def __init__(self, key: bytes, identity: bytes) -> None:
        self._key = check_key(key)
        if not LEAST_ID <= len(identity) <= MOST_ID:
            raise ValueError(
                "the board's id has %d bytes: give %d to %d as boardmaps_config.BOARD_ID"
                % (len(identity), LEAST_ID, MOST_ID)
            )
        self._identity = identity
        self.refused = 0
        self.answer = b""
        self._seal = None  # type: Seal | None
        self._offered = None  # type: Seal | None # becomes the seal when the host has used it
        self._host = b""  # the host's nonce in it
        self._board = b""  # ours

    def encode(self, kind: int, session: int, seq: int, ack: int, payload: bytes = b"") -> bytes:
        """Return the frame sealed; nothing while no host has shown that it has the key."""
        return self._seal.seal(kind, session, seq, ack, payload) if self._seal else b""

    def decode(self, chunk: bytes):  # type: ignore[no-untyped-def]
        """Return the parts of a frame that our seal opens, or (). What answers a challenge goes to `answer`."""
        raw = cobs_decode(chunk)
        if raw is None or len(raw) < 9:
            return None
        if raw[0] & SEALED:
            return self._opened(raw)
        frame = decode(chunk)
        if frame is None:
            return None
        kind, session, seq, _, payload = frame
        if kind == CHALLENGE and payload.startswith(WORD) and len(payload) == len(WORD) + HOST_NONCE:
            self._challenged(session, seq, payload[len(WORD) :])
            return ()
        self.refused += 1
        if kind == HELLO:  # of a host without a key: tell it what it needs
            terms = pack_hello({"v": "0-0", "lock": "hmac-sha256"})
            self.answer += encode(HELLO | REPLY_FLAG, session, seq, 0, terms)
        return ()

    def _challenged(self, session: int, seq: int, nonce: bytes) -> None:
        if (
            self._offered is None or nonce != self._host
        ):  # the same again gets the same answer: the first may have been lost
            board = os.urandom(NONCE)
            self._offered = Seal(self._key, nonce, board, self._identity, True)  # nothing needs memory behind this
            self._host = nonce
            self._board = board
        self.answer += encode(
            CHALLENGE | REPLY_FLAG, session, seq, 0, self._board + self._offered.proof + self._identity
        )

    def _opened(self, raw: bytes):  # type: ignore[no-untyped-def]
        if self._seal is not None and self._seal.open(raw):
            return plain(raw)
        if self._offered is not None and self._offered.open(raw):
            self._seal, self._offered = self._offered, None
            return plain(raw)
        self.refused += 1
        if self._seal is None:  # the board has restarted: an empty answer asks for a new challenge
            self.answer += encode(CHALLENGE | REPLY_FLAG, raw[1], raw[2] | raw[3] << 8, 0)
        return None
