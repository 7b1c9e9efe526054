"""firmware/SPEC.md is enough to write a client from: this one is, and takes nothing from boardmaps but a board to talk to."""

import itertools
import json
import os
import select
import struct
import tty
from binascii import crc32
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard, default_port

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
HELLO, REQUEST, REPLY, LOST, BYE, ANSWER = 6, 8, 9, 11, 12, 0x80
CREATE, LIST, LOOKUP, UPDATE, PART, MORE, ADD = 1, 2, 4, 5, 13, 14, 15
HASH, SERIES = 1, 100
PARAMETERS = 1
DONE, MISS, KEY_EXISTS, NOT_SUPPORTED, APART, GONE, GOES_ON = 0, 127, 3, 10, 125, 126, 128
HARMFUL = {0, 1, 2, 3, 4, 5, 10, 13}


def stuffed(raw: bytes) -> bytes:
    out, block = bytearray(), bytearray()
    for byte in raw:
        if byte:
            block.append(byte)
            if len(block) < 254:
                continue
        out += bytes((len(block) + 1,)) + block
        block.clear()
    if block or not raw or not raw[-1]:
        out += bytes((len(block) + 1,)) + block
    return bytes(out)


def unstuffed(data: bytes) -> bytes:
    out = bytearray()
    while data:
        block, rest = data[1 : data[0]], data[data[0] :]
        out += block
        if data[0] < 255 and rest:
            out.append(0)
        data = rest
    return bytes(out)


def framed(kind: int, session: int, seq: int, ack: int, payload: bytes) -> bytes:
    raw = struct.pack("<BBHB", kind, session, seq, ack) + payload
    return stuffed(raw + struct.pack("<I", crc32(raw))) + b"\0"


def unframed(chunk: bytes) -> tuple[int, int, int, int, bytes]:
    raw = unstuffed(chunk)
    assert struct.unpack("<I", raw[-4:])[0] == crc32(raw[:-4])
    return (*struct.unpack("<BBHB", raw[:5]), raw[5:-4])


class Client:
    """One session on a serial port, one request at a time."""

    def __init__(self, port: str) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        self.got = b""
        self.session = self.seq = 0

    def until(self, ending: bytes) -> bytes:
        while ending not in self.got:
            assert select.select([self.fd], [], [], 10)[0], f"only {self.got!r} came"
            self.got += os.read(self.fd, 4096)
        before, _, self.got = self.got.partition(ending)
        return before

    def frame(self) -> tuple[int, int, int, int, bytes]:
        """Return the next frame; the zero before it ends what was printed."""
        while not (chunk := self.until(b"\0")):
            pass
        return unframed(chunk)

    def write(self, data: bytes) -> None:
        assert os.write(self.fd, data) == len(data)

    def start_server(self) -> None:
        self.write(b"\x03\x01")
        self.until(b"raw REPL; CTRL-B to exit\r\n>")
        self.write(b"import boardmaps\nboardmaps.serve()\x04")
        self.until(b"OK")

    def hello(self) -> dict[str, str]:
        for self.session, seq in itertools.product(range(0x20, 0x100), (0x2020, 0x2121, 0x5A5A)):
            frame = framed(HELLO, self.session, seq, 0x20, b"boardmaps v=2 mtu=480")
            if not HARMFUL & set(frame[:-1]):
                break
        self.write(b"\0" + frame)
        kind, session, answered, _, payload = self.frame()
        assert (kind, session, answered) == (HELLO | ANSWER, self.session, seq)
        word, *fields = payload.decode().split(" ")
        assert word == "boardmaps"
        terms = dict(field.split("=") for field in fields)
        self.seq = int(terms["next"])
        return terms

    def exchange(self, frame: bytes) -> tuple[int, bytes]:
        self.write(frame)
        kind, session, seq, ack, payload = self.frame()
        assert (kind, session, seq, ack) == (REPLY, self.session, self.seq, self.seq & 0xFF)
        return payload[0], payload[1:]

    def request(self, payload: bytes, again: int = 0) -> tuple[int, bytes]:
        """Return a reply's status and data; `again`: how often the request is repeated, which must change nothing."""
        frame = framed(REQUEST, self.session, self.seq, self.seq - 1 & 0xFF, payload)
        reply = self.exchange(frame)
        for _ in range(again):
            assert self.exchange(frame) == reply
        self.seq = self.seq + 1 & 0xFFFF
        return reply

    def bye(self) -> None:
        self.write(framed(BYE, self.session, self.seq, 0, b""))
        assert self.frame()[:3] == (BYE | ANSWER, self.session, self.seq)
        self.until(b"\x04\x04>")
        self.write(b"\x02")
        self.until(b">>> ")


@pytest.fixture
def client() -> Iterator[Client]:
    name = f"spec-{os.getpid()}"
    with UnixBoard(name, port=default_port(name)) as board:
        deploy(board.port, reset=False)
        client = Client(board.port)
        try:
            yield client
        finally:
            os.close(client.fd)


