"""What a REPL makes of requests: those under way when a program ends are typed into it, and none may reset the board."""

import random
import re
from collections.abc import Iterator
from struct import pack

import pytest
import serial

from boardmaps import abi
from boardmaps_host.client.session import ClientSession
from boardmaps_sim.unix import UnixBoard
from tests.waits import PATIENCE

_OPERATIONS = sorted(number for name, number in vars(abi).items() if name.startswith("OP_"))
# What somebody's key or value says, some operations' numbers too, or by chance a request's number or the CRC: Ctrl-C, Enter or
# another that takes the line away, then Ctrl-D with nothing typed between, or not more than is deleted again.
_SAYS_SO = re.compile(rb"[\x03\n\r\x0b\x0e\x10\x15\x17]([^ -~]*|.*[\x04\b\x7f].*)\x04", re.DOTALL)
_DELETES = re.compile(rb"[\b\x7f].*\x04", re.DOTALL)  # behind the ack
_CTRL_D = 4  # to a raw REPL an Enter, and the codes of zeros take its line away: no key or value may have it
_EACH = 20  # requests of each operation


def requests() -> Iterator[tuple[bytes, bytes]]:
    """Payload and bytes of each operation's requests, with keys and values as firmware has them, and what else a host says."""
    rng = random.Random(11)
    session = ClientSession(rng)
    for i in range(_EACH):
        for operation in _OPERATIONS:
            session.renew()
            session._open({"next": str(rng.randrange(0x10000) & rng.choice((0xFFFF, 0xFFFF, 0xFFFF, 0xFF)))})
            parts = [pack("<BH", operation, rng.randrange(1, 9))]
            for _ in range(rng.randrange(4)):
                parts.append(
                    rng.choice((bytes(4), pack("<I", rng.randrange(20)), rng.randbytes(4), b"name", b"\4" * (i % 3)))
                )
            yield b"".join(parts), session.send(b"".join(parts), 0)[1]
        for other in (session.bye(), session.interrupt(), session.taken(rng.randrange(0x100), 4), session.hello()):
            yield b"", other


@pytest.mark.parametrize("raw", [False, True], ids=["friendly", "raw"])
def test_no_request_resets_a_board_whose_program_has_ended(unix: UnixBoard, raw: bool) -> None:
    prompt = b"\r\x03\x01" if raw else b"\r\x03\x02"
    reset, excused = [], 0
    with serial.Serial(unix.port, timeout=PATIENCE) as repl:
        for i, (payload, request) in enumerate(requests()):
            own = not request.startswith(b"\x02#") and (_CTRL_D in payload[1:] or _CTRL_D in request[7:-6])
            if _SAYS_SO.search(request) or (own and (raw or _DELETES.search(request, 7))):
                excused += 1
                continue
            repl.write(prompt + request)
            repl.write(b"\r\x03\x03\x02'is ' 'there %d'\r" % i)
            said = b""
            while b"'is there %d'" % i not in said and b"soft reboot" not in said:
                more = repl.read(repl.in_waiting or 1)
                assert more, said
                said += more
            if b"soft reboot" in said:
                reset.append(request)
                repl.read_until(b">")
                repl.write(b"\r\x02")
                repl.read_until(b">>> ")
    assert reset == []
    assert excused < i / (4 if raw else 7), "most requests can be held to it"
