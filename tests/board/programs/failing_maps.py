"""Runs on a board, behind failing.py: every operation of every kind of map, what each refuses, and how each is made.

More than 300 lines: one program that a board runs as it is, with the list of all operations.
"""

from boardmaps import (
    ArrayMap,
    BloomFilter,
    HashMap,
    LpmTrie,
    PerCpuArray,
    PerCpuHash,
    Queue,
    RingBuf,
    Stack,
    TimeSeries,
)
from boardmaps.kinds import KINDS
from boardmaps.refusals import GROUPS

BIG, SMALL = b"\1\2\3\4\5\6\7\xf8", b"\5\0\0\0\0\0\0\0"
ROW = BIG + SMALL
out = bytearray(8)
short = b"x"
little = bytearray(3)
one, none = [b"x"], []


def keyed(k, k2, new, v=BIG):
    """Return the operations of maps with keys: two that are there, and one that is not, or whose value is zero."""
    return {
        "lookup": lambda m: m.lookup(k),
        "lookup_into": lambda m: m.lookup_into(k, out),
        "update": lambda m: m.update(new, SMALL),
        "delete": lambda m: m.delete(k),
        "next_key": lambda m: m.next_key(k),
        "keys": lambda m: list(m.keys()),
        "items": lambda m: list(m.items()),
        "batch_lookup": lambda m: m.batch_lookup(None, 9),
        "batch_update": lambda m: m.batch_update([new, k], [v, v]),
        "batch_delete": lambda m: m.batch_delete([k, k2]),
        "lookup_and_delete": lambda m: m.lookup_and_delete(k),
        "batch_lookup_and_delete": lambda m: m.batch_lookup_and_delete(None, 9),
        "add": lambda m: m.add(k, 3),
        "compare_and_swap": lambda m: m.compare_and_swap(k, BIG, SMALL),
        "lookup_percpu": lambda m: m.lookup_percpu(k),
        "update_percpu": lambda m: m.update_percpu(new, [SMALL, BIG]),
        "split": lambda m: m.split(ROW),
        "join": lambda m: m.join([SMALL, BIG]),
        "update_part": lambda m: m.update_part(k, 2, b"xyz"),
        "update: BPF_NOEXIST": lambda m: m.update(new, SMALL, 1),
        "update: BPF_EXIST": lambda m: m.update(k, v, 2),
        "fetch_or": lambda m: m.fetch_or(k, 0x500),
        "fetch_and": lambda m: m.fetch_and(k, 0x500),
        "fetch_xor": lambda m: m.fetch_xor(k, 0x500),
        "exchange": lambda m: m.exchange(k, 1 << 62),
        "add_into": lambda m: m.add_into(k, 1 << 40, out),
        "fetch_or_into": lambda m: m.fetch_or_into(k, 0x500, out),
        "fetch_and_into": lambda m: m.fetch_and_into(k, 0x500, out),
        "fetch_xor_into": lambda m: m.fetch_xor_into(k, 0x500, out),
        "exchange_into": lambda m: m.exchange_into(k, 1 << 62, out),
        "view": lambda m: m.view(0),
        "refused: key": lambda m: m.lookup(short),
        "refused: value": lambda m: m.update(k, short),
        "refused: flags": lambda m: m.update(k, v, 9),
        "refused: BPF_NOEXIST": lambda m: m.update(k, v, 1),
        "refused: out": lambda m: m.lookup_into(k, little),
        "refused: no bytes": lambda m: m.update(k, "12345678"),
        "refused: batch": lambda m: m.batch_update(one, none),
        "refused: cursor": lambda m: m.batch_lookup(5, 1),
    }


def absent(k):
    """Return what is refused for a key that is not there, or out of range."""
    return {
        "refused: delete": lambda m: m.delete(k),
        "refused: add": lambda m: m.add(k, 1),
        "refused: fetch_or": lambda m: m.fetch_or(k, 1),
        "refused: add_into": lambda m: m.add_into(k, 1, out),
        "refused: compare_and_swap": lambda m: m.compare_and_swap(k, BIG, BIG),
        "refused: update_part": lambda m: m.update_part(k, 0, short),
    }


