"""Frames in plain Python, for the computer too: SPEC.md has the layout, line/frame.py gives them on."""

from binascii import crc32
from struct import pack

_LEAST = 9  # bytes of a frame without payload: header 5, CRC 4
_SOUND = 0x2144DF1C  # the CRC-32 of anything with its own CRC-32 behind it


def encode(kind: int, session: int, seq: int, ack: int, payload: bytes = b"") -> bytes:
    """Return the frame as it goes over the wire, its closing zero included."""
    raw = pack("<BBHB", kind, session, seq, ack) + payload
    return cobs_encode(raw + crc32(raw).to_bytes(4, "little")) + b"\0"


def decode(chunk: bytes) -> "tuple[int, int, int, int, bytes] | None":
    """Return (kind, session, seq, ack, payload) of what stood between two zeros, or None when it is no sound frame."""
    raw = cobs_decode(chunk)
    if raw is None or len(raw) < _LEAST or crc32(raw) != _SOUND:
        return None
    return raw[0], raw[1], raw[2] | raw[3] << 8, raw[4], raw[5:-4]


def cobs_encode(raw: bytes) -> bytes:
    """Return `raw` without zeros: consistent overhead byte stuffing, one byte more for each begun 254."""
    n = len(raw)
    if n >= 254:
        return _cobs_encode_long(raw)
    out = bytearray(n + 1)
    out[1:] = raw
    at = 0
    while at <= n:  # each zero, and one before it all, becomes the distance to the next
        zero = raw.find(b"\0", at) + 1 or n + 1
        out[at] = zero - at
        at = zero
    return bytes(out)


def _cobs_encode_long(raw: bytes) -> bytes:
    n = len(raw)
    out = bytearray(n + n // 254 + 2)
    i = o = 0
    while i <= n:
        end = raw.find(b"\0", i)
        # A full block of 254 stands for no zero behind it, so a zero there costs one more byte, except at the very end.
        full = 254
        if end < 0:
            end = n
            full = 255
        while end - i >= full:
            out[o] = 255
            out[o + 1 : o + 255] = raw[i : i + 254]
            o += 255
            i += 254
        size = end - i + 1
        out[o] = size
        out[o + 1 : o + size] = raw[i:end]
        o += size
        i = end + 1
    return bytes(out[:o])


def cobs_decode(data: bytes) -> "bytes | None":
    """Return what was encoded, or None when `data` cannot be the output of cobs_encode."""
    if not data or not data[0]:
        return None
    code = data[0]
    out = bytearray(data[1:])
    n = len(out)
    at = code - 1
    # In place: each code behind the first becomes the zero that it stands for, or nothing when the block before it was full.
    while at < n:
        full = code == 255
        code = out[at]
        if not code:
            return None
        if full:
            out = out[:at] + out[at + 1 :]
            n -= 1
            at -= 1
        else:
            out[at] = 0
        at += code
    return bytes(out) if at == n else None
