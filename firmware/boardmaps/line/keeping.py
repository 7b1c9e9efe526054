"""The operations of the line on what outlives a reset: pins, and kept files. The same on the board and on the twin.

Loaded with the first of them. Each is a call of what boardmaps itself has for the program.
"""

from struct import pack, pack_into, unpack_from

import boardmaps

from ..errors import InvalidDefinition, NotPermitted
from ..flags import BPF_F_RDONLY, U32_MAX, const

# Numbers of abi.py, restated
_OP_PIN = const(48)
_OP_UNPIN = const(49)
_OP_PINS = const(50)
_OP_KEPT_READ = const(51)
_OP_ACKNOWLEDGE = const(52)
_PIN_SAME = const(0)
_PIN_CHANGED = const(1)
_PIN_KEPT = const(2)
_PIN_REFUSED = const(3)
_STATUS_MISS = const(127)

_STATES = {"same": _PIN_SAME, "changed": _PIN_CHANGED, "kept": _PIN_KEPT}


def execute(op: int, request: bytes, limit: int, map_of) -> "bytes | bytearray | None":  # type: ignore[no-untyped-def]
    """Execute a request of these; None for an operation that there is not."""
    if op == _OP_PIN:
        return _pin(map_of(request, "pin"), request)
    if op == _OP_UNPIN:
        return _unpin(str(request[1:], "utf-8"))
    if op == _OP_PINS:
        return _pins()
    if op == _OP_KEPT_READ:
        return _kept_read(request, limit)
    if op == _OP_ACKNOWLEDGE:
        acknowledged = bytearray(5)  # had before anything changes, as below
        pack_into("<I", acknowledged, 1, boardmaps.acknowledge())
        return acknowledged
    return None


def _pin(m, request: bytes) -> bytes:  # type: ignore[no-untyped-def]
    (every,) = unpack_from("<I", request, 3)
    before = boardmaps.pin_stats()[4]
    written = boardmaps.pin(m, None if every == U32_MAX else every / 1000)
    return b"\0" + pack("<II", written, boardmaps.pin_stats()[4] - before & U32_MAX)


def _unpin(name: str) -> bytearray:
    if not name:
        raise InvalidDefinition("unpin: a pin has a name; give it")
    if boardmaps.pin_flags(name) & BPF_F_RDONLY:
        raise NotPermitted("unpin %r: the map is read-only for the host, and so is what it begins with" % name)
    reply = bytearray(2)
    reply[1] = boardmaps.unpin(name)
    return reply


def _pins() -> bytearray:
    reply = bytearray(b"\0" + pack("<5I", *[n & U32_MAX for n in boardmaps.pin_stats()]))
    for name, state, size, writes, written, every in boardmaps.pins():
        text = b"" if state in _STATES else state.encode()[:200]
        label = name.encode()
        every = U32_MAX if every is None else every
        reply += pack("<B4IBB", _STATES.get(state, _PIN_REFUSED), size, writes, written, every, len(label), len(text))
        reply += label
        reply += text
    return reply


def _kept_read(request: bytes, limit: int) -> bytes:
    offset, n = unpack_from("<IH", request, 1)
    found = boardmaps.kept_read(str(request[7:], "utf-8"), offset, min(n, limit - 1))
    return bytes((_STATUS_MISS,)) if found is None else b"\0" + found