def fill(m, k, k2, v=BIG, v2=SMALL):
    """Store two entries."""
    m.update(k, v)
    m.update(k2, v2)


def fill_percpu(m, k, k2):
    """Store two rows."""
    m.update_percpu(k, [BIG, SMALL])
    m.update_percpu(k2, [SMALL, BIG])


def queued():
    """Return the operations of a queue or a stack, filled with two values of three."""
    return {
        "push": lambda m: m.push(BIG),
        "push: BPF_EXIST": lambda m: m.push(BIG, 2),
        "pop": lambda m: m.pop(),
        "pop_into": lambda m: m.pop_into(out),
        "peek": lambda m: m.peek(),
        "peek_into": lambda m: m.peek_into(out),
        "lookup": lambda m: m.lookup(),
        "lookup_into": lambda m: m.lookup_into(None, out),
        "update": lambda m: m.update(None, BIG),
        "lookup_and_delete": lambda m: m.lookup_and_delete(),
        "refused: value": lambda m: m.push(short),
        "refused: flags": lambda m: m.push(BIG, 1),
        "refused: key": lambda m: m.lookup(short),
    }


def records(m):
    """Fill a ring so that the third record goes on at its start; one is left that was reserved and discarded."""
    m.output(bytes(40))
    m.output(bytes(16))
    m.read()
    m.reserve(4).discard()
    m.output(b"0123456789" * 3)


def of(key_size, number):
    """Return a key of an LPM trie."""
    return (8 * key_size - 32).to_bytes(4, "little") + bytes((10, number)) + bytes(key_size - 6)


K, K2, NEW = b"aaaa", b"bbbb", b"cccc"
P, P2, PNEW, PFULL = of(8, 1), of(8, 2), of(8, 3), of(8, 4)
# By kind: how a map is made, what is stored in it at first, its operations
TABLE = {
    "hash": (lambda: HashMap(4, 8, 3), lambda m: fill(m, K, K2), keyed(K, K2, NEW), absent(NEW)),
    "array": (lambda: ArrayMap(8, 3), lambda m: fill(m, 0, 1), keyed(0, b"\1\0\0\0", 2), absent(7)),
    "percpu_hash": (lambda: PerCpuHash(4, 8, 3), lambda m: fill_percpu(m, K, K2), keyed(K, K2, NEW, ROW), absent(NEW)),
    "percpu_array": (lambda: PerCpuArray(8, 3), lambda m: fill_percpu(m, 0, 1), keyed(0, 1, 2, ROW), absent(7)),
    "lpm_trie": (lambda: LpmTrie(8, 8, 3), lambda m: fill(m, P, P2), keyed(P, P2, PNEW), absent(PNEW)),
    "queue": (lambda: Queue(8, 3), lambda m: (m.push(BIG), m.push(SMALL)), queued(), {}),
    "stack": (lambda: Stack(8, 3), lambda m: (m.push(BIG), m.push(SMALL)), queued(), {}),
    "ringbuf": (
        lambda: RingBuf(128),
        records,
        {
            "output": lambda m: m.output(b"12345"),
            "reserve": lambda m: m.reserve(12),
            "reserve_into": lambda m: m.reserve_into(12, spare),
            "new_record": lambda m: m.new_record(9),
            "read": lambda m: m.read(),
            "read_into": lambda m: m.read_into(room),
            "query": lambda m: m.query(),
            "host_next": lambda m: m.host_next(),
            "host_read": lambda m: m.host_read(memoryview(room)),
            "refused: out": lambda m: m.read_into(little),
            "refused: length": lambda m: m.reserve(-1),
        },
        {},
    ),
    "bloom_filter": (
        lambda: BloomFilter(8, 20),
        lambda m: m.push(BIG),
        {
            "push": lambda m: m.push(SMALL),
            "peek": lambda m: m.peek(BIG),
            "refused: value": lambda m: m.push(short),
            "refused: flags": lambda m: m.push(BIG, 1),
        },
        {},
    ),
    "time_series": (
        lambda: TimeSeries(8, 3),
        lambda m: (m.push(7, SMALL), m.push(1 << 40, BIG)),
        {
            "push": lambda m: m.push(1 << 41, BIG),
            "newest": lambda m: m.newest(),
            "oldest": lambda m: m.oldest(),
            "last": lambda m: m.last(2),
            "window": lambda m: m.window(0, 1 << 63),
            "stats": lambda m: m.stats(),
            "refused: value": lambda m: m.push(1, short),
            "refused: timestamp": lambda m: m.push(-1, BIG),
        },
        {},
    ),
}
ALL = {  # what all maps have, whatever their operations
    "freeze": lambda m: m.freeze(),
    "clear": lambda m: m.clear(),
    "peak": lambda m: m.peak,
    "host_count": lambda m: m.host_count(),
    "repr": repr,
    "host_parameters": lambda m: m.host_parameters(),
}
room = bytearray(200)


