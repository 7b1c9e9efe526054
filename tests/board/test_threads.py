"""Two threads that really run side by side, on the same maps: what holds for them holds for a second core."""

import pytest

from tests.board.conftest import Run

pytestmark = pytest.mark.unix_port

# Both threads add to the same counters; they store, read, remove and walk the same keys, whose values are 64 equal bytes.
MIX = """
    import _thread, sys, time
    class config: GUARD = "irq+lock"
    sys.modules["boardmaps_config"] = config
    from boardmaps import *
    m = {make}
    keys = [bytes((n, 0, 0, 0)) for n in range(24)]
    counters = keys[:2]
    for key in counters:
        m.update(key, bytes(64))
    done = [0, 0]

    def uniform(value):
        return value == bytes(value[:1]) * 64

    def work(me):
        n = me + 1
        out = bytearray(64)
        for i in range({rounds}):
            m.add(counters[i & 1], 1, 8 * me, 8)
            n = n * 1103515245 + 12345 & 0xFFFFFF
            key = keys[2 + (n >> 8) % 22]
            what = n >> 4 & 3
            try:
                if what < 2:
                    m.update(key, bytes((n >> 16,)) * 64, what)
                elif what == 2:
                    assert not m.lookup_into(key, out) or uniform(out), bytes(out)
                else:
                    m.delete(key)
            except (KeyExists, KeyNotFound):
                pass
            if not i % 50:
                steps = 0
                for key, value in m.items():
                    steps += 1
                    assert steps <= 200, "the walk does not end"
                    assert key in counters or uniform(value), (key, value)
                cursor, steps = None, 0
                while True:
                    cursor, found, values = m.batch_lookup(cursor, 5)
                    steps += 1
                    assert steps <= 200, "the pages do not end"
                    for key, value in zip(found, values):
                        assert key in counters or uniform(value), (key, value)
                    if cursor is None:
                        break
        done[me] = 1

    _thread.start_new_thread(work, (1,))
    work(0)
    for _ in range(3000):
        if done[1]:
            break
        time.sleep_ms(10)
    assert done == [1, 1], done
    words = [m.lookup(key)[8 * me:8 * me + 8] for key in counters for me in (0, 1)]
    print(*[int.from_bytes(word, "little") for word in words], len(m) - len(list(m.keys())))
"""


@pytest.mark.parametrize("make", ["HashMap(4, 64, 24)", "ArrayMap(64, 24)"])
def test_adds_updates_lookups_deletes_and_walks(micropython: Run, make: str) -> None:
    rounds = 6000
    out = micropython(MIX.format(make=make, rounds=rounds), heap="4M")
    assert out.split() == [str(rounds // 2)] * 4 + ["0"]
