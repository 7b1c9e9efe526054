"""Runs on a board, behind failing.py: every request, long ones, openings and events of a session, plain or `SEALED`.

Every request of the list (or one of `EVERY`), each with all the dispatcher's allocations and one of `STEP` of the frame's, which
are alike for all.

What the host does is done here too, with all the memory that it needs.

More than 300 lines: one program that a board runs as it is, with the list of all requests.
"""

from struct import pack, unpack_from

from boardmaps import ArrayMap, BloomFilter, HashMap, PerCpuArray, Queue, RingBuf, Server, TimeSeries
from boardmaps.line import operations as ops
from boardmaps.line.frame import (
    BYE,
    EVENT,
    HELLO,
    PIECE_FLAG,
    REPLY,
    REPLY_FLAG,
    REQUEST,
    cobs_decode,
    decode,
    encode,
)
from boardmaps.line.pieces import Joiner
from boardmaps.line.seal import CHALLENGE, WORD, Seal, plain
from boardmaps.line.seal import SEALED as IN_SEAL
from boardmaps.line.session import pack_hello

KEY = bytes(range(16))
GONE, NO_MEMORY, READ = 126, 4, 22
Config.BOARD_ID = b"a board"


class Line:
    """A line in memory. It has no wire, and takes no heap while it writes."""

    credit = 511
    steady = False

    def __init__(self):
        self.coming = b""
        self.gone = bytearray(4096)
        self.n = 0

    def open(self):
        """Take Ctrl-C."""

    def close(self):
        """Give it back."""

    def wait(self, _):
        """Return whether something has come."""
        return len(self.coming) != 0

    def readinto(self, buf):
        """Give what has come, at most as much as there is room for."""
        n = min(len(buf), len(self.coming))
        for i in range(n):
            buf[i] = self.coming[i]
        self.coming = b"" if n == len(self.coming) else self.coming[n:]
        return n

    def write(self, data):
        """Keep what is sent."""
        at = self.n
        for i in range(len(data)):
            self.gone[at + i] = data[i]
        self.n = at + len(data)
        return len(data)

    def taken(self):
        """Return what was sent since the last time."""
        n, self.n = self.n, 0
        return bytes(self.gone[:n])


class Host:
    """The host's end of the line."""

    def __init__(self):
        self.line = Line()
        self.server = Server(line=self.line, mtu=200, idle=1000, allow_reset=True, key=KEY if SEALED else None)
        self.seal = None
        self.session = 0

    def frame(self, kind, seq, payload=b""):
        """Return a frame as this host sends it now."""
        if self.seal:
            return self.seal.seal(kind, self.session, seq, 0, payload)
        return encode(kind, self.session, seq, 0, payload)

    def answers(self):
        """Return the frames that have come from the board, as (kind, seq, payload)."""
        found = []
        for chunk in self.line.taken().split(b"\0"):
            raw = chunk and cobs_decode(chunk)
            if not raw:
                continue
            if raw[0] & IN_SEAL:
                frame = plain(raw) if self.seal and self.seal.open(raw) else None
            else:
                frame = decode(chunk)
            if frame:
                found.append((frame[0], frame[2], frame[4]))
        return found

    def send(self, frame, first=0, last=0):
        """Have the board take a frame; its poll() never raises."""
        self.line.coming = frame
        _, error = outcome(first, last, poll, self.server)
        self.line.coming = b""  # what it had no memory to read is lost
        if error:
            raise error

    def open(self, first=0, last=0):
        """Open a session, as often as it takes, the first time with allocations that fail."""
        count = 0
        for _ in range(5):
            if not SEALED or self.seal:
                break
            self.send(encode(CHALLENGE, self.session, 1, 0, WORD + b"0" * 32), first, last)
            count += _fail.count()
            first, last = max(0, first - _fail.count()), 0 if last < FOREVER else last * (first > 0)
            for kind, _, payload in self.answers():
                if kind == CHALLENGE | REPLY_FLAG and len(payload) > 32:
                    seal = Seal(KEY, b"0" * 32, payload[:16], payload[32:], False)
                    assert seal.proof == payload[16:32]
                    self.seal = seal
        for _ in range(5):
            self.send(self.frame(HELLO, 7, pack_hello({"v": "2", "mtu": 200})), first, last)
            count += _fail.count()
            first = last = 0
            for kind, _, payload in self.answers():
                if kind == HELLO | REPLY_FLAG:
                    return payload, count
        raise ValueError("no session")

    def ask(self, request, first=0, last=0):
        """Return (the reply, the allocations of the first time): asked again until it comes."""
        session = self.server.session
        seq = session._next
        count = None
        joiner = Joiner(200)
        for _ in range(4):
            self.send(self.frame(REQUEST, seq, request), first, last)
            if count is None:
                count = _fail.count()
            first = last = 0
            for kind, got, payload in self.answers():
                if kind & ~PIECE_FLAG == EVENT:
                    continue
                assert (got, kind & ~PIECE_FLAG) == (seq, REPLY), (kind, got, seq)
                whole = joiner.add(seq, payload) if kind & PIECE_FLAG else payload
                if whole is not None:
                    assert session._next == seq + 1 & 0xFFFF
                    assert session._kept[seq % 4] == whole
                    return bytes(whole), count
        raise ValueError("no answer")


