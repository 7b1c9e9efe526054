"""Runs on a board, behind failing.py: the turns of a server that nothing is asked of, or the usual."""

from struct import pack

from boardmaps import ArrayMap, HashMap, Server
from boardmaps.line.frame import HELLO, REQUEST, encode
from boardmaps.line.session import pack_hello
from boardmaps.serving.server import StdioLine


class Line:
    """A line in memory that takes no heap."""

    credit = 511

    def __init__(self):
        self.coming = bytearray(511)
        self.n = 0
        self.sent = 0

    def open(self):
        """Take Ctrl-C."""

    def close(self):
        """Give it back."""

    def wait(self, _):
        """Return whether something has come."""
        return self.n != 0

    def readinto(self, buf):
        """Give what has come."""
        n, self.n = self.n, 0
        for i in range(n):
            buf[i] = self.coming[i]
        return n

    def write(self, data):
        """Count what is sent."""
        self.sent += len(data)

    def give(self, data):
        """Have this come."""
        self.coming[: len(data)] = data
        self.n = len(data)


def measure(what, function, *arguments, frame=b""):
    """Call it twice, and note what the second call took of the heap; the first may load something."""
    again(frame)
    function(*arguments)
    again(frame)
    _fail.call(0, 0, function, *arguments)
    done[what] = _fail.count(), _fail.large()


def roomy(a, b, c, d, e, f, g, h, i, j, k):
    """Have a frame that is too large for the C stack."""
    return a + b


h, a = HashMap(4, 8, 4), ArrayMap(8, 4)
h.update(b"aaaa", b"12345678")
line = Line()
server = Server(line=line, idle=1000)
session = server.session


def again(request):
    """Have a request come, with the number that is due."""
    if request:
        line.give(encode(REQUEST, 1, session._next, 0, request))


measure("no session", server.poll)
line.give(encode(HELLO, 1, 7, 0, pack_hello({"v": "2", "mtu": 200})))
server.poll()
measure("nothing comes", server.poll)
for what, request in (
    ("ping", b"\0hello"),
    ("lookup of a hash", pack("<BH", 4, h.id) + b"aaaa"),
    ("lookup, a miss", pack("<BH", 4, h.id) + b"none"),
    ("lookup of an array", pack("<BHI", 4, a.id, 1)),
    ("update", pack("<BHIH", 5, h.id, 0, 4) + b"aaaa" + b"87654321"),
    ("add", pack("<BHIBqI", 15, a.id, 0, 0, 1, 1)),
):
    sent = line.sent
    measure(what, server.poll, frame=request)
    assert line.sent > sent, what
stdio, room = StdioLine(), bytearray(64)
measure("stdin has nothing", stdio.wait, 0)
measure("nothing is read", stdio.readinto, room)
measure("nothing is written", stdio.write, b"")
measure("a large frame", roomy, *range(11))
finish()
