"""The computer's codec of a locked line: seals what is sent, opens what the board has sealed, and agrees on keys for that.

No I/O: a challenge goes out in the place of the first HELLO of a session, and what must follow is left in `answer`. SPEC.md,
section 5, has the rules; boardmaps.line.seal is the board's end.
"""

import hashlib
import os
import random
from collections.abc import Callable

from boardmaps.line.frame import HELLO, REPLY_FLAG, cobs_decode, decode, encode
from boardmaps.line.seal import (
    CHALLENGE,
    HOST_NONCE,
    LEAST_ID,
    LONGER,
    MOST_ID,
    NONCE,
    REKEY,
    SEALED,
    WORD,
    Seal,
    check_key,
    plain,
    same,
)
from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.session import PASSED, SHOWN, taken_back

LEAST_PHRASE = 12  # characters
# What a REPL shows, and what it passes over: all above 0x7f, and 29 to 31, one of which COBS puts before a sealed HELLO.
_HARMLESS = SHOWN | PASSED | {29, 30, 31}
_ASK_AGAIN = 64  # frames after which a challenge for new keys that got no answer is sent again

Frame = tuple[int, int, int, int, bytes]
Pin = Callable[[bytes], None]


class WrongKey(LinkError):
    """The board's key is another one than ours, or somebody else answers in its place."""


def stretched(phrase: str, identity: bytes) -> bytes:
    """Return the key of 32 bytes that a pass phrase is on the board with this id: scrypt, N = 2**14, r = 8, p = 1.

    Takes about 50 ms and 16 MB. Raises ValueError when the phrase has fewer than 12 characters.
    """
    if len(phrase) < LEAST_PHRASE:
        raise ValueError(f"the pass phrase has {len(phrase)} characters: give at least {LEAST_PHRASE}")
    salt = b"boardmaps pass phrase 2\0" + identity
    return hashlib.scrypt(phrase.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32)