def poll(server):
    """Take a turn."""
    server.poll()


StaticPool.reset()
h, a, q = HashMap(4, 8, 4), ArrayMap(8, 4), Queue(8, 4)
r, b, t, p, large = RingBuf(512), BloomFilter(8, 20), TimeSeries(8, 4), PerCpuArray(8, 2), ArrayMap(600, 1)
h.update(b"aaaa", b"\1\2\3\4\5\6\7\xf8")
h.update(b"bbbb", bytes(8))
a.update(1, b"\xff" * 8)
q.push(b"12345678")
q.push(b"abcdefgh")
for size in (3, 40, 0, 200, 7):
    r.output(bytes(range(size)))
b.push(b"12345678")
t.push(1, b"\1" * 8)
t.push(1 << 40, b"\2" * 8)
large.update(0, bytes(range(200)) * 3)
id_of = pack("<H", 0)
TWO = b"aaaabbbb"
RECORD = pack("<5IB", 2, 4, 4, 3, 0, 4) + b"made"


def on(m, op, rest=b""):
    """Return a request about a map."""
    return pack("<BH", op, m.id) + rest


def commit(*changes):
    """Return the request for a commit."""
    return b"\x2c" + b"".join([pack("<H", len(c)) + c for c in changes])


# By number, at least one of each operation
REQUESTS = [
    b"\0hello",
    b"\1" + RECORD,
    pack("<BH", 2, 0),
    on(h, 3),
    on(b, 3),
    on(h, 4, b"aaaa"),
    on(h, 4, b"none"),
    on(a, 4, bytes(4)),
    on(p, 4, bytes(4)),
    on(q, 4),
    on(h, 5, pack("<IH", 0, 4) + b"cccc" + b"87654321"),
    on(p, 5, pack("<IH", 0, 4) + bytes(4) + b"87654321" * 2),
    on(h, 6, b"bbbb"),
    on(h, 6, b"none"),
    on(h, 7, b"\1aaaa"),
    on(h, 8, b"aaaa"),
    on(q, 8),
    on(h, 9, pack("<QH", 0, 9)),
    on(p, 9, pack("<QH", 0, 9)),
    on(a, 10),
    b"\13",
    b"\14",
    on(h, 15, pack("<IBq", 0, 0, 5) + b"aaaa"),
    on(h, 15, pack("<IBq", 0, 4, 5) + b"bbbb"),
    on(h, 16, pack("<H", 4) + b"bbbb" + bytes(8) + b"87654321"),
    on(h, 17, pack("<I", 0) + b"cccc87654321" + b"dddd12345678"),
    on(h, 18, TWO),
    on(h, 19, pack("<QH", 0, 9)),
    on(h, 20),
    on(a, 20),
    on(q, 20),
    on(r, 20, b"\1"),
    on(r, 21, b"a record"),
    on(r, 22, pack("<H", 2)),
    on(r, 22, pack("<H", 99)),
    on(r, 23),
    on(t, 24, bytes(8) + b"87654321"),
    on(t, 25, pack("<BQQ", 0, 9, 0)),
    on(t, 25, pack("<BQQ", 1, 0, 9)),
    on(t, 25, pack("<BQQ", 2, 0, 0)),
    on(t, 26, pack("<I", 9)),
    pack("<BIH", 27, 0, 150),
    on(h, 28, pack("<IBQ", 0, 0, 5) + b"aaaa"),
    on(h, 29, pack("<IBQ", 0, 0, 5) + b"aaaa"),
    on(h, 30, pack("<IBQ", 0, 0, 5) + b"aaaa"),
    on(a, 31, pack("<IBQ", 0, 8, 5) + bytes(4)),
    on(h, 32, pack("<IH", 2, 4) + b"aaaa" + b"xyz"),
    on(q, 33, pack("<I", 0) + b"87654321"),
    on(b, 33, pack("<I", 0) + b"87654321"),
    on(b, 34, b"87654321"),
    commit(
        on(h, 32, pack("<IH", 2, 4) + b"aaaa" + b"xyz"),
        on(a, 15, pack("<IBq", 4, 4, 5) + pack("<I", 1)),
        on(h, 6, b"bbbb"),
        on(h, 5, pack("<IH", 1, 4) + b"cccc" + b"87654321"),
        on(a, 5, pack("<IH", 0, 4) + pack("<I", 2) + b"87654321"),
    ),
    commit(on(h, 6, b"aaaa"), on(h, 6, b"none")),
    b"\x2d\1\0\0\0\0",
    on(r, 64, pack("<H", 0)),
    on(h, 64, pack("<H", 0) + b"aaaa"),
    on(h, 64, pack("<H", 0)),
    b"\x41\1",
    on(h, 4, b"toolong"),
    b"\xc8",
    b"\4",
]
LONG = on(large, 5, pack("<IH", 0, 4) + bytes(4) + bytes(range(150)) * 4)
HALF = pack("<BBII", 13, 1, 0, len(LONG)) + LONG[:180]

