"""main.py of a board that is reset over and over: checks what was kept, then changes it for ever, also in hard interrupts.

Before it stand PLATFORM ("qemu" or "rp2") and BOOTS, how many there are. Each boot prints one line: its number and id, what
recovered() says, what was not so, and of the map that the host writes its id and last number. Then it says how it ends: "soft"
waits for Ctrl-C and Ctrl-D, "reset" calls machine.reset(), "watchdog" has the watchdog bite at some instant, "crash" ends by an
exception, and the hard interrupts go on until somebody resets the board.

Each map is written in an order that its content tells: operation n of it puts n, twice in other bits, under a key or at a place
that n chooses, or deletes. So from what is there the last n is known, and from that everything that must be there.
"""

import random
from struct import pack_into, unpack

import machine

import boardmaps
from boardmaps.serving.server import BOOT_ID

_KEYS = 6  # of each writer
_HOSTS = 5  # operations of the host in a boot before its end
_OTHER = 0x15A5A5A5
wrong = []

b = boardmaps.ArrayMap(8, 1, name="boots")
h = boardmaps.HashMap(4, 8, 2 * _KEYS, name="h")
a = boardmaps.ArrayMap(8, 2 * _KEYS, name="a")
p = boardmaps.PerCpuHash(4, 8, _KEYS, name="p")
l = boardmaps.LpmTrie(5, 8, _KEYS, name="l")  # noqa: E741 - as the others
q = boardmaps.Queue(8, 5, name="q")
s = boardmaps.Stack(8, 5, name="s")
r = boardmaps.RingBuf(128, boardmaps.BPF_F_RB_OVERWRITE, "r")
t = boardmaps.TimeSeries(8, 5, name="t")
f = boardmaps.BloomFilter(8, 50, name="f")
w = boardmaps.HashMap(4, 8, _KEYS, name="w")  # the host's
server = boardmaps.Server()
told = boardmaps.recovered()
for m in boardmaps.pool.maps.values():
    if m.check():
        wrong.append((m.name, m.check()))


def number(name, data):
    """Return the n that a value has; both halves tell it."""
    n, other = unpack("<II", data)
    if n ^ _OTHER != other and (n or other):
        wrong.append((name, "torn", n, other ^ _OTHER))
    return n


def last_of(name, found, deletes):
    """Return the number of the last operation on what has {place: n}; places are n % _KEYS, each fifth operation deletes."""
    newest = max(found.values()) if found else 0
    for last in (newest, newest + 1):
        expected = {}
        for n in range(max(1, newest - 3 * 5 * _KEYS), last + 1):
            if deletes and n % 5 == 0:
                expected.pop(n % _KEYS, None)
            else:
                expected[n % _KEYS] = n
        if expected == found:
            return last
    wrong.append((name, "no state of it", found))
    return newest


def in_order(name, numbers):
    """Return the newest of values that follow each other."""
    for i in range(1, len(numbers)):
        if numbers[i] != numbers[i - 1] + 1:
            wrong.append((name, "not in order", numbers))
    return numbers[-1] if numbers else 0


def entries(m, side, of_key):
    """Return {place: n} of one writer of a map with keys."""
    found = {}
    for key, value in m.items():
        place = of_key(key)
        if place // _KEYS == side:
            n = number(m.name, value[:8])
            if n or m is not a:
                found[place % _KEYS] = n
    return found


def first(key):
    return key[0]


by_prefix = {bytes((8, 0, 0, 0, i)): i for i in range(_KEYS)}
seen = []
while True:
    value = s.pop()
    if value is None:
        break
    seen.append(number("s", value))
if seen != sorted(seen, reverse=True):
    wrong.append(("s", "not in order", seen))
