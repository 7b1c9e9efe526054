"""Runs on a board, behind what drives maps by all sorts of kernels: slices are changed, check() finds it or all operations go on.

Before it stand LAYOUT, a key of LAYOUTS; STRIDE, every how many changes are tried; STATES, how many fillings; and PLANTED, a check
with a mistake in it, as the source texts of kernels/plain_check.py and maps/check.py, or None. Plain kernels count their steps: one
that does not end raises.

More than 300 lines: all kinds, changed and worked by one loop.
"""

from struct import pack, pack_into, unpack_from

import boardmaps
import boardmaps.maps.check as checking
from boardmaps import MapError, pool, settings
from boardmaps.definition import check_word
from boardmaps.kinds import find
from boardmaps.maps import percpu, percpu_array, percpu_hash

MOST_STEPS = 30_000  # words that plain kernels read in one operation
OWN_WORDS = (7, 8, 9, 10, 15, 16, 18)
CHECK, MARK = 19, 69  # the word of a header, and the byte

KERNELS_OF = settings.kernels
steps = 0
percpu.this_cpu = percpu_hash.this_cpu = lambda: 0


def limited(word):
    def counting(view, index):
        global steps
        steps += 1
        if steps > MOST_STEPS:
            raise AssertionError("it does not end")
        return word(view, index)

    return counting


for kind in ("array", "bloom", "check", "hash", "keyed", "lpm", "percpu", "queue", "ring", "series"):
    module = sort_of(kind, "plain")
    module.word = limited(module.word)


class Planted:
    pass


WORKERS = ("plain",) + tuple(sort for sort in SORTS if sort != "plain")
if PLANTED:
    if LAYOUT in ("hash", "percpu", "lpm", "ring"):
        WORKERS = ("plain",)  # the others may not end, and count nothing
    kernel, looking = {}, {}
    exec(PLANTED[0].replace("from ..", "from boardmaps."), kernel)
    exec(PLANTED[1].replace("from ..", "from boardmaps."), looking)
    kernel["word"] = limited(kernel["word"])
    module = Planted()
    module.chains, module.nodes, module.records = kernel["chains"], kernel["nodes"], kernel["records"]
    CHECKS = [module]
    checking = Planted()
    checking.check, checking.examined = looking["check"], looking["examined"]
    checking._definition = looking["_definition"]
else:
    CHECKS = [sort_of("check", sort) for sort in WORKERS if sort != "viper"]


def said(look, what):
    """Return what each sort of check says, which is the same."""
    global steps
    answers = []
    for module in CHECKS:
        settings.kernels = lambda _: module
        steps = 0
        answers.append(look(what))
    settings.kernels = KERNELS_OF
    assert all(answer == answers[0] for answer in answers), answers
    return answers[0]


def take(m, sort):
    """Have a map driven by a sort of kernels, walks too."""
    drive(m, sort)
    name = KINDS[type(m)]
    home = sys.modules["boardmaps.maps.queue" if name == "queue" else type(m).__module__]
    home._kernels = sort_of(name, sort)


def attempt(call, *args):
    """Return what an operation returns, None when it refuses; it ends."""
    global steps
    steps = 0
    try:
        return call(*args)
    except MapError:
        return None


def some_key(m):
    d = m.definition
    if type(m) is LpmTrie:
        bits = random.getrandbits(8) % (8 * d.key_size - 31)
        data = bytearray([0xA5] * (d.key_size - 4))
        data[random.getrandbits(8) % len(data)] ^= 1 << random.getrandbits(3)
        return bits.to_bytes(4, "little") + bytes(data)
    if m._indexed:
        return (random.getrandbits(8) % d.max_entries).to_bytes(4, "little")
    return some(d.key_size, 3)