def whole_pool():
    """Return all that is known of the pool, but for seeds: a map is made with others each time."""
    used = StaticPool.used()
    free = any(pool._view[used:1024])
    return used, StaticPool.allocation_count(), len(pool.maps), pool._next_id - first_id, free


for row in KINDS:
    if not row[4] & 1:  # a board has no such kind
        continue
    word = row[1]
    make, first, operations, refused = TABLE[word]
    offered = set(" ".join([GROUPS[i] for i in range(len(GROUPS)) if row[10] >> i & 1]).split())
    every = set(" ".join(GROUPS).split())

    def empty():
        """Make an empty pool."""
        global first_id
        StaticPool.reset()
        first_id = pool._next_id

    def made(_):
        """Make a map; which one is told by the pool."""
        make()

    check(word, "is made", empty, made, whole_pool)
    StaticPool.reset()
    m = make()
    spare = m.new_record(16) if "new_record" in offered else None
    first(m)
    begin = bytes(m._slice)

    def again():
        """Bring the map back to how it was at first."""
        m._slice[:] = begin
        out[:] = bytes(8)
        if spare:
            spare._at = 0
        return m

    def state():
        """Return all that a map is."""
        return bytes(m._slice)

    table = {}
    table.update({name: operations[name] for name in offered})
    table.update({name: f for name, f in operations.items() if name not in every})
    table.update({name: f for name, f in refused.items() if name.split()[1] in offered})
    table.update(ALL)
    name = sorted(every - offered)[0]  # it refuses them all in one place
    # To take any arguments, as the function does that refuses, takes heap.
    check(word, "refused: " + name, again, lambda m: getattr(m, name)(1, 2), state, True)
    for done_so in sorted(table):
        check(word, done_so, again, table[done_so], state)

    if spare:

        def reserved():
            """Have a record reserved."""
            return again().reserve(9)

        check(word, "submit", reserved, lambda r: r.submit(), state)
        check(word, "discard", reserved, lambda r: r.discard(), state)
        r = reserved()
        r.submit()
        check(word, "refused: submit", lambda: again() and r, lambda r: r.submit(), state)
        check(
            word,
            "refused: reserve_into",
            lambda: again() and (m.reserve_into(4, spare) and m),
            lambda m: m.reserve_into(4, spare),
            state,
        )
        check(word, "refused: clear", lambda: again() and (m.reserve(4) and m), lambda m: m.clear(), state)
    elif word not in ("time_series", "bloom_filter"):

        def full():
            """Have no room left."""
            again()
            if "peek_into" in offered:
                m.push(BIG)
            elif not word.endswith("array"):
                m.update(PNEW if word == "lpm_trie" else NEW, BIG)
            return m

        def more(m):
            """Store what there is no room for."""
            if "peek_into" in offered:
                m.push(BIG)
            elif word.endswith("array"):
                m.update(9, BIG)
            else:
                m.update(PFULL if word == "lpm_trie" else b"dddd", BIG)

        check(word, "refused: full", full, more, state)

    def reset():
        """Have the map in the pool, and nothing else."""
        StaticPool.reset()
        return make()

    check(word, "StaticPool.reset", reset, lambda _: StaticPool.reset(), lambda: (StaticPool.used(), len(pool.maps)))
    gone = reset()
    StaticPool.reset()
    check(word, "refused: stale", lambda: gone, lambda m: m.clear(), lambda: 0)

finish()