class HostLock:
    """The codec of a host's session on a locked line.

    `key` is the board's key in bytes, or a pass phrase as str. `pin` is called with the id of a board that has proved the key
    and raises when another board was expected. `name` is what errors call the board. `refused` counts what was not let
    through.

    Raises ValueError when the key or the phrase is too short, TypeError when it is neither bytes nor str.
    """

    sealed = True
    longer = LONGER

    def __init__(self, key: bytes | str, pin: Pin, name: str = "the board", rekey: int = REKEY) -> None:
        if isinstance(key, str):
            stretched(key, b"")  # refuses one that is too short
        else:
            key = check_key(key)
        self._key = key
        self._pin = pin
        self._name = name
        self._rekey = rekey
        self._identity: bytes | None = None  # of the board that has proved the key
        self._keys: dict[bytes, bytes] = {}  # by the board's id: stretching takes its time
        self.refused = 0
        self.answer = b""
        self._seal: Seal | None = None  # the board has used it
        self._next: Seal | None = None  # the board has proved it has it; becomes the seal when it has used it
        self._asked: tuple[int, int, bytes, bytes] | None = None  # session, seq, nonce and frame of a challenge
        self._hello: Frame | None = None

    @property
    def proven(self) -> tuple[bytes, bytes]:
        """The board's key and id, once it has proved the key: what another end needs to be that board to others (a hub)."""
        identity = self._identity or b""
        return self._key_of(identity), identity

    def encode(self, kind: int, session: int, seq: int, ack: int, payload: bytes = b"", /) -> bytes:
        """Return the frame sealed; a challenge in the place of a HELLO that needs new keys first; nothing without keys."""
        if kind == HELLO:
            frame = (kind, session, seq, ack, payload)
            if frame != self._hello or self._next is not None or self._seal is None:
                self._hello = frame
                return self._challenge()
            return self._harmless(self._seal, frame)
        seal = self._next or self._seal
        return seal.seal(kind, session, seq, ack, payload) if seal is not None else b""

    def decode(self, chunk: bytes, /) -> Frame | tuple[()] | None:
        """Return the parts of a frame that the board has sealed and that came for the first time; () for a plain frame."""
        raw = cobs_decode(chunk)
        if raw is None or len(raw) < 9:
            return None
        if raw[0] & SEALED:
            return self._opened(raw)
        frame = decode(chunk)
        if frame is None:
            return None
        kind, session, seq, _, payload = frame
        if kind != CHALLENGE | REPLY_FLAG:
            self.refused += 1
        elif not payload:  # the board has no keys: it restarted
            self._answer(self._challenge())
        elif self._asked is not None and self._asked[:2] == (session, seq):
            self._proved(self._asked[2], payload)
        # else the answer to an earlier challenge comes late: its proof is of another nonce
        return ()

    def _answer(self, frame: bytes) -> None:
        self.answer += b"\0" + frame + taken_back(frame)

    # -- agreeing on keys

    def _challenge(self) -> bytes:
        """Return the challenge that is out, or a new one when that has got its answer."""
        rng = random.SystemRandom()
        nonce = os.urandom(HOST_NONCE // 2).hex().encode()
        while self._asked is None:
            seq = rng.randrange(0x20, 0x7F) << 8 | rng.randrange(0x20, 0x7F)
            session = rng.randrange(0x20, 0x7F)
            frame = encode(CHALLENGE, session, seq, 0x20, WORD + nonce)
            if SHOWN.issuperset(frame[:1] + frame[2:-1]):  # but for its kind, Ctrl-G, which a REPL passes over
                self._asked = session, seq, nonce, frame
        return self._asked[3]

    def _proved(self, nonce: bytes, payload: bytes) -> None:
        """Take the board's answer to our challenge; the session's HELLO follows under the new keys."""
        board, proof, identity = payload[:NONCE], payload[NONCE : 2 * NONCE], payload[2 * NONCE :]
        known = self._identity
        if not LEAST_ID <= len(identity) <= MOST_ID or (
            known is not None and identity != known and self._seal is not None
        ):
            self.refused += 1  # once a session is open, nobody ends it with an answer that proves nothing
            return
        seal = Seal(self._key_of(identity), nonce, board, identity, is_board=False)
        if not same(seal.proof, proof):
            if self._seal is not None:
                self.refused += 1
                return
            raise WrongKey(f"{self._name}: the board has another key. Give the one that its server has.")
        if identity != known:
            self._pin(identity)
            self._identity = identity
        self._asked = None
        self._next = seal
        if self._hello is not None:
            self._answer(self._harmless(seal, self._hello))

    def _key_of(self, identity: bytes) -> bytes:
        if isinstance(self._key, bytes):
            return self._key
        if identity not in self._keys:
            self._keys = {identity: stretched(self._key, identity)}
        return self._keys[identity]

    def _opened(self, raw: bytes) -> Frame | None:
        if self._next is not None and self._next.open(raw):
            self._seal, self._next, self._asked = self._next, None, None
        elif self._seal is None or not self._seal.open(raw):
            self.refused += 1
            return None
        elif max(self._seal.sent, self._seal.highest) >= self._rekey and self._seal.highest % _ASK_AGAIN == 0:
            self._answer(self._challenge())
        return plain(raw)

    @staticmethod
    def _harmless(seal: Seal, frame: Frame) -> bytes:
        """Return a HELLO sealed, without bytes that a REPL obeys, for one may be there: numbers are left out for it."""
        while True:
            number = seal.sent + 1
            if number & 0xFF in _HARMLESS and number >> 8 & 0xFF in _HARMLESS | {0}:
                sealed = seal.seal(*frame)
                # COBS makes a Tab of the number's high byte when that is 0: behind the payload it completes no name.
                if _HARMLESS.issuperset(sealed[:-10] + sealed[-9:-1]):
                    return sealed
            else:
                seal.sent = number
