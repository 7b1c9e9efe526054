"""What a rare request had loaded goes where memory ends, unless it is in use, and comes back with the next that needs it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.board.conftest import on_unix, with_native
from tests.board.on_unix import FIRMWARE

BOARD = """
import gc, sys
from binascii import crc32
from struct import pack, unpack_from
class Config:
    POOL_SIZE = 8192
sys.modules["boardmaps_config"] = Config
from boardmaps import HashMap, Server, pool
from boardmaps.line.frame import HELLO, PIECE_FLAG, REQUEST, Decoder, encode

class Line:
    credit = 511
    come = gone = b""
    def open(self): pass
    def close(self): pass
    def wait(self, ms): return bool(self.come)
    def readinto(self, buf):
        n = min(len(buf), len(self.come))
        buf[:n] = self.come[:n]
        self.come = self.come[n:]
        return n
    def write(self, data):
        self.gone += bytes(data)

line = Line()
server = Server(line=line)
numbers = [0, 0]  # of the session, and of the next request

def say(frame):
    line.come = b"\\0" + frame
    while line.come:
        server.poll()
    said, line.gone = line.gone, b""
    return Decoder(600).feed(said)

def hello():
    numbers[0] += 1
    terms = say(encode(HELLO, numbers[0], 1, 0, b"boardmaps v=2 mtu=480"))[0][4]
    numbers[1] = int(terms.split(b" next=")[1].split(b" ")[0])

def ask(*parts):
    reply = say(encode(REQUEST, numbers[0], numbers[1], 0, pack(*parts[:-1]) + parts[-1]))[0][4]
    numbers[1] = numbers[1] + 1 & 0xFFFF
    return reply

SCHEMA = b"level:u32"
LARGE = 3000  # bytes: less than a module takes
m = HashMap(4, LARGE, 2, 0, "m")

def rare():
    "Ask what is rare; return what was loaded for it."
    hello()
    m.update(b"abcd", bytes(LARGE))
    m.lookup(b"abcd")
    assert ask("<BHB", 0x40, m.id, 0, b"\\0")[0] == 0  # a subscription, which ends with its session
    hello()
    made = ask("<B5IBBH", 1, 2, 4, 4, 1, 0, 0, 2, len(SCHEMA), SCHEMA)
    assert made[0] == 0, made
    reply = ask("<BH", 56, m.id, b"")
    assert reply == b"\\0" + pack("<I", crc32(pool._view[m.offset : m.offset + m.size])), reply
    names = "serving.transfer maps.check line.events line.sources schema"
    return [name for name in names.split() if "boardmaps." + name in sys.modules]