used, allocations, next_id = pool._used, pool._allocations, pool._next_id
maps = list(pool.maps.values())
begin = bytes(pool._view[: pool._used + 256])


def as_at_first():
    """Bring the pool and the session's subscriptions back to how they were."""
    pool._used, pool._allocations, pool._next_id = used, allocations, next_id
    for i in list(pool.maps):
        if i >= next_id:
            del pool.maps[i]
    pool._view[: len(begin)] = begin
    if not pool.maps:  # it was reset
        for m in maps:
            pool.maps[m.id] = m
            m._key_size, m._value_size = m.definition.key_size, m.definition.value_size
            m._view = pool._view[m.offset : m.offset + m.size]
    host.server.session.taken = None


def state():
    """Return all that a request may change, but what a session keeps."""
    sources = host.server._events._sources if host.server.session.taken else {}
    told_of = [i for i in sources if sources[i]]
    if told_of:  # then a ring may have been read
        return told_of
    return bytes(pool._view[: len(begin)]), pool._used, pool._allocations, sorted(pool.maps), pool._next_id


def check_request(name, before_it, request, begins_anew=False):
    """Let every allocation of a request's turn fail: its number, its effect and its kept reply stay together.

    Behind one that there was no memory for it is asked again, with another number, but for a part, when the host begins anew.
    """
    global points
    done["request"] = done.get("request", 0) + 1

    def again():
        as_at_first()
        for asked in before_it:
            host.ask(asked)

    again()
    host.ask(request)  # what is loaded at its first use
    again()
    before = state()
    within[0] = within[1] = 0
    expected, count = host.ask(request, 1 << 28, 1 << 28)
    after = state()
    first, last = within if within[1] else (0, count)
    for n in range(1, count + 1):
        if not first < n <= last + 1 and (n + done["request"]) % STEP:
            continue  # what all requests have alike, outside the dispatcher: each with other allocations of it
        for last_one in (n, FOREVER)[: 1 + n % 2]:
            points += 1
            again()
            at = "%s: allocation %d%s of %d" % (name, n, "" if last_one == n else " and all behind it", count)
            reply, now = None, None
            try:
                reply, _ = host.ask(request, n, last_one)
                now = state()
                if reply == expected or (
                    reply[0] == expected[0] and 0 < reply[0] < 125
                ):  # a refusal's text may be short
                    found = now != after and "the reply, but not what it says"
                elif request[0] == READ and expected.startswith(reply):  # the records that there was memory for
                    rest = reply + host.ask(request)[0][1:]
                    found = not rest.startswith(expected) and "and then otherwise"
                elif reply[0] == NO_MEMORY:
                    found = now != before and "no memory, and it has changed"
                    if not found and not begins_anew and (host.ask(request)[0] != expected or state() != after):
                        found = "and then otherwise"
                elif reply[0] == GONE:
                    gone[request[0]] = gone.get(request[0], 0) + 1
                    found = now != after and "gone, but it was not done"
                else:
                    found = "another reply"
            except Exception as error:
                found = repr(error)
            if found:
                if name not in wrong:
                    print(at, found, reply, expected)
                wrong[name] = wrong.get(name, 0) + 1


def handle(request, limit):
    """Do what the dispatcher does, and note which of the allocations are its own."""
    within[0] = _fail.count()
    try:
        return dispatch(request, limit)
    finally:
        within[1] = _fail.count()


within = [0, 0]
gone = {}  # replies that there was no memory for, by operation
host = Host()
dispatch, host.server.session._handle = host.server.session._handle, handle
host.session = 1
host.open()
assert {request[0] for request in REQUESTS} >= set(range(len(ops._OPERATIONS))) - {13, 14}
subscribed = [on(r, 64, pack("<H", 0))]
for request in REQUESTS[::EVERY]:
    check_request("request %r" % request[:12], subscribed if request[0] == 0x41 else [], request)
