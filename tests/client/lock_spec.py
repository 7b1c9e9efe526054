"""SPEC.md's section 5 a second time, from the document and the standard library alone.

`python -m tests.client.lock_spec` writes lock_vectors.json.
"""

import hashlib
import hmac
import json
import struct
from binascii import crc32
from pathlib import Path
from typing import Any

from tests.link.test_spec import stuffed

VECTORS = Path(__file__).parent / "lock_vectors.json"
CHALLENGE, HELLO, REQUEST, REPLY, BYE, EVENT, TAKEN = 7, 6, 8, 9, 12, 13, 14
ANSWER, SEALED = 0x80, 0x40
WORD = b"boardmaps lock 2 "


def digest(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def stretched(phrase: str, board_id: bytes) -> bytes:
    salt = b"boardmaps pass phrase 2\0" + board_id
    return hashlib.scrypt(phrase.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


class Keys:
    """What a key, the two nonces and a board's id make."""

    def __init__(self, key: bytes, host: bytes, board: bytes, board_id: bytes) -> None:
        k = hashlib.sha256(b"boardmaps key 2\0" + key).digest()
        t = host + board + board_id
        self.proof = digest(k, b"boardmaps proof 2\0" + t)[:16]
        self.to = {"board": digest(k, b"boardmaps to board 2\0" + t), "host": digest(k, b"boardmaps to host 2\0" + t)}

    def sealed(self, to: str, number: int, header: tuple[int, int, int, int], payload: bytes) -> bytes:
        """Return a frame with a number of 32 bits as it goes over the wire."""
        kind, session, seq, ack = header
        raw = struct.pack("<BBHB", kind | SEALED, session, seq, ack) + payload
        tag = digest(self.to[to], struct.pack("<I", number) + raw)[:8]
        return stuffed(raw + struct.pack("<H", number & 0xFFFF) + tag) + b"\0"


def framed(kind: int, session: int, seq: int, ack: int, payload: bytes) -> bytes:
    raw = struct.pack("<BBHB", kind, session, seq, ack) + payload
    return stuffed(raw + struct.pack("<I", crc32(raw))) + b"\0"


def vectors() -> dict[str, Any]:
    """A whole beginning, frames of all kinds both ways, and numbers of more than 16 bits."""
    key, host, board, board_id = bytes(range(16)), b"00112233445566778899aabbccddeeff", bytes(range(32, 48)), b"board-1"
    keys = Keys(key, host, board, board_id)
    told = [
        (
            "a HELLO, its number chosen so that no byte harms a REPL",
            "board",
            6,
            (HELLO, 0x77, 0x2324, 0x20),
            b"boardmaps v=2 mtu=4096",
        ),
        ("its answer", "host", 1, (HELLO | ANSWER, 0x77, 0x2324, 0), b"boardmaps v=2 next=65535"),
        ("a request", "board", 7, (REQUEST, 0x77, 0xFFFF, 0xFE), b"\x04\x01\x00key"),
        ("the same again has a number of its own", "board", 8, (REQUEST, 0x77, 0xFFFF, 0xFE), b"\x04\x01\x00key"),
        ("its reply", "host", 2, (REPLY, 0x77, 0xFFFF, 0xFF), b"\0value"),
        ("a piece of one", "host", 3, (REPLY | 0x10, 0x77, 0xFFFF, 0xFF), b"\0\0\x80\0" + bytes(64)),
        ("an event", "host", 4, (EVENT, 0x77, 1, 0), b"\x01\0\x01\0x"),
        ("and what takes it", "board", 9, (TAKEN, 0x77, 2, 0x7F), b""),
        ("a number of 65,536 and more, zeros in the frame", "board", 0x1_0000, (REQUEST, 0x77, 0, 0xFF), b""),
        (
            "a long payload",
            "board",
            0x1_0001,
            (
                REQUEST,
                0x77,
                1,
                0,
            ),
            bytes(range(256)),
        ),
        ("the end", "board", 0x1_0002, (BYE, 0x77, 1, 1), b""),
    ]
    phrase = "correct horse battery staple"
    return {
        "key": key.hex(),
        "host_nonce": host.decode(),
        "board_nonce": board.hex(),
        "board_id": board_id.hex(),
        "proof": keys.proof.hex(),
        "challenge": framed(CHALLENGE, 0x41, 0x2324, 0x20, WORD + host).hex(),
        "answer": framed(CHALLENGE | ANSWER, 0x41, 0x2324, 0, board + keys.proof + board_id).hex(),
        "frames": [
            {
                "about": about,
                "to": to,
                "number": number,
                "header": list(header),
                "payload": payload.hex(),
                "wire": keys.sealed(to, number, header, payload).hex(),
            }
            for about, to, number, header, payload in told
        ],
        "pass_phrase": {"phrase": phrase, "board_id": board_id.hex(), "key": stretched(phrase, board_id).hex()},
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=2) + "\n")