def step(m):
    """Do some operation that changes something."""
    kind, value, what = type(m), some(m.definition.value_size), random.getrandbits(2)
    if kind is Queue or kind is Stack:
        attempt(m.push, value, 2 * (what & 1)) if what else attempt(m.pop)
    elif kind is RingBuf:
        if what < 2:
            attempt(m.output, some(random.getrandbits(4)))
        elif what == 2:
            attempt(m.read)
        else:
            record = attempt(m.reserve, random.getrandbits(4))
            if record and random.getrandbits(1):
                record.submit() if random.getrandbits(1) else record.discard()
            elif not random.getrandbits(3):
                m.clear(True)
    elif kind is TimeSeries:
        attempt(m.push, random.getrandbits(30), value)
    elif kind is BloomFilter:
        attempt(m.push, value)
    elif what == 3:
        keys = list(m.keys())
        attempt(m.delete, keys[random.getrandbits(8) % len(keys)] if keys else some_key(m))
    else:
        attempt(m.update, some_key(m), value)


def work(m):
    """Do all operations, whatever is in the map; what they say fits together."""
    d, kind = m.definition, type(m)
    value, out = some(d.value_size), bytearray(d.value_size)
    if kind is Queue or kind is Stack:
        assert (attempt(m.peek) is None) == (len(m) == 0)
        attempt(m.push, value)
        attempt(m.push, value, 2)
        attempt(m.pop)
        attempt(m.pop_into, out)
        for _ in range(d.max_entries + 2):
            attempt(m.push, value, 2)
        assert len(m) == d.max_entries
        left = 0
        while attempt(m.pop) is not None:
            left += 1
        assert (left, len(m)) == (d.max_entries, 0)
        attempt(m.push, value)
        m.clear()
        return
    if kind is RingBuf:
        room = bytearray(d.max_entries)
        assert attempt(m.query)[0] < d.max_entries
        attempt(m.host_next)
        attempt(m.output, value)
        left = len(m)
        record = attempt(m.read)
        while record is not None:
            assert (len(m), len(record[1]) < d.max_entries) == (left - 1, True)
            left -= 1
            record = attempt(m.read)
        for n in (0, 5, 21):
            attempt(m.output, some(n))
        attempt(m.read_into, room)
        for length, end in ((9, "submit"), (3, "discard")):
            spare = attempt(m.reserve, length)
            if spare:
                getattr(spare, end)()
        m.clear(True)
        assert (len(m), attempt(m.read)) == (0, None)
        for _ in range(d.max_entries // 8):
            attempt(m.output, b"x")
        return
    if kind is TimeSeries:
        for call, args in ((m.newest, ()), (m.oldest, ()), (m.stats, ())):
            attempt(call, *args)
        assert len(list(attempt(m.last, 9))) == len(m) == len(list(attempt(m.window, 0, (1 << 64) - 1)))
        for _ in range(d.max_entries + 2):
            attempt(m.push, 7, value)
        assert (m.newest(), len(m)) == ((7, value), d.max_entries)
        m.clear()
        attempt(m.push, 7, value)
        return
    if kind is BloomFilter:
        attempt(m.peek, value)
        attempt(m.push, value)
        assert m.peek(value)
        m.clear()
        assert not m.peek(value)
        attempt(m.push, value)
        return
    entries = list(attempt(m.items))
    assert len(entries) == len(m) <= d.max_entries, "a walk meets %d of %d" % (len(entries), len(m))
    met, key = [], attempt(m.next_key)
    while key is not None:
        met.append(key)
        assert len(met) <= len(m), "a walk by keys goes on"
        key = attempt(m.next_key, key)
    assert sorted(met) == sorted([key for key, _ in entries]), "walks differ"
    for key, value in entries:
        assert (len(attempt(m.lookup, key)), attempt(m.lookup_into, key, out)) == (d.value_size, True)
        if kind in (HashMap, ArrayMap, LpmTrie):
            assert m.lookup(key) == value
        attempt(m.update, key, bytes(out))
        if hasattr(m, "add"):
            attempt(m.add, key, 3, 0, 1)
            attempt(m.compare_and_swap, key, bytes(out), bytes(out))
            if kind in (HashMap, ArrayMap):
                attempt(m.update_part, key, d.value_size - 1, b"x")
                attempt(m.exchange, key, 5, 0, 1)
    if kind in (PerCpuHash, PerCpuArray) and entries:
        row = attempt(m.lookup_percpu, entries[-1][0])
        attempt(m.update_percpu, entries[-1][0], row)
    attempt(m.batch_lookup, None, 3)
    if kind in (HashMap, PerCpuHash) and entries:
        assert (attempt(m.lookup_and_delete, entries[0][0]) is None, entries[0][0] in m) == (False, False)
    for key, _ in entries[1:3]:
        assert attempt(m.delete, key) is None
    fresh = bytes(out)
    for _ in range(2 * d.max_entries):
        step(m)
    if kind is LpmTrie:  # as many as there may be inner nodes
        for bits in range(8 * d.key_size - 31):
            attempt(m.update, bits.to_bytes(4, "little") + bytes(d.key_size - 4), fresh)
    else:
        for number in range(d.max_entries + 1):
            attempt(m.update, (number * 7).to_bytes(4, "little") + bytes(d.key_size)[4:], fresh)
    if kind is HashMap and d.key_size >= 4:
        assert len(m) == d.max_entries
    m.clear()
    assert kind in (ArrayMap, PerCpuArray) or (len(m) == 0 and not list(m.keys()))
    step(m)


def adopted(d, view):
    """Return a map of this definition whose slice is `view`, as if the pool had been found with it."""
    state = pool._used, pool._allocations, pool._next_id
    row = find(0, d.map_type)
    cls = getattr(boardmaps, row[2])
    for home in (percpu, percpu_array, percpu_hash):
        home.CPUS = d.cpus
    if row[9]:
        letter, offset = unpack_from("<II", view, 36)
        m = cls.from_definition(d, bytes((d.functions,)) if d.functions else pack("<BI", letter, offset))
    else:
        sizes = [d.max_entries, d.map_flags, d.name]
        if row[4] & 2:
            sizes.insert(0, d.value_size)
        if row[5] != row[6]:
            sizes.insert(0, d.key_size)
        m = cls(*sizes)
    del pool.maps[m.id]
    pool._used, pool._allocations, pool._next_id = state
    m._slice[:] = bytes(len(m._slice))
    m._view = view
    return m


def number_at(view, at, size, number):
    return tuple([(at + i, number >> 8 * i & 255) for i in range(size)])


def sealed(view):
    """Return whether the header's check is that of its bytes."""
    return unpack_from("<I", view, 4 * CHECK)[0] == check_word(view)


def changes(view, most):
    """Give changes of a slice, each some (offset, byte)."""
    n = len(view)
    for at in range(n):
        old = view[at]
        for value in {0, 255, old ^ 1, old ^ 0x80, old ^ 0x10, (old + 1) & 255, (old - 1) & 255, random.getrandbits(8)}:
            yield ((at, value),)
    for at in range(0, n, 4):
        old = unpack_from("<I", view, at)[0]
        for number in (
            0,
            1,
            n,
            most - 1,
            most,
            most + 1,
            1 << 28,
            1 << 29,
            0x80000000,
            0xFFFFFFFF,
            old + 8,
            old - 8,
            old ^ 0x8000,
        ):
            yield number_at(view, at, 4, number & 0xFFFFFFFF)
    for at in range(96, n - 1, 2):
        for number in range(min(2 * most + 2, 20)):
            yield number_at(view, at, 2, number)
            yield number_at(view, at, 2, number | 0x8000)
    for _ in range(400):  # several at once, more often where structure is
        several = ()
        for _ in range(2 + random.getrandbits(1)):
            if random.getrandbits(1):
                word = OWN_WORDS[random.getrandbits(8) % len(OWN_WORDS)]
                several += number_at(view, 4 * word, 4, random.getrandbits(8) % (most + 2))
            else:
                several += ((96 + random.getrandbits(16) % (n - 96), random.getrandbits(8) % (2 * most + 1)),)
        yield several


LAYOUTS = {
    "hash": (lambda: HashMap(4, 4, 4), lambda: HashMap(5, 3, 6), lambda: HashMap(1, 1, 1)),
    "array": (lambda: ArrayMap(5, 3), lambda: ArrayMap(8, 1)),
    "percpu": (lambda: PerCpuHash(4, 3, 4), lambda: PerCpuArray(8, 2)),
    "queue": (lambda: Queue(3, 4), lambda: Stack(4, 3), lambda: Queue(1, 1)),
    "ring": (lambda: RingBuf(128), lambda: RingBuf(64, BPF_F_RB_OVERWRITE), lambda: RingBuf(1)),
    "series": (lambda: TimeSeries(4, 3), lambda: TimeSeries(7, 2, field="h", field_offset=2)),
    "lpm": (lambda: LpmTrie(6, 3, 7), lambda: LpmTrie(5, 4, 4), lambda: LpmTrie(5, 1, 1)),
    "bloom": (lambda: BloomFilter(4, 9), lambda: BloomFilter(3, 2, functions=1)),
}


def prepared(make):
    """Return a map between two others, in which some things were done."""
    StaticPool.reset()
    for home in (percpu, percpu_array, percpu_hash):
        home.CPUS = 2
    between = []
    for which in (None, make, None):
        m = which() if which else ArrayMap(8, 8)
        if not which:
            m._slice[96:] = bytes([0xC3] * 64)
        between.append(m)
    m = between[1]
    for turn in range(60):
        take(m, WORKERS[turn % len(WORKERS)])
        step(m)
        wrong = said(checking.check, m)
        assert wrong is None, ("a map that is whole", m, wrong)
        assert said(checking.examined, m._slice) == (m.definition, None)
    if hasattr(m, "_entry_at"):  # some entries, some free slots
        while len(m) < m.definition.max_entries:
            attempt(m.update, some_key(m), some(m.definition.value_size))
        for key in list(m.keys())[: m.definition.max_entries // 2]:
            m.delete(key)
    return between


found = passed = moved = tried = 0
for make in LAYOUTS[LAYOUT]:
    for _ in range(STATES):
        before, m, behind = prepared(make)
        view = m._slice
        image = bytes(view)
        others = bytes(before._slice), bytes(behind._slice)
        for change in changes(view, m.definition.max_entries if not isinstance(m, RingBuf) else 9):
            tried += 1
            if tried % STRIDE:
                continue
            view[:] = image
            for at, byte in change:
                view[at] = byte
            if checking._definition(view)[0] and not sealed(view):
                assert said(checking.examined, view)[0] is None, ("the check lets pass", change)
                if change[0][0] // 4 != CHECK:  # what else is looked at must find it too
                    pack_into("<I", view, 4 * CHECK, check_word(view))
            if view[MARK] and checking._definition(view)[0]:
                assert said(checking.examined, view)[0] is None, ("the mark is let pass", change)
                view[MARK] = 0
            changed = bytes(view)
            wrong = said(checking.check, m)
            d, alone = said(checking.examined, view)
            assert bytes(view) == changed, "a check writes"
            assert wrong or not alone
            if wrong:
                found += 1
                if alone:
                    continue
                moved += 1
            else:
                passed += 1
            if d.value_size > 4096:  # a filter's values are in no slice: any size is whole
                continue
            taken = adopted(d, view) if wrong else m
            for sort in WORKERS:
                view[:] = changed
                take(taken, sort)
                try:
                    work(taken)
                    wrong = said(checking.check, taken)
                    assert wrong is None, wrong
                    assert (bytes(before._slice), bytes(behind._slice)) == others, "it wrote outside of its slice"
                except Exception as error:
                    print(
                        "not found:",
                        taken.definition,
                        sort,
                        [(at, image[at], byte) for at, byte in change],
                        repr(error),
                    )
                    raise
            view[:] = image
            take(m, WORKERS[0])
print(tried, found, moved, passed)