check_request("first part", [], HALF)
rest = [pack("<BBI", 13, 2 * (at + 180 >= len(LONG)), at) + LONG[at : at + 180] for at in range(180, len(LONG), 180)]
for i in range(len(rest)):
    check_request("part %d" % i, [HALF] + rest[:i], rest[i], True)
look = on(large, 4, bytes(4))
check_request("long reply", [], look)


def more():
    """Return the request for the second part of the reply to the last one."""
    return pack("<BHI", 14, host.server.session._next - 1 & 0xFFFF, 195)


# A MORE names its request, so its number is another one each time: no check_request().
as_at_first()
host.ask(look)
host.ask(more())
host.ask(look)
expected, count = host.ask(more(), 1 << 28, 1 << 28)
for n in range(1, count + 1):
    for last in (n, FOREVER):
        points += 1
        host.ask(look)
        seq = host.server.session._next - 1 & 0xFFFF
        reply, _ = host.ask(pack("<BHI", 14, seq, 195), n, last)
        if reply[0] == NO_MEMORY:
            reply, _ = host.ask(pack("<BHI", 14, seq, 195))
        if reply != expected:
            wrong["more"] = wrong.get("more", 0) + 1
            print("more", n, last, reply[:20])

# Openings: of a first session, and of one while another is open, whose last reply is kept.
number = 1
for closed in (True, False):
    n = 1 + closed % STEP
    while True:
        for last in (n, FOREVER):
            if closed:
                for seq in (9, 10):
                    host.send(host.frame(BYE, seq))
                host.answers()
            else:
                host.ask(b"\0before")
            number = number % 200 + 1
            host.session = number
            host.seal = None
            points += 1
            try:
                _, count = host.open(n, last)
                assert host.server.session.session == number
                assert host.ask(b"\0hello")[0] == b"\0hello"
            except Exception as error:
                wrong["opening"] = wrong.get("opening", 0) + 1
                print("opening", closed, n, last, repr(error))
                host.seal = None
                host.session = number = number + 1
                host.open()
        if n > count:
            break
        n += STEP
done["opening"] = 2


# Events: whatever fails, every item is told once, in order.
def told_events(point, last):
    """Subscribe to a ring, a series, a key and a map; have things change; return all items, and the allocations there were.

    Allocation number `point` of all those that polls and TAKEN frames make fails.
    """
    as_at_first()
    watches = []
    for m, key in ((r, b""), (t, b""), (h, b"aaaa"), (a, b"")):
        reply, _ = host.ask(on(m, 64, pack("<H", 0) + key))
        if m in (h, a):
            watches.append(reply[1])
    events = host.server._events
    taken = host.server.session.taken
    waits, now, count, items = 1, 1000, 0, {}
    for turn in range(60):
        if turn == 2:
            r.output(b"later")
            t.push(7, b"\3" * 8)
            h.update(b"aaaa", b"changed!")
            a.update(3, b"changed!")
        if turn == 4:
            h.delete(b"aaaa")
        _, error = outcome(
            point - count if point > count else 0, last if point > count else 0, events_poll, (events, now)
        )
        count += _fail.count()
        if error:
            raise error
        for kind, seq, payload in host.answers():
            assert kind & ~PIECE_FLAG == EVENT
            if seq == waits:
                waits += 1
                take(items, payload)
        _, error = outcome(
            point - count if point > count else 0, last if point > count else 0, events_taken, (taken, waits)
        )
        count += _fail.count()
        if error and not isinstance(error, MemoryError):
            raise error
        now += 300
    for given in watches if items else ():  # of a watch values may be skipped, the last one never
        items[given] = {data[:2]: (what, data) for what, data in items[given]}
    return items, count


def events_poll(given):
    """Poll and send, as a server does."""
    frames = given[0].poll(given[1])
    if frames:
        host.line.write(frames)


def events_taken(given):
    """Tell the board which frame is waited for."""
    given[0](given[1], 4)


def take(items, payload):
    """Cut a payload into items, and join those that go on."""
    while payload:
        given, what, n = unpack_from("<BBH", payload)
        items.setdefault(given, []).append((what & 127, payload[4 : 4 + n]))
        if len(items[given]) > 1 and items[given][-2][0] == 99:
            items[given][-2:] = [(what & 127, items[given][-2][1] + items[given][-1][1])]
        if what & 128:
            items[given][-1] = (99, items[given][-1][1])
        payload = payload[4 + n :]


told_events(0, 0)
expected, count = told_events(1 << 28, 1 << 28)
for n in range(1, count + 1, 2 * STEP):
    points += 1
    items, _ = told_events(n, n)
    if items != expected:
        wrong["events"] = wrong.get("events", 0) + 1
        if wrong["events"] < 4:
            print("events", n, [(items.get(i), expected[i]) for i in expected if items.get(i) != expected[i]])
done["event"] = sum([len(items) for items in expected.values()])

finish()