def fill(n=LARGE // 2):
    "Leave no piece of so many bytes, but small ones."
    gc.collect()
    taken = [bytearray(80) for _ in range(80)]
    taken.extend([None] * (400000 // n))  # so that it does not grow
    at = 80
    try:
        while True:
            taken[at] = bytearray(n)
            at += 1
    except MemoryError:
        pass
    for i in range(0, 80, 2):
        taken[i] = None
    return taken

def loaded():
    return [name for name in NAMES if "boardmaps." + name in sys.modules]
rare()  # what stays is loaded first, and lets the rest go
NAMES = rare()
assert NAMES == "serving.transfer maps.check line.events line.sources schema".split(), NAMES
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], None]:
    """Return a function that runs a program behind BOARD, in a folder of its own: a restore collects in a file."""

    def run_there(program: str, in_c: bool = False) -> None:
        code = f"import os\nos.chdir({str(tmp_path)!r})\n{BOARD}{program}"
        failed, output = on_unix(code, "400K", with_native(tmp_path) if in_c else FIRMWARE)
        assert not failed, output

    return run_there


def test_a_reply_that_finds_no_memory(run: Callable[[str], None]) -> None:
    run("""
taken = fill()
assert ask("<BH", 4, m.id, b"abcd")[0] & 0x7F == 0
assert not loaded(), loaded()
del taken
rare()
""")


def test_a_request_in_parts_that_finds_no_memory(run: Callable[[str], None]) -> None:
    run("""
from boardmaps.line import long  # which is no rare one
def update():  # in a function, whose frame leaves nothing that is held by chance
    return pack("<BHIH", 5, m.id, 0, 4) + b"abcd" + bytes(LARGE)
request = update()
taken = fill()
assert ask("<BBII", 13, 1, 0, len(request), request[:100]) == b"\\0"
assert not loaded(), loaded()
""")


@pytest.mark.parametrize("in_c", [False, True])
def test_a_usual_request_that_finds_no_memory_is_answered_when_it_comes_again(
    run: Callable[..., None], in_c: bool
) -> None:
    run(
        """
from boardmaps import settings
usual = HashMap(4, 400, 2, 0, "usual")
usual.update(b"abcd", bytes(400))
server.session.taken = None
taken = fill(350)
frame = encode(REQUEST, numbers[0], numbers[1], 0, pack("<BH", 4, usual.id) + b"abcd")
answers = say(frame) or say(frame)
whole = answers[0][4]
if answers[0][0] & PIECE_FLAG:  # it was executed the first time, and this is the kept reply
    whole = b"".join([piece[4][4:] for piece in answers])
assert whole == bytes(401), answers
assert not loaded(), loaded()
assert bool(settings.in_c) is IN_C
""".replace("IN_C", str(in_c)),
        in_c=in_c,
    )


def test_a_restore_of_a_typed_map_has_what_it_needs_before_anything_changes(run: Callable[[str], None]) -> None:
    run("""
typed = HashMap.typed("typed", key="room:4s", value="level:u16", max_entries=4)
typed.update(b"abcd", b"12")
image = bytes(pool._view[typed.offset : typed.offset + typed.size])
typed.update(b"abcd", b"34")
server._let_go()
assert not loaded()
assert ask("<BBBHH", 57, 0, 0, 1, typed.id, image[:96])[0] == 0
assert ask("<BBI", 57, 1, 0, image) == b"\\0"
taken = fill()
assert ask("<BBI", 57, 2, crc32(image), b"") == b"\\0"
assert typed.lookup(b"abcd") == b"12"
""")


def test_what_keeps_nothing_of_a_request_goes_too(run: Callable[[str], None]) -> None:
    run("""
from boardmaps import tick
others = "line.health line.keeping line.commit refusals"
small = HashMap(4, 4, 2, 0, "small")
change = pack("<BHIH", 5, small.id, 0, 4) + b"abcd" + bytes(4)
def ask_them():
    assert ask("<B", 40, b"\\0")[0] == 0
    ask("<B", 50, b"")  # the pins
    assert ask("<BH", 44, len(change), change) == b"\\0\\1"
    assert refused(m.push)
    return [name for name in others.split() if "boardmaps." + name not in sys.modules]
def refused(push):
    try:
        push(b"")
    except Exception as error:
        return type(error).__name__ == "NotSupported"
assert ask_them() == []
assert server._let_go()
assert [name for name in others.split() if "boardmaps." + name in sys.modules] == []
assert ask_them() == []
tick()
waits = ask("<B", 44, b"")
assert waits[:2] == b"\\0\\0", waits
tick()
server._let_go()
assert "boardmaps.line.commit" in sys.modules
known = ask("<B", 45, waits[2:] + b"\\0")
assert known[:2] == b"\\0\\1", known
""")


def test_another_server_keeps_what_it_uses(run: Callable[[str], None]) -> None:
    run("""
other = Server(line=Line())
other.line.come = b"\\0" + encode(HELLO, 77, 1, 0, b"boardmaps v=2 mtu=480")
other.poll()
assert not server._let_go()
other.close()
assert server._let_go()
""")


def test_what_is_in_use_stays(run: Callable[[str], None]) -> None:
    run("""
head = bytes(pool._view[m.offset : m.offset + 96])
assert ask("<BBBHH", 57, 0, 0, 1, m.id, head)[0] == 0
assert ask("<BHB", 0x40, m.id, 0, b"\\0")[0] == 0
assert not server._let_go()
assert loaded() == NAMES, loaded()
whole = bytes(pool._view[m.offset : m.offset + m.size])
for at in range(0, m.size, 400):
    assert ask("<BBI", 57, 1, at, whole[at : at + 400]) == b"\\0"
assert ask("<BBI", 57, 2, crc32(whole), b"") == b"\\0"
assert m.lookup(b"abcd") == bytes(LARGE)
taken = fill()
assert server._let_go()
assert loaded() == ["line.events", "line.sources"], loaded()
assert not server._let_go()
""")


def test_modules_that_others_hold_are_not_loaded_twice(run: Callable[[str], None]) -> None:
    run("""
import boardmaps.fields, boardmaps.migrate
assert server._let_go()
assert loaded() == ["maps.check", "schema"], loaded()
""")


def test_what_made_the_maps_goes_when_a_server_begins(run: Callable[[str], None]) -> None:
    run("""
server._let_go()
import boardmaps.schema
Server(line=line)
assert not loaded()
typed = HashMap.typed("typed", key="room:4s", value="level:u16", max_entries=4)
level = typed.field("level")
typed.update(b"abcd", bytes(2))
Server(line=line)
assert "schema" in loaded(), "the field holds it"
level.set(b"abcd", 7)
assert level.get(b"abcd") == 7
""")


def test_what_stays_is_loaded_where_what_is_rare_was(run: Callable[[str], None]) -> None:
    run("""
assert "boardmaps.line.long" not in sys.modules
assert loaded() == NAMES
request = pack("<BHIH", 5, m.id, 0, 4) + b"abcd" + bytes(LARGE)
assert ask("<BBII", 13, 1, 0, len(request), request[:100]) == b"\\0"
assert "boardmaps.line.long" in sys.modules
assert not loaded(), loaded()
""")


def test_what_stays_is_loaded_behind_a_collection(run: Callable[[str], None]) -> None:
    run("""
from boardmaps.line import collect
def left(name):
    gc.collect()
    gc.disable()
    for _ in range(100):
        bytes(500)
    before = gc.mem_alloc()
    collect(name)
    gc.enable()
    return before - gc.mem_alloc()
assert left("boardmaps.line.session") < 1000, "it is loaded"
assert left("boardmaps.line.long") > 40000
""")