def test_this_client_agrees_with_the_vectors() -> None:
    for vector in VECTORS["cobs"]:
        assert stuffed(bytes.fromhex(vector["raw"])).hex() == vector["coded"]
        assert unstuffed(bytes.fromhex(vector["coded"])).hex() == vector["raw"]
    for vector in VECTORS["frames"]:
        kind, session, seq, ack = vector["header"]
        assert framed(kind, session, seq, ack, bytes.fromhex(vector["payload"])).hex() == vector["wire"]
        assert unframed(bytes.fromhex(vector["wire"])[:-1]) == (*vector["header"], bytes.fromhex(vector["payload"]))


def test_a_session_from_hello_to_bye(client: Client) -> None:
    client.start_server()
    terms = client.hello()
    assert terms["v"] == "2"
    assert int(terms["mtu"]) >= 64
    assert terms["profile"] == "embedded"

    assert terms["maps"] == "00000000"

    status, record = client.request(struct.pack("<B5IB", CREATE, HASH, 4, 8, 16, 0, 5) + b"temps")
    assert status == DONE
    assert record[:2] == struct.pack("<H", 57)
    which = record[2:4]
    assert client.request(bytes((UPDATE,)) + which + struct.pack("<IH", 0, 4) + b"kitc" + bytes(8)) == (DONE, b"")
    assert client.request(bytes((LOOKUP,)) + which + b"kitc") == (DONE, bytes(8))
    assert client.request(bytes((LOOKUP,)) + which + b"none") == (MISS, b"")
    status, text = client.request(bytes((UPDATE,)) + which + struct.pack("<IH", 1, 4) + b"kitc" + bytes(8))
    assert status == KEY_EXISTS
    assert b"'temps'" in text

    # A request whose reply was lost is sent again: the reply comes again, and nothing is added again.
    add = bytes((ADD,)) + which + struct.pack("<IBq", 0, 0, 5) + b"kitc"
    assert client.request(add, again=3) == (DONE, struct.pack("<Q", 5))
    assert client.request(add) == (DONE, struct.pack("<Q", 10))

    status, record = client.request(bytes((LIST, 0, 0)))
    assert (status, len(record)) == (DONE, 59)
    assert struct.unpack("<2H6I", record[:28]) == (57, *struct.unpack("<H", which), HASH, 4, 8, 16, 0, 1)
    assert record[36:53] == b"\0temps".ljust(17, b"\0")
    assert record[55:] == struct.pack("<I", 1)  # at most one entry was ever there
    unchanging = record[:24] + bytes(4) + record[28:36] + b"\0" + record[37:55] + bytes(4)
    assert client.hello()["maps"] == f"{crc32(unchanging):08x}"

    # A type's parameters are a part with a tag; a board makes nothing that has a part which it does not know.
    series = struct.pack("<B5IB", CREATE, SERIES, 8, 6, 10, 0, 1) + b"s"
    field = struct.pack("<BHBI", PARAMETERS, 5, ord("h"), 4)
    assert client.request(series + field + struct.pack("<BH", 99, 1) + b"?")[0] == NOT_SUPPORTED
    status, record = client.request(series + field)
    assert (status, record[59:]) == (DONE, field)
    assert client.request(bytes((LIST,)) + which) == (DONE, record)

    # What belongs to another session is refused, with the board's boot id.
    client.write(framed(REQUEST, client.session ^ 1, 1, 0, bytes((LIST, 0, 0))))
    kind, session, seq, _, payload = client.frame()
    assert (kind, session, seq) == (LOST, client.session ^ 1, 1)
    assert payload.decode() == terms["boot"]
    client.bye()


def test_what_no_frame_holds(client: Client) -> None:
    client.start_server()
    room = int(client.hello()["mtu"])
    _, record = client.request(struct.pack("<B5IB", CREATE, HASH, 4, 5000, 4, 0, 4) + b"long")
    which, value = record[2:4], bytes(i * 7 & 0xFF for i in range(5000))
    update = bytes((UPDATE,)) + which + struct.pack("<IH", 0, 4) + b"key1" + value

    def part(at: int, n: int, where: int) -> tuple[int, bytes]:
        size = struct.pack("<I", len(update)) if where & 1 else b""
        return client.request(struct.pack("<BBI", PART, where, at) + size + update[at : at + n])

    step = room - 10
    assert part(0, step, 1) == (DONE, b"")
    assert part(step + 1, step, 0)[0] == APART  # one byte is missing
    assert part(step, step, 0)[0] == APART  # and now the first
    for at in range(0, len(update), step):
        assert part(at, step, (not at) | 2 * (at + step >= len(update))) == (DONE, b"")

    seq = client.seq
    status, data = client.request(bytes((LOOKUP,)) + which + b"key1")
    assert (status, data[:4]) == (DONE | GOES_ON, struct.pack("<I", 5000))
    got = data[4:]
    assert len(got) == room - 5
    while status & GOES_ON:
        status, data = client.request(struct.pack("<BHI", MORE, seq, len(got)))
        assert data[:4] == struct.pack("<I", len(got))
        got += data[4:]
    assert got == value
    assert client.request(struct.pack("<BHI", MORE, seq, 0))[0] == GONE
    client.bye()