main = [
    last_of("h", entries(h, 0, first), True),
    last_of("a", entries(a, 0, first), False),
    last_of("p", entries(p, 0, first), True),
    last_of("l", entries(l, 0, by_prefix.get), True),
    0,
    seen[0] if seen else 0,
    0,
    in_order("t", [number("t", value) for _, value in t.last(5)]),
    0,
]
interrupt = [last_of("h", entries(h, 1, first), True), last_of("a", entries(a, 1, first), False)]
host = last_of("w", entries(w, 0, first), False)
values, records = [], []
for _ in range(len(q)):
    value = q.pop()
    values.append(number("q", value))
    q.push(value)
main[4] = in_order("q", values)
while True:
    record = r.read()
    if record is None:
        break
    records.append(number("r", record[1]))
main[6] = in_order("r", records)

boots = unpack("<I", b.lookup(0)[:4])[0] + 1
b.update(0, boots.to_bytes(4, "little") + bytes(4))
random.seed(boots * 7919 + main[0])
print(
    "boot",
    boots,
    BOOT_ID,
    sum([state == "opened" for _, state, _ in told]),
    [t for t in told if t[1] != "opened"],
    wrong,
    w.id,
    host,
)


def put(n, value):
    pack_into("<II", value, 0, n, n ^ _OTHER)


mine, its = bytearray(8), bytearray(8)
key, its_key, prefix, out = bytearray(4), bytearray(4), bytearray((8, 0, 0, 0, 0)), bytearray(8)
update, delete, set_a, push, unqueue = h.update, h.delete, a.update, q.push, q.pop_into
KeyNotFound = boardmaps.KeyNotFound


def fired(timer=None):
    n = interrupt[0] = interrupt[0] + 1
    its_key[0] = _KEYS + n % _KEYS
    if n % 5:
        put(n, its)
        update(its_key, its)
    else:
        try:
            delete(its_key)
        except KeyNotFound:
            pass
    n = interrupt[1] = interrupt[1] + 1
    put(n, its)
    set_a(_KEYS + n % _KEYS, its)


def changed(which, m, key, place):
    """Do the next operation on a map with keys."""
    n = main[which] + 1
    key[place] = n % _KEYS
    put(n, mine)
    try:
        if n % 5:
            m.update(key, mine)
        else:
            m.delete(key)
    except KeyNotFound:
        pass
    main[which] = n


def step():
    changed(0, h, key, 0)
    changed(2, p, key, 0)
    changed(3, l, prefix, 4)
    n = main[1] + 1
    put(n, mine)
    set_a(n % _KEYS, mine)
    main[1] = n
    for which, add in ((4, push_over), (5, push_stack), (6, r.output), (7, push_sample)):
        n = main[which] + 1
        put(n, mine)
        add(mine)
        main[which] = n
    if main[5] % 3 == 0:
        s.pop_into(out)
    if main[0] % 50 == 0:
        f.clear()
    f.push(mine)
    server.poll()


def push_over(value):
    push(value, boardmaps.BPF_EXIST)


def push_stack(value):
    if len(s) == 5:
        s.clear()
    s.push(value)


def push_sample(value):
    t.push(main[7] + 1, value)


if boots < BOOTS:
    how = ("soft", "reset", "watchdog", "crash")[boots % 4]
    steps = 20 + random.getrandbits(6)
    if PLATFORM == "qemu":
        import _hard_timer

        _hard_timer.start(20011, fired)
    else:
        timer = machine.Timer(freq=997, hard=True, callback=fired)
    while server.session.served < _HOSTS:
        step()
    if how in ("soft", "crash"):  # a REPL takes what a host says for typing
        print("bye")
        while server.session.session:
            step()
    if how == "watchdog":
        instant = 1000 + random.getrandbits(14)  # microseconds
        if PLATFORM == "qemu":
            machine.mem32[0x40008000] = instant * 25
            machine.mem32[0x40008008] = 3  # a first time it interrupts, a second time it resets
        else:
            machine.WDT(timeout=1 + instant // 1000)
    print(how)
    while True:
        step()
        steps -= 1
        if how == "reset" and not steps:
            machine.reset()
        if how == "crash" and not steps:
            raise RuntimeError("crash")
print("done")
